"""A question to 厦门市信用信息共享平台, as data. What it answers is advice to staff and decides nothing."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """What came of it. AWAY: the platform did not answer; the case goes on without it."""

    ASKED = "asked"
    CLEAR = "clear"
    HIT = "hit"
    AWAY = "away"


class Event(StrEnum):
    """What happens to it."""

    ASK = "ask"
    FIND_NONE = "find_none"
    FIND = "find"
    GIVE_UP = "give_up"


CREDIT_CHECK: StateTable[State, Event] = StateTable(
    "credit_check",
    {
        (State.ASKED, Event.FIND_NONE): State.CLEAR,
        (State.ASKED, Event.FIND): State.HIT,
        (State.ASKED, Event.GIVE_UP): State.AWAY,
        (State.AWAY, Event.ASK): State.ASKED,
    },
    repeats=frozenset({(State.ASKED, Event.ASK)}),
)
