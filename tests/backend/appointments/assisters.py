"""What one racing process does: clerks who book for callers, and a guardian who books for several children."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from backend.appointments import assist, service
from backend.core import db
from backend.core.config import Settings
from backend.core.errors import Busy, ServiceError
from tests.backend.appointments.racers import ITEM, THREADS, TRIES, answering, connect


def book_callers(settings: Settings, phones: list[str], slot: UUID) -> Counter[str]:
    """Clerks book for these callers at once."""
    connect(settings)
    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(lambda phone: _outcome(lambda: _book(phone, slot)), phones))


def hold_for(settings: Settings, guardian: UUID, children: list[UUID], slots: list[UUID]) -> Counter[str]:
    """One person holds a place for each of these children at once."""
    connect(settings)
    pairs = zip(children, slots, strict=True)
    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(lambda pair: _outcome(lambda: _hold(guardian, *pair)), pairs))


def _outcome(work) -> str:
    for _ in range(TRIES):
        try:
            with answering():
                work()
        except Busy:
            continue
        except ServiceError as refusal:
            return refusal.code
        return "done"
    return "busy"


@db.retrying
def _book(phone: str, slot: UUID) -> None:
    with db.transaction() as session:
        assist.book(
            session,
            caller=assist.Caller(phone=phone),
            hall_code="XM",
            slot_id=slot,
            slugs=[ITEM],
            people_count=1,
            actor="staff:race",
        )


@db.retrying
def _hold(guardian: UUID, child: UUID, slot: UUID) -> None:
    with db.transaction() as session:
        service.hold(session, booker_id=guardian, level=1, slot_id=slot, slugs=[ITEM], people=1, person_id=child)
