"""Every way to log in, over HTTP, with the real adapters against the sandbox on the wire."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.core.auth import COOKIE
from backend.core.config import Settings
from backend.core.errors import InvalidInput
from backend.identity import idnumber, journeys, staff
from backend.identity.models import Person, PersonLogin
from tests.conftest import Clock, make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox

PEOPLE = [
    "350299199001010010",
    "350299199001010029",
    "350299195506150037",
    "350299201203010043",
    "350299198811110051",
    "350299197602290063",
    "350299200002290072",
]
PHONE = "13900000001"


@pytest.fixture(scope="module")
def sandbox(settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def browser(app: Flask, client: FlaskClient, sandbox: RunningSandbox) -> Iterator[FlaskClient]:
    """A browser whose product talks to the sandbox."""
    before = app.extensions["settings"]
    app.extensions["settings"] = sandbox.settings(before)
    yield client
    app.extensions["settings"] = before


def state(browser: FlaskClient) -> dict:  # type: ignore[type-arg]
    found = browser.get("/api/v1/session", base_url="https://localhost").json
    assert found is not None
    return found


def log_in_ixiamen(browser: FlaskClient, sandbox: RunningSandbox, person: str, return_to: str = "/me") -> str:
    page = browser.get(f"/api/v1/auth/ixiamen?return_to={return_to}", base_url="https://localhost")
    back = sandbox.agree(page.headers["Location"], person)
    path = back.split("://", 1)[1].split("/", 1)[1]
    return str(browser.get(f"/{path}", base_url="https://localhost").headers["Location"])


def test_ixiamen_gives_the_real_name_level_and_masks_everything(browser, sandbox, session) -> None:
    assert log_in_ixiamen(browser, sandbox, "zhang") == "/me"
    me = state(browser)["me"]
    assert me["level"] == 2
    assert me["name_masked"] == "张*"
    assert me["id_number_masked"] == "350***********0010"
    assert PEOPLE[0] not in str(me)


def test_two_logins_of_one_document_are_one_person(browser, sandbox, session) -> None:
    log_in_ixiamen(browser, sandbox, "zhang")
    first = state(browser)["me"]["id"]
    browser.delete_cookie(COOKIE, domain="localhost")
    log_in_ixiamen(browser, sandbox, "zhang")
    assert state(browser)["me"]["id"] == first
    assert session.scalar(select(func.count()).select_from(Person)) == 1


def test_a_wechat_person_joins_their_id_document(browser, sandbox, session) -> None:
    log_in_ixiamen(browser, sandbox, "li")
    document = state(browser)["me"]["id"]
    browser.delete_cookie(COOKIE, domain="localhost")
    page = browser.get("/api/v1/auth/wechat?return_to=/", base_url="https://localhost")
    back = sandbox.agree(page.headers["Location"], "li")
    browser.get("/" + back.split("://", 1)[1].split("/", 1)[1], base_url="https://localhost")
    assert state(browser)["me"]["level"] == 0
    log_in_ixiamen(browser, sandbox, "li")
    merged = state(browser)["me"]
    assert merged["id"] == document
    assert {login["provider"] for login in merged["logins"]} == {"ixiamen", "wechat_official"}


def test_a_swapped_or_reused_state_is_refused(browser, sandbox) -> None:
    page = browser.get("/api/v1/auth/ixiamen", base_url="https://localhost")
    back = sandbox.agree(page.headers["Location"], "zhang")
    path = "/" + back.split("://", 1)[1].split("/", 1)[1]
    swapped = re.sub(r"state=\w+", "state=" + "0" * 32, path)
    assert "login_expired" in browser.get(swapped, base_url="https://localhost").headers["Location"]
    other = browser.application.test_client()
    assert "login_expired" in other.get(path, base_url="https://localhost").headers["Location"]
    assert browser.get(path, base_url="https://localhost").headers["Location"] == "/"
    again = browser.get(path, base_url="https://localhost").headers["Location"]
    assert again == "/"  # a reloaded page is answered from the session


def test_the_phone_code_arrives_and_works_once(browser, sandbox, clock: Clock) -> None:
    phone = sandbox.person("zhang")["phone"]
    assert browser.post("/api/v1/auth/sms-codes", json={"phone": phone}).status_code == 202
    text = next(message for message in sandbox.messages("zhang") if message["kind"] == "sms")
    code = re.search(r"\d{6}", text["text"])[0]
    wrong = "000000" if code != "000000" else "111111"
    assert browser.post("/api/v1/auth/sms", json={"phone": phone, "code": wrong}).json["code"] == "sms_code_wrong"
    entered = browser.post("/api/v1/auth/sms", json={"phone": phone, "code": code})
    assert entered.json["me"]["level"] == 1
    cookie = entered.headers["Set-Cookie"]
    assert all(flag in cookie for flag in ("__Host-sid=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"))
    assert browser.post("/api/v1/auth/sms", json={"phone": phone, "code": code}).status_code in {403, 422}
    throttled = browser.application.test_client().post("/api/v1/auth/sms-codes", json={"phone": phone})
    assert throttled.status_code == 429
    assert int(throttled.headers["Retry-After"]) > 0


def test_the_mini_program_gets_a_token_and_never_an_openid(browser, sandbox) -> None:
    code = sandbox.login_code("zhang")
    answer = browser.post("/api/v1/auth/mini-program", json={"code": code})
    assert answer.status_code == 200, answer.json
    assert "openid" not in answer.text
    assert "session_key" not in answer.text
    who = {"Authorization": f"Bearer {answer.json['token']}"}
    assert browser.get("/api/v1/me", headers=who).json["level"] == 0
    replayed = browser.post("/api/v1/auth/mini-program", json={"code": code})
    assert replayed.status_code == 409
    phone = browser.post("/api/v1/auth/mini-program/phone", json={"code": sandbox.phone_code("zhang")}, headers=who)
    assert phone.json["level"] == 1
    assert browser.delete("/api/v1/session", headers=who).status_code == 204
    assert browser.get("/api/v1/me", headers=who).status_code == 401


def test_a_cookie_session_needs_its_token_and_our_origin(browser, sandbox) -> None:
    log_in_ixiamen(browser, sandbox, "zhang")
    token = state(browser)["csrf_token"]
    change = {"json": {"elder_mode": True}, "base_url": "https://localhost"}
    assert browser.patch("/api/v1/me", **change).json["code"] == "csrf_failed"
    good = {"X-CSRF-Token": token}
    foreign = browser.patch("/api/v1/me", headers={**good, "Origin": "https://evil.example"}, **change)
    assert foreign.json["code"] == "csrf_failed"
    assert browser.patch("/api/v1/me", headers=good, **change).json["elder_mode"] is True


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "", "/a b"]
)
def test_a_login_returns_only_to_our_own_pages(target: str) -> None:
    assert journeys.local_path(target) == "/"


def test_a_minor_is_linked_at_once_and_an_adult_after_saying_yes(browser, sandbox) -> None:
    log_in_ixiamen(browser, sandbox, "zhang")
    headers = {"X-CSRF-Token": state(browser)["csrf_token"]}
    add = {"headers": headers, "base_url": "https://localhost"}
    child = {"name": "陈小童", "id_number": PEOPLE[3], "relation": "child"}
    assert browser.post("/api/v1/me/family", json=child, **add).json["state"] == "confirmed"
    wife = {"name": "李测试", "id_number": PEOPLE[1], "relation": "spouse"}
    assert browser.post("/api/v1/me/family", json=wife, **add).json["state"] == "pending"
    wrong = {"name": "不是她", "id_number": PEOPLE[1], "relation": "spouse"}
    assert browser.post("/api/v1/me/family", json=wrong, **add).json["code"] == "family_refused"
    assert browser.post("/api/v1/me/family", json={**wife, "id_number": "1"}, **add).status_code == 422
    other = browser.application.test_client()
    log_in_ixiamen(other, sandbox, "li")
    asked = other.get("/api/v1/me/family", base_url="https://localhost").json["requests"]
    accept = {"X-CSRF-Token": state(other)["csrf_token"]}
    path = f"/api/v1/me/family/{asked[0]['id']}/accept"
    assert browser.post(path, **add).status_code == 404  # nobody says yes for somebody else
    assert other.post(path, headers=accept, base_url="https://localhost").status_code == 200
    family = browser.get("/api/v1/me/family", base_url="https://localhost").json["family"]
    assert [link["state"] for link in family] == ["confirmed", "confirmed"]


@pytest.fixture
def clerk(session: Session, clock: Clock) -> str:
    secret = staff.create_staff(
        session, username="gate", display_name="入口", password="a-long-enough-password", roles=[("gate", "XM")]
    )
    session.commit()
    return secret


def enter(client: FlaskClient, secret: str, clock: Clock, **changes: str):
    code = staff.totp(secret, int(clock.now.timestamp()) // staff.STEP_S)
    body = {"username": "gate", "password": "a-long-enough-password", "totp": code, **changes}
    return client.post("/api/v1/staff/session", json=body)


def test_staff_need_password_and_a_fresh_code(client: FlaskClient, clerk: str, clock: Clock) -> None:
    answer = enter(client, clerk, clock)
    assert answer.status_code == 200, answer.json
    assert answer.json["staff"]["hall"] == {"code": "XM", "name": "XM"}
    assert "check_in.scan" in answer.json["staff"]["permissions"]
    replayed = enter(client.application.test_client(), clerk, clock)
    assert replayed.json["code"] == "staff_login_refused"
    clock.advance(seconds=30)
    assert enter(client.application.test_client(), clerk, clock).status_code == 200


def test_refusals_look_the_same(client: FlaskClient, clerk: str, clock: Clock) -> None:
    wrong = enter(client, clerk, clock, password="not-the-right-password")
    unknown = enter(client, clerk, clock, username="nobody")
    assert {**wrong.json, "instance": ""} == {**unknown.json, "instance": ""}


def test_ten_failures_lock_the_account_for_fifteen_minutes(client: FlaskClient, clerk: str, clock: Clock) -> None:
    for _ in range(10):
        enter(client, clerk, clock, password="not-the-right-password")
        clock.advance(seconds=31)
    assert enter(client, clerk, clock).status_code == 401
    clock.advance(minutes=16)
    assert enter(client, clerk, clock).status_code == 200


def test_staff_sessions_end_when_idle(client: FlaskClient, clerk: str, clock: Clock) -> None:
    enter(client, clerk, clock)
    token = client.get_cookie(COOKIE, domain="localhost")
    assert token is not None
    who = {"Authorization": f"Bearer {token.value}"}
    fresh = client.application.test_client()
    assert fresh.get("/api/v1/session", headers=who).json["kind"] == "staff"
    clock.advance(minutes=31)
    assert fresh.get("/api/v1/session", headers=who).json["kind"] == "anonymous"


def test_a_citizen_is_not_staff(browser, sandbox, session) -> None:
    log_in_ixiamen(browser, sandbox, "zhang")
    person = state(browser)["me"]["id"]
    headers = {"X-CSRF-Token": state(browser)["csrf_token"]}
    body = {"field": "name", "reason": "想看看而已"}
    answer = browser.post(
        f"/api/v1/staff/persons/{person}/reveal", json=body, headers=headers, base_url="https://localhost"
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("number", PEOPLE)
def test_the_demo_people_have_right_numbers(number: str) -> None:
    assert idnumber.is_valid(number, today=date(2026, 11, 24))
    last = "0" if number[-1] != "0" else "1"
    assert not idnumber.is_valid(number[:-1] + last, today=date(2026, 11, 24))


@given(st.text(max_size=25))
def test_rubbish_is_never_an_id_number(text: str) -> None:
    assert not idnumber.is_valid(text, today=date(2026, 11, 24)) or text in PEOPLE


@pytest.mark.parametrize("code", ["91350299MA0000015P", "92350299MA0000023F", "113502990000000199"])
def test_credit_codes_have_a_check_character(code: str) -> None:
    assert idnumber.credit_code_is_valid(code)
    assert not idnumber.credit_code_is_valid(code[:-1] + ("0" if code[-1] != "0" else "1"))


def test_production_refuses_invented_people() -> None:
    production = replace(make_settings("postgresql://x/x"), app_env="production")
    with pytest.raises(InvalidInput):
        idnumber.checked(production, PEOPLE[0], today=date(2026, 11, 24))


def test_nothing_readable_is_stored(browser, sandbox, session) -> None:
    log_in_ixiamen(browser, sandbox, "zhang")
    row = session.scalars(select(Person)).one()
    login = session.scalars(select(PersonLogin)).first()
    for sealed in (row.name, row.id_number, row.phone, login.subject):
        assert sealed is not None
        assert b"350299" not in sealed
        assert "张".encode() not in sealed
