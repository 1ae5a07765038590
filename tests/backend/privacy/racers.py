"""What one racing process does: close accounts, ask for exports; on a real database."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from backend.core import db
from backend.core.config import Settings
from backend.privacy import erasures, exports, jobs
from backend.privacy.models import Erasure
from tests.backend.appointments.racers import PATIENCE_S, THREADS, connect


def close_all(settings: Settings) -> Counter[str]:
    """Close every account that is due, without the time that lets others finish: the hardest case."""
    connect(settings)
    erasures.SETTLES = timedelta(0)  # type: ignore[misc]
    patience = time.monotonic() + PATIENCE_S
    while time.monotonic() < patience:
        jobs.erase_due()
        with db.reading() as session:
            live = select(func.count()).where(Erasure.state.in_(["waiting", "closing"]))
            if not session.scalar(live):
                return Counter(done=1)
    return Counter(late=1)


def ask_exports(settings: Settings, person: UUID, times: int) -> Counter[str]:
    """The same person asks again and again, at once."""
    connect(settings)

    def once(_: int) -> str:
        with db.transaction() as session:
            return str(exports.ask(session, person_id=person).id)

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(once, range(times)))
