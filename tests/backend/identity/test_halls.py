"""Staff of several halls: what a role gives in its own hall, in another, and in all."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core.audit import AuditEvent
from backend.core.auth import COOKIE
from backend.core.config import Settings
from backend.identity import sessions, staff
from backend.identity.models import LoginSession, Staff, StaffRole
from backend.identity.roles import PERMISSIONS
from tests.conftest import Clock

OWN, OTHER = "XM", "SM"
PASSWORD = "a-long-enough-password"  # noqa: S105 - made up here


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


Enter = Callable[..., "dict[str, str]"]


@pytest.fixture
def enter(session: Session, clock: Clock) -> Enter:
    """Log a new member of staff in: the header of their session."""

    def make(*roles: tuple[str, str | None]) -> dict[str, str]:
        name = f"staff-{uuid4().hex[:8]}"
        staff.create_staff(session, username=name, display_name="某人", password=PASSWORD, roles=list(roles))
        account = session.scalars(select(Staff.id).where(Staff.username == name)).one()
        token = sessions.start(session, staff_id=account).token
        session.commit()
        return {"Authorization": f"Bearer {token}"}

    return make


def me(client: FlaskClient, who: dict[str, str]) -> dict:  # type: ignore[type-arg]
    found: Any = client.get("/api/v1/session", headers=who).json["staff"]
    return found


def choose(client: FlaskClient, who: dict[str, str], hall: str):
    return client.post("/api/v1/staff/session/hall", json={"hall": hall}, headers=who)


@pytest.mark.parametrize("role", PERMISSIONS)
def test_a_role_works_in_its_hall_and_nowhere_else(
    client: FlaskClient, session: Session, enter: Enter, role: str
) -> None:
    who = enter((role, OWN))
    assert me(client, who)["hall"]["code"] == OWN
    assert me(client, who)["permissions"] == sorted(PERMISSIONS[role])
    halls = client.get("/api/v1/staff/halls", headers=who).json
    assert halls == {"halls": [{"code": OWN, "name": "厦门市行政服务中心"}], "current": OWN}
    refused = [choose(client, who, hall) for hall in (OTHER, "nowhere", "*")]
    assert {(answer.status_code, answer.json["code"]) for answer in refused} == {(403, "not_your_hall")}
    assert me(client, who)["hall"]["code"] == OWN
    assert session.scalar(select(func.count()).where(AuditEvent.action == "staff.hall_chosen")) == 0


@pytest.mark.parametrize("role", PERMISSIONS)
def test_the_chosen_hall_decides_roles_and_permissions(
    client: FlaskClient, session: Session, enter: Enter, role: str
) -> None:
    who = enter((role, OWN), ("gate", OTHER), ("auditor", None))
    assert me(client, who)["hall"]["code"] == OTHER, "the first by its code"
    assert me(client, who)["roles"] == ["auditor", "gate"]
    moved = choose(client, who, OWN)
    assert moved.status_code == 200
    assert moved.json["staff"]["hall"]["code"] == OWN
    assert moved.json["staff"]["roles"] == sorted({role, "auditor"})
    assert moved.json["staff"]["permissions"] == sorted(PERMISSIONS[role] | PERMISSIONS["auditor"])
    assert client.get("/api/v1/session", headers=who).json == moved.json
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "staff.hall_chosen")).one()
    assert (event.actor, event.hall_code) == (f"staff:{moved.json['staff']['id']}", OWN)


def test_a_permission_of_another_hall_is_refused_until_one_works_there(client: FlaskClient, enter: Enter) -> None:
    who = enter(("finance", OTHER), ("gate", OWN))
    assert client.get("/api/v1/staff/today", headers=who).status_code == 403
    assert choose(client, who, OWN).status_code == 200
    assert client.get("/api/v1/staff/today", headers=who).status_code == 200


def test_an_operator_has_no_hall_until_they_choose_any(client: FlaskClient, enter: Enter) -> None:
    who = enter(("platform_operator", None))
    assert me(client, who)["hall"] is None
    listed = client.get("/api/v1/staff/halls", headers={**who, "Accept-Language": "en"}).json
    assert listed["current"] is None
    assert {OWN, OTHER} < {hall["code"] for hall in listed["halls"]}
    assert client.get("/api/v1/staff/today", headers=who).json["code"] == "forbidden"
    assert choose(client, who, "nowhere").status_code == 403
    assert choose(client, who, OTHER).json["staff"]["hall"]["code"] == OTHER
    assert client.get("/api/v1/staff/today", headers=who).status_code == 200


def test_a_hall_whose_role_was_taken_away_is_left_at_once(client: FlaskClient, session: Session, enter: Enter) -> None:
    who = enter(("gate", OTHER), ("gate", OWN))
    account = session.scalars(select(LoginSession.staff_id).where(LoginSession.staff_id.is_not(None))).one()
    session.execute(delete(StaffRole).where(StaffRole.staff_id == account, StaffRole.hall_code == OTHER))
    session.commit()
    assert (me(client, who)["hall"], me(client, who)["permissions"]) == (None, [])
    assert choose(client, who, OTHER).status_code == 403
    assert choose(client, who, OWN).json["staff"]["permissions"] == sorted(PERMISSIONS["gate"])


def test_the_choice_is_one_sessions_and_needs_its_token(client: FlaskClient, session: Session, enter: Enter) -> None:
    first = enter(("gate", OTHER), ("gate", OWN))
    account = session.scalars(select(LoginSession.staff_id).where(LoginSession.staff_id.is_not(None))).one()
    second = sessions.start(session, staff_id=account)
    session.commit()
    choose(client, first, OWN)
    assert me(client, {"Authorization": f"Bearer {second.token}"})["hall"]["code"] == OTHER
    client.set_cookie(COOKIE, second.token, domain="localhost", secure=True)
    body = {"json": {"hall": OWN}, "base_url": "https://localhost"}
    assert client.post("/api/v1/staff/session/hall", **body).json["code"] == "csrf_failed"
    sent = client.post("/api/v1/staff/session/hall", headers={"X-CSRF-Token": second.csrf_token}, **body)
    assert sent.json["staff"]["hall"]["code"] == OWN


def test_only_staff_choose_a_hall(client: FlaskClient, citizen) -> None:
    _, who = citizen()
    assert client.get("/api/v1/staff/halls", headers=who).status_code == 403
    assert choose(client, who, OWN).status_code == 403
    assert choose(client, {}, OWN).status_code == 401
