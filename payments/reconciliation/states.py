"""The lives of a reconciled day and of a difference 对账差异, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class DayState(StrEnum):
    """How far the reconciliation of a day is."""

    OPEN = "open"
    COMPARED = "compared"
    CLOSED = "closed"


class DayEvent(StrEnum):
    """What can happen to a day. REOPEN: a later book showed a difference that belongs to it."""

    BEGIN = "begin"
    COMPARE = "compare"
    CLOSE = "close"
    REOPEN = "reopen"


class DifferenceState(StrEnum):
    """Whether somebody still has to look at it. CARRIED: known and explained, but not over."""

    OPEN = "open"
    CARRIED = "carried"
    CLOSED = "closed"


class DifferenceEvent(StrEnum):
    """What can happen to a difference. VANISH and REAPPEAR come from comparing again."""

    FIND = "find"
    CARRY = "carry"
    CLOSE = "close"
    VANISH = "vanish"
    REAPPEAR = "reappear"


D, F = DayState, DifferenceState

RECON_DAY: StateTable[DayState, DayEvent] = StateTable(
    "recon_day",
    {
        (D.OPEN, DayEvent.COMPARE): D.COMPARED,
        (D.COMPARED, DayEvent.CLOSE): D.CLOSED,
        (D.CLOSED, DayEvent.REOPEN): D.COMPARED,
    },
    repeats=frozenset({(D.COMPARED, DayEvent.COMPARE), (D.CLOSED, DayEvent.COMPARE), (D.CLOSED, DayEvent.CLOSE)}),
)

RECON_DIFFERENCE: StateTable[DifferenceState, DifferenceEvent] = StateTable(
    "recon_difference",
    {
        (F.OPEN, DifferenceEvent.CARRY): F.CARRIED,
        (F.OPEN, DifferenceEvent.CLOSE): F.CLOSED,
        (F.OPEN, DifferenceEvent.VANISH): F.CLOSED,
        (F.CARRIED, DifferenceEvent.CLOSE): F.CLOSED,
        (F.CARRIED, DifferenceEvent.VANISH): F.CLOSED,
        (F.CLOSED, DifferenceEvent.REAPPEAR): F.OPEN,
    },
    repeats=frozenset({(F.CLOSED, DifferenceEvent.CLOSE), (F.CLOSED, DifferenceEvent.VANISH)}),
)
