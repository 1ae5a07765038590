"""Marked people pass through every flow that writes a notice; who they are stands nowhere but where it is sealed."""

import io
import logging
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.appointments import conduct_service, jobs
from backend.appointments.conduct_models import ConductMark
from backend.appointments.models import Slot
from backend.core import clock as core_clock
from backend.core import logs, metrics
from backend.core.config import Settings
from backend.identity import family, sessions
from backend.identity import service as identity
from backend.identity.models import FamilyLink
from backend.queueing import calling, closing, windows
from notify import jobs as dispatcher
from notify.models import Notification
from notify.registry import TEMPLATES
from notify.visit_notices import VISITS
from tests.backend import staff
from tests.backend.appointments.test_booking import book
from tests.backend.queueing.hall_people import missed
from tests.conftest import Clock
from tests.sandbox_server import RunningSandbox, running_sandbox

QUEUE, THURSDAY = "exit-entry", date(2026, 11, 26)
TYPED_PHONE, TYPED_NUMBER = "13999990088", "350299199912310019"
"""What staff type into words for citizens."""
TYPED = f"机器坏了，找 {TYPED_PHONE}，证件 {TYPED_NUMBER}"
KNOWN = {
    *("address", "ahead", "amount", "answer", "code", "hall", "item", "number", "reason", "window"),
    *("start", "start_wechat", "until", "until_wechat"),
}
"""What a notice may be filled with; the address is the hall's."""
LATER = {"rating_invited"}
"""Registered for features that are to come."""
Header = dict[str, str]


