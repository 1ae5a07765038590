"""Yuan text ↔ integer fen, by Decimal and at the edges only (money rule M1)."""

import re
from decimal import Decimal

_YUAN = re.compile(r"(0|[1-9][0-9]{0,8})\.[0-9]{2}")


class NotAnAmount(ValueError):
    """The text is not an amount in yuan with exactly two decimals."""


def to_fen(yuan: str) -> int:
    """`19.99` → 1999. ASCII digits and two places only: `0.1`, `1e2`, `１２` and signs raise NotAnAmount."""
    if not _YUAN.fullmatch(yuan):
        raise NotAnAmount(yuan)
    return int(Decimal(yuan) * 100)


def to_yuan(fen: int) -> str:
    """1999 → `19.99`."""
    return f"{Decimal(fen) / 100:.2f}"


def item_fee(standard_fen: int, quantity: int, *, overdue_fen: int = 0, penalty_fen: int = 0, less_fen: int = 0) -> int:
    """Standard × quantity with what is added and less what was remitted (money rule M2)."""
    return standard_fen * quantity + overdue_fen + penalty_fen - less_fen


def late_charge(base_fen: int, days: int, *, day_bp: int, cap_percent: int) -> int:
    """What is added to a sum paid so many days late: `day_bp` hundredths of a percent a day, up to the cap (M7, M8)."""
    return min(base_fen * day_bp * max(days, 0) // 10_000, base_fen * cap_percent // 100)


def shares(fees_fen: list[int], before_fen: int, amount_fen: int) -> list[int]:
    """How a refund is taken from a bill's items, in their order, when `before_fen` went back already.

    Every fen comes from one item, and a bill refunded in parts is refunded exactly.
    """
    taken, start = [], 0
    for fee in fees_fen:
        low, high = max(before_fen, start), min(before_fen + amount_fen, start + fee)
        taken.append(max(high - low, 0))
        start += fee
    return taken
