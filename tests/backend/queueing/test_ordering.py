"""Which ticket next, as a pure rule: a walk-in is never overtaken by anybody who is due later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import states
from backend.core.errors import InvalidTransition
from backend.queueing.ordering import Kind, Waiting, due_at, next_of, run_after
from backend.queueing.states import TICKET, Event, State

NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
A, CREDIT = timedelta(minutes=20), timedelta(minutes=10)


@pytest.mark.parametrize(("state", "event", "after"), states.matrix(TICKET, State, Event))
def test_every_step_of_a_ticket(state: State, event: Event, after: State | None) -> None:
    if after is None:
        with pytest.raises(InvalidTransition):
            TICKET.next(state, event)
    else:
        assert TICKET.next(state, event) is after


@pytest.mark.parametrize(
    ("arrived", "slot", "late", "green", "due"),
    [
        (-20, 0, False, False, 0),
        (10, 0, False, False, 10),
        (-20, 0, False, True, -20),
        (5, None, False, False, 25),
        (5, None, False, True, 5),
        (60, 0, True, False, 70),
        (60, 0, True, True, 60),
    ],
)
def test_due_times(arrived: int, slot: int | None, late: bool, green: bool, due: int) -> None:
    found = due_at(
        arrived=NINE + timedelta(minutes=arrived),
        slot_start=None if slot is None else NINE + timedelta(minutes=slot),
        late=late,
        green=green,
        allowance=A,
        late_credit=CREDIT,
    )
    assert found == NINE + timedelta(minutes=due)


ARRIVALS = st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 240), st.integers(1, 30)), min_size=1, max_size=60)


@given(arrivals=ARRIVALS, guard_every=st.integers(2, 5), pause=st.integers(0, 15))
def test_no_walk_in_is_overtaken_by_a_later_due_time(
    arrivals: list[tuple[Kind, int, int]], guard_every: int, pause: int
) -> None:
    """Any arrivals, any guard: who is due later is called later, but for a walk-in whom the guard lets go first."""
    everyone = [
        (Waiting(order, kind, NINE + timedelta(minutes=minute + (20 if kind is Kind.WALK_IN else wait))), minute)
        for order, (kind, minute, wait) in enumerate(arrivals)
    ]
    now, run, line, called = 0, 0, list[Any](), list[Any]()
    coming = sorted(everyone, key=lambda pair: pair[1])
    while coming or line:
        while coming and coming[0][1] <= now:
            line.append(coming.pop(0)[0])
        waits = any(ticket.kind is Kind.WALK_IN for ticket in line)
        found = next_of(line, booked_run=run, guard_every=guard_every)
        if found is not None:
            overtaken = [t for t in line if (t.due_at, t.order) < (found.due_at, found.order)]
            assert all(t.kind is Kind.BOOKED for t in overtaken)
            assert not overtaken or found.kind is Kind.WALK_IN
            run = run_after(found.kind, booked_run=run, walk_in_waits=waits)
            assert run < guard_every
            line.remove(found)
            called.append(found)
        now += 1 + pause
    assert len(called) == len(arrivals)
