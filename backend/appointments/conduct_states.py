"""The life of a conduct mark 守约记录, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class MarkState(StrEnum):
    """Whether the mark counts, and why it no longer does."""

    COUNTS = "counts"
    APPEALED = "appealed"
    UPHELD = "upheld"
    FORGIVEN = "forgiven"
    CAME_LATE = "came_late"
    HALL_CAUSED = "hall_caused"


class MarkEvent(StrEnum):
    """What can happen to it."""

    MARK = "mark"
    APPEAL = "appeal"
    ACCEPT = "accept"
    REJECT = "reject"
    COME_LATE = "come_late"
    UNDO_COME_LATE = "undo_come_late"
    BLAME_HALL = "blame_hall"


M, E = MarkState, MarkEvent

MARK: StateTable[MarkState, MarkEvent] = StateTable(
    "conduct_mark",
    {
        (M.COUNTS, E.APPEAL): M.APPEALED,
        (M.APPEALED, E.ACCEPT): M.FORGIVEN,
        (M.APPEALED, E.REJECT): M.UPHELD,
        (M.COUNTS, E.COME_LATE): M.CAME_LATE,
        (M.APPEALED, E.COME_LATE): M.CAME_LATE,
        (M.UPHELD, E.COME_LATE): M.CAME_LATE,
        (M.CAME_LATE, E.UNDO_COME_LATE): M.COUNTS,
        (M.COUNTS, E.BLAME_HALL): M.HALL_CAUSED,
        (M.APPEALED, E.BLAME_HALL): M.HALL_CAUSED,
        (M.UPHELD, E.BLAME_HALL): M.HALL_CAUSED,
    },
    repeats=frozenset({(M.FORGIVEN, E.COME_LATE), (M.HALL_CAUSED, E.COME_LATE), (M.CAME_LATE, E.COME_LATE)}),
)
"""An open appeal still counts: otherwise appealing would lift every pause at once."""

COUNTING = (M.COUNTS, M.APPEALED, M.UPHELD)
