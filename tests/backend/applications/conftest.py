"""Filing tests run on the seeded city, with citizens of a real-name level and staff of its halls."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.catalogue import snapshot
from backend.core.config import Settings
from tests.backend.applications.people import Filer, Office, filer
from tests.conftest import Clock


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


MakeFiler = Callable[..., Filer]


@pytest.fixture
def make_filer(session: Session, client: FlaskClient, clock: Clock) -> MakeFiler:
    return lambda **changes: filer(session, client, **changes)


@pytest.fixture
def citizen_(make_filer: MakeFiler) -> Filer:
    return make_filer()


@pytest.fixture
def office(session: Session, client: FlaskClient, clock: Clock) -> Office:
    """The city hall's staff."""
    return Office(client, session)


@pytest.fixture(autouse=True)
def _own_catalogue() -> Iterator[None]:
    """What this process remembers of items ends with the test: some publish versions of their own."""
    yield
    snapshot.forget()
