"""厦门市信用信息共享平台: what it can be asked, and its adapter by signed JSON over HTTP."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Protocol

from backend.core.config import Settings, parse_keys
from backend.core.errors import ProviderProtocolError
from backend.core.office import Office as Line

PROVIDER = "credit"


@dataclass(frozen=True)
class Question:
    """Who is asked about, for which case and purpose. `kind` is person or organisation."""

    request_no: str
    kind: str
    name: str
    number: str
    item_code: str
    case_ref: str
    purpose: str


@dataclass(frozen=True)
class Record:
    """One record: what it is, who holds it and why, since when, and where to object to it."""

    kind: str
    issuer: str
    reason: str
    since: date
    appeal: str


class Platform(Protocol):
    """Answers questions."""

    def query(self, question: Question) -> tuple[Record, ...]:
        """The records in force; none is a good answer.

        Raises ProviderUnavailable, ProviderRejected, ProviderProtocolError.
        """
        ...


class HttpPlatform:
    """The one adapter built."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def query(self, question: Question) -> tuple[Record, ...]:
        answer = self._line.ask(
            "records/query",
            request_no=question.request_no,
            kind=question.kind,
            name=question.name,
            number=question.number,
            item_code=question.item_code,
            case_ref=question.case_ref,
            purpose=question.purpose,
        )
        records = answer.get("records")
        if answer.get("request_no") != question.request_no or not isinstance(records, list):
            raise ProviderProtocolError(PROVIDER, "records")
        return tuple(self._record(row) for row in records)

    def _record(self, row: object) -> Record:
        if not isinstance(row, dict):
            raise ProviderProtocolError(PROVIDER, "record")
        since = self._line.day_or_none(row, "since")
        if since is None:
            raise ProviderProtocolError(PROVIDER, "since")
        kind, issuer, reason, appeal = (self._line.text(row, name) for name in ("kind", "issuer", "reason", "appeal"))
        return Record(kind, issuer, reason, since, appeal)


@lru_cache(maxsize=2)
def from_settings(settings: Settings) -> Platform | None:
    """The platform, or None while CREDIT_BASE is empty."""
    if not settings.credit_base:
        return None
    keys = parse_keys("CREDIT_KEYS", settings.credit_keys)
    return HttpPlatform(
        Line(PROVIDER, settings.credit_base, settings.credit_app, keys, offset_s=settings.clock_offset_s)
    )
