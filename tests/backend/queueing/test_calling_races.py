"""Windows call at once, with real processes: every ticket is called once, whoever dies on the way."""

import os
import signal
from collections import Counter
from datetime import UTC, datetime
from time import sleep
from uuid import UUID

import pytest
from sqlalchemy import func, select

from backend import doctor
from backend.core import clock, db
from backend.core.config import Settings
from backend.identity.models import Staff
from backend.queueing.models import Call, Ticket, WindowSession
from backend.queueing.states import State
from tests.backend.appointments import racers
from tests.backend.appointments.test_races import PROCESSES, SCALE, arena
from tests.backend.queueing import entrants
from tests.processes import processes

__all__ = ["arena"]

Arena = tuple[Settings, list[UUID]]
NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
TICKETS = 500 if SCALE > 1 else 120
SEATS = 12 if SCALE > 1 else 5
"""Windows of one process: four times twelve and two more, or a smaller hall in CI."""


def sit_down(count: int) -> list[UUID]:
    """That many members of staff, each at a window of the passport queue: more than the seeded hall has."""
    with db.transaction() as session:
        staff = [
            Staff(username=f"clerk-{n}", display_name="窗口", password_hash="", totp_secret=b"") for n in range(count)
        ]
        session.add_all(staff)
        session.flush()
        session.add_all(
            WindowSession(
                hall_code="XM", window=number, staff_id=one.id, categories=["exit-entry"], opened_at=clock.now()
            )
            for number, one in enumerate(staff, 1)
        )
        return [one.id for one in staff]


def take_numbers(settings: Settings) -> None:
    taken = racers.race(entrants.take_all, [(settings, NINE, TICKETS // PROCESSES)] * PROCESSES)
    assert set(taken.values()) == {1}
    assert sorted(int(number[-3:]) for number in taken) == list(range(1, TICKETS + 1))


def test_every_ticket_is_called_once(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    take_numbers(settings)
    staff = sit_down(PROCESSES * SEATS + 2)
    shares = [staff[number::PROCESSES] for number in range(PROCESSES)]
    called = racers.race(entrants.work_windows, [(settings, NINE, share) for share in shares])
    assert len(called) == TICKETS
    assert set(called.values()) == {1}
    with db.reading() as session:
        assert session.scalar(select(func.count()).where(Ticket.state == State.DONE)) == TICKETS
    assert doctor.examine() == []


@pytest.mark.parametrize("killed", range(2 if SCALE > 1 else 1))
def test_a_killed_process_loses_nothing(arena: Arena, killed: int) -> None:  # noqa: F811
    settings, _ = arena
    take_numbers(settings)
    staff = sit_down(PROCESSES * SEATS)
    shares = [staff[number::PROCESSES] for number in range(PROCESSES)]
    context = processes()
    running = [context.Process(target=entrants.work_windows, args=(settings, NINE, share)) for share in shares]
    for process in running:
        process.start()
    while not _calls():
        sleep(0.05)
    assert running[killed].pid
    os.kill(running[killed].pid, signal.SIGKILL)
    for process in running:
        process.join(120)
    with db.reading() as session:
        left = session.execute(
            select(WindowSession.staff_id, Ticket.state)
            .join(WindowSession, WindowSession.id == Ticket.session_id)
            .where(Ticket.state.in_((State.CALLED, State.SERVING)))
        ).all()
        states = Counter(session.scalars(select(Ticket.state)))
        per_ticket = session.scalars(select(func.count()).select_from(Call).group_by(Call.ticket_id)).all()
    assert {row.staff_id for row in left} <= set(shares[killed])
    assert states[State.DONE] == TICKETS - len(left)
    assert set(per_ticket) == {1}
    assert doctor.examine() == []


def _calls() -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Call)) or 0
