"""The seeded city, the two offices on the wire, and the demo person 张测试 with a real name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core.config import Settings
from backend.identity import service as identity
from backend.identity import sessions
from backend.licences import offices_http, service
from backend.licences.kinds import Source
from backend.licences.ports import Office
from tests.conftest import Clock
from tests.sandbox_server import RunningSandbox, running_sandbox

ID_NUMBER, NAME = "350299199001010010", "张测试"
ITEM, MATERIAL = "passport-first", "passport-first.id-card"
ID_CARD = "11100000000013338W011"


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


@pytest.fixture(scope="module")
def provider(seeded_settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(seeded_settings) as running:
        yield running


@dataclass
class Desk:
    """The operator of both offices."""

    sandbox: RunningSandbox

    def give(self, having: str, kind: str = ID_CARD, person: str = "zhang") -> None:
        body = {"person": person, "kind": kind, "having": having}
        requests.post(f"{self.sandbox.url}/offices/api/licence", json=body, timeout=5).raise_for_status()

    def uses(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.sandbox.url}/offices/api/state", timeout=5).json()["uses"]
        return found


@pytest.fixture
def desk(provider: RunningSandbox) -> Iterator[Desk]:
    yield Desk(provider)
    provider.reset()
    requests.post(f"{provider.url}/offices/api/reset", json={}, timeout=5)


@pytest.fixture
def offices(provider: RunningSandbox, settings: Settings) -> Mapping[Source, Office]:
    return offices_http.from_settings(provider.settings(settings))


@dataclass
class Holder:
    """张测试 with a session."""

    client: FlaskClient
    id: UUID
    header: dict[str, str]

    def ask(self, material: str = MATERIAL, item: str = ITEM, key: str | None = None, **changes: Any) -> Any:
        body = {
            "subject_type": "person",
            "subject_id": str(self.id),
            "item": item,
            "material": material,
            "wording": service.WORDING,
        }
        headers = {**self.header, "Idempotency-Key": key or uuid4().hex}
        return self.client.post("/api/v1/licences", json={**body, **changes}, headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.header)


@pytest.fixture
def holder(
    session: Session, client: FlaskClient, clock: Clock, app: Flask, offices: Mapping[Source, Office]
) -> Iterator[Holder]:
    person = identity.log_in(session, provider="phone", subject="13999990001", current=None, phone="13999990001")
    card = identity.RealName(ID_NUMBER, NAME, None)
    person = identity.verify(session, open_id="o-zhang", real_name=card, current=person)
    token = sessions.start(session, person_id=person).token
    session.commit()
    app.extensions["licence_offices"] = offices
    yield Holder(client, person, {"Authorization": f"Bearer {token}"})
    app.extensions.pop("licence_offices")
