"""A lead's accounts: what they may give and change, what is shown once, and what never reaches the audit trail."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import limits
from backend.core.audit import AuditEvent
from backend.identity.models import LoginSession, Staff, StaffRole
from backend.identity.staff import STEP_S, totp
from tests.backend.identity.test_halls import OTHER, OWN, app, enter, settings
from tests.conftest import Clock

__all__ = ["app", "enter", "settings"]

NEW = {"username": "clerk.new", "display_name": "新来的", "roles": ["window_clerk"], "reason": "新入职"}
WHY = {"reason": "调整岗位"}


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "spend", lambda *_, **__: None)


def call(client: FlaskClient, method: str, path: str, who: dict[str, str], body: object = None):
    return client.open(f"/api/v1/staff/accounts{path}", method=method, json=body, headers=who)


def create(client: FlaskClient, who: dict[str, str], **changes: object):
    return call(client, "POST", "", who, {**NEW, **changes})


def account(session: Session, username: str) -> Staff:
    return session.scalars(select(Staff).where(Staff.username == username)).one()


def sign_in(client: FlaskClient, clock: Clock, handed: dict[str, Any], **changes: str):
    code = totp(handed["totp_secret"], int(clock.now.timestamp()) // STEP_S)
    body = {"username": handed["account"]["username"], "password": handed["password"], "totp": code}
    return client.post("/api/v1/staff/session", json={**body, **changes})


def events(session: Session, group: str = "staff.") -> list[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.action.startswith(group), AuditEvent.hall_code == OWN)
    return list(session.scalars(query.order_by(AuditEvent.id)))


def test_a_new_clerk_signs_in_with_what_was_shown_once(client, session, enter, clock) -> None:  # noqa: F811
    lead = enter(("hall_lead", OWN))
    made = create(client, lead)
    assert made.status_code == 201, made.json
    shown = made.json
    assert made.headers["Cache-Control"] == "no-store"
    assert len(shown["password"].replace("-", "")) == 20
    uri = urlsplit(shown["totp_uri"])
    assert (uri.scheme, uri.netloc, parse_qs(uri.query)["secret"]) == ("otpauth", "totp", [shown["totp_secret"]])
    assert sign_in(client, clock, shown).json["staff"]["roles"] == ["window_clerk"]
    listed = call(client, "GET", "", lead).json
    assert listed["gives"] == ["approver", "gate", "issuing_desk", "partner", "window_clerk"]
    [row] = [one for one in listed["accounts"] if one["username"] == "clerk.new"]
    assert (row["roles"], row["active"], row["manageable"], row["sessions"]) == (["window_clerk"], True, True, 1)
    everything = json.dumps([event.data for event in session.scalars(select(AuditEvent))], ensure_ascii=False)
    assert shown["password"] not in everything + json.dumps(listed)
    assert shown["totp_secret"] not in everything + json.dumps(listed)
    [event] = [one for one in events(session) if one.action == "staff.created"]
    assert event.data == {"before": {}, "after": {k: NEW[k] for k in ("username", "display_name", "roles")}}
    assert (event.reason, event.hall_code) == ("新入职", OWN)


@pytest.mark.parametrize("role", ["hall_lead", "platform_operator", "auditor", "finance", "nobody"])
def test_a_lead_gives_no_higher_role(client, session, enter, role: str) -> None:  # noqa: F811
    lead = enter(("hall_lead", OWN))
    refused = create(client, lead, roles=["gate", role])
    assert (refused.status_code, refused.json["code"]) in {(403, "role_not_yours"), (422, "invalid_input")}
    made = create(client, lead).json["account"]["id"]
    assert call(client, "PUT", f"/{made}/roles", lead, {"roles": [role], **WHY}).status_code in {403, 422}
    assert session.scalars(select(StaffRole.role).where(StaffRole.staff_id == made)).all() == ["window_clerk"]


def test_an_operator_appoints_a_lead_in_the_hall_they_chose(client, session, enter) -> None:  # noqa: F811
    operator = enter(("platform_operator", None))
    assert create(client, operator, roles=["hall_lead"]).status_code == 403, "no hall chosen"
    client.post("/api/v1/staff/session/hall", json={"hall": OTHER}, headers=operator)
    made = create(client, operator, roles=["hall_lead"])
    assert made.status_code == 201, made.json
    assert call(client, "GET", "", operator).json["gives"] == [
        "approver",
        "gate",
        "hall_lead",
        "issuing_desk",
        "partner",
        "window_clerk",
    ]
    roles = session.execute(
        select(StaffRole.role, StaffRole.hall_code).where(StaffRole.staff_id == made.json["account"]["id"])
    )
    assert [tuple(row) for row in roles] == [("hall_lead", OTHER)]
    assert create(client, operator, username="other.one", roles=["auditor"]).status_code == 422


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"username": "Clerk"}, "/username"),
        ({"username": "ab"}, "/username"),
        ({"username": "a b c"}, "/username"),
        ({"display_name": " x "}, "/display_name"),
        ({"display_name": "x" * 21}, "/display_name"),
        ({"roles": []}, "/roles"),
        ({"reason": ""}, "/reason"),
    ],
)
def test_a_bad_account_is_refused_by_its_field(client, session, enter, changes, pointer) -> None:  # noqa: F811
    before = len(session.scalars(select(Staff)).all())
    refused = create(client, enter(("hall_lead", OWN)), **changes)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"].startswith(pointer)
    assert len(session.scalars(select(Staff)).all()) == before + 1


def test_a_user_name_is_given_once(client, enter) -> None:  # noqa: F811
    assert create(client, enter(("hall_lead", OWN))).status_code == 201
    again = create(client, enter(("hall_lead", OTHER)))
    assert (again.status_code, again.json["code"], again.json["errors"][0]["pointer"]) == (
        409,
        "username_taken",
        "/username",
    )


def test_roles_change_with_the_next_request(client, session, enter, clock) -> None:  # noqa: F811
    lead = enter(("hall_lead", OWN))
    clerk = enter(("window_clerk", OWN))
    assert client.get("/api/v1/staff/window", headers=clerk).status_code == 200
    me = client.get("/api/v1/session", headers=clerk).json["staff"]["id"]
    changed = call(client, "PUT", f"/{me}/roles", lead, {"roles": ["gate", "gate"], **WHY})
    assert (changed.status_code, changed.json["roles"]) == (200, ["gate"])
    assert client.get("/api/v1/staff/window", headers=clerk).status_code == 403
    event = events(session)[-1]
    assert event.data == {"before": {"roles": ["window_clerk"]}, "after": {"roles": ["gate"]}}


def test_locking_ends_every_session_and_unlocking_lets_in_again(client, session, enter, clock) -> None:  # noqa: F811
    lead, clerk = enter(("hall_lead", OWN)), enter(("window_clerk", OWN))
    me = client.get("/api/v1/session", headers=clerk).json["staff"]
    locked = call(client, "PUT", f"/{me['id']}/active", lead, {"active": False, **WHY})
    assert (locked.json["active"], locked.json["sessions"]) == (False, 0)
    assert client.get("/api/v1/staff/today", headers=clerk).status_code == 401
    assert session.scalars(select(LoginSession).where(LoginSession.staff_id == me["id"])).all() == []
    found = session.get_one(Staff, me["id"])
    found.failures, found.locked_until = 3, clock.now
    session.commit()
    back = call(client, "PUT", f"/{me['id']}/active", lead, {"active": True, **WHY})
    assert (back.json["active"], back.json["locked_until"]) == (True, None)
    session.expire_all()
    assert session.get_one(Staff, me["id"]).failures == 0
    assert [(one.action, one.data) for one in events(session) if one.action != "staff.logged_in"] == [
        ("staff.locked_by_lead", {"before": {"active": True}, "after": {"active": False}}),
        ("staff.unlocked", {"before": {"active": False}, "after": {"active": True}}),
    ]


def test_a_reset_shows_only_what_was_reset_and_the_old_is_worthless(client, enter, clock) -> None:  # noqa: F811
    lead = enter(("hall_lead", OWN))
    made = create(client, lead).json
    path = f"/{made['account']['id']}/reset"
    first = call(client, "POST", path, lead, {"password": True, "totp": False, **WHY}).json
    assert (first["totp_secret"], first["totp_uri"]) == (None, None)
    assert sign_in(client, clock, made).status_code == 401
    clock.advance(seconds=60)
    assert sign_in(client, clock, made, password=first["password"]).status_code == 200
    second = call(client, "POST", path, lead, {"password": False, "totp": True, **WHY}).json
    assert second["password"] is None
    assert second["account"]["sessions"] == 0
    clock.advance(seconds=60)
    assert sign_in(client, clock, made, password=first["password"]).status_code == 401
    both = {**made, "password": first["password"], "totp_secret": second["totp_secret"]}
    assert sign_in(client, clock, both).status_code == 200
    assert call(client, "POST", path, lead, {"password": False, "totp": False, **WHY}).status_code == 422


def test_signing_somebody_out_everywhere(client, session, enter) -> None:  # noqa: F811
    lead, clerk = enter(("hall_lead", OWN)), enter(("gate", OWN))
    me = client.get("/api/v1/session", headers=clerk).json["staff"]["id"]
    assert call(client, "POST", f"/{me}/sessions/end", lead, WHY).json["sessions"] == 0
    assert client.get("/api/v1/staff/today", headers=clerk).status_code == 401
    assert events(session)[-1].data == {"before": {"sessions": 1}, "after": {"sessions": 0}}


WAYS = [
    ("PUT", "roles", {"roles": ["gate"]}),
    ("PUT", "active", {"active": False}),
    ("POST", "reset", {"password": True, "totp": True}),
    ("POST", "sessions/end", {}),
]


@pytest.mark.parametrize(("method", "way", "body"), WAYS)
@pytest.mark.parametrize(
    ("roles", "status", "code"),
    [
        ((("gate", OTHER),), 404, "not_found"),
        ((("gate", OWN), ("gate", OTHER)), 403, "account_out_of_reach"),
        ((("hall_lead", OWN),), 403, "account_out_of_reach"),
        ((("gate", OWN), ("platform_operator", None)), 403, "account_out_of_reach"),
        ((("gate", OWN), ("auditor", OWN)), 403, "account_out_of_reach"),
    ],
)
def test_accounts_out_of_a_leads_reach_stay_as_they_are(
    client, session, enter, method, way, body, roles, status, code
) -> None:  # noqa: F811, E501
    lead, other = enter(("hall_lead", OWN)), enter(*roles)
    target = client.get("/api/v1/session", headers=other).json["staff"]["id"]
    hashed = session.get_one(Staff, target).password_hash
    refused = call(client, method, f"/{target}/{way}", lead, {**body, **WHY})
    assert (refused.status_code, refused.json["code"]) == (status, code)
    session.expire_all()
    assert session.get_one(Staff, target).password_hash == hashed
    assert client.get("/api/v1/session", headers=other).json["kind"] == "staff"
    listed = {one["id"]: one["manageable"] for one in call(client, "GET", "", lead).json["accounts"]}
    assert listed.get(target) in ({None} if status == 404 else {False})


@pytest.mark.parametrize(("method", "way", "body"), WAYS)
def test_nobody_changes_their_own_account(client, enter, method, way, body) -> None:  # noqa: F811
    lead = enter(("hall_lead", OWN))
    me = client.get("/api/v1/session", headers=lead).json["staff"]["id"]
    refused = call(client, method, f"/{me}/{way}", lead, {**body, **WHY})
    assert (refused.status_code, refused.json["code"]) == (409, "own_account")


@pytest.mark.parametrize("role", ["gate", "window_clerk", "auditor", "finance"])
def test_others_manage_no_accounts(client, enter, role) -> None:  # noqa: F811
    who = enter((role, OWN))
    assert call(client, "GET", "", who).status_code == 403
    assert create(client, who).status_code == 403


def test_an_operator_reaches_leads_and_staff_of_several_halls(client, enter) -> None:  # noqa: F811
    operator = enter(("platform_operator", None))
    client.post("/api/v1/staff/session/hall", json={"hall": OWN}, headers=operator)
    for roles in ((("hall_lead", OWN),), (("gate", OWN), ("gate", OTHER))):
        target = client.get("/api/v1/session", headers=enter(*roles)).json["staff"]["id"]
        assert call(client, "POST", f"/{target}/sessions/end", operator, WHY).status_code == 200
    city = client.get("/api/v1/session", headers=enter(("gate", OWN), ("auditor", None))).json["staff"]["id"]
    assert call(client, "POST", f"/{city}/sessions/end", operator, WHY).json["code"] == "account_out_of_reach"
