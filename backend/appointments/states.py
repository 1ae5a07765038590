"""The life of an appointment 预约, as data. A hold 占号 is its first state (docs/decisions/0002)."""

from enum import StrEnum

from backend.core.states import StateTable


class State(StrEnum):
    """What the appointment is now."""

    HELD = "held"
    RELEASED = "released"
    AWAITING_PAYMENT = "awaiting_payment"
    PAYMENT_EXPIRED = "payment_expired"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    CANCELLED_LATE = "cancelled_late"
    HALL_CANCELLED = "hall_cancelled"
    CHECKED_IN = "checked_in"
    NO_SHOW = "no_show"
    EXCUSED = "excused"
    FULFILLED = "fulfilled"
    LEFT = "left"


class Event(StrEnum):
    """What can happen to it."""

    HOLD = "hold"
    RELEASE = "release"
    CONFIRM = "confirm"
    CONFIRM_UNPAID = "confirm_unpaid"
    PAID = "paid"
    PAYMENT_DEADLINE = "payment_deadline"
    NO_PLACE_LEFT = "no_place_left"
    REFUNDED = "refunded"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    CANCEL_LATE = "cancel_late"
    HALL_CLOSES = "hall_closes"
    CHECK_IN = "check_in"
    UNDO_CHECK_IN = "undo_check_in"
    UNDO_TO_NO_SHOW = "undo_to_no_show"
    UNDO_TO_EXCUSED = "undo_to_excused"
    MISS = "miss"
    ARRIVE_LATE = "arrive_late"
    EXCUSE = "excuse"
    FINISH = "finish"
    LEAVE = "leave"


S, E = State, Event

APPOINTMENT: StateTable[State, Event] = StateTable(
    "appointment",
    {
        (S.HELD, E.RELEASE): S.RELEASED,
        (S.HELD, E.CONFIRM): S.BOOKED,
        (S.HELD, E.CONFIRM_UNPAID): S.AWAITING_PAYMENT,
        (S.AWAITING_PAYMENT, E.PAID): S.BOOKED,
        (S.AWAITING_PAYMENT, E.PAYMENT_DEADLINE): S.PAYMENT_EXPIRED,
        (S.PAYMENT_EXPIRED, E.PAID): S.BOOKED,
        (S.PAYMENT_EXPIRED, E.NO_PLACE_LEFT): S.REFUNDING,
        (S.REFUNDING, E.REFUNDED): S.REFUNDED,
        (S.BOOKED, E.RESCHEDULE): S.RESCHEDULED,
        (S.BOOKED, E.CANCEL): S.CANCELLED,
        (S.BOOKED, E.CANCEL_LATE): S.CANCELLED_LATE,
        (S.BOOKED, E.HALL_CLOSES): S.HALL_CANCELLED,
        (S.BOOKED, E.CHECK_IN): S.CHECKED_IN,
        (S.BOOKED, E.MISS): S.NO_SHOW,
        (S.CHECKED_IN, E.UNDO_CHECK_IN): S.BOOKED,
        (S.CHECKED_IN, E.UNDO_TO_NO_SHOW): S.NO_SHOW,
        (S.CHECKED_IN, E.UNDO_TO_EXCUSED): S.EXCUSED,
        (S.CHECKED_IN, E.FINISH): S.FULFILLED,
        (S.CHECKED_IN, E.LEAVE): S.LEFT,
        (S.NO_SHOW, E.ARRIVE_LATE): S.CHECKED_IN,
        (S.NO_SHOW, E.EXCUSE): S.EXCUSED,
        (S.EXCUSED, E.ARRIVE_LATE): S.CHECKED_IN,
    },
    repeats=frozenset(
        {
            (S.RELEASED, E.RELEASE),
            (S.CANCELLED, E.CANCEL),
            (S.HALL_CANCELLED, E.HALL_CLOSES),
            (S.NO_SHOW, E.MISS),
        }
    ),
)
"""Steps of appointments sheet §4; everything else is refused."""

OPEN = (State.BOOKED, State.CHECKED_IN)
"""States a person sees as "coming up"."""
