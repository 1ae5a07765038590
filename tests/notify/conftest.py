"""A citizen who can be reached, a sandbox to reach them through, and a database of one's own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, text

from backend.core import crypto, db
from backend.core.config import Settings
from notify import service
from tests.conftest import make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox

PARAMS: dict[str, Any] = {
    "code": "12345678",
    "hall": "厦门市政务服务中心",
    "address": "湖里区云顶北路842号",
    "item": "普通护照首次申请",
    "start": "2026-12-01T01:30:00Z",
    "person": "张**",
}

Notify = Callable[..., UUID]


def write_notice(person_id: UUID, **changes: Any) -> None:
    """Write a notice in a transaction of its own."""
    values: dict[str, Any] = {
        "person_id": person_id,
        "template": "appointment_booked",
        "params": PARAMS,
        "subject_type": "appointment",
        "subject_id": str(uuid4()),
        "link": "/appointments/1",
        "dedupe_key": uuid4().hex,
    }
    with db.transaction() as session:
        service.notify(session, **{**values, **changes})


def reachable(sandbox: RunningSandbox, key: str) -> UUID:
    """A person whose official-account openid is the demo person's."""
    person_id = uuid4()
    with db.transaction() as session:
        service.set_contact(
            session,
            person_id=person_id,
            channel="wechat_official",
            address=sandbox.person(key)["openid_official"],
            language="zh",
        )
    return person_id


@pytest.fixture(scope="session")
def served() -> Iterator[RunningSandbox]:
    with running_sandbox(make_settings("postgresql://nobody@127.0.0.1/none")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: RunningSandbox) -> RunningSandbox:
    served.reset()
    return served


@pytest.fixture
def database(fresh_database: str, sandbox: RunningSandbox) -> Iterator[Settings]:
    """Settings of an own database with the sandbox as provider; connected in this process."""
    settings = sandbox.settings(make_settings(fresh_database))
    crypto.configure(crypto.Keyring.from_settings(settings))
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    engine = db.configure(settings)
    yield settings
    engine.dispose()
    db._engine, db._sessions, db._autocommit_sessions = before


def rows(settings: Settings, statement: str) -> list[Any]:
    """Look at the database from outside."""
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return found


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, tzinfo=UTC)
