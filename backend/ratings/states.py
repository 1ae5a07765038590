"""The life of a follow-up 整改 that a bad rating opens, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """What has become of it."""

    OPEN = "open"
    ANSWERED = "answered"
    VOIDED = "voided"


class Event(StrEnum):
    """What can happen to it."""

    START = "start"
    ANSWER = "answer"
    VOID = "void"


FOLLOW_UP: StateTable[State, Event] = StateTable(
    "rating_follow_up",
    {
        (State.OPEN, Event.ANSWER): State.ANSWERED,
        (State.OPEN, Event.VOID): State.VOIDED,
        (State.ANSWERED, Event.VOID): State.VOIDED,
    },
)
