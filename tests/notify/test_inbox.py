"""Writing notices and reading the inbox."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core import auth, problems
from backend.core.auth import Principal
from backend.core.config import Settings
from backend.core.wechat import jsapi_signature, official_account
from backend.core.wechat_tokens import jsapi_ticket
from notify import api, service
from notify.models import Contact
from tests.bench.statements import written_down
from tests.conftest import Clock
from tests.notify.conftest import PARAMS, write_notice
from tests.sandbox_server import RunningSandbox


@dataclass
class Citizen:
    """A logged-in browser."""

    client: FlaskClient
    id: UUID

    def get(self, path: str, **query: str) -> Any:
        answer = self.client.get(f"/api/v1{path}", query_string=query, headers=self._headers())
        assert answer.status_code == 200, answer.text
        return answer.json

    def post(self, path: str) -> int:
        return self.client.post(f"/api/v1{path}", headers=self._headers()).status_code

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.id}"}


@pytest.fixture
def inbox_app(settings: Settings, sandbox: RunningSandbox, isolated: None) -> Flask:
    """Only the inbox, with a loader that takes a person's id as token."""
    app = Flask(__name__)
    app.extensions["settings"] = sandbox.settings(settings)
    auth.install(app, lambda token: Principal(kind="citizen", id=UUID(token), session_id=uuid4()))
    registered = problems.create_api(app)
    for blueprint in api.blueprints:
        registered.register_blueprint(blueprint, url_prefix="/api/v1")
    return app


@pytest.fixture
def citizen(inbox_app: Flask) -> Citizen:
    return Citizen(inbox_app.test_client(), uuid4())


def test_a_notice_is_one_insert_and_a_repeat_is_none(session: Session, clock: Clock) -> None:
    with written_down() as statements:
        write_notice(uuid4(), dedupe_key="booked:1")
    assert len([statement for statement in statements if "notification" in statement.sql]) == 1
    write_notice(uuid4(), dedupe_key="booked:1")
    assert session.execute(text("SELECT count(*) FROM notification")).scalar_one() == 1


def test_an_unknown_template_is_a_mistake_in_our_code(session: Session) -> None:
    with pytest.raises(KeyError):
        write_notice(uuid4(), template="nonsense")


def test_the_inbox_speaks_the_reader_s_language(citizen: Citizen, clock: Clock) -> None:
    write_notice(citizen.id)
    [message] = citizen.get("/inbox")["messages"]
    assert message["title"] == "约好了：12月1日 周二 09:30"
    assert message["body"].startswith("12月1日 周二 09:30 到厦门市政务服务中心办“普通护照首次申请”。")
    assert "预约号 1234 5678" in message["body"]
    assert (message["link"], message["created_at"], message["read_at"]) == (
        "/appointments/1",
        "2026-11-24T01:00:00Z",
        None,
    )
    [message] = citizen.get("/inbox", lang="en")["messages"]
    assert message["title"] == "Booked: Tue 1 Dec 09:30"


def test_english_names_are_used_where_given(citizen: Citizen) -> None:
    write_notice(citizen.id, params={**PARAMS, "item_en": "First passport", "hall_en": "City Hall"})
    [message] = citizen.get("/inbox", lang="en")["messages"]
    assert "City Hall" in message["body"]
    assert "First passport" in message["body"]


def test_pages_follow_one_another_without_gap_or_repeat(citizen: Citizen, clock: Clock) -> None:
    for number in range(7):
        write_notice(citizen.id, dedupe_key=f"{citizen.id}:{number}")
        clock.advance(seconds=number % 2)
    write_notice(uuid4())
    seen: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = citizen.get("/inbox", limit="3", **cursor)
        seen += [(message["created_at"], message["id"]) for message in page["messages"]]
        assert page["unread"] == 7
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": str(page["next_cursor"])}
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=True)


def test_reading_is_counted_once_and_only_one_s_own(citizen: Citizen, inbox_app: Flask) -> None:
    write_notice(citizen.id)
    write_notice(citizen.id)
    first = citizen.get("/inbox")["messages"][0]["id"]
    stranger = Citizen(inbox_app.test_client(), uuid4())
    assert stranger.post(f"/inbox/{first}/read") == 404
    assert citizen.get("/inbox/unread") == {"unread": 2}
    assert [citizen.post(f"/inbox/{first}/read") for _ in range(2)] == [204, 204]
    assert citizen.get("/inbox/unread") == {"unread": 1}
    assert citizen.post("/inbox/read-all") == 204
    assert citizen.get("/inbox/unread") == {"unread": 0}
    assert citizen.post(f"/inbox/{uuid4()}/read") == 404


@pytest.mark.parametrize("cursor", ["!!", "WyJ4IiwieSJd", "W10"])
def test_a_made_up_cursor_is_refused(citizen: Citizen, cursor: str) -> None:
    answer = citizen.client.get(f"/api/v1/inbox?cursor={cursor}", headers={"Authorization": f"Bearer {citizen.id}"})
    assert answer.status_code == 422


def test_nobody_reads_without_a_session(inbox_app: Flask) -> None:
    assert inbox_app.test_client().get("/api/v1/inbox").status_code == 401


def test_a_contact_is_sealed_replaced_and_adopted(session: Session, settings: Settings) -> None:
    person, former = uuid4(), uuid4()
    for address in ("o-old", "o-new"):
        service.set_contact(session, person_id=former, channel="wechat_official", address=address, language="zh")
    write_notice(former)
    stored = session.get_one(Contact, (former, "wechat_official"))
    assert b"o-new" not in stored.address
    assert service.address_of(stored) == "o-new"
    service.set_language(session, person_id=former, language="en")
    service.adopt(session, person_id=person, former_id=former)
    adopted = session.get_one(Contact, (person, "wechat_official"))
    assert (service.address_of(adopted), adopted.language) == ("o-new", "en")
    assert session.execute(text("SELECT DISTINCT person_id FROM notification")).scalar_one() == person
    assert session.execute(text("SELECT count(*) FROM contact")).scalar_one() == 1


def test_only_our_own_pages_are_signed(citizen: Citizen, settings: Settings, sandbox: RunningSandbox) -> None:
    page = f"{settings.public_url}/staff/scan?x=1"
    config = citizen.get("/wechat/jsapi", url=page + "#top")
    account = official_account(sandbox.settings(settings))
    assert config["app_id"] == account.appid
    assert config["subscribe_templates"] == []
    assert config["signature"] == jsapi_signature(
        ticket=jsapi_ticket(account), nonce=str(config["nonce_str"]), timestamp=int(str(config["timestamp"])), url=page
    )
    for foreign in ("https://elsewhere.example/", f"{settings.public_url}.example/", "not an address"):
        assert citizen.client.get("/api/v1/wechat/jsapi", query_string={"url": foreign}).status_code == 422
