"""Logging in with Alipay over HTTP, with the real client against the simulated Alipay on the wire."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core.auth import COOKIE
from backend.core.config import Settings
from backend.identity.models import PersonLogin
from tests.backend.identity.test_logins import log_in_ixiamen, state
from tests.conftest import Clock
from tests.sandbox_server import RunningSandbox, running_sandbox

LOCALHOST = "https://localhost"


@pytest.fixture(scope="module")
def sandbox(settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def browser(app: Flask, client: FlaskClient, sandbox: RunningSandbox) -> Iterator[FlaskClient]:
    """A browser whose product talks to the sandbox."""
    sandbox_operator(sandbox, "POST", "reset")
    before = app.extensions["settings"]
    app.extensions["settings"] = sandbox.settings(before)
    yield client
    app.extensions["settings"] = before


def sandbox_operator(sandbox: RunningSandbox, method: str, path: str, **body: object) -> None:
    requests.request(method, f"{sandbox.url}/alipay/operator/api/{path}", json=body, timeout=5).raise_for_status()


def local(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def begin(browser: FlaskClient, sandbox: RunningSandbox, person: str, return_to: str = "/me") -> str:
    """Agree at Alipay; gives our own address that Alipay sends the browser back to."""
    page = browser.get(f"/api/v1/auth/alipay?return_to={return_to}", base_url=LOCALHOST)
    return local(sandbox.agree(page.headers["Location"], person))


def log_in(browser: FlaskClient, sandbox: RunningSandbox, person: str) -> str:
    return str(browser.get(begin(browser, sandbox, person), base_url=LOCALHOST).headers["Location"])


def log_in_wechat(browser: FlaskClient, sandbox: RunningSandbox, person: str) -> None:
    page = browser.get("/api/v1/auth/wechat?return_to=/", base_url=LOCALHOST)
    browser.get(local(sandbox.agree(page.headers["Location"], person)), base_url=LOCALHOST)


def test_a_first_login_makes_a_person_of_level_one_and_the_next_finds_it(
    browser: FlaskClient, sandbox: RunningSandbox
) -> None:
    assert log_in(browser, sandbox, "zhang") == "/me"
    first = state(browser)["me"]
    assert (first["level"], [login["provider"] for login in first["logins"]]) == (1, ["alipay"])
    browser.delete_cookie(COOKIE, domain="localhost")
    assert state(browser)["kind"] == "anonymous"
    log_in(browser, sandbox, "zhang")
    assert state(browser)["me"]["id"] == first["id"]


def test_what_alipay_is_asked(browser: FlaskClient, sandbox: RunningSandbox) -> None:
    address = browser.get("/api/v1/auth/alipay", base_url=LOCALHOST).headers["Location"]
    assert address.startswith(f"{sandbox.url}/alipay/oauth2/publicAppAuthorize.htm?")
    asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
    assert asked | {"state": ""} == {
        "app_id": "sandbox-alipay",
        "scope": "auth_base",
        "redirect_uri": "http://127.0.0.1:8000/api/v1/auth/alipay/callback",
        "state": "",
    }
    assert re.fullmatch("[0-9a-f]{32}", asked["state"])


def test_it_binds_to_the_person_who_is_logged_in(browser: FlaskClient, sandbox: RunningSandbox) -> None:
    log_in_ixiamen(browser, sandbox, "li")
    document = state(browser)["me"]["id"]
    log_in(browser, sandbox, "li")
    bound = state(browser)["me"]
    assert (bound["id"], bound["level"]) == (document, 2)
    assert {login["provider"] for login in bound["logins"]} == {"ixiamen", "alipay"}
    other = browser.application.test_client()
    log_in(other, sandbox, "li")
    assert state(other)["me"]["id"] == document


def test_it_raises_a_wechat_person_to_level_one_and_joins_the_document_later(
    browser: FlaskClient, sandbox: RunningSandbox
) -> None:
    log_in_wechat(browser, sandbox, "lin")
    assert state(browser)["me"]["level"] == 0
    log_in(browser, sandbox, "lin")
    assert state(browser)["me"]["level"] == 1
    log_in_ixiamen(browser, sandbox, "lin")
    whole = state(browser)["me"]
    assert (whole["level"], len(whole["logins"])) == (2, 3)


def test_another_alipay_account_on_the_same_device_is_another_person(
    browser: FlaskClient, sandbox: RunningSandbox
) -> None:
    log_in(browser, sandbox, "zhang")
    first = state(browser)["me"]["id"]
    log_in(browser, sandbox, "wu")
    second = state(browser)["me"]
    assert second["id"] != first
    log_in(browser, sandbox, "zhang")
    assert state(browser)["me"]["id"] == first
    log_in(browser, sandbox, "wu")
    assert state(browser)["me"]["id"] == second["id"]


def test_a_swapped_stolen_or_repeated_state_is_refused(browser: FlaskClient, sandbox: RunningSandbox) -> None:
    path = begin(browser, sandbox, "zhang")
    swapped = re.sub(r"state=\w+", "state=" + "0" * 32, path)
    assert "login_expired" in browser.get(swapped, base_url=LOCALHOST).headers["Location"]
    stranger = browser.application.test_client()
    assert "login_expired" in stranger.get(path, base_url=LOCALHOST).headers["Location"]
    assert state(stranger)["kind"] == "anonymous"
    for elsewhere in ("ixiamen", "wechat"):
        other = path.replace("/alipay/", f"/{elsewhere}/").replace("auth_code=", "code=")
        assert "login_expired" in browser.get(other, base_url=LOCALHOST).headers["Location"]
    assert browser.get(path, base_url=LOCALHOST).headers["Location"] == "/me"
    assert browser.get(path, base_url=LOCALHOST).headers["Location"] == "/"  # reloaded: answered from the session


def test_a_journey_lasts_ten_minutes(browser: FlaskClient, sandbox: RunningSandbox, clock: Clock) -> None:
    page = browser.get("/api/v1/auth/alipay", base_url=LOCALHOST)
    clock.advance(minutes=10, seconds=1)
    back = f"/api/v1/auth/alipay/callback?{urlencode({'auth_code': 'x', 'state': _state(page.headers['Location'])})}"
    assert "login_expired" in browser.get(back, base_url=LOCALHOST).headers["Location"]


def _state(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]


def test_a_code_works_once_and_only_in_the_journey_it_was_asked_for(
    browser: FlaskClient, sandbox: RunningSandbox
) -> None:
    path = begin(browser, sandbox, "zhang")
    browser.get(path, base_url=LOCALHOST)
    code = parse_qs(urlsplit(path).query)["auth_code"][0]
    thief = browser.application.test_client()
    page = thief.get("/api/v1/auth/alipay", base_url=LOCALHOST)
    reused = f"/api/v1/auth/alipay/callback?{urlencode({'auth_code': code, 'state': _state(page.headers['Location'])})}"
    assert "provider_rejected" in thief.get(reused, base_url=LOCALHOST).headers["Location"]
    assert state(thief)["kind"] == "anonymous"


def test_a_session_chosen_beforehand_is_not_the_one_after_the_login(
    browser: FlaskClient, sandbox: RunningSandbox
) -> None:
    browser.set_cookie(COOKIE, "a-token-that-somebody-else-chose-beforehand", domain="localhost", secure=True)
    log_in(browser, sandbox, "zhang")
    first = browser.get_cookie(COOKIE, domain="localhost")
    assert first is not None
    assert first.value != "a-token-that-somebody-else-chose-beforehand"
    log_in(browser, sandbox, "zhang")
    other = browser.application.test_client()
    assert other.get("/api/v1/me", headers={"Authorization": f"Bearer {first.value}"}).status_code == 401


def test_refusing_and_failing_end_on_our_login_page(browser: FlaskClient, sandbox: RunningSandbox) -> None:
    page = browser.get("/api/v1/auth/alipay?return_to=/me", base_url=LOCALHOST).headers["Location"]
    refused = requests.post(page, data={"person": "zhang", "decision": "refuse"}, allow_redirects=False, timeout=5)
    ended = browser.get(local(refused.headers["Location"]), base_url=LOCALHOST).headers["Location"]
    assert ended == "/login?problem=login_refused&return_to=/me"
    for mode in ("outage", "busy", "unsigned", "bad_signature"):
        path = begin(browser, sandbox, "zhang")
        sandbox_operator(sandbox, "PUT", "switches", gateway=mode)
        assert "provider_unavailable" in browser.get(path, base_url=LOCALHOST).headers["Location"]
        sandbox_operator(sandbox, "POST", "reset")
    assert state(browser)["kind"] == "anonymous"


def test_apps_of_before_open_ids_have_user_ids(browser: FlaskClient, sandbox: RunningSandbox, session: Session) -> None:
    sandbox_operator(sandbox, "PUT", "login-ids", ids="user_id")
    log_in(browser, sandbox, "zhang")
    assert state(browser)["me"]["level"] == 1
    sandbox_operator(sandbox, "PUT", "login-ids", ids="both")
    log_in(browser, sandbox, "huang")
    stored = session.scalars(select(PersonLogin.subject).where(PersonLogin.provider == "alipay")).all()
    assert len(stored) == 2
    assert not any(b"2088" in subject or b"sandbox-alipay" in subject for subject in stored)


def test_without_an_app_the_journey_ends_at_once(app: Flask, client: FlaskClient) -> None:
    before = app.extensions["settings"]
    app.extensions["settings"] = replace(before, alipay_app_id="")
    try:
        answer = client.get("/api/v1/auth/alipay?return_to=/me", base_url=LOCALHOST)
        assert answer.headers["Location"] == "/login?problem=provider_unavailable&return_to=/me"
    finally:
        app.extensions["settings"] = before


def test_the_login_page_of_alipay_knows_its_app_and_our_host(sandbox: RunningSandbox) -> None:
    page = f"{sandbox.url}/alipay/oauth2/publicAppAuthorize.htm"
    good = {"app_id": "sandbox-alipay", "scope": "auth_base", "redirect_uri": "http://127.0.0.1:8000/x", "state": "s"}
    assert "张测试" in requests.get(page, params=good, timeout=5).text
    for wrong in ({"app_id": "x"}, {"scope": "everything"}, {"redirect_uri": "https://elsewhere.example/"}):
        for method in ("GET", "POST"):
            assert requests.request(method, page, params={**good, **wrong}, timeout=5).status_code == 400
