"""Races with real processes on PostgreSQL: exactly as many bookings as places, whatever else happens."""

import os
import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from backend import doctor
from backend.appointments import jobs
from backend.appointments.models import Appointment, AppointmentLine, AppointmentSlot, ReturnedPlace, Slot, SlotQuota
from backend.appointments.states import State
from backend.core import clock, db
from backend.core.config import Settings
from notify import queries as notices
from notify.models import Notification
from tests.backend.appointments import racers
from tests.backend.conftest import CATEGORY, HALL, WEDNESDAY
from tests.conftest import make_settings

pytestmark = pytest.mark.slow

SCALE = int(os.environ.get("RACE_SCALE", "1"))
PROCESSES = 4
FULL = SCALE >= 10
"""`make soak`: 20, 100 and 500 clients; in a quick run a tenth."""


@pytest.fixture
def arena(seeded_database: str):
    """A database of its own, its settings, and Wednesday's slots."""
    settings = make_settings(seeded_database)
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    racers.connect(settings)
    with db.reading() as session:
        query = select(Slot.id).where(Slot.hall_code == HALL, Slot.category_code == CATEGORY, Slot.day == WEDNESDAY)
        slots = list(session.scalars(query.order_by(Slot.start)))
    yield settings, slots
    db.engine().dispose()
    clock.replace(None)
    db._engine, db._sessions, db._autocommit_sessions = before


def set_places(slot: UUID, places: int) -> None:
    """As many places online, and as many again on site, so that the half-day keeps its share."""
    with db.transaction() as session:
        change = update(SlotQuota).where(SlotQuota.slot_id == slot, SlotQuota.channel.in_(["online", "onsite"]))
        session.execute(change.values(capacity=places))


def booked(slot: UUID) -> tuple[int, int]:
    """Places counted as booked, and rows that say booked."""
    with db.reading() as session:
        counter = session.scalar(
            select(SlotQuota.booked).where(SlotQuota.slot_id == slot, SlotQuota.channel == "online")
        )
        rows = session.scalar(select(func.count()).where(Appointment.state == State.BOOKED))
    return counter or 0, rows or 0


def shared(people: list[UUID]) -> list[list[UUID]]:
    return [people[n::PROCESSES] for n in range(PROCESSES)]


@pytest.mark.parametrize("places", [1, 5, 20])
@pytest.mark.parametrize("clients", [20, 100, 500] if FULL else [20, 50])
def test_exactly_as_many_are_booked_as_there_are_places(
    arena: tuple[Settings, list[UUID]], places: int, clients: int
) -> None:
    settings, slots = arena
    set_places(slots[3], places)
    people = racers.make_people(clients)
    outcome = racers.race(racers.book_all, [(settings, share, slots[3]) for share in shared(people)])
    expected = min(places, clients)
    assert booked(slots[3]) == (expected, expected)
    assert outcome["booked"] == expected
    assert set(outcome) <= {"booked", "slot_full"}
    assert doctor.examine() == []


def test_one_person_in_parallel_gets_one(arena: tuple[Settings, list[UUID]]) -> None:
    settings, slots = arena
    set_places(slots[3], 20)
    person = racers.make_people(1) * 50
    outcome = racers.race(racers.book_all, [(settings, share, slots[3]) for share in shared(person)])
    assert booked(slots[3]) == (1, 1)
    assert outcome["booked"] == 1
    assert doctor.examine() == []


def test_one_case_has_one_visit(arena: tuple[Settings, list[UUID]]) -> None:
    """The applicant and whoever filed for them each hold a place for the same case, and confirm at the same moment."""
    settings, slots = arena
    with db.reading() as session:
        query = select(Slot.id).where(Slot.hall_code == HALL, Slot.category_code == CATEGORY, Slot.day > WEDNESDAY)
        thursday = session.scalars(query.order_by(Slot.start).limit(8)).all()
    people = racers.make_people(20 if FULL else 8)
    for number, (served, filer) in enumerate(zip(people[::2], people[1::2], strict=True)):
        case = racers.a_case(person=served, filer=filer)
        held = [racers.hold_for(served, slot, case) for slot in (slots[2 + number % 4], thursday[number % 8])]
        with db.transaction() as session:
            session.execute(update(Appointment).where(Appointment.id == held[1]).values(booker_id=filer))
        each = [(settings, [(booker, hold)]) for booker, hold in zip((served, filer), held, strict=True)]
        assert racers.race(racers.confirm_all, each) == {"booked": 1, "case_has_visit": 1}
        with db.reading() as session:
            visits = select(func.count()).where(Appointment.matter_id == case, Appointment.state == State.BOOKED)
            assert session.scalar(visits) == 1
    assert doctor.examine() == []


