"""The verdict at the gate, by state, place and time."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.appointments.checkin import USED, Verdict, decide
from backend.appointments.states import State

START = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
V = Verdict


def verdict(minutes: float = 0, *, state: State = State.BOOKED, hall: str = "XM", identified: bool = True) -> Verdict:
    now = START + timedelta(minutes=minutes)
    return decide(
        state=state,
        appointment_hall="XM",
        appointment_day=START.date(),
        check_in_from=START - timedelta(minutes=30),
        check_in_until=START + timedelta(minutes=30),
        hall=hall,
        today=now.date(),
        now=now,
        identified=identified,
    )


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(-31, V.EARLY), (-30, V.ON_TIME), (30, V.ON_TIME), (30.1, V.LATE), (400, V.LATE), (1440, V.WRONG_DAY)],
)
def test_time_decides(minutes: float, expected: Verdict) -> None:
    assert verdict(minutes) is expected


def test_place_and_identity_decide() -> None:
    assert verdict(hall="HC") is V.WRONG_HALL
    assert verdict(identified=False) is V.CHECK_IDENTITY
    assert verdict(100, state=State.NO_SHOW) is V.LATE


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_verdict(state: State) -> None:
    late = {State.NO_SHOW, State.EXCUSED}
    expected = V.ALREADY_USED if state in USED else V.LATE if state in late else V.CANCELLED
    assert verdict(state=state) is (V.ON_TIME if state is State.BOOKED else expected)
