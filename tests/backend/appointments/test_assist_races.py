"""Clerks and guardians in parallel, with real processes: the limits hold for them as for everybody."""

from uuid import UUID

from sqlalchemy import func, select, update

from backend import doctor
from backend.appointments.models import Appointment, SlotQuota
from backend.appointments.policy import defaults
from backend.appointments.states import State
from backend.core import db
from backend.core.config import Settings
from backend.identity import family
from tests.backend.appointments import assisters, racers
from tests.backend.appointments.test_races import PROCESSES, arena
from tests.backend.appointments.test_visits import CHILDREN

__all__ = ["arena"]

Arena = tuple[Settings, list[UUID]]


def staff_places(slot: UUID, places: int) -> None:
    with db.transaction() as session:
        change = update(SlotQuota).where(SlotQuota.slot_id == slot, SlotQuota.channel.in_(["staff", "onsite"]))
        session.execute(change.values(capacity=places))


def booked() -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).where(Appointment.state == State.BOOKED)) or 0


def test_clerks_give_away_the_halls_places_and_no_more(arena: Arena) -> None:  # noqa: F811
    settings, slots = arena
    staff_places(slots[3], 4)
    racers.make_people(20)
    phones = [f"1390{number:07d}" for number in range(20)]
    shares = [(settings, phones[number::PROCESSES], slots[3]) for number in range(PROCESSES)]
    assert racers.race(assisters.book_callers, shares) == {"done": 4, "slot_full": 16}
    assert booked() == 4
    assert doctor.examine() == []


def test_two_clerks_with_the_same_caller_make_one_appointment(arena: Arena) -> None:  # noqa: F811
    settings, slots = arena
    staff_places(slots[3], 20)
    racers.make_people(1)
    outcome = racers.race(assisters.book_callers, [(settings, ["13900000000"] * 4, slots[3])] * PROCESSES)
    assert outcome == {"done": 1, "duplicate_booking": 15}
    assert booked() == 1
    assert doctor.examine() == []


def test_a_guardian_in_two_browsers_acts_for_no_more_than_the_hall_allows(arena: Arena) -> None:  # noqa: F811
    settings, slots = arena
    [guardian] = racers.make_people(1)
    with db.transaction() as session:
        policy = defaults("XM", "exit-entry")
        policy.agent_principals = 1
        session.add(policy)
        children = [
            family.add(session, agent_id=guardian, name=f"小{n}", id_number=number, relation="子女").person_id
            for n, number in enumerate(CHILDREN)
        ]
    shares = [(settings, guardian, [child], [slot]) for child, slot in zip(children, slots, strict=False)]
    outcome = racers.race(assisters.hold_for, shares)
    assert outcome == {"done": 1, "too_many_principals": 2}
    assert doctor.examine() == []
