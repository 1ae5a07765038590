"""Races with real processes on PostgreSQL and one folder."""

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend.core import clock, db
from backend.core.config import Settings
from backend.files import doctor, jobs, scanner, service, storage
from backend.files.models import File, FilePart
from backend.files.service import Announced
from backend.files.states import State
from backend.sandbox.clamd import Clamd
from tests.backend.appointments import racers as starters
from tests.backend.files import corpus, racers
from tests.conftest import make_settings

SCALE = int(os.environ.get("RACE_SCALE", "1"))
PROCESSES = 3


@pytest.fixture
def arena(fresh_database: str, tmp_path: Path) -> Iterator[Settings]:
    settings = replace(make_settings(fresh_database), upload_dir=tmp_path)
    before = db._engine, db._sessions, db._autocommit_sessions, storage._storage
    db._engine = None
    racers.connect(settings)
    yield settings
    with db.transaction() as session:
        assert doctor.invariants(session) == []
    db.engine().dispose()
    clock.replace(None)
    db._engine, db._sessions, db._autocommit_sessions, storage._storage = before


def begun(person: UUID, content: bytes) -> UUID:
    announced = Announced("a.jpg", corpus.JPEG, len(content), hashlib.sha256(content).digest())
    with db.transaction() as session:
        return service.begin(
            session, announced, asker=racers.principal(person), subject=("person", str(person)), most_bytes=10**8
        ).id


def checked(person: UUID, file_id: UUID) -> State:
    with db.transaction() as session:
        service.finish(session, file_id, asker=racers.principal(person))
    daemon = Clamd(("127.0.0.1", 0))
    daemon.start()
    try:
        jobs.check(scanner.Clamd("127.0.0.1", daemon.server_address[1]))
    finally:
        daemon.shutdown()
        daemon.server_close()
    with db.transaction() as session:
        return session.get_one(File, file_id).state


def test_writers_of_one_file_do_not_mix_their_bytes(arena: Settings, tmp_path: Path) -> None:
    """Three processes, each with parts of another length, all at the next place; the sum of the whole is right."""
    person = uuid4()
    content = corpus.picture() + b"\xff" * 4 + random.Random(5).randbytes(300_000 * SCALE)
    file_id = begun(person, content)
    calls = [(arena, person, file_id, content, seed) for seed in range(PROCESSES)]
    outcome = starters.race(racers.write_all, calls)
    assert outcome["lost"] > 0, "nobody met"
    with db.transaction() as session:
        assert session.get_one(File, file_id).received == len(content)
        assert len(session.scalars(select(FilePart)).all()) == outcome["won"]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == outcome["won"]
    assert checked(person, file_id) == "ready"


def test_the_last_places_are_given_once(arena: Settings) -> None:
    person = uuid4()
    outcome = starters.race(racers.begin_all, [(arena, person, 10)] * PROCESSES)
    assert outcome == {"begun": service.MOST_OF_SUBJECT, "too_many_files": 10 * PROCESSES - service.MOST_OF_SUBJECT}


def test_a_copy_never_loses_its_content(arena: Settings) -> None:
    """Used again and taken away in the same moment: either there is no copy, or it has its content."""
    person = uuid4()
    for _ in range(2 * SCALE):
        content = corpus.picture()
        file_id = begun(person, content)
        with db.transaction() as session:
            part = service.next_part(session, file_id, asker=racers.principal(person), offset=0, length=len(content))
        storage.current().put(part, [content])
        with db.transaction() as session:
            service.add_part(session, file_id, offset=0, length=len(content), key=part)
        assert checked(person, file_id) == "ready"
        words = [(arena, person, file_id, what) for what in ("reuse", "remove", "reuse")]
        outcome = starters.race(racers.reuse_or_remove, words)
        assert outcome["remove"] == 1
        assert set(outcome) <= {"remove", "reuse", "not_found"}
        with db.transaction() as session:
            assert doctor.invariants(session) == []
            service.remove_all(session, "person", str(person))
        jobs.sweep()
