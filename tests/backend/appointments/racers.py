"""What one racing process does: real transactions on a real PostgreSQL, from a few threads at once."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from uuid import UUID, uuid4

from backend.appointments import jobs, service
from backend.core import clock, crypto, db, idempotency
from backend.core.config import Settings
from backend.core.errors import ServiceError
from backend.identity import service as identity

ITEM = "passport-first"
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
THREADS = 5


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


def attempt(person: UUID, slot: UUID) -> str:
    """Hold and confirm; the outcome in one word."""
    try:
        held = _hold(person, slot)
        with db.transaction() as session:
            service.confirm(session, booker_id=person, appointment_id=held)
    except ServiceError as refusal:
        return refusal.code
    return "booked"


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
        action = draw.choice(["hold", "hold", "confirm", "release", "cancel", "reschedule", "sweep"])
        person, slot = draw.choice(people), draw.choice(slots)
        try:
            if action == "hold":
                mine.append(_hold(person, slot))
            elif action == "sweep":
                jobs.sweep_holds()
            elif mine:
                _change(action, draw.choice(mine), slot)
            outcome[action] += 1
        except ServiceError as refusal:
            outcome[refusal.code] += 1
    return outcome


def _change(action: str, appointment: UUID, slot: UUID) -> None:
    from backend.appointments.models import Appointment

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


def race(function, arguments):  # type: ignore[no-untyped-def]
    """Run one call per process, all at once, and add up their outcomes."""
    with get_context("spawn").Pool(len(arguments)) as pool:
        return sum(pool.starmap(function, arguments), Counter())
