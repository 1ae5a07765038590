"""Races at the entrance with real processes: one arrival a code, one number a ticket and none left out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from backend import doctor
from backend.appointments.models import Appointment
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
