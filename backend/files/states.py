"""The life of an uploaded file 材料文件, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """How far it is. Only a ready file is ever shown to anybody."""

    RECEIVING = "receiving"
    CHECKING = "checking"
    READY = "ready"
    REFUSED = "refused"
    GONE = "gone"


class Event(StrEnum):
    """What can happen to it."""

    BEGIN = "begin"
    FINISH = "finish"
    ACCEPT = "accept"
    REFUSE = "refuse"
    REMOVE = "remove"


FILE: StateTable[State, Event] = StateTable(
    "file",
    {
        (State.RECEIVING, Event.FINISH): State.CHECKING,
        (State.RECEIVING, Event.REFUSE): State.REFUSED,
        (State.RECEIVING, Event.REMOVE): State.GONE,
        (State.CHECKING, Event.ACCEPT): State.READY,
        (State.CHECKING, Event.REFUSE): State.REFUSED,
        (State.CHECKING, Event.REMOVE): State.GONE,
        (State.READY, Event.REMOVE): State.GONE,
        (State.REFUSED, Event.REMOVE): State.GONE,
    },
    repeats=frozenset(
        {
            (State.CHECKING, Event.FINISH),
            (State.READY, Event.FINISH),
            (State.REFUSED, Event.FINISH),
            (State.GONE, Event.REMOVE),
        }
    ),
)
