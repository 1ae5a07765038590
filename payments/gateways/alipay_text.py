"""How Alipay writes money and time: yuan with two decimals, and Beijing's clock without saying so."""

import re
from datetime import UTC, datetime

from backend.core.clock import SHANGHAI

_YUAN = re.compile(r"(-?)([0-9]{1,10})(?:\.([0-9]{1,2}))?")
_TIME_LENGTH = len("2026-01-01 00:00:00")


def yuan(fen: int) -> str:
    """Fen as Alipay's text, by integers alone: 1 → `0.01`. Raises ValueError unless positive, TypeError for a float."""
    if type(fen) is not int:
        raise TypeError("money is integer fen")
    if fen <= 0:
        raise ValueError("an amount is positive")
    return f"{fen // 100}.{fen % 100:02d}"


def fen(text: str) -> int:
    """Alipay's yuan as fen; may be negative. Raises ValueError for anything but ASCII digits and one point."""
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueError("not an amount in yuan")
    sign, whole, part = match.groups()
    amount = int(whole) * 100 + int((part or "0").ljust(2, "0"))
    return -amount if sign else amount


def beijing(at: datetime) -> str:
    """An instant as Alipay writes it."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def instant(text: str) -> datetime:
    """Alipay's time as aware UTC; a fraction of a second is dropped. Raises ValueError."""
    if not text.isascii():
        raise ValueError("not a time")
    at = datetime.strptime(text[:_TIME_LENGTH], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the zone is Beijing's, always
    return at.replace(tzinfo=SHANGHAI).astimezone(UTC)
