"""What one racing gate does: real check-ins on a real PostgreSQL, from a few threads at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.appointments import jobs
from backend.appointments.checkin import Verdict
from backend.appointments.passes import PassKeys
from backend.core import clock, crypto, db
from backend.core.config import Settings
from backend.core.problems import BUSY_STATES
from backend.queueing import calling, errors, service, tickets
from tests.backend.appointments import racers

T = TypeVar("T")

WINDOWS = 13
"""Windows, and so threads, of one process."""


def admit_all(settings: Settings, staff_id: UUID, codes: list[str], at: datetime) -> Counter[str]:
    """Check these codes in at once: verdicts, and under `#` each number that was given."""
    racers.connect(settings)
    clock.replace(lambda: at)
    keys = PassKeys.from_settings(settings)

    def once(session: Session, code: str) -> list[str]:
        arrival = service.check_in(session, text=code, hall_code="XM", staff_id=staff_id, identified=True, keys=keys)
        verdict: Verdict = arrival.redemption.verdict
        return [verdict.value, *([f"#{arrival.ticket.number}"] if arrival.ticket else [])]

    with ThreadPoolExecutor(racers.THREADS) as threads:
        outcomes = threads.map(lambda code: _step(lambda session: once(session, code)), codes)
        return Counter(outcome for of_one in outcomes for outcome in of_one)


def mark_all(settings: Settings, at: datetime, rounds: int) -> Counter[str]:
    """What a worker does half an hour after the slot's end, again and again."""
    racers.connect(settings)
    clock.replace(lambda: at)
    for _ in range(rounds):
        jobs.mark_missed()
    return Counter()


def act(name: str, *arguments: Any) -> Counter[str]:
    """One of the above by name, so that different racers share one start."""
    racers: dict[str, Callable[..., Counter[str]]] = {"admit": admit_all, "mark": mark_all}
    return racers[name](*arguments)


def take_all(settings: Settings, at: datetime, count: int) -> Counter[str]:
    """Anonymous people take numbers at once."""
    _join(settings, at)

    def take(session: Session) -> str:
        ticket = tickets.take(
            session,
            hall_code="XM",
            category_code="exit-entry",
            slugs=[],
            taker=tickets.Taker(),
            source="kiosk",
            actor="system",
        )
        return f"#{ticket.number}"

    with ThreadPoolExecutor(WINDOWS) as threads:
        return Counter(threads.map(lambda _: _step(take), range(count)))


def work_windows(settings: Settings, at: datetime, staff: list[UUID]) -> Counter[str]:
    """Each window calls, serves and finishes until nobody waits: every number it called."""
    _join(settings, at)
    with ThreadPoolExecutor(len(staff)) as threads:
        return Counter(number for numbers in threads.map(_work, staff) for number in numbers)


def _work(staff_id: UUID) -> list[str]:
    numbers = []
    while True:
        try:
            numbers.append(_step(lambda session: calling.call_next(session, staff_id=staff_id).number))
        except errors.NobodyWaiting:
            return numbers
        _step(lambda session: calling.answer(session, staff_id=staff_id).number)
        _step(lambda session: calling.finish(session, staff_id=staff_id, outcome="done", count=1, note=None).number)


def _step(action: Callable[[Session], T]) -> T:
    """Like a clerk who presses again when the hall is too busy to answer."""
    for _ in range(20):
        try:
            with db.transaction() as session:
                return action(session)
        except OperationalError as error:
            if db.sqlstate(error) not in BUSY_STATES | db.RETRYABLE:
                raise
    raise AssertionError("the queue never answered")


def _join(settings: Settings, at: datetime) -> None:
    clock.replace(lambda: at)
    crypto.configure(crypto.Keyring.from_settings(settings))
    db.configure(replace(settings, web_threads=WINDOWS))