@pytest.fixture(scope="module")
def sandbox(seeded_settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(seeded_settings) as running:
        yield running


@pytest.fixture(scope="module")
def settings(seeded_settings: Settings, sandbox: RunningSandbox) -> Settings:
    return sandbox.settings(seeded_settings)


@pytest.fixture(scope="module")
def app(settings: Settings) -> Flask:
    return create_app(settings, connect=False)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Every line of this process as it would be written, the finest level included."""
    lines, root = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(lines), root.level
    handler.setFormatter(logs.JsonFormatter())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


class Flows:
    """Everything that tells somebody something; notices go out after each step, while they are of use."""

    def __init__(self, session: Session, client: FlaskClient, post: Any, clock: Clock, settings: Settings) -> None:
        self.session, self.client, self.post, self.clock, self.settings = session, client, post, clock, settings
        self.elder, self.elder_header = self._known(settings, "wang")
        self.agent, self.agent_header = self._known(settings, "zhang")
        family.add(session, agent_id=self.agent, **self.card("wang"), relation="parent")
        link = session.scalars(select(FamilyLink.id)).one()
        family.answer(session, person_id=self.elder, link_id=link, accept=True)
        clerk = staff.header(session, "XM", "window_clerk")["Authorization"].split()[1]
        principal = sessions.load_principal(clerk)
        assert principal
        self.clerk = principal.id
        session.commit()

    def _known(self, settings: Settings, key: str) -> tuple[UUID, Header]:
        person = PEOPLE[key]
        found = identity.log_in(
            self.session, provider="wechat_official", subject=person["openid_official"], current=None
        )
        card = identity.RealName(person["id_number"], person["name"], person["phone"])
        found = identity.verify(self.session, open_id=f"open-{key}", real_name=card, current=found)
        identity.log_in(self.session, provider="phone", subject=person["phone"], current=found, phone=person["phone"])
        return found, {"Authorization": f"Bearer {sessions.start(self.session, person_id=found).token}"}

    def staff(self, role: str) -> Header:
        """A session of this moment: staff who do nothing for half an hour are signed out."""
        return staff.header(self.session, "XM", role)

    def card(self, key: str) -> dict[str, str]:
        return {"name": PEOPLE[key]["name"], "id_number": PEOPLE[key]["id_number"]}

    def send(self) -> None:
        self.session.commit()
        while dispatcher.dispatch_due(self.settings):
            self.clock.advance(minutes=2)
        self.session.expire_all()

    def at(self, day: date, at: time) -> None:
        self.clock.set(core_clock.instant(day, at))

    def bookings(self, slots: list[UUID]) -> None:
        first = book(self.post, self.elder_header, slots[3])
        moved = self.post(f"/appointments/{first['id']}/reschedule", self.elder_header, {"slot_id": str(slots[5])})
        assert self.post(f"/appointments/{moved.json['id']}/cancel", self.elder_header, {}).status_code == 200
        self.visit = book(self.post, self.agent_header, slots[4])
        book(self.post, self.elder_header, slots[6])
        query = select(Slot.id).where(Slot.hall_code == "XM", Slot.category_code == QUEUE, Slot.day == THURSDAY)
        book(self.post, self.agent_header, self.session.scalars(query.order_by(Slot.start).limit(1)).one())
        self.send()
        body = {"day": str(THURSDAY), "part": "day", "open": False, "reason": TYPED, "reason_en": TYPED}
        assert self.post("/staff/day-overrides", self.staff("hall_lead"), body).status_code == 201
        jobs.cancel_closed()
        self.send()

    def reminders(self) -> None:
        self.at(core_clock.today(), jobs.EVE)
        jobs.remind()
        self.send()
        start = datetime.fromisoformat(self.visit["slot"]["start"])
        self.clock.set(start - timedelta(hours=1, minutes=30))
        jobs.remind()
        self.send()

    def queue(self) -> None:
        self.clock.set(datetime.fromisoformat(self.visit["check_in_from"]))
        arrival = {"code": self.visit["code"], "identity_checked": True}
        assert self.post("/staff/check-ins", self.staff("gate"), arrival).status_code == 200
        body = {"category": QUEUE, "id_number": PEOPLE["wang"]["id_number"], "phone": None}
        assert self.post("/staff/tickets", self.staff("gate"), body).status_code == 201
        windows.open_window(self.session, hall_code="XM", staff_id=self.clerk, window=1, categories=[QUEUE])
        self.send()
        called = calling.call_next(self.session, staff_id=self.clerk)
        self.send()
        calling.pass_over(self.session, staff_id=self.clerk)
        self.send()
        calling.come_back(self.session, hall_code="XM", ticket_id=called.id, actor="x")
        calling.call_chosen(self.session, staff_id=self.clerk, ticket_id=called.id, reason=TYPED)
        calling.answer(self.session, staff_id=self.clerk)
        calling.finish(self.session, staff_id=self.clerk, outcome="done", count=1, note=None)
        self.send()
        rating = {"grade": 1, "words": "等太久"}
        assert self.client.post(f"/api/v1/tickets/{called.link}/rating", json=rating).status_code == 201
        [task] = self.client.get("/api/v1/staff/ratings", headers=self.staff("hall_lead")).json["follow_ups"]
        answered = self.post(f"/staff/ratings/{task['id']}/answer", self.staff("hall_lead"), {"answer": TYPED})
        assert answered.status_code == 200
        closing.carry_over(self.session, hall_code="XM", actor="x", reason=TYPED)
        self.send()

    def conduct(self) -> None:
        missed(self.session, self.elder, self.clock.now - timedelta(days=3))
        day = core_clock.today()
        for minute in range(0, 10 * 60, 10):
            self.at(day, time(9))
            self.clock.advance(minutes=minute)
            conduct_service.beat(self.session, "XM")
        self.session.commit()
        jobs.mark_missed()
        self.send()
        marks = self.session.scalars(select(ConductMark.id).where(ConductMark.person_id == self.elder)).all()
        for mark, decision in zip(marks, ("accept", "reject"), strict=True):
            appeal = {"reason": "那天停电"}
            assert self.post(f"/me/conduct/{mark}/appeal", self.elder_header, appeal).status_code < 300
            answer = {"decision": decision, "answer": TYPED}
            assert self.post(f"/staff/appeals/{mark}/decision", self.staff("hall_lead"), answer).status_code < 300
        self.send()

    def other_words(self) -> None:
        phone = PEOPLE["wang"]["phone"]
        assert self.client.post("/api/v1/auth/sms-codes", json={"phone": phone}).status_code == 202
        assert self.client.get("/api/v1/inbox", headers=self.elder_header).status_code == 200
        assert self.client.post("/api/v1/holds", data=phone, headers=self.elder_header).status_code >= 400


PEOPLE: dict[str, dict[str, Any]] = {}


def stored(session: Session) -> str:
    """Every row of every table, sealed columns as they are."""
    names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    return "\n".join(
        str(row) for name in names for row in session.scalars(text(f'SELECT t::text FROM "{name}" t')).all()
    )


def test_who_they_are_stands_nowhere(
    session: Session,
    client: FlaskClient,
    post: Any,
    slots: list[UUID],
    clock: Clock,
    settings: Settings,
    sandbox: RunningSandbox,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatcher, "SENDERS", 1)
    PEOPLE.update({key: sandbox.person(key) for key in ("wang", "zhang")})
    flows = Flows(session, client, post, clock, settings)
    sandbox.faults(fail_ratio=0.2, seed=3)
    flows.bookings(slots)
    flows.reminders()
    flows.queue()
    flows.conduct()
    sandbox.faults(fail_ratio=0.0)
    flows.other_words()
    written = set(session.scalars(select(Notification.template)))
    assert written == set(VISITS) - LATER, "a new notice needs a flow here"
    assert session.scalar(text("SELECT count(*) FROM notification WHERE copy_of IS NOT NULL"))
    messages = {key: str(sandbox.messages(key)) for key in PEOPLE}
    assert all(len(sandbox.messages(key)) > 8 for key in PEOPLE)

    ours = {"log": logged.getvalue(), "metrics": metrics.exposition().decode(), "database": stored(session)}
    places = ours | messages
    assert places["log"].count("\n") > 30
    for key, person in PEOPLE.items():
        for field in ("name", "id_number", "phone"):
            value = person[field]
            for place, content in places.items():
                assert value not in content, (key, field, place)
                assert value.encode().hex() not in content, (key, field, place)
        assert person["openid_official"] not in "".join(ours.values())
    told = [*messages.values(), str(session.scalars(text("SELECT params::text FROM notification")).all())]
    for content in told:
        assert TYPED_PHONE not in content
        assert TYPED_NUMBER not in content
    assert "找 [phone]，证件 [id]" in told[-1]


def test_no_notice_asks_for_a_person() -> None:
    """Whatever feature writes one: no text and no form has a place for a name, a number or an address of a citizen."""
    asked = {
        name
        for kind in TEMPLATES.values()
        for words in (
            *kind.title,
            *kind.body,
            *(value for form in (kind.wechat, kind.mini, kind.sms) if form for value in form.keys.values()),
        )
        for name in re.findall(r"\{(\w+)\}", words)
    }
    assert asked <= KNOWN, asked - KNOWN
