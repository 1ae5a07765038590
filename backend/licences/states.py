"""What becomes of a question to the licence library or e证明, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """Only what was found can stand for a material; everything else says: upload it."""

    REQUESTED = "requested"
    FOUND = "found"
    NOT_FOUND = "not_found"
    MISMATCH = "mismatch"
    EXPIRED = "expired"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


class Event(StrEnum):
    """What the office said."""

    ASK = "ask"
    FIND = "find"
    FIND_NONE = "find_none"
    DIFFER = "differ"
    FIND_EXPIRED = "find_expired"
    FIND_INVALID = "find_invalid"
    FAIL = "fail"


LICENCE_FETCH: StateTable[State, Event] = StateTable(
    "licence_fetch",
    {
        (State.REQUESTED, Event.FIND): State.FOUND,
        (State.REQUESTED, Event.FIND_NONE): State.NOT_FOUND,
        (State.REQUESTED, Event.DIFFER): State.MISMATCH,
        (State.REQUESTED, Event.FIND_EXPIRED): State.EXPIRED,
        (State.REQUESTED, Event.FIND_INVALID): State.INVALID,
        (State.REQUESTED, Event.FAIL): State.UNAVAILABLE,
    },
)
