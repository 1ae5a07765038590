"""What one racing process does: real transactions on a real PostgreSQL, from a few threads at once."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from backend.appointments import capacity, closing, jobs, matters, service
from backend.appointments.models import Appointment
from backend.appointments.states import State
from backend.core import clock, crypto, db, idempotency
from backend.core.config import Settings
from backend.core.errors import Busy, ServiceError
from backend.core.problems import BUSY_STATES
from backend.identity import service as identity
from tests.processes import processes

ITEM = "passport-first"
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
THREADS = 5
PATIENCE_S = 60
TRIES = 10
DAY = date(2026, 11, 25)
ACTIONS = ("hold", "hold", "hold", "confirm", "confirm", "release", "cancel", "reschedule", "sweep", "capacity")


def connect(settings: Settings) -> None:
    """Join the race database, at a time that stands still."""
    clock.replace(lambda: NOW)
    crypto.configure(crypto.Keyring.from_settings(settings))
    db.configure(replace(settings, web_threads=THREADS))


def make_people(count: int) -> list[UUID]:
    """Citizens with a phone number each."""
    with db.transaction() as session:
        return [
            identity.log_in(session, provider="phone", subject=f"1390{n:07d}", current=None, phone=f"1390{n:07d}")
            for n in range(count)
        ]


def cancel_open(person: UUID) -> None:
    """Give up the one visit this person has."""
    with db.transaction() as session:
        visit = session.scalars(select(Appointment.id).where(Appointment.booker_id == person)).one()
        service.cancel(session, booker_id=person, appointment_id=visit, reason=None)


@contextmanager
def answering() -> Iterator[None]:
    """What the API answers when a lock is waited for too long: 503, come again; nothing was changed."""
    try:
        yield
    except OperationalError as error:
        if db.sqlstate(error) not in BUSY_STATES | db.RETRYABLE:
            raise
        raise Busy() from None


def attempt(person: UUID, slot: UUID) -> str:
    """Hold and confirm; the outcome in one word."""
    for _ in range(TRIES):
        try:
            with answering():
                held = _hold(person, slot)
                with db.transaction() as session:
                    service.confirm(session, booker_id=person, appointment_id=held)
        except Busy:
            continue
        except ServiceError as refusal:
            return refusal.code
        return "booked"
    return "busy"


def _hold(person: UUID, slot: UUID) -> UUID:
    @db.retrying
    def once() -> UUID:
        with db.transaction() as session:
            return service.hold(
                session, booker_id=person, level=1, slot_id=slot, slugs=[ITEM], people=1, person_id=None
            ).id

    return once()


def book_all(settings: Settings, people: list[UUID], slot: UUID) -> Counter[str]:
    """Everybody wants the same slot at once."""
    connect(settings)
    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(lambda person: attempt(person, slot), people))


def a_case(*, person: UUID, filer: UUID) -> UUID:
    """A case of one person that another filed."""
    number = uuid4()
    with db.transaction() as session:
        told = {"item_slug": ITEM, "person_id": person, "filer_id": filer}
        matters.note(session, number, case_id=number, number=number.hex, **told)
    return number


def hold_for(person: UUID, slot: UUID, case: UUID) -> UUID:
    """A place held for a case."""
    with db.transaction() as session:
        about = {"slugs": [ITEM], "people": 1, "person_id": None, "matter_id": case}
        return service.hold(session, booker_id=person, level=1, slot_id=slot, **about).id


def confirm_all(settings: Settings, held: list[tuple[UUID, UUID]]) -> Counter[str]:
    """Everybody confirms their hold at once."""
    connect(settings)

    def once(one: tuple[UUID, UUID]) -> str:
        booker, appointment = one
        for _ in range(TRIES):
            try:
                with answering(), db.transaction() as session:
                    service.confirm(session, booker_id=booker, appointment_id=appointment)
            except Busy:
                continue
            except ServiceError as refusal:
                return refusal.code
            return "booked"
        return "busy"

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(once, held))


def use_key(settings: Settings, owner: UUID, keys: list[str], times: int) -> Counter[str]:
    """The same keys again and again: which ran, which were replayed."""
    connect(settings)

    def once(key: str) -> str:
        with db.transaction() as session:
            _, replayed = idempotency.once(
                session, owner_id=owner, route="race", key=key, body={}, status=201, effect=lambda: {"id": uuid4().hex}
            )
        return "replayed" if replayed else "ran"

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(once, [key for _ in range(times) for key in keys]))


def mix(settings: Settings, people: list[UUID], slots: list[UUID], seed: int, steps: int) -> Counter[str]:
    """A seeded driver: holds, confirmations, releases, cancellations, changes and sweeps in any order."""
    connect(settings)
    draw = random.Random(seed)
    mine: list[UUID] = []
    outcome: Counter[str] = Counter()
    for _ in range(steps):
        action = draw.choice(ACTIONS)
        person, slot = draw.choice(people), draw.choice(slots)
        try:
            with answering():
                if action == "hold":
                    mine.append(_hold(person, slot))
                elif action == "sweep":
                    jobs.sweep_holds()
                elif action == "capacity":
                    _change_capacity(slot, draw.randrange(12))
                elif mine:
                    _change(action, draw.choice(mine), slot)
            outcome[action] += 1
        except ServiceError as refusal:
            outcome[refusal.code] += 1
    return outcome


def _change(action: str, appointment: UUID, slot: UUID) -> None:
    with db.reading() as session:
        booker = session.get_one(Appointment, appointment).booker_id

    @db.retrying
    def once() -> None:
        with db.transaction() as session:
            who = {"booker_id": booker, "appointment_id": appointment}
            if action == "confirm":
                service.confirm(session, **who)
            elif action == "release":
                service.release(session, **who)
            elif action == "cancel":
                service.cancel(session, **who, reason=None)
            else:
                service.reschedule(session, **who, slot_id=slot)

    once()


@db.retrying
def _change_capacity(slot: UUID, places: int) -> None:
    with db.transaction() as session:
        capacity.change_slot(session, hall_code="XM", slot_id=slot, capacity=places, reason="race", actor="staff:race")


def close_hall(settings: Settings, after_s: float, times: int) -> Counter[str]:
    """Close the hall while people book, and open it again between; at the end it is closed and everybody told."""
    connect(settings)
    patience = time.monotonic() + PATIENCE_S
    while _booked() < 5 and time.monotonic() < patience:
        time.sleep(0.05)
    for number in range(2 * times + 1):
        time.sleep(after_s)
        _until_done(lambda: _set_day(open_=number % 2 == 1))  # noqa: B023 - called at once
        _until_done(jobs.cancel_closed)
    return Counter()


def _booked() -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).where(Appointment.state == State.BOOKED)) or 0


def _until_done(work: Callable[[], None]) -> None:
    """As the queue does with a job that failed, and a person with a page that says "busy"."""
    for _ in range(TRIES):
        try:
            with answering():
                return work()
        except Busy:
            continue
    raise AssertionError("always busy")


@db.retrying
def _set_day(*, open_: bool) -> None:
    with db.transaction() as session:
        closing.set_override(
            session,
            hall_codes=["XM"],
            day=DAY,
            part="day",
            open_=open_,
            reason="台风停办",
            reason_en=None,
            actor="staff:race",
        )


def book_somewhere(settings: Settings, people: list[UUID], slots: list[UUID], seed: int) -> Counter[str]:
    """Everybody wants some slot of the day, or moves once; the last of them asks on until the hall has closed."""
    connect(settings)
    draw = random.Random(seed)
    patience = time.monotonic() + PATIENCE_S
    chosen = [(person, draw.choice(slots), draw.choice(slots)) for person in people]

    def one(choice: tuple[UUID, UUID, UUID]) -> str:
        person, slot, other = choice
        outcome = attempt(person, slot)
        if outcome == "booked":
            try:
                with answering():
                    _move(person, other)
            except ServiceError as refusal:
                return f"moving_{refusal.code}"
        return outcome

    with ThreadPoolExecutor(THREADS) as threads:
        outcome = Counter(threads.map(one, chosen))
    while not outcome["slot_closed"] and time.monotonic() < patience:
        outcome[attempt(people[-1], draw.choice(slots))] += 1
    return outcome


@db.retrying
def _move(person: UUID, slot: UUID) -> None:
    with db.transaction() as session:
        mine = session.scalars(
            select(Appointment.id).where(Appointment.booker_id == person).order_by(Appointment.id.desc()).limit(1)
        ).one()
        service.reschedule(session, booker_id=person, appointment_id=mine, slot_id=slot)


def run_all(calls):
    """Different calls, one process each, all at once."""
    with processes().Pool(len(calls)) as pool:
        waiting = [pool.apply_async(function, arguments) for function, arguments in calls]
        return sum((one.get(120) for one in waiting), Counter())


def race(function, arguments):
    """Run one call per process, all at once, and add up their outcomes."""
    return run_all([(function, one) for one in arguments])