def test_every_key_has_one_effect(arena: tuple[Settings, list[UUID]]) -> None:
    settings, _ = arena
    owner, keys = uuid4(), [uuid4().hex for _ in range(200 if FULL else 20)]
    outcome = racers.race(racers.use_key, [(settings, owner, keys, 10)] * 5)
    assert outcome == {"ran": len(keys), "replayed": len(keys) * 49}


@pytest.mark.parametrize("seed", range(1, 1 + SCALE))
def test_nothing_is_oversold_when_everything_happens_at_once(arena: tuple[Settings, list[UUID]], seed: int) -> None:
    settings, slots = arena
    for slot in slots[2:6]:
        set_places(slot, 3)
    people = racers.make_people(20)
    arguments = [(settings, people, slots[2:6], seed * 100 + number, 60) for number in range(PROCESSES)]
    outcome = racers.race(racers.mix, arguments)
    assert outcome["confirm"] > 0
    assert outcome["capacity"] > 0
    assert outcome["below_booked"] + outcome["onsite_share_too_small"] > 0
    assert doctor.examine() == []
    with db.reading() as session:
        twice = session.execute(
            select(AppointmentLine.person_id)
            .where(AppointmentLine.active)
            .group_by(AppointmentLine.person_id, AppointmentLine.family, AppointmentLine.day)
            .having(func.count() > 1)
        ).all()
    assert twice == []


@pytest.mark.parametrize("seed", range(1, 1 + SCALE))
def test_nobody_is_left_booked_in_a_hall_that_closed(arena: tuple[Settings, list[UUID]], seed: int) -> None:
    settings, slots = arena
    for slot in slots:
        set_places(slot, 50)
    people = racers.make_people(500 if FULL else 80)
    bookers = [
        (racers.book_somewhere, (settings, share, slots, seed * 10 + n)) for n, share in enumerate(shared(people))
    ]
    outcome = racers.run_all([*bookers, (racers.close_hall, (settings, 0.4, 2))])
    assert outcome["booked"] > 0
    assert outcome["slot_closed"] > 0
    with db.transaction() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    with db.reading() as session:
        left = session.execute(
            select(Appointment.id, Appointment.state)
            .join(AppointmentSlot, AppointmentSlot.appointment_id == Appointment.id)
            .join(Slot, Slot.id == AppointmentSlot.slot_id)
            .where(Slot.day == WEDNESDAY, Appointment.state.in_((State.HELD, State.BOOKED)))
        ).all()
        taken = session.scalar(select(func.sum(SlotQuota.held + SlotQuota.booked)).where(SlotQuota.slot_id.in_(slots)))
        returning = session.scalar(select(func.count()).where(ReturnedPlace.slot_id.in_(slots)))
        cancelled = session.scalar(select(func.count()).where(Appointment.state == State.HALL_CANCELLED))
        told = session.scalar(select(func.count()).where(Notification.template == "appointment_hall_cancelled"))
    assert left == []
    assert taken == returning
    assert cancelled == told
    assert doctor.examine() == []


@pytest.mark.parametrize(("moment", "left"), [("written", []), ("visit_params", ["withdrawn"])])
def test_a_cancellation_beside_the_reminders_leaves_none_to_send(
    arena, monkeypatch: pytest.MonkeyPatch, moment: str, left: list[str]
) -> None:
    """The job has read the visit as booked. Before it is sure of that the visit goes; later it waits for the job."""
    _, slots = arena
    [person] = racers.make_people(1)
    assert racers.attempt(person, slots[3]) == "booked"
    clock.replace(lambda: racers.NOW + timedelta(hours=9, minutes=1))
    home = notices if moment == "written" else jobs
    plain, cancelling = getattr(home, moment), threading.Thread(target=racers.cancel_open, args=(person,))

    def beside(*arguments: object) -> object:
        if not cancelling.ident:
            cancelling.start()
            cancelling.join(timeout=0.5)
        return plain(*arguments)

    monkeypatch.setattr(home, moment, beside)
    jobs.remind()
    cancelling.join(timeout=20)
    with db.reading() as session:
        reminders = select(Notification.state).where(Notification.template == "appointment_tomorrow")
        assert list(session.scalars(reminders)) == left
        assert session.scalars(select(Appointment.state)).one() == State.CANCELLED
