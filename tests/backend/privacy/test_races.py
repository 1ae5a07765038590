"""Races with real processes: two exports at once are one; a booking that races with a closing leaves nothing behind."""

import random
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from backend import doctor
from backend.appointments import service
from backend.appointments.models import Appointment, Slot, SlotQuota
from backend.appointments.states import State
from backend.core import clock, db
from backend.core.config import Settings
from backend.identity.models import Person, PersonLogin
from backend.privacy import erasures
from backend.privacy.models import Erasure, PersonalExport
from tests.backend.appointments import racers as booking
from tests.backend.conftest import CATEGORY, HALL, WEDNESDAY
from tests.backend.privacy import racers
from tests.conftest import make_settings

PEOPLE = 60


@pytest.fixture
def arena(seeded_database: str) -> Iterator[Settings]:
    settings = make_settings(seeded_database)
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    booking.connect(settings)
    yield settings
    db.engine().dispose()
    clock.replace(None)
    db._engine, db._sessions, db._autocommit_sessions = before


def _held(people: list[UUID]) -> list[tuple[UUID, UUID]]:
    """A held place for everybody, and a closing that is due."""
    with db.transaction() as session:
        wednesday = Slot.hall_code == HALL, Slot.category_code == CATEGORY, Slot.day == WEDNESDAY
        slot = session.scalars(select(Slot.id).where(*wednesday).order_by(Slot.start)).all()[3]
        places = update(SlotQuota).where(SlotQuota.slot_id == slot, SlotQuota.channel.in_(["online", "onsite"]))
        session.execute(places.values(capacity=len(people)))
    held = []
    for person in people:
        with db.transaction() as session:
            values = {"level": 1, "slot_id": slot, "slugs": [booking.ITEM], "people": 1, "person_id": None}
            held.append((person, service.hold(session, booker_id=person, **values).id))
            asked = erasures.ask(session, person_id=person)
            asked.due_at = booking.NOW - timedelta(seconds=1)
    return held


def test_a_booking_that_races_with_a_closing_leaves_nothing_behind(arena: Settings) -> None:
    people = booking.make_people(PEOPLE)
    held = _held(people)
    random.Random(7).shuffle(held)
    halves = [("confirm", held[::2]), ("confirm", held[1::2])]
    with booking.processes().Pool(3) as pool:
        closing = pool.apply_async(racers.close_all, (arena,))
        confirming = [pool.apply_async(booking.confirm_all, (arena, half)) for _, half in halves]
        outcome = sum((one.get(120) for one in confirming), start=closing.get(120))
    assert outcome["done"] == 1
    assert outcome["booked"] + outcome["invalid_transition"] + outcome["hold_expired"] + outcome["busy"] == PEOPLE
    with db.transaction() as session:
        open_ = select(func.count()).where(Appointment.state.in_([State.HELD, State.BOOKED]))
        assert session.scalar(open_) == 0
        assert set(session.scalars(select(Erasure.state))) == {"erased"}
        assert session.scalar(select(func.count()).select_from(PersonLogin)) == 0
        assert session.scalar(select(func.count()).where(Person.phone.is_not(None))) == 0
    assert doctor.examine() == []


def test_two_exports_at_once_are_one(arena: Settings) -> None:
    [person] = booking.make_people(1)
    with booking.processes().Pool(4) as pool:
        asked = [pool.apply_async(racers.ask_exports, (arena, person, 10)) for _ in range(4)]
        outcome = sum((one.get(60) for one in asked[1:]), start=asked[0].get(60))
    assert len(outcome) == 1
    assert outcome.total() == 40
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(PersonalExport)) == 1
