"""Structured logs: one JSON line an event, with the request id, without personal data (reliability S20)."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from backend.core import context

_LONG_NUMBER = re.compile(r"\d{11}")
"""Neither an id number nor a phone number stands in a text without one; most lines of the access log have none."""

_ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_SECRET = re.compile(r"(?i)\b(access_token|secret|code|token|sign)=[^&\s\"']+")
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def redact(text: str) -> str:
    """Mask id numbers, phone numbers and credentials wherever they stand."""
    if _LONG_NUMBER.search(text):
        text = _PHONE.sub("[phone]", _ID_NUMBER.sub("[id]", text))
    return _SECRET.sub(r"\1=[hidden]", text) if "=" in text else text


class JsonFormatter(logging.Formatter):
    """Static event name in `event`, everything else in fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            "request_id": context.request_id.get(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return redact(_ENCODE(line))


def configure(level: str) -> None:
    """Send every log of this process to standard error as JSON."""
    # Nothing prints caller, thread or process: do not look them up for every line (the manual's "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
