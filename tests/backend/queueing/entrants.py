"""What one racing gate does: real check-ins on a real PostgreSQL, from a few threads at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.appointments import jobs
from backend.appointments.checkin import Verdict
from backend.appointments.passes import PassKeys
from backend.core import clock, db
from backend.core.config import Settings
from backend.queueing import service
from tests.backend.appointments import racers


def admit_all(settings: Settings, staff_id: UUID, codes: list[str], at: datetime) -> Counter[str]:
    """Check these codes in at once: verdicts, and under `#` each number that was given."""
    racers.connect(settings)
    clock.replace(lambda: at)
    keys = PassKeys.from_settings(settings)

    def once(code: str) -> list[str]:
        with db.transaction() as session:
            arrival = service.check_in(
                session, text=code, hall_code="XM", staff_id=staff_id, identified=True, keys=keys
            )
            verdict: Verdict = arrival.redemption.verdict
            return [verdict.value, *([f"#{arrival.ticket.number}"] if arrival.ticket else [])]

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(outcome for outcomes in threads.map(once, codes) for outcome in outcomes)


def mark_all(settings: Settings, at: datetime, rounds: int) -> Counter[str]:
    """What a worker does half an hour after the slot's end, again and again."""
    racers.connect(settings)
    clock.replace(lambda: at)
    for _ in range(rounds):
        jobs.mark_missed()
    return Counter()


def act(name: str, *arguments: Any) -> Counter[str]:
    """One of the above by name, so that different racers share one start."""
    racer: Callable[..., Counter[str]] = {"admit": admit_all, "mark": mark_all}[name]
    return racer(*arguments)
