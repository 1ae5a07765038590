"""Races at the entrance with real processes: one arrival a code, one number a ticket and none left out."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from backend import doctor
from backend.appointments.conduct_models import ConductMark, ScannerBeat
from backend.appointments.conduct_states import COUNTING
from backend.appointments.models import Appointment
from backend.appointments.states import State
from backend.core import db
from backend.core.config import Settings
from backend.identity.models import Staff
from backend.identity.staff import create_staff
from tests.backend.appointments import racers
from tests.backend.appointments.test_races import PROCESSES, arena, set_places
from tests.backend.queueing import entrants

__all__ = ["arena"]

Arena = tuple[Settings, list[UUID]]


def prepare(slot: UUID, people: int) -> tuple[UUID, list[str], datetime]:
    """Staff at the gate, the codes of that many appointments of one slot, and its start."""
    set_places(slot, people)
    assert [racers.attempt(person, slot) for person in racers.make_people(people)] == ["booked"] * people
    with db.transaction() as session:
        create_staff(
            session, username="gate", display_name="入口", password="a-long-test-password", roles=[("gate", "XM")]
        )
    with db.reading() as session:
        staff_id = session.scalars(select(Staff.id)).one()
        rows = session.execute(select(Appointment.code, Appointment.start)).all()
    return staff_id, [code for code, _ in rows if code], rows[0][1]


def test_one_code_scanned_fifty_times_is_admitted_once(arena: Arena) -> None:  # noqa: F811
    settings, slots = arena
    staff_id, codes, at = prepare(slots[3], 1)
    shares = [codes * (13 if number < 2 else 12) for number in range(PROCESSES)]
    outcome = racers.race(entrants.admit_all, [(settings, staff_id, share, at) for share in shares])
    assert {word: times for word, times in outcome.items() if word[0] != "#"} == {"on_time": 1, "already_used": 49}
    assert [word[-3:] for word in outcome if word[0] == "#"] == ["001"]
    assert doctor.examine() == []


def test_fifty_arrivals_get_fifty_numbers_without_a_gap(arena: Arena) -> None:  # noqa: F811
    settings, slots = arena
    staff_id, codes, at = prepare(slots[3], 50)
    shares = [codes[number::PROCESSES] for number in range(PROCESSES)]
    outcome = racers.race(entrants.admit_all, [(settings, staff_id, share, at) for share in shares])
    assert outcome["on_time"] == 50
    given = {word: times for word, times in outcome.items() if word[0] == "#"}
    assert set(given.values()) == {1}
    assert sorted(int(word[-3:]) for word in given) == list(range(1, 51))
    assert doctor.examine() == []


def test_coming_late_while_misses_are_marked_ends_one_way(arena: Arena) -> None:  # noqa: F811
    settings, slots = arena
    staff_id, codes, at = prepare(slots[3], 50)
    with db.transaction() as session:
        session.add_all(ScannerBeat(hall_code="XM", at=at + timedelta(minutes=10 * n)) for n in range(6))
    late = at + timedelta(hours=1)
    comers = codes[:30]
    outcome = racers.race(
        entrants.act,
        [
            ("mark", settings, late, 20),
            ("admit", settings, staff_id, comers[:15], late),
            ("mark", settings, late, 20),
            ("admit", settings, staff_id, comers[15:], late),
        ],
    )
    assert outcome["late"] == 30
    with db.reading() as session:
        states = session.scalars(select(Appointment.state)).all()
        marks = session.scalars(select(ConductMark).where(ConductMark.state.in_(COUNTING))).all()
    assert (states.count(State.CHECKED_IN), states.count(State.NO_SHOW)) == (30, 20)
    assert len(marks) == 20
    assert doctor.examine() == []
