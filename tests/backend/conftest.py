"""Fixtures of tests on the seeded city: databases, demo citizens with a phone number, and slots."""

import os
from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import postgres
from backend.appointments.models import Slot
from backend.core import crypto
from backend.core.config import Settings
from backend.identity import service as identity
from backend.identity import sessions
from tests.backend.seeded import seed
from tests.conftest import Clock, make_settings

HALL, CATEGORY, ITEM = "XM", "exit-entry", "passport-first"
WEDNESDAY = date(2026, 11, 25)


@pytest.fixture(scope="session")
def seeded_template(server: postgres.Embedded, template: str) -> Iterator[str]:
    name = f"seeded_{os.getpid()}"
    server.create(name, template=template)
    seed(make_settings(server.url(name)))
    yield name
    server.drop(name)


@pytest.fixture(scope="session")
def seeded_settings(server: postgres.Embedded, seeded_template: str) -> Iterator[Settings]:
    name = f"booking_{os.getpid()}"
    server.create(name, template=seeded_template)
    made = make_settings(server.url(name))
    crypto.configure(crypto.Keyring.from_settings(made))
    yield made
    server.drop(name)


@pytest.fixture
def seeded_database(server: postgres.Embedded, seeded_template: str) -> Iterator[str]:
    """A seeded database of one test's own."""
    name = f"race_{uuid4().hex[:12]}"
    server.create(name, template=seeded_template)
    yield server.url(name)
    server.drop(name)


Citizen = Callable[[], "tuple[UUID, dict[str, str]]"]


@pytest.fixture
def citizen(session: Session, clock: Clock) -> Citizen:
    """Make a citizen of level 1: their id and the header of their session."""

    def make() -> tuple[UUID, dict[str, str]]:
        phone = f"139{uuid4().int % 10**8:08d}"
        person = identity.log_in(session, provider="phone", subject=phone, current=None, phone=phone)
        token = sessions.start(session, person_id=person).token
        session.commit()
        return person, {"Authorization": f"Bearer {token}"}

    return make


@pytest.fixture
def slots(session: Session, clock: Clock) -> list[UUID]:
    """Wednesday's slots of the city hall's passport windows."""
    query = select(Slot.id).where(Slot.hall_code == HALL, Slot.category_code == CATEGORY, Slot.day == WEDNESDAY)
    return list(session.scalars(query.order_by(Slot.start)))


Post = Callable[..., "object"]


@pytest.fixture
def post(client: FlaskClient):
    """POST with a fresh idempotency key."""

    def send(path: str, who: dict[str, str], body: object, key: str | None = None):
        headers = {**who, "Idempotency-Key": key or uuid4().hex}
        return client.post(f"/api/v1{path}", json=body, headers=headers)

    return send
