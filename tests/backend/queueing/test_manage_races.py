"""Leads who act at once, with real processes: settings tell one story, and a number moves to the next day once."""

from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import func, select

from backend import doctor
from backend.core import clock, db
from backend.core.audit import AuditEvent
from backend.core.config import Settings
from backend.core.errors import Busy
from backend.queueing import closing
from backend.queueing.models import Ticket
from backend.queueing.policy import change_policy, policy_for, policy_values
from backend.queueing.states import State
from tests.backend.appointments import racers
from tests.backend.appointments.test_races import PROCESSES, arena
from tests.backend.queueing import entrants

__all__ = ["arena"]

NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
CHANGES, TICKETS = 10, 40


def change_all(settings: Settings, number: int) -> Counter[str]:
    """One lead's changes, each to another value."""
    racers.connect(settings)
    for turn in range(CHANGES):
        with db.transaction() as session:
            values = {"return_after": (number + turn) % 11, "guard_every": 2 + (number + turn) % 4}
            change_policy(session, hall_code="XM", values=values, reason="race", actor=f"staff:{number}")
    return Counter({"changed": CHANGES})


def carry_all(settings: Settings) -> Counter[str]:
    """An impatient lead: the same press again and again, until one finds nothing left."""
    racers.connect(settings)
    clock.replace(lambda: NINE)

    @db.retrying
    def once() -> int:
        with racers.answering(), db.transaction() as session:
            return len(closing.carry_over(session, hall_code="XM", actor="staff:race", reason="火警"))

    moved = 0
    for _ in range(racers.TRIES):
        try:
            made = once()
        except Busy:
            continue
        moved += made
        if made == 0:
            return Counter({"moved": moved})
    raise AssertionError("always busy, or always something to move")


def test_settings_that_change_at_once_tell_one_story(arena) -> None:  # noqa: F811
    settings, _ = arena
    outcome = racers.race(change_all, [(settings, number) for number in range(PROCESSES)])
    assert outcome == {"changed": CHANGES * PROCESSES}
    with db.reading() as session:
        told = session.scalars(
            select(AuditEvent.data).where(AuditEvent.action == "hall.queue_policy_changed").order_by(AuditEvent.id)
        ).all()
        assert len(told) == CHANGES * PROCESSES
        for earlier, later in zip(told, told[1:], strict=False):
            assert earlier is not None
            assert later is not None
            assert later["before"] == earlier["after"]
        assert told[-1] is not None
        assert policy_values(policy_for(session, "XM")) == told[-1]["after"]
    assert doctor.examine() == []


def test_every_number_moves_to_the_next_day_once(arena) -> None:  # noqa: F811
    settings, _ = arena
    racers.race(entrants.take_all, [(settings, NINE, TICKETS // PROCESSES)] * PROCESSES)
    assert racers.race(carry_all, [(settings,)] * PROCESSES) == {"moved": TICKETS}
    with db.reading() as session:
        counts = session.execute(select(Ticket.state, func.count()).group_by(Ticket.state))
        assert {state: count for state, count in counts} == {State.CARRIED_OVER: TICKETS, State.WAITING: TICKETS}
        numbers = session.scalars(select(Ticket.seq).where(Ticket.state == State.WAITING).order_by(Ticket.seq)).all()
    assert list(numbers) == list(range(1, TICKETS + 1))
    assert doctor.examine() == []
