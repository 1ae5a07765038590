"""What the worker does for the rights of citizens; every function opens its own transactions and may run twice."""

import logging
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from sqlalchemy import text

from backend.core.db import retrying, transaction
from backend.core.personal import Part, Section
from backend.files import personal as files
from backend.files import storage
from backend.identity import personal as identity
from backend.privacy import archive, erasures, exports
from backend.privacy import personal as requests
from backend.privacy.parts import PARTS

log = logging.getLogger(__name__)

BATCH = 200
MOST_BATCHES = 50
PIECE = 64 * 1024
PATIENCE = text("SET LOCAL statement_timeout = '60s'")
"""A purge reads whole tables by their age; it waits for nobody and nobody for it."""


def make_exports() -> None:
    """Make the archives that were asked for, and take away those whose week is over."""
    for _ in range(MOST_BATCHES):
        with transaction() as session:
            claimed = exports.claim(session)
        if claimed is None or claimed.object_key is None:
            break
        _make(claimed.id, claimed.person_id, claimed.object_key)
    with transaction() as session:
        over = exports.over(session, BATCH)
    for _, key in over:
        storage.current().delete(key)
    with transaction() as session:
        exports.emptied(session, [export_id for export_id, _ in over])


def _make(export_id: UUID, person_id: UUID, key: str) -> None:
    """The bytes lie in a file without a name until they are encrypted in the storage: no crash leaves them behind."""
    sections: list[Section] = []
    with transaction() as session:
        people = identity.everyone(session, person_id)
    for done, part in enumerate(PARTS, 1):
        with transaction() as session:
            sections += part.gives(session, people)
            exports.progress(session, export_id, done)
    with transaction() as session:
        contents = files.contents(session, people)
    with TemporaryFile() as whole:
        archive.write(whole, sections, contents, storage.current().get)
        size = whole.tell()
        storage.current().put(key, _pieces(whole))
    with transaction() as session:
        wanted = exports.finished(session, export_id, size)
    if not wanted:
        storage.current().delete(key)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def erase_due() -> None:
    """Go on with every closing whose time has come; one that fails is tried again and stops no other."""
    with transaction() as session:
        due = erasures.due(session, BATCH)
    for erasure_id in due:
        try:
            _go_on(erasure_id)
        except Exception:
            log.exception("erasure_failed", extra={"erasure": str(erasure_id)})


@retrying
def _go_on(erasure_id: UUID) -> None:
    with transaction() as session:
        erasures.close(session, erasure_id)
    with transaction() as session:
        erasures.empty(session, erasure_id)


def purge() -> None:
    """Take out what has outlived its class, feature by feature and batch by batch; one that fails stops no other."""
    for part in (*PARTS, requests.PART):
        try:
            _purge_part(part)
        except Exception:
            log.exception("purge_failed", extra={"part": part.code})
    _forget_names()


def _purge_part(part: Part) -> None:
    for _ in range(MOST_BATCHES):
        with transaction() as session:
            session.execute(PATIENCE)
            gone = part.purges(session, BATCH)
        if gone < BATCH:
            break


def _forget_names() -> None:
    """Of closed accounts whose last record is gone, and of people who never came."""
    with transaction() as session:
        closed = identity.closed_with_name(session, BATCH)
        unseen = identity.unseen(session, BATCH)
    for person_id in unseen:
        with transaction() as session:
            erasures.forget_unseen(session, person_id)
    for person_id in closed:
        with transaction() as session:
            erasures.forget_names(session, identity.everyone(session, person_id))
