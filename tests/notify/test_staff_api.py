"""Preferences of citizens, and what operators see and do."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core import auth, problems
from backend.core.auth import Principal
from backend.core.config import Settings
from notify import preferences_api, staff_api
from notify.jobs import dispatch_due
from notify.registry import TEMPLATES
from tests.conftest import Clock
from tests.notify.conftest import reachable, write_notice
from tests.sandbox_server import RunningSandbox

OPERATOR = "operator-of-the-platform"


def load(token: str) -> Principal:
    if token == OPERATOR:
        return Principal(kind="staff", id=uuid4(), session_id=uuid4(), permissions=frozenset({"platform.manage"}))
    return Principal(kind="citizen", id=UUID(token), session_id=uuid4())


@pytest.fixture
def browser(settings: Settings, isolated: None) -> FlaskClient:
    app = Flask(__name__)
    app.extensions["settings"] = replace(settings, wechat_mini_templates='{"a": "ta"}')
    auth.install(app, load)
    registered = problems.create_api(app)
    for blueprint in (*staff_api.blueprints, *preferences_api.blueprints):
        registered.register_blueprint(blueprint, url_prefix="/api/v1")
    return app.test_client()


def as_(who: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {who}"}


def test_a_person_chooses_kinds_and_channels(browser: FlaskClient) -> None:
    me = as_(uuid4())
    shown = browser.get("/api/v1/me/notices", headers=me).json
    assert [channel["channel"] for channel in shown["channels"]] == ["wechat_template", "wechat_subscribe", "sms"]
    assert {kind["kind"] for kind in shown["kinds"] if kind["statutory"]} == {"conduct"}
    body = {"opted_out": ["queue"], "channels": ["sms"]}
    shown = browser.put("/api/v1/me/notices", json=body, headers=me).json
    assert [kind["kind"] for kind in shown["kinds"] if not kind["on"]] == ["queue"]
    assert shown["channels"][0]["channel"] == "sms"
    for wrong in ({"opted_out": ["conduct"], "channels": []}, {"opted_out": [], "channels": ["pigeon"]}, {}):
        assert browser.put("/api/v1/me/notices", json=wrong, headers=me).status_code == 422


def test_the_mini_program_s_report_is_counted(browser: FlaskClient, session: Session) -> None:
    me = as_(uuid4())
    for _ in range(2):
        body = {"answers": {"ta": "accept", "another": "accept"}}
        assert browser.post("/api/v1/me/notices/subscriptions", json=body, headers=me).status_code == 204
    assert [tuple(row) for row in session.execute(text('SELECT template_id, "left" FROM subscription'))] == [("ta", 2)]
    browser.post("/api/v1/me/notices/subscriptions", json={"answers": {"ta": "ban"}}, headers=me)
    assert session.execute(text('SELECT "left" FROM subscription')).scalar_one() == 0


def test_operators_see_figures_and_send_again(
    browser: FlaskClient, settings: Settings, sandbox: RunningSandbox, session: Session, clock: Clock
) -> None:
    provider = sandbox.settings(settings)
    write_notice(reachable(sandbox, "zhang"))
    sandbox.follow("zhang", following=False)
    dispatch_due(replace(provider, wechat_mini_templates="{}", sms_base=""))
    figures = browser.get("/api/v1/staff/notices", headers=as_(OPERATOR)).json
    assert figures["failures"][0]["reason"] == "收件人没有关注公众号"
    assert [(day["channel"], day["state"], day["count"]) for day in figures["days"]] == [
        ("wechat_template", "failed", 1)
    ]
    assert (figures["waiting"], figures["oldest_due_s"]) == (0, 0)
    [letter] = browser.get("/api/v1/staff/notices/dead", headers=as_(OPERATOR)).json["notices"]
    assert letter["code"] == "43004"
    session.execute(text("UPDATE contact SET unreachable_since = NULL"))
    session.commit()
    sandbox.follow("zhang", following=True)
    path = f"/api/v1/staff/notices/{letter['id']}/resend"
    assert browser.post(path, headers=as_(OPERATOR)).status_code == 204
    assert browser.post(path, headers=as_(OPERATOR)).status_code == 404
    clock.advance(minutes=3)
    assert browser.get("/api/v1/staff/notices", headers=as_(OPERATOR)).json["oldest_due_s"] == 180
    dispatch_due(replace(provider, wechat_mini_templates="{}", sms_base=""))
    assert len(sandbox.messages("zhang")) == 1
    assert browser.get("/api/v1/staff/notices/dead", headers=as_(OPERATOR)).json["notices"] == []


def test_every_notice_can_be_previewed_by_operators_alone(browser: FlaskClient) -> None:
    shown = browser.get("/api/v1/staff/notices/preview", headers=as_(OPERATOR)).json["notices"]
    assert {notice["template"] for notice in shown} == set(TEMPLATES)
    assert browser.get("/api/v1/staff/notices/preview", headers=as_(uuid4())).status_code == 403
