"""What the worker does for files; every function opens its own transactions and may run twice."""

import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from tempfile import TemporaryFile
from typing import IO

from backend.core import metrics
from backend.core.config import Settings
from backend.core.crypto import SealBroken
from backend.core.db import transaction
from backend.core.errors import ProviderError
from backend.files import checking, quarantine, scanner, storage
from backend.files.quarantine import Kept, Task
from backend.files.scanner import Scanner

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 2
BATCH = 20
SWEPT = 200
ORPHAN_AGE_S = 24 * 3600.0
PIECE = 64 * 1024


def check_due(settings: Settings) -> None:
    """Check the files whose turn it is; without a scanner they stay in quarantine."""
    found = scanner.from_settings(settings)
    if found is not None:
        check(found)


def check(scanner_: Scanner, side_by_side: int = SIDE_BY_SIDE) -> int:
    """As `check_due`; the number of files looked at."""
    with transaction() as session:
        tasks = quarantine.claim_due(session, BATCH)
    with ThreadPoolExecutor(side_by_side) as pool:
        for done in [pool.submit(copy_context().run, _check_one, scanner_, task) for task in tasks]:
            done.result()
    return len(tasks)


def _check_one(scanner_: Scanner, task: Task) -> None:
    """Whole? A virus? What it says it is? The bytes lie in a file without a name, which no crash leaves behind."""
    with TemporaryFile() as whole, TemporaryFile() as kept:
        try:
            if not _assembled(task, whole):
                _refuse(task, "changed")
                return
            verdict = scanner_.scan(_pieces(whole))
        except (ProviderError, SealBroken, storage.ObjectMissing) as trouble:
            failure = trouble.provider_code if isinstance(trouble, ProviderError) else type(trouble).__name__
            log.warning("file_without_verdict", extra={"file": str(task.file_id), "failure": failure})
            with transaction() as session:
                quarantine.try_again(session, task.file_id, failure)
            return
        if verdict.found is not None:
            _refuse(task, "infected", found_by_scanner=verdict.found)
            return
        outcome = checking.examine(whole, task.media_type, kept)
        if outcome.refusal is not None:
            _refuse(task, outcome.refusal)
        else:
            _keep(task, outcome, kept)


def _assembled(task: Task, whole: IO[bytes]) -> bool:
    """Write the parts one behind the other; whether they are what was announced."""
    digest, size = hashlib.sha256(), 0
    for key in task.parts:
        for piece in storage.current().get(key):
            whole.write(piece)
            digest.update(piece)
            size += len(piece)
    return size == task.size and digest.digest() == task.sha256


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def _refuse(task: Task, refusal: str, *, found_by_scanner: str | None = None) -> None:
    with transaction() as session:
        quarantine.refuse(session, task, refusal, found_by_scanner=found_by_scanner)


def _keep(task: Task, outcome: checking.Outcome, content: IO[bytes]) -> None:
    """Named by the file and its content, so that a check that runs twice stores the same thing in the same place."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(content):
        digest.update(piece)
        size += len(piece)
    key = storage.object_key("content", task.file_id, digest.hexdigest())
    storage.current().put(key, _pieces(content))
    with transaction() as session:
        quarantine.accept(session, task, outcome, Kept(key, size, digest.digest()))


def sweep() -> None:
    """Take away what was abandoned, and delete the contents that nothing needs any more."""
    with transaction() as session:
        quarantine.abandon(session, SWEPT)
        parts = quarantine.useless_parts(session, SWEPT)
        contents = quarantine.useless_contents(session, SWEPT)
    for key in [key for *_, key in parts] + [key for _, key in contents if key]:
        storage.current().delete(key)
    with transaction() as session:
        quarantine.drop_parts(session, parts)
        quarantine.drop_contents(session, [file_id for file_id, _ in contents])
        late = quarantine.waiting_too_long(session)
    metrics.FILES_LATE.set(late)
    if late:
        log.error("files_wait_for_scanner", extra={"files": late})


def sweep_orphans() -> None:
    """Delete contents that no row names: a part whose writer was the slower one, or was killed before it counted in."""
    for keys in _batches(storage.current().keys(ORPHAN_AGE_S)):
        with transaction() as session:
            known = quarantine.known_keys(session, keys)
        for key in keys:
            if key not in known:
                storage.current().delete(key)


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if len(batch) == SWEPT:
            yield batch
            batch = []
    yield batch
