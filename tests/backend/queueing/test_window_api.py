"""A window and a phone at the HTTP edge: the whole way of a walk-in, live queues, and who may do what."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.appointments.conduct import Kind
from backend.appointments.conduct_models import ConductMark
from backend.appointments.conduct_states import MarkState
from backend.appointments.models import Appointment, Slot
from backend.core.db import new_id
from tests.backend.appointments.test_booking import book
from tests.conftest import Clock

NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
QUEUE = "exit-entry"


@pytest.fixture(autouse=True)
def _nine(clock: Clock) -> None:
    clock.set(NINE)


@pytest.fixture
def take(client: FlaskClient, post, citizen, gate):
    """A citizen scans the hall's screen and takes a number."""

    def one(who: dict[str, str] | None = None, **body: object):
        code = client.get("/api/v1/staff/place-code", headers=gate()).json["code"]
        answer = post("/halls/XM/tickets", who or citizen()[1], {"category": QUEUE, "items": [], "place": code, **body})
        assert answer.status_code == 201, answer.json
        return answer.json

    return one


def queue(client: FlaskClient) -> dict[str, object]:
    document = client.get("/api/v1/halls/XM/queue").json
    assert document is not None
    return next(one for one in document["queues"] if one["code"] == QUEUE) | {
        "calls": document["calls"],
        "passed": document["passed"],
    }


def test_a_walk_in_is_called_served_and_finished(client, post, take, gate) -> None:
    mine, other = take(items=["passport-first"]), take()
    assert queue(client)["line"] == [mine["number"], other["number"]]
    clerk = gate(role="window_clerk")
    assert client.get("/api/v1/staff/window", headers=clerk).json["seated"] is None
    assert post("/staff/window/next", clerk, {}).json["code"] == "not_at_window"
    sat = client.put("/api/v1/staff/window", json={"window": 1, "categories": [QUEUE]}, headers=clerk).json
    assert (sat["seated"]["window"], sat["current"]) == (1, None)
    called = post("/staff/window/next", clerk, {}, key="one").json
    assert (called["current"]["number"], called["current"]["state"]) == (mine["number"], "called")
    assert post("/staff/window/next", clerk, {}, key="one").json["current"]["number"] == mine["number"]
    assert post("/staff/window/next", clerk, {}).json["code"] == "finish_first"
    assert queue(client)["calls"][0]["number"] == mine["number"]
    assert client.get(f"/api/v1/tickets/{mine['link']}").json["window"] == 1
    assert post("/staff/window/answer", clerk, {}).json["serving_since"] is not None
    assert post("/staff/window/items", clerk, {"item": "hk-macau-permit"}).status_code in {200, 404}
    done = post("/staff/window/finish", clerk, {"outcome": "done", "count": 2})
    assert (done.json["current"], done.json["seated"]["served_today"]) == (None, 1)
    assert client.get(f"/api/v1/tickets/{mine['link']}").json["state"] == "done"
    assert client.put("/api/v1/staff/window/pause", json={"paused": True}, headers=clerk).json["seated"]["paused"]
    assert post("/staff/window/next", clerk, {}).json["code"] == "window_paused"
    assert client.delete("/api/v1/staff/window", headers=clerk).status_code == 204


def test_a_missed_number_comes_back_from_the_phone(client, post, take, gate) -> None:
    mine = take()
    clerk = gate(role="window_clerk")
    client.put("/api/v1/staff/window", json={"window": 1, "categories": [QUEUE]}, headers=clerk)
    post("/staff/window/next", clerk, {})
    post("/staff/window/recall", clerk, {})
    passed = post("/staff/window/pass", clerk, {}).json["passed"]
    assert [ticket["number"] for ticket in passed] == [mine["number"]]
    assert queue(client)["passed"] == [mine["number"]]
    shown = client.get(f"/api/v1/tickets/{mine['link']}").json
    assert (shown["state"], shown["can_return"]) == ("passed", True)
    back = client.post(f"/api/v1/tickets/{mine['link']}/return")
    assert (back.status_code, back.json["state"]) == (200, "waiting")
    assert client.post(f"/api/v1/tickets/{mine['link']}/return").json["code"] == "invalid_transition"
    assert client.post(f"/api/v1/tickets/{mine['link']}/cancel").json["state"] == "cancelled"
    assert client.post("/api/v1/tickets/no-such-link/cancel").status_code == 404


