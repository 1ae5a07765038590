"""What the gate answers to a code: a pure decision over the appointment, the hall and the clock."""

from datetime import date, datetime
from enum import StrEnum

from backend.appointments.states import State


class Verdict(StrEnum):
    """The answer shown to staff in words, colour and sound."""

    ON_TIME = "on_time"
    LATE = "late"
    EARLY = "early"
    WRONG_HALL = "wrong_hall"
    WRONG_DAY = "wrong_day"
    ALREADY_USED = "already_used"
    CANCELLED = "cancelled"
    FORGED = "forged"
    UNKNOWN = "unknown"
    CHECK_IDENTITY = "check_identity"


ADMITTED = frozenset({Verdict.ON_TIME, Verdict.LATE})
USED = frozenset({State.CHECKED_IN, State.FULFILLED, State.LEFT})
EXPECTED = frozenset({State.BOOKED, State.NO_SHOW, State.EXCUSED})


def decide(
    *,
    state: State,
    appointment_hall: str,
    appointment_day: date,
    check_in_from: datetime,
    check_in_until: datetime,
    hall: str,
    today: date,
    now: datetime,
    identified: bool,
) -> Verdict:
    """The verdict on a genuine code.

    `identified` means a fresh rotating part, or staff compared the masked name and last four. Late lasts until
    closing: an arrival the same day is never refused, it joins as a walk-in with a time credit and a no-show
    is cleared.
    """
    if state in USED:
        return Verdict.ALREADY_USED
    if state not in EXPECTED:
        return Verdict.CANCELLED
    if appointment_hall != hall:
        return Verdict.WRONG_HALL
    if appointment_day != today:
        return Verdict.WRONG_DAY
    if now < check_in_from:
        return Verdict.EARLY
    if not identified:
        return Verdict.CHECK_IDENTITY
    on_time = state is State.BOOKED and now <= check_in_until
    return Verdict.ON_TIME if on_time else Verdict.LATE
