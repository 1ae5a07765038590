"""The life of a ticket 排队票, as data (appointments sheet §4)."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """Where the ticket is now."""

    WAITING = "waiting"
    WAITING_PRIORITY = "waiting_priority"
    CALLED = "called"
    SERVING = "serving"
    PASSED = "passed"
    PARKED = "parked"
    DONE = "done"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    CLOSED = "closed"
    CARRIED_OVER = "carried_over"


class Event(StrEnum):
    """What can happen to it."""

    TAKE = "take"
    CALL = "call"
    RECALL = "recall"
    ANSWER = "answer"
    MISS = "miss"
    RETURN = "return"
    PARK = "park"
    RESUME = "resume"
    SERVE_AGAIN = "serve_again"
    TRANSFER = "transfer"
    FINISH = "finish"
    GIVE_UP = "give_up"
    UNDO_CHECK_IN = "undo_check_in"
    CLOSE = "close"
    CARRY_OVER = "carry_over"


S, E = State, Event

OPEN = (S.WAITING, S.WAITING_PRIORITY, S.CALLED, S.SERVING, S.PASSED, S.PARKED)
"""States of a ticket whose holder may still be served today."""

IN_LINE = (S.WAITING, S.WAITING_PRIORITY)
AT_WINDOW = (S.CALLED, S.SERVING)

TICKET: StateTable[State, Event] = StateTable(
    "ticket",
    {
        (S.WAITING, E.CALL): S.CALLED,
        (S.WAITING, E.GIVE_UP): S.CANCELLED,
        (S.WAITING, E.UNDO_CHECK_IN): S.CANCELLED,
        (S.WAITING_PRIORITY, E.CALL): S.CALLED,
        (S.WAITING_PRIORITY, E.GIVE_UP): S.CANCELLED,
        (S.CALLED, E.RECALL): S.CALLED,
        (S.CALLED, E.ANSWER): S.SERVING,
        (S.CALLED, E.MISS): S.PASSED,
        (S.CALLED, E.TRANSFER): S.WAITING,
        (S.PASSED, E.RETURN): S.WAITING,
        (S.SERVING, E.PARK): S.PARKED,
        (S.SERVING, E.TRANSFER): S.WAITING,
        (S.SERVING, E.FINISH): S.DONE,
        (S.PARKED, E.RESUME): S.WAITING_PRIORITY,
        (S.PARKED, E.SERVE_AGAIN): S.SERVING,
        (S.PASSED, E.CLOSE): S.ABANDONED,
        **{(state, E.CLOSE): S.CLOSED for state in OPEN if state is not S.PASSED},
        **{(state, E.CARRY_OVER): S.CARRIED_OVER for state in OPEN},
    },
    repeats=frozenset({(S.CANCELLED, E.GIVE_UP), (S.DONE, E.FINISH)}),
)
"""At the end of the day an open ticket is closed, or carried over to the next day after an emergency."""
