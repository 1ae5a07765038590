"""A question goes to the hotline once, carries its reference, and shows how it stands to its asker alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.core.auth import Principal
from backend.core.config import Settings
from backend.core.errors import ProviderRejected
from backend.files import subjects
from backend.files.subjects import SubjectType
from backend.hotline import handlers, jobs, office
from backend.hotline.models import HotlineTicket
from backend.hotline.office import Hotline, Taken
from tests.backend.conftest import Citizen
from tests.conftest import Clock
from tests.sandbox_server import RunningSandbox

WORDS = "护照办好了怎么领？我的电话 13999990001"


@dataclass
class Asker:
    """A citizen who asks."""

    client: FlaskClient
    id: UUID
    header: dict[str, str]

    def ask(self, stage: str = "guide", reference: str = "passport-first", key: str | None = None, **more: str) -> Any:
        body = {"stage": stage, "reference": reference, "category": "consult", "words": WORDS, **more}
        headers = {**self.header, "Idempotency-Key": key or uuid4().hex}
        return self.client.post("/api/v1/hotline/tickets", json=body, headers=headers)

    def look(self, ticket_id: str) -> Any:
        return self.client.post(f"/api/v1/hotline/tickets/{ticket_id}/look", json={}, headers=self.header)

    def mine(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("/api/v1/hotline/tickets", headers=self.header).json["tickets"]
        return found


@pytest.fixture
def hotline(provider: RunningSandbox, settings: Settings, app: Flask) -> Iterator[Hotline]:
    found = office.from_settings(provider.settings(settings))
    assert found
    app.extensions["hotline"] = found
    yield found
    app.extensions.pop("hotline")
    provider.reset()
    requests.post(f"{provider.url}/offices/api/reset", json={}, timeout=5)


@pytest.fixture
def asker(client: FlaskClient, citizen: Citizen, hotline: Hotline) -> Asker:
    person, header = citizen()
    return Asker(client, person, header)


def tickets(provider: RunningSandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{provider.url}/offices/api/state", timeout=5).json()["tickets"]
    return found


def answer(provider: RunningSandbox, serial: str, status: str, reply: str) -> None:
    body = {"serial": serial, "status": status, "reply": reply}
    requests.post(f"{provider.url}/offices/api/answer", json=body, timeout=5).raise_for_status()


def test_a_question_goes_there_and_its_answer_comes_back(
    session: Session, asker: Asker, hotline: Hotline, provider: RunningSandbox
) -> None:
    asked = asker.ask().json
    assert (asked["state"], asked["serial"]) == ("sending", None)
    assert asker.look(asked["id"]).json["serial"] is None
    assert jobs.send(hotline) == 1
    assert jobs.send(hotline) == 0
    [there] = tickets(provider)
    assert (there["stage"], there["case_ref"], there["text"]) == ("guide", "passport-first", WORDS)
    answer(provider, there["serial"], "answered", "凭短信到窗口领取")
    seen = asker.look(asked["id"]).json
    assert (seen["status"], seen["reply"], seen["serial"]) == ("answered", "凭短信到窗口领取", there["serial"])
    assert seen["query_code"] == there["query_code"]
    assert asker.mine() == [seen]
    stored = str(session.execute(text("SELECT t::text FROM hotline_ticket t")).all())
    assert WORDS not in stored
    assert WORDS.encode().hex() not in stored


def test_a_case_is_named_by_its_number_and_only_by_who_may_read_it(
    session: Session, asker: Asker, hotline: Hotline, provider: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_mine(_: Session, who: Principal, case_id: str) -> bool:
        return case_id == f"case-of-{who.id}"

    known = dict(subjects._known)
    monkeypatch.setattr(subjects, "_known", known)
    known.pop("case", None)
    assert asker.ask("case", "x").status_code == 404
    subjects.register(SubjectType("case", reads=is_mine, writes=is_mine, number_of=lambda *_: "XM20261124001"))
    assert asker.ask("case", f"case-of-{uuid4()}").status_code == 404
    for stage in ("case", "result"):
        assert asker.ask(stage, f"case-of-{asker.id}").status_code == 201
    jobs.send(hotline)
    assert [(one["stage"], one["case_ref"]) for one in tickets(provider)] == [
        ("case", "XM20261124001"),
        ("result", "XM20261124001"),
    ]
    assert asker.ask("guide", "nothing").json["code"] == "item_not_found"
    assert asker.ask("before").status_code == 422


@pytest.mark.parametrize("fault", ["busy", "outage", "drop", "forged"])
def test_nobody_knows_whether_it_arrived_so_it_is_sent_again_and_is_one_ticket(
    session: Session, asker: Asker, hotline: Hotline, provider: RunningSandbox, clock: Clock, fault: str
) -> None:
    asked = asker.ask().json
    provider.faults(hotline=fault)
    assert jobs.send(hotline) == 1
    assert jobs.send(hotline) == 0, "the next try waits"
    assert asker.mine()[0]["state"] == "sending"
    clock.advance(seconds=6)
    assert jobs.send(hotline) == 1
    provider.faults(hotline="normal")
    clock.advance(seconds=16)
    jobs.send(hotline)
    assert asker.mine()[0]["state"] == "taken"
    assert len(tickets(provider)) == 1
    assert session.get_one(HotlineTicket, UUID(asked["id"])).next_try_at is None


def test_what_the_hotline_does_not_take_is_refused(asker: Asker, hotline: Hotline) -> None:
    asked = asker.ask(words="我的案子正在诉讼").json
    jobs.send(hotline)
    assert asker.mine()[0]["state"] == "refused"
    assert asker.look(asked["id"]).json["serial"] is None


def test_a_second_click_is_one_question_and_a_stranger_sees_none(
    client: FlaskClient, asker: Asker, hotline: Hotline, citizen: Citizen, provider: RunningSandbox
) -> None:
    assert asker.ask(key="one").json == asker.ask(key="one").json
    jobs.send(hotline)
    [there] = tickets(provider)
    person, header = citizen()
    stranger = Asker(client, person, header)
    assert stranger.mine() == []
    assert stranger.look(asker.mine()[0]["id"]).status_code == 404
    with pytest.raises(ProviderRejected) as refused:
        hotline.query(Taken(there["serial"], "wrong"))
    assert refused.value.provider_code == "NOT_FOUND"


def test_without_a_hotline_the_phone_number_is_told(asker: Asker, app: Flask, session: Session) -> None:
    app.extensions["hotline"] = None
    answer_ = asker.ask()
    assert (answer_.status_code, answer_.json["title"]) == (503, "请直接拨打 12345")
    assert session.scalar(select(HotlineTicket.id)) is None


def test_a_hotline_that_is_away_does_not_hide_what_we_know(
    asker: Asker, hotline: Hotline, provider: RunningSandbox
) -> None:
    asked = asker.ask().json
    jobs.send(hotline)
    provider.faults(hotline="outage")
    assert asker.look(asked["id"]).json["code"] == "provider_unavailable"
    assert asker.mine()[0]["state"] == "taken"


def test_questions_follow_the_person(session: Session, asker: Asker, citizen: Citizen) -> None:
    asker.ask()
    kept, header = citizen()
    handlers.on_person_merged(str(kept), str(asker.id))
    assert len(Asker(asker.client, kept, header).mine()) == 1
    assert asker.mine() == []
