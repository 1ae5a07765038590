"""The hotline 12345: what it can be asked, and its adapter by signed JSON over HTTP."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from backend.core.config import Settings, parse_keys
from backend.core.errors import ProviderProtocolError
from backend.core.office import Office as Line

PROVIDER = "hotline"
STATUSES = frozenset({"accepted", "assigned", "answered", "closed"})


@dataclass(frozen=True)
class Order:
    """A question to hand over. Sent again with the same `request_no`, it is the same ticket."""

    request_no: str
    category: str
    stage: str
    case_ref: str
    text: str


@dataclass(frozen=True)
class Taken:
    """The ticket's number, and the code that shows it."""

    serial: str
    query_code: str


@dataclass(frozen=True)
class Standing:
    """How a ticket stands."""

    status: str
    reply: str


class Hotline(Protocol):
    """Both calls raise ProviderUnavailable, ProviderRejected and ProviderProtocolError."""

    def create(self, order: Order) -> Taken:
        """Hand a question over. ProviderRejected means the hotline does not take such questions."""
        ...

    def query(self, taken: Taken) -> Standing:
        """How it stands."""
        ...


class HttpHotline:
    """The one adapter built."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def create(self, order: Order) -> Taken:
        answer = self._line.ask(
            "tickets/create",
            request_no=order.request_no,
            category=order.category,
            stage=order.stage,
            case_ref=order.case_ref,
            text=order.text,
        )
        return Taken(self._line.text(answer, "serial"), self._line.text(answer, "query_code"))

    def query(self, taken: Taken) -> Standing:
        answer = self._line.ask("tickets/query", serial=taken.serial, query_code=taken.query_code)
        status, reply = self._line.text(answer, "status"), answer.get("reply")
        if answer.get("serial") != taken.serial or status not in STATUSES or not isinstance(reply, str):
            raise ProviderProtocolError(PROVIDER, "status")
        return Standing(status, reply)


@lru_cache(maxsize=2)
def from_settings(settings: Settings) -> Hotline | None:
    """The hotline, or None while HOTLINE_BASE is empty."""
    if not settings.hotline_base:
        return None
    keys = parse_keys("HOTLINE_KEYS", settings.hotline_keys)
    return HttpHotline(
        Line(PROVIDER, settings.hotline_base, settings.hotline_app, keys, offset_s=settings.clock_offset_s)
    )
