"""What must not work: stolen, repeated, cross-site, too many, somebody else's."""

import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import clock as core_clock
from backend.core import crypto, db
from backend.core.audit import AuditEvent
from backend.core.auth import COOKIE
from backend.core.config import Settings
from backend.identity import journeys, service, sessions, staff
from tests.backend.identity.test_logins import log_in_ixiamen, state
from tests.backend.queueing.hall_people import missed
from tests.conftest import Clock, make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox

LOCALHOST = "https://localhost"
SOURCE = "127.0.0.1"
PASSWORD = "a-long-enough-password"  # noqa: S105 - made up here
Headers = dict[str, str]


@pytest.fixture(scope="module")
def sandbox(settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def browser(app: Flask, client: FlaskClient, sandbox: RunningSandbox) -> Iterator[FlaskClient]:
    before = app.extensions["settings"]
    app.extensions["settings"] = sandbox.settings(before)
    yield client
    app.extensions["settings"] = before


def citizen(session: Session, phone: str) -> Headers:
    """The header of a new citizen's session."""
    person = service.log_in(session, provider="phone", subject=phone, current=None, phone=phone)
    token = sessions.start(session, person_id=person).token
    session.commit()
    return {"Authorization": f"Bearer {token}"}


def test_a_login_gives_a_new_session_and_ends_the_old_one(browser, sandbox) -> None:
    browser.set_cookie(COOKIE, "a-token-that-somebody-else-chose-beforehand", domain="localhost", secure=True)
    log_in_ixiamen(browser, sandbox, "zhang")
    first = browser.get_cookie(COOKIE, domain="localhost").value
    assert first != "a-token-that-somebody-else-chose-beforehand"
    log_in_ixiamen(browser, sandbox, "zhang")
    assert browser.get_cookie(COOKIE, domain="localhost").value != first
    other = browser.application.test_client()
    assert other.get("/api/v1/me", headers={"Authorization": f"Bearer {first}"}).status_code == 401


def test_another_person_on_the_same_device_gets_their_own_record(browser, sandbox) -> None:
    log_in_ixiamen(browser, sandbox, "zhang")
    first = state(browser)["me"]
    log_in_ixiamen(browser, sandbox, "li")
    second = state(browser)["me"]
    assert (first["name_masked"], second["name_masked"]) == ("张*", "李*")
    assert first["id"] != second["id"]


def test_no_answer_holds_an_openid_or_a_session_key(browser, sandbox) -> None:
    answers = [browser.post("/api/v1/auth/mini-program", json={"code": sandbox.login_code("wang")})]
    who = {"Authorization": f"Bearer {answers[0].json['token']}"}
    answers.append(
        browser.post("/api/v1/auth/mini-program/phone", json={"code": sandbox.phone_code("wang")}, headers=who)
    )
    paths = ("/session", "/me", "/me/family", "/me/organisations")
    answers += [browser.get(f"/api/v1{path}", headers=who) for path in paths]
    answers.append(browser.post("/api/v1/auth/mini-program", json={"code": "not-a-code"}))
    known = sandbox.person("wang")
    secrets = {str(value) for name, value in known.items() if "openid" in name or "unionid" in name}
    for answer in answers:
        assert "openid" not in answer.text
        assert "session_key" not in answer.text
        assert not any(secret in answer.text for secret in secrets)
        assert known["phone"] not in answer.text


@pytest.mark.parametrize("target", ["/a\n", "/a\r\nSet-Cookie:x=1", "/\t/evil.example", "/\x01", "/\\evil", "/ x"])
def test_control_characters_never_reach_a_redirect(target: str) -> None:
    assert journeys.local_path(target) == "/"


@pytest.mark.parametrize("target", ["/", "/book/passport-first/date?from=2026-11-25#top", "/me"])
def test_our_own_pages_are_kept(target: str) -> None:
    assert journeys.local_path(target) == target


def test_a_number_gets_five_codes_a_day(browser, sandbox, clock: Clock) -> None:
    phone = sandbox.person("li")["phone"]
    answers = []
    for _ in range(6):
        answers.append(browser.post("/api/v1/auth/sms-codes", json={"phone": phone}).status_code)
        clock.advance(seconds=61)
    assert answers == [202, 202, 202, 202, 202, 429]


def test_a_code_dies_after_five_wrong_guesses(browser, sandbox, clock: Clock) -> None:
    phone = sandbox.person("wang")["phone"]
    browser.post("/api/v1/auth/sms-codes", json={"phone": phone})
    text = next(message for message in sandbox.messages("wang") if message["kind"] == "sms")["text"]
    code = re.findall(r"\d{6}", text)[0]
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        assert browser.post("/api/v1/auth/sms", json={"phone": phone, "code": wrong}).status_code == 422
    assert browser.post("/api/v1/auth/sms", json={"phone": phone, "code": code}).status_code == 422


@pytest.mark.parametrize(("life", "kind"), [(sessions.CITIZEN_LIFE, "citizen"), (sessions.STAFF_LIFE, "staff")])
def test_sessions_end_on_the_second(session: Session, clock: Clock, life, kind: str) -> None:
    began = clock.now
    if kind == "citizen":
        person = service.log_in(session, provider="phone", subject="1", current=None, phone="13900000001")
        token = sessions.start(session, person_id=person).token
    else:
        token = staff_session(session)
    session.commit()
    while clock.now + sessions.STAFF_IDLE / 2 < began + life:
        clock.advance(minutes=15) if kind == "staff" else clock.advance(days=1)
        if clock.now < began + life:
            assert sessions.load_principal(token) is not None
    clock.set(began + life)
    assert sessions.load_principal(token) is None


def staff_session(session: Session) -> str:
    make_staff(session, [("gate", "XM")])
    return sessions.start(session, staff_id=staff.look_up(session, "gate", SOURCE).staff_id).token


def make_staff(session: Session, roles: list[tuple[str, str | None]]) -> str:
    return staff.create_staff(session, username="gate", display_name="入口", password=PASSWORD, roles=roles)


def test_a_role_in_another_hall_gives_nothing_here(session: Session, clock: Clock) -> None:
    make_staff(session, [("gate", "SM"), ("hall_lead", "XM"), ("auditor", None)])
    token = sessions.start(session, staff_id=staff.look_up(session, "gate", SOURCE).staff_id).token
    session.commit()
    principal = sessions.load_principal(token)
    assert principal is not None
    assert principal.hall == "SM"
    assert principal.roles == {"gate", "auditor"}
    assert "person.reveal" not in principal.permissions


def test_revealing_needs_a_reason_and_leaves_a_trace(client: FlaskClient, session: Session, clock: Clock) -> None:
    real_name = service.RealName("350299199001010010", "张测试", None)
    person = service.verify(session, open_id="x", real_name=real_name, current=None)
    make_staff(session, [("hall_lead", "XM")])
    token = sessions.start(session, staff_id=staff.look_up(session, "gate", SOURCE).staff_id).token
    missed(session, person, clock.now)
    session.commit()
    who = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/staff/persons/{person}/reveal"
    assert client.post(path, json={"field": "name", "reason": ""}, headers=who).status_code == 422
    answer = client.post(path, json={"field": "name", "reason": "核对代办人姓名"}, headers=who)
    assert answer.json == {"value": "张测试"}
    row = session.scalars(select(AuditEvent).where(AuditEvent.action == "person.revealed.name")).one()
    assert (row.object_id, row.hall_code, row.reason) == (str(person), "XM", "核对代办人姓名")
    assert "张测试" not in str(row.data)


def test_a_one_time_code_is_accepted_once_by_twenty_at_once(fresh_database: str) -> None:
    settings = make_settings(fresh_database, web_threads=20)
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    crypto.configure(crypto.Keyring.from_settings(settings))
    engine = db.configure(settings)
    try:
        with db.transaction() as session:
            secret = make_staff(session, [("gate", "XM")])
            account = staff.look_up(session, "gate", SOURCE).staff_id
        assert account is not None
        code = staff.totp(secret, int(core_clock.now().timestamp()) // staff.STEP_S)
        ready, accepted = threading.Barrier(20), []

        def attempt() -> None:
            ready.wait()
            with db.transaction() as session:
                accepted.append(staff.use_code(session, account, code))

        threads = [threading.Thread(target=attempt) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(accepted) == [False] * 19 + [True]
    finally:
        engine.dispose()
        db._engine, db._sessions, db._autocommit_sessions = before


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_one_time_codes_follow_rfc_6238(at: int, code: str) -> None:
    assert staff.totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", at // staff.STEP_S) == code


def test_organisations_over_http(client: FlaskClient, session: Session, clock: Clock) -> None:
    manager, stranger = citizen(session, "13900000001"), citizen(session, "13900000002")
    body = {"name": "测试公司", "credit_code": "91350299MA0000015P"}
    assert client.post("/api/v1/me/organisations", json=body).status_code == 401
    assert client.post("/api/v1/me/organisations", json=body, headers=manager).json["code"] == "level_required"
    principal = sessions.load_principal(manager["Authorization"].split()[1])
    assert principal is not None
    service.verify(
        session,
        open_id="x",
        real_name=service.RealName("350299199001010010", "张测试", None),
        current=principal.id,
    )
    session.commit()
    made = client.post("/api/v1/me/organisations", json=body, headers=manager)
    assert made.status_code == 201, made.json
    agents = f"/api/v1/organisations/{made.json['id']}/agents"
    new = {"phone": "13900000002", "role": "agent"}
    assert client.post(agents, json=new, headers=stranger).status_code == 404
    added = client.post(agents, json=new, headers=manager)
    assert (added.status_code, added.json["phone_masked"]) == (201, "139****0002")
    assert client.get("/api/v1/me/organisations", headers=stranger).json["organisations"][0]["role"] == "agent"
    me = f"{agents}/{principal.id}"
    assert client.delete(me, headers=manager).json["code"] == "last_manager"
    assert client.delete(f"{agents}/{added.json['person_id']}", headers=stranger).status_code == 204
    assert client.get("/api/v1/me/organisations", headers=stranger).json == {"organisations": []}
