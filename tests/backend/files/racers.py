"""What one racing process does: upload the same file at the same time as the others, or grab the last places."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from sqlalchemy.exc import OperationalError

from backend.core import db
from backend.core.auth import Principal
from backend.core.config import Settings
from backend.core.errors import ServiceError
from backend.core.problems import BUSY_STATES
from backend.files import errors, service, storage
from backend.files.service import Announced
from backend.files.storage import DiskStorage
from tests.backend.appointments import racers

PART = 4096


def connect(settings: Settings) -> None:
    racers.connect(settings)
    storage.configure(DiskStorage.from_settings(settings))


def principal(person_id: UUID) -> Principal:
    return Principal("citizen", person_id, person_id)


def write_all(settings: Settings, person_id: UUID, file_id: UUID, content: bytes, seed: int) -> Counter[str]:
    """Go on wherever the upload stands, until it is whole. Which of several writers wins a place does not matter."""
    connect(settings)
    outcome: Counter[str] = Counter()
    offset, size = 0, PART + 997 * seed
    while offset < len(content):
        piece = content[offset : offset + size]
        try:
            offset = _write(person_id, file_id, offset, piece)
            outcome["won"] += 1
        except errors.OffsetWrong as wrong:
            offset = wrong.extension["received"]
            outcome["lost"] += 1
    return outcome


def _write(person_id: UUID, file_id: UUID, offset: int, piece: bytes) -> int:
    """As the route does."""
    with db.transaction() as session:
        key = service.next_part(session, file_id, asker=principal(person_id), offset=offset, length=len(piece))
    storage.current().put(key, [piece])
    try:
        with db.transaction() as session:
            return service.add_part(session, file_id, offset=offset, length=len(piece), key=key)
    except errors.OffsetWrong:
        storage.current().delete(key)
        raise


def begin_all(settings: Settings, person_id: UUID, times: int) -> Counter[str]:
    """Everybody wants the last places of one application."""
    connect(settings)
    asker = principal(person_id)

    def once(_: int) -> str:
        while True:
            try:
                with db.transaction() as session:
                    announced = Announced("a.jpg", "image/jpeg", 100, b"x" * 32)
                    service.begin(session, announced, asker=asker, subject=("person", str(person_id)), most_bytes=1000)
                return "begun"
            except ServiceError as refusal:
                return refusal.code
            except OperationalError as error:
                if db.sqlstate(error) not in BUSY_STATES | db.RETRYABLE:
                    raise

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(once, range(times)))


def reuse_or_remove(settings: Settings, person_id: UUID, file_id: UUID, what: str) -> Counter[str]:
    """Use a scan again, or take it away and sweep."""
    from backend.files import jobs

    connect(settings)
    asker, action = principal(person_id), {"reuse": _reuse, "remove": _remove}[what]
    try:
        with db.transaction() as session:
            action(session, asker, file_id)
    except ServiceError as refusal:
        return Counter([refusal.code])
    finally:
        jobs.sweep()
    return Counter([what])


def _reuse(session: Any, asker: Principal, file_id: UUID) -> None:
    subject = ("person", str(asker.id))
    service.use_again(session, file_id, asker=asker, subject=subject, material=None, wording=service.CONSENT)


def _remove(session: Any, asker: Principal, file_id: UUID) -> None:
    service.remove(session, file_id, asker=asker)
