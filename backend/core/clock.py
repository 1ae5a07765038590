"""The only source of "now". Aware UTC everywhere; Asia/Shanghai only at the edges."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The current instant, aware UTC."""
    return _source()


def today() -> date:
    """The civil date in Xiamen."""
    return now().astimezone(SHANGHAI).date()


def civil(instant: datetime) -> datetime:
    """An instant as Xiamen wall-clock time."""
    return instant.astimezone(SHANGHAI)


def instant(day: date, at: time) -> datetime:
    """Xiamen wall-clock date and time as aware UTC."""
    return datetime.combine(day, at, SHANGHAI).astimezone(UTC)


def rfc3339(at: datetime) -> str:
    """An instant as the API writes it: UTC with a final Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shift(seconds: int) -> None:
    """Let this process live that many seconds ahead of the system clock, for demonstrations."""
    replace((lambda: _system() + timedelta(seconds=seconds)) if seconds else None)


def replace(source: Callable[[], datetime] | None) -> None:
    """Use another source of time; None restores the system clock. For tests and simulators."""
    global _source
    _source = source or _system
