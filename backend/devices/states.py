"""The life of a device 自助设备, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """Whether its signatures count."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"


class Event(StrEnum):
    """What can happen to it."""

    ADD = "add"
    ENROL = "enrol"
    REVOKE = "revoke"


DEVICE: StateTable[State, Event] = StateTable(
    "device",
    {
        (State.PENDING, Event.ENROL): State.ACTIVE,
        (State.PENDING, Event.REVOKE): State.REVOKED,
        (State.ACTIVE, Event.REVOKE): State.REVOKED,
    },
    repeats=frozenset({(State.REVOKED, Event.REVOKE)}),
)
