"""A question to the hotline 12345 as we know it, as data. The hotline owns the ticket; `status` is its own word."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """Whether the hotline has it."""

    SENDING = "sending"
    TAKEN = "taken"
    REFUSED = "refused"


class Event(StrEnum):
    """What happens to it."""

    ASK = "ask"
    TAKE = "take"
    REFUSE = "refuse"


HOTLINE_TICKET: StateTable[State, Event] = StateTable(
    "hotline_ticket",
    {(State.SENDING, Event.TAKE): State.TAKEN, (State.SENDING, Event.REFUSE): State.REFUSED},
)
