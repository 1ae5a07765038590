"""The province's platform: what it can be told, and its adapter by signed JSON over HTTP."""

from functools import lru_cache
from typing import Protocol

from backend.core import clock
from backend.core.config import Settings, parse_keys
from backend.core.errors import ProviderProtocolError
from backend.core.office import Office as Line
from backend.province.service import Push

PROVIDER = "province"


class Platform(Protocol):
    """Takes rows."""

    def push(self, row: Push) -> str:
        """Hand one row over; gives the platform's receipt. The same serial again is the same row.

        Raises ProviderUnavailable, ProviderRejected, ProviderProtocolError.
        """
        ...


class HttpPlatform:
    """The one adapter built."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def push(self, row: Push) -> str:
        answer = self._line.ask(
            "feed/push",
            serial=row.serial,
            subject=row.subject_id,
            position=row.position,
            kind=row.kind,
            happened_at=clock.rfc3339(row.happened_at),
            payload=row.payload,
        )
        if answer.get("serial") != row.serial:
            raise ProviderProtocolError(PROVIDER, "serial")
        return self._line.text(answer, "receipt")


@lru_cache(maxsize=2)
def from_settings(settings: Settings) -> Platform | None:
    """The platform, or None while PROVINCE_BASE is empty: then rows wait until it is joined."""
    if not settings.province_base:
        return None
    keys = parse_keys("PROVINCE_KEYS", settings.province_keys)
    offset_s = settings.clock_offset_s
    return HttpPlatform(Line(PROVIDER, settings.province_base, settings.province_app, keys, offset_s=offset_s))
