"""What a web node says while its database is away, and that it recovers by itself."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend import database, postgres
from backend.app import create_app
from backend.core import db
from tests.conftest import make_settings

QUICK_S = db.CONNECT_S + 3.0


@pytest.fixture
def unbound() -> Iterator[None]:
    """Let the test bind its own database, and give the others theirs back."""
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    yield
    db.engine().dispose()
    db._engine, db._sessions, db._autocommit_sessions = before


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A place for a server of this test's own."""
    yield tmp_path
    data = postgres.data_folder(tmp_path)
    if tmp_path not in data.parents:
        shutil.rmtree(data.parent)


def ready(client: FlaskClient) -> tuple[int, str]:
    """Status of /readyz and what it says of the database, which must come quickly."""
    began = time.monotonic()
    answer = client.get("/readyz")
    assert time.monotonic() - began < QUICK_S
    assert answer.json
    return answer.status_code, answer.json["checks"]["database"]


def serves_without_database(client: FlaskClient) -> None:
    assert client.get("/livez").status_code == 200
    assert b'route="/readyz"' in client.get("/metrics").data
    busy = client.get("/api/v1/session", headers={"Authorization": "Bearer " + "x" * 43})
    assert (busy.status_code, busy.json["code"], busy.headers["Retry-After"]) == (503, "busy", "2")


def test_a_stopped_server_is_seen_and_its_return_too(unbound: None, folder: Path) -> None:
    server = postgres.start(folder)
    server.create("away")
    url = server.url("away")
    database.upgrade(url)
    client = create_app(make_settings(url)).test_client()
    assert ready(client) == (200, "ok")
    for _ in range(2):
        server.stop()
        assert ready(client) == (503, "down")
        assert ready(client) == (503, "down")
        serves_without_database(client)
        server = postgres.start(folder)
        assert ready(client) == (200, "ok")
    server.stop()


def test_an_address_that_never_answers_is_given_up_quickly(unbound: None) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        client = create_app(make_settings(url)).test_client()
        assert ready(client) == (503, "down")
        serves_without_database(client)
