"""Days in a hall, simulated with the product's own calling order: the report's promises hold, and it can fail."""

import os

import pytest

from backend.queueing import ordering
from backend.queueing.ordering import Waiting
from scripts import simulate_queue

DAYS = 300 * int(os.environ.get("RACE_SCALE", "1"))


def test_no_walk_in_is_overtaken_on_any_day() -> None:
    found = simulate_queue.simulate(DAYS, seed=138)
    assert found.calls > 100 * DAYS
    assert (found.overtaken, found.guard_broken) == (0, 0)
    assert all(len(waits) > DAYS / 10 for waits in found.waits.values())


def test_the_same_seed_is_the_same_day() -> None:
    assert simulate_queue.report(5, seed=1) == simulate_queue.report(5, seed=1)
    assert simulate_queue.report(5, seed=1) != simulate_queue.report(5, seed=2)


def test_an_order_that_favours_appointments_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def appointments_first(line: list[Waiting], *, booked_run: int, guard_every: int) -> Waiting | None:
        return min(line, key=lambda ticket: (ticket.kind is ordering.Kind.WALK_IN, ticket.due_at), default=None)

    monkeypatch.setattr(ordering, "next_of", appointments_first)
    found = simulate_queue.simulate(60, seed=1)
    assert found.overtaken > 0
    assert found.guard_broken > 0
