"""Engine, base class and the one transaction rule (ARCHITECTURE §4)."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import DateTime, Engine, MetaData, Uuid, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from backend.core import context
from backend.core.config import Settings

P = ParamSpec("P")
R = TypeVar("R")

CONNECT_S = 2
"""Seconds to wait for a database that does not answer; the least that libpq knows."""

SILENT_MS = 10_000
"""Milliseconds until a connection whose other end fell silent is given up; longer than any statement may take."""

RETRYABLE = {"40001", "40P01"}
"""SQLSTATE of serialization failure and deadlock: the block had no effect and may run again."""


class UTCDateTime(TypeDecorator[datetime]):
    """`timestamptz` that refuses naive values and always reads back UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime reached the database")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UTCDateTime,
        uuid.UUID: Uuid,
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


def new_id() -> uuid.UUID:
    """A version 7 UUID: opaque to others, in time order for the index."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


_engine: Engine | None = None
_sessions: sessionmaker[Session] | None = None
_autocommit_sessions: sessionmaker[Session] | None = None


def make_engine(settings: Settings) -> Engine:
    """An engine with the product's timeouts. Decisions are read committed plus conditional updates."""
    connect_args: dict[str, Any] = {"connect_timeout": CONNECT_S, "tcp_user_timeout": SILENT_MS}
    if settings.database_pooler:
        connect_args["prepare_threshold"] = None
    else:
        limits = {
            "lock_timeout": "2s",
            "statement_timeout": "5s",
            "idle_in_transaction_session_timeout": "10s",
            "timezone": "UTC",
        }
        connect_args["options"] = " ".join(f"-c {name}={value}" for name, value in limits.items())
    return create_engine(
        settings.database_url,
        connect_args=connect_args,
        pool_size=settings.web_threads,
        max_overflow=4,
        pool_timeout=2,
        pool_use_lifo=True,
        pool_recycle=1800,
        query_cache_size=2000,
    )


def configure(settings: Settings) -> Engine:
    """Connect this process; call once, after fork."""
    engine = make_engine(settings)
    bind(engine)
    return engine


def bind(engine: Engine) -> None:
    """Use this engine for every session of the process."""
    global _engine, _sessions, _autocommit_sessions
    if _engine is not None and _engine is not engine:
        _engine.dispose()
    _engine = engine
    _sessions = sessionmaker(engine, expire_on_commit=False, autoflush=False)
    _autocommit_sessions = sessionmaker(
        engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False, autoflush=False
    )


def forget_connections() -> None:
    """After a fork: leave the parent's connections to the parent."""
    if _engine is not None:
        _engine.dispose(close=False)


def engine() -> Engine:
    """The engine of this process."""
    if _engine is None:
        raise RuntimeError("db.configure() has not been called")
    return _engine


@contextmanager
def transaction() -> Iterator[Session]:
    """The only committer: commit at the end, roll back on any exception. Never nested."""
    if _sessions is None:
        raise RuntimeError("db.configure() has not been called")
    if context.in_transaction.get():
        raise RuntimeError("transaction() inside transaction(): only an entry point opens one")
    token = context.in_transaction.set(True)
    session = _sessions()
    try:
        yield session
        session.commit()
        context.commits.set(context.commits.get() + 1)
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
        context.in_transaction.reset(token)


@contextmanager
def reading() -> Iterator[Session]:
    """A session for single reads: each statement stands alone, no BEGIN or COMMIT on the wire."""
    if _autocommit_sessions is None:
        raise RuntimeError("db.configure() has not been called")
    session = _autocommit_sessions()
    try:
        yield session
    finally:
        session.close()


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's five-letter code of a database error, or an empty text."""
    return getattr(error.orig, "sqlstate", None) or ""


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Run an entry point again, at most twice, when the database chose it as a deadlock victim.

    Only while nothing was committed, so nothing can happen twice.
    """

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(2):
            before = context.commits.get()
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if sqlstate(error) not in RETRYABLE or context.commits.get() != before:
                    raise
        return function(*args, **kwargs)

    return wrapper
