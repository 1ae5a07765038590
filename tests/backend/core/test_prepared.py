"""Statements run by psycopg itself behave as those that SQLAlchemy runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Float, bindparam, cast, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session

from backend.appointments.models import STATE, OpeningRule
from backend.appointments.states import State
from backend.core import db
from backend.core.config import Settings
from backend.core.idempotency import IdempotencyKey
from backend.core.prepared import Prepared
from tests.bench.statements import written_down

KEYS: Any = IdempotencyKey.__table__
AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
FIRST = bindparam("first", type_=db.UTCDateTime())
CLAIM = Prepared(insert(KEYS).inline())


def claim(owner: UUID, **changes: Any) -> dict[str, Any]:
    row = {"owner_id": owner, "route": "r", "key": "k", "body_hash": b"\0\xff", "answer": None, "created_at": AT}
    return {**row, **changes}


@pytest.fixture
def engine(settings: Settings) -> Iterator[None]:
    """A pool of real connections, one of which may be lost."""
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    db.configure(settings)
    yield
    db.engine().dispose()
    db._engine, db._sessions, db._autocommit_sessions = before


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (db.UTCDateTime(), AT),
        (STATE, State.BOOKED),
        (JSONB(), {"名": ["一", 2]}),
        (Float(), 0.5),
        (KEYS.c.body_hash.type, b"\0\xff"),
        (KEYS.c.owner_id.type, UUID(int=7)),
    ],
)
def test_values_go_in_and_come_out_as_with_sqlalchemy(session: Session, kind: Any, value: object) -> None:
    echoes = (bindparam("given", type_=kind), literal(value, type_=kind), bindparam("missing", type_=kind))
    query = select(*(cast(echo, kind) for echo in echoes), func.now())
    asked = {"given": value, "missing": None}
    [answer] = Prepared(query).run(session, asked)
    assert answer == tuple(session.execute(query, asked).one())
    assert answer[:2] == (value, value)
    assert type(answer[0]) is type(value)


def test_it_belongs_to_the_session_s_transaction(engine: None) -> None:
    owner = uuid4()
    with db.transaction() as session:
        assert CLAIM.run(session, claim(owner)) == []
        assert session.get(IdempotencyKey, (owner, "r", "k")) is not None
        with db.reading() as other:
            assert other.get(IdempotencyKey, (owner, "r", "k")) is None
        session.rollback()
    with db.reading() as other:
        assert other.get(IdempotencyKey, (owner, "r", "k")) is None


def test_the_same_text_is_sent_every_time(session: Session) -> None:
    later = Prepared(select(FIRST).where(FIRST > AT))
    with written_down() as sent:
        assert later.run(session, {"first": AT}) == []
        assert later.run(session, {"first": AT.replace(year=2027)}) == [(AT.replace(year=2027),)]
    assert len({statement.sql for statement in sent if "SELECT" in statement.sql}) == 1


def test_a_refusal_of_the_database_is_sqlalchemy_s_exception(session: Session) -> None:
    owner = uuid4()
    CLAIM.run(session, claim(owner))
    with pytest.raises(IntegrityError) as refused, session.begin_nested():
        CLAIM.run(session, claim(owner))
    assert db.sqlstate(refused.value) == "23505"
    assert "ff" not in str(refused.value.params)


def test_a_naive_time_does_not_reach_the_database(session: Session) -> None:
    with pytest.raises(StatementError, match="naive"):
        CLAIM.run(session, claim(uuid4(), created_at=AT.replace(tzinfo=None)))


def test_a_lost_connection_is_replaced(engine: None) -> None:
    one = Prepared(select(literal(1)))
    with db.transaction() as session:
        assert one.run(session, {}) == [(1,)]
        with db.reading() as other:
            lost = session.scalar(text("SELECT pg_backend_pid()"))
            other.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": lost})
        with pytest.raises(OperationalError) as gone:
            one.run(session, {})
        assert gone.value.connection_invalidated
        session.rollback()
    with db.transaction() as session:
        assert one.run(session, {}) == [(1,)]


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (insert(OpeningRule), {"hall_code": "XM"}),
        (update(KEYS).where(KEYS.c.key.in_(bindparam("keys", expanding=True))).values(route="x"), {"keys": ["k"]}),
    ],
)
def test_lists_and_python_s_defaults_are_refused(session: Session, statement: Any, values: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Prepared(statement).run(session, values)
