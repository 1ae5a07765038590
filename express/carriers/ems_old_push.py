"""The tracking push of EMS's older platform (domain sheet §2.2): a form whose `dataDigest` covers `msgBody`."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from express.carriers.forms import text

RECEIVER, KIND = "JDPT", "XX_JDPT_TRACE"


def data_digest(plain: str, secret: str) -> str:
    """Base64 of MD5 over the text and the secret."""
    return base64.b64encode(hashlib.md5((plain + secret).encode(), usedforsecurity=False).digest()).decode()


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a push, nothing when it is no form."""
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=20))
    except ValueError:
        return {}


def traces(form: Mapping[str, str], secret: str) -> list[dict[str, Any]]:
    """The events, in the names of the present platform. Raises ValueError unless the digest is right."""
    body = form.get("msgBody", "")
    expected = data_digest(body, secret)
    if not secret or not hmac.compare_digest(expected.encode(), form.get("dataDigest", "").encode()):
        raise ValueError("digest")
    content = json.loads(body)
    found = content.get("traces") if isinstance(content, dict) else None
    # The older platform calls the waybill traceNo and has no number for an event.
    return [
        {**item, "waybillNo": text(item, "waybillNo") or text(item, "traceNo")}
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, dict)
    ]
