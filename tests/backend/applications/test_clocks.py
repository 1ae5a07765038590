"""The clocks: vectors of domain sheet §3.4, the day-by-day reference, colours."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.applications import clocks
from backend.applications.clocks import Colour, Pause
from backend.seed import data

VECTORS = (
    ("2018-09-27", 5, "2018-10-09"),
    ("2018-09-29", 20, "2018-11-01"),
    ("2025-09-26", 10, "2025-10-16"),
    ("2025-12-31", 3, "2026-01-06"),
    ("2026-02-13", 5, "2026-02-27"),
    ("2026-09-30", 1, "2026-10-08"),
)


def special_days() -> dict[date, bool]:
    """Holidays on weekdays and make-up workdays of the loaded years, straight from the data file."""
    found: dict[date, bool] = {}
    for year in data.read("calendar.toml").values():
        for days in year["holidays"].values():
            found |= {day: False for day in days}
        found |= {day: True for day in year["workdays"]}
    return found


DAYS = special_days()


def works(day: date) -> bool:
    return DAYS.get(day, day.isoweekday() <= 5)


@pytest.mark.parametrize(("start", "count", "end"), VECTORS)
def test_the_vectors_of_the_sheet(start: str, count: int, end: str) -> None:
    assert clocks.nth_workday(works, date.fromisoformat(start), count) == date.fromisoformat(end)
    assert clocks.marks(works, date.fromisoformat(start), count).due_on == date.fromisoformat(end)


def reference(accepted: date, days: int, pauses: list[Pause]) -> tuple[list[date], date]:
    """Day by day, as a clerk with a calendar would count: the days that counted, and the last of the limit."""
    counted: list[date] = []
    day, left = accepted, [pause.most for pause in pauses]
    while len(counted) < days:
        day += timedelta(days=1)
        if not works(day):
            continue
        paused = False
        for number, pause in enumerate(pauses):
            running = day > pause.began and (pause.ended is None or day <= pause.ended) and left[number] > 0
            if running:
                left[number] -= 1
                paused = True
        if not paused:
            counted.append(day)
    return counted, day


@st.composite
def histories(draw: st.DrawFn) -> tuple[date, int, list[Pause], date]:
    accepted = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 150)))
    day, pauses = accepted, []
    for _ in range(draw(st.integers(0, 3))):
        began = day + timedelta(days=draw(st.integers(0, 15)))
        ended = began + timedelta(days=draw(st.integers(0, 25)))
        pauses.append(Pause(began, ended, draw(st.integers(1, 15))))
        day = ended + timedelta(days=1)
    if draw(st.booleans()):
        pauses.append(Pause(day, None, draw(st.integers(1, 15))))
    return accepted, draw(st.integers(1, 45)), pauses, accepted + timedelta(days=draw(st.integers(0, 120)))


@settings(max_examples=300, deadline=None)
@given(histories())
def test_the_clock_agrees_with_a_count_day_by_day(history: tuple[date, int, list[Pause], date]) -> None:
    accepted, days, pauses, today = history
    counted, due = reference(accepted, days, pauses)
    found = clocks.marks(works, accepted, days, pauses)
    assert found.due_on == due
    assert found.half_on == counted[-(-days // 2) - 1]
    assert found.eighty_on == counted[-(-days * 4 // 5) - 1]
    closed = [pause for pause in pauses if pause.ended is not None]
    all_counted, _ = reference(accepted, 200, closed)
    used = clocks.days_used(works, accepted, today, closed)
    assert used == sum(1 for day in all_counted if day <= today)
    shade = clocks.colour(clocks.marks(works, accepted, days, closed), today)
    share = used * 100
    expected = Colour.RED if used > days else Colour.ORANGE if share >= 80 * days else None
    expected = expected or (Colour.YELLOW if share >= 50 * days else Colour.GREEN)
    late = today > clocks.marks(works, accepted, days, closed).due_on
    assert shade == (Colour.RED if late else expected)


def test_a_step_stops_the_clock_for_at_most_its_days() -> None:
    accepted, began = date(2026, 11, 2), date(2026, 11, 5)
    plain = clocks.marks(works, accepted, 20).due_on
    forever = clocks.marks(works, accepted, 20, [Pause(began, None, 5)]).due_on
    overstayed = clocks.marks(works, accepted, 20, [Pause(began, date(2026, 12, 4), 5)]).due_on
    short = clocks.marks(works, accepted, 20, [Pause(began, date(2026, 11, 6), 5)]).due_on
    assert (plain, short, forever, overstayed) == (
        date(2026, 11, 30),
        date(2026, 12, 1),
        date(2026, 12, 7),
        date(2026, 12, 7),
    )
    assert clocks.last_paused_day(works, Pause(began, None, 5)) == date(2026, 11, 12)


def test_counting_starts_the_day_after_acceptance() -> None:
    friday = date(2026, 11, 20)
    assert clocks.days_used(works, friday, friday) == 0
    assert clocks.days_used(works, friday, date(2026, 11, 22)) == 0
    assert clocks.days_used(works, friday, date(2026, 11, 23)) == 1


def test_a_calendar_without_workdays_is_an_error_and_no_endless_search() -> None:
    with pytest.raises(ValueError, match="without working days"):
        clocks.nth_workday(lambda _: False, date(2026, 1, 1), 1)