def test_a_phone_elsewhere_takes_no_number(client, post, citizen, gate, clock) -> None:
    _, who = citizen()
    code = client.get("/api/v1/staff/place-code", headers=gate()).json["code"]
    foreign = client.get("/api/v1/staff/place-code", headers=gate("SM")).json["code"]
    body = {"category": QUEUE, "items": []}
    assert post("/halls/XM/tickets", who, {**body, "place": foreign}).json["code"] == "not_in_hall"
    clock.advance(minutes=11)
    assert post("/halls/XM/tickets", who, {**body, "place": code}).json["code"] == "not_in_hall"


def test_a_person_has_one_open_number_a_queue(take, citizen) -> None:
    _, who = citizen()
    assert take(who)["number"] == take(who)["number"]
    assert take(who, category="vehicle")["number"] != take(who)["number"]


def test_nothing_new_is_not_sent_again(client, take) -> None:
    take()
    first = client.get("/api/v1/halls/XM/queue")
    assert first.headers["Cache-Control"] == "public, max-age=1"
    tag = {"If-None-Match": first.headers["ETag"]}
    same = client.get("/api/v1/halls/XM/queue", headers=tag)
    assert (same.status_code, same.data) == (304, b"")
    take()
    assert client.get("/api/v1/halls/XM/queue", headers=tag).status_code == 200
    assert client.get("/api/v1/halls/NONE/queue").json["code"] == "hall_not_found"


def test_a_blocked_person_still_gets_a_number(client, post, take, citizen, session, clock) -> None:
    clock.set(NINE - timedelta(days=1))
    person, who = citizen()
    slots = list(
        session.scalars(
            select(Slot.id).where(Slot.hall_code == "XM", Slot.category_code == QUEUE, Slot.day == NINE.date())
        )
    )
    made = book(post, who, slots[-1])
    template = session.get_one(Appointment, made["id"])
    values = {column.name: getattr(template, column.name) for column in Appointment.__table__.columns}
    for days in (2, 3):
        other = Appointment(**{**values, "id": new_id(), "code": None})
        session.add(other)
        session.flush()
        session.add(
            ConductMark(
                state=MarkState.COUNTS,
                state_at=clock.now,
                kind=Kind.NO_SHOW,
                person_id=person,
                appointment_id=other.id,
                hall_code="XM",
                at=clock.now - timedelta(days=days),
            )
        )
    session.commit()
    refused = post("/holds", who, {"slot_id": str(slots[0]), "items": ["passport-first"]})
    assert refused.json["code"] == "online_booking_blocked"
    clock.set(NINE)
    assert take(who)["state"] == "waiting"


@pytest.mark.parametrize(
    ("role", "may"),
    [("gate", set()), ("window_clerk", {"call"}), ("hall_lead", {"call", "choose"}), ("auditor", set())],
)
def test_who_may_call(client, post, take, gate, role, may) -> None:
    mine = take()
    who = gate(role=role)
    sat = client.put("/api/v1/staff/window", json={"window": 2, "categories": [QUEUE]}, headers=who)
    assert sat.status_code == (200 if "call" in may else 403)
    chosen = post(f"/staff/tickets/{mine['id']}/call", who, {"reason": "急事先办"})
    assert chosen.status_code == (200 if "choose" in may else 403)
    other = gate("SM", role="hall_lead")
    client.put("/api/v1/staff/window", json={"window": 1, "categories": ["business"]}, headers=other)
    assert post(f"/staff/tickets/{mine['id']}/call", other, {"reason": "别的大厅"}).status_code == 404
