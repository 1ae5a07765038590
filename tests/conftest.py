"""Fixtures of every test: one embedded PostgreSQL, a migrated template, sessions that leave no trace."""

import base64
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from backend import database, postgres
from backend.catalogue import snapshot
from backend.core import calendar, clock, crypto, db, kept
from backend.core.config import Settings

OFFICES = ("licence", "eproof", "hotline", "province", "credit")
ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first: at the end no processor is left alone with one."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _key(seed: str) -> str:
    return base64.b64encode(seed.encode().ljust(32, b".")).decode()


def make_settings(database_url: str, **changes: object) -> Settings:
    """Settings of a test run; every key is made up here."""
    values: dict[str, object] = {
        "app_env": "test",
        "database_url": database_url,
        "public_url": "http://127.0.0.1:8000",
        "secret_key": "test-secret-of-at-least-32-characters",
        "field_keys": f"1:{_key('field')}",
        "index_key": _key("index"),
        "pass_keys": f"1:{_key('pass')}",
        "var_dir": ROOT / "var" / "test",
        "upload_dir": ROOT / "var" / "test" / "uploads",
        "wechat_mini_appid": "sandbox-mini",
        "wechat_mini_secret": "mini-secret",
        "wechat_official_appid": "sandbox-official",
        "wechat_official_secret": "official-secret",
        "ixiamen_client_id": "sandbox-ixiamen",
        "ixiamen_client_secret": "ixiamen-secret",
        "sms_key": "sandbox-sms",
        "sms_secret": "sms-secret",
        **{f"{office}_app": f"sandbox-{office}" for office in OFFICES},
        **{f"{office}_keys": f"2:{_key(office)},1:{_key(office + '-old')}" for office in OFFICES},
        "finance_app": "sandbox-finance",
        "finance_keys": f"2:{_key('finance')},1:{_key('finance-old')}",
        "ems_sender_no": "sandbox-ems",
        "ems_authorization": "ems-authorization",
        "ems_sign_key": base64.b64encode(b"ems-sign-key-16b").decode(),
    }
    settings = Settings(**{**values, **changes})
    settings.validate()
    return settings


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Embedded]:
    """The embedded PostgreSQL of this checkout, shared by parallel test runs."""
    embedded = postgres.start(ROOT / "var" / "test")
    yield embedded
    embedded.stop()


@pytest.fixture(scope="session")
def template(server: postgres.Embedded) -> Iterator[str]:
    """A database with every migration and the seed, from which tests copy."""
    name = f"template_{os.getpid()}"
    server.create(name)
    database.upgrade(server.url(name))
    yield name
    server.drop(name)


@pytest.fixture
def fresh_database(server: postgres.Embedded, template: str) -> Iterator[str]:
    """Address of a database of one test's own, for races, workers and crashes."""
    name = f"test_{uuid4().hex[:12]}"
    server.create(name, template=template)
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="session")
def shared_database(server: postgres.Embedded, template: str) -> Iterator[str]:
    """One database for all tests that roll back."""
    name = f"shared_{os.getpid()}"
    server.create(name, template=template)
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="session")
def settings(shared_database: str) -> Settings:
    """Settings that point at the shared database."""
    made = make_settings(shared_database)
    crypto.configure(crypto.Keyring.from_settings(made))
    return made


class KeptSession(Session):
    """Stands in for an autocommit session: what it wrote stays when it is closed."""

    def close(self) -> None:
        self.commit()
        super().close()


Engines = Callable[[str], Engine]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """One engine for each database: the connection and the statements it compiled serve the next test."""
    made: dict[str, Engine] = {}

    def engine(url: str) -> Engine:
        if url not in made:
            made[url] = create_engine(url, connect_args={"options": "-c timezone=UTC"})
        return made[url]

    yield engine
    for one in made.values():
        one.dispose()


@pytest.fixture
def isolated(settings: Settings, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Join everything the code commits to one outer transaction that is rolled back.

    No slot lists are kept, and the catalogue that the last test left is compared with this database's at once.
    """
    engine = engines(settings.database_url)
    connection = engine.connect()
    outer = connection.begin()
    factory = sessionmaker(
        connection, expire_on_commit=False, autoflush=False, join_transaction_mode="create_savepoint"
    )
    before = db._engine, db._sessions, db._autocommit_sessions
    autocommit: sessionmaker[Any] = sessionmaker(
        connection,
        class_=KeptSession,
        expire_on_commit=False,
        autoflush=False,
        join_transaction_mode="create_savepoint",
    )
    db._engine, db._sessions, db._autocommit_sessions = engine, factory, autocommit
    calendar.forget()
    monkeypatch.setattr(kept, "LIFE", timedelta(0))
    monkeypatch.setattr(snapshot, "_checked_at", float("-inf"))
    yield
    outer.rollback()
    connection.close()
    db._engine, db._sessions, db._autocommit_sessions = before
    calendar.forget()


@pytest.fixture
def session(isolated: None) -> Iterator[Session]:
    """A session inside the isolated connection, for services and for looking at results."""
    assert db._sessions is not None
    with db._sessions() as opened:
        yield opened


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # Tuesday 09:00 in Xiamen

    def set(self, instant: datetime) -> None:
        self.now = instant

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock_() -> Iterator[Clock]:
    """Alias of `clock` for modules that import backend.core.clock."""
    stopped = Clock()
    clock.replace(lambda: stopped.now)
    yield stopped
    clock.replace(None)


@pytest.fixture(name="clock")
def _clock(clock_: Clock) -> Clock:
    return clock_


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    """The whole web application."""
    from backend.app import create_app

    return create_app(settings, connect=False)


@pytest.fixture
def client(app: Flask, isolated: None) -> FlaskClient:
    """A browser without cookies whose effects vanish after the test."""
    return app.test_client()


MakeSettings = Callable[..., Settings]


@pytest.fixture
def settings_for() -> MakeSettings:
    """Make settings for another database or with other values."""
    return make_settings
