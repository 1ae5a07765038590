"""Numbers given at the reception desk, and the lines that its staff see."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.core import crypto
from backend.identity import service as identity
from backend.queueing.models import Ticket
from tests.conftest import Clock

NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
QUEUE = "exit-entry"
YOUNG, ELDER = "350299199001010010", "350299195506150037"


@pytest.fixture(autouse=True)
def _nine(clock: Clock) -> None:
    clock.set(NINE)


@pytest.fixture
def give(post, gate):
    """The gate of the city hall gives a number."""
    who = gate()

    def one(key: str | None = None, **body: object):
        return post("/staff/tickets", who, {"category": QUEUE, **body}, key=key)

    return one


def line(client: FlaskClient, who: dict[str, str], category: str = QUEUE) -> list[str]:
    answer = client.get(f"/api/v1/staff/tickets?category={category}", headers=who)
    assert answer.status_code == 200, answer.json
    return [ticket["number"] for ticket in answer.json["tickets"]]


def test_the_same_card_gets_the_same_number(give, session: Session) -> None:
    first = give(id_number=YOUNG, items=["passport-first"], people=2)
    assert (first.status_code, first.json["source"], first.json["people"]) == (201, "desk", 2)
    again = give(id_number=YOUNG)
    assert again.json["number"] == first.json["number"]
    assert give(id_number="350299199001010029").json["number"] != first.json["number"]
    assert give().json["number"] != give().json["number"], "nobody is known, so nobody is the same"


def test_a_repeated_press_gives_one_number(give) -> None:
    assert give(key="one-press").json == give(key="one-press").json
    assert give(key="one-press", phone="13900000001").status_code == 422


def test_an_elder_goes_the_green_lane_and_nobody_loses_a_chosen_one(give) -> None:
    assert give(id_number=YOUNG).json["lane"] is None
    assert give(id_number=ELDER).json["lane"] == "elder"
    assert give(id_number="350299201203010043", lane="disabled").json["lane"] == "disabled"
    assert give(lane="soldier").json["lane"] == "soldier"


def test_a_phone_finds_the_person_and_the_number_they_hold(give, session: Session) -> None:
    phone = "13900000002"
    person = identity.log_in(session, provider="phone", subject=phone, current=None, phone=phone)
    real_name = identity.RealName(YOUNG, "张测试", None)
    identity.verify(session, open_id="desk-open-id", real_name=real_name, current=person)
    session.commit()
    by_phone = give(phone=phone).json
    assert by_phone["name_masked"] == "张*"
    assert give(id_number=YOUNG).json["number"] == by_phone["number"]
    assert give(phone="13900000003").json["name_masked"] is None


def test_the_number_is_stored_and_answered_nowhere(give, session: Session) -> None:
    given = give(id_number=ELDER)
    assert ELDER not in given.text
    ticket = session.scalars(select(Ticket).where(Ticket.id == given.json["id"])).one()
    assert ticket.holder == identity.document_index(ELDER)
    tables = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^(item|slot|catalogue)'")
    ).all()
    assert {"ticket", "idempotency_key"} <= set(tables), tables
    for table in tables:
        query = text(f'SELECT count(*) FROM "{table}" AS kept WHERE kept::text LIKE :number')
        found = session.scalar(query, {"number": f"%{ELDER}%"})
        assert found == 0, table


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"id_number": "350299199001010011"}, "/id_number"),
        ({"phone": "12"}, "/phone"),
        ({"id_number": YOUNG, "phone": "13900000001"}, "/phone"),
        ({"lane": "vip"}, "/lane"),
        ({"people": 0}, "/people"),
    ],
)
def test_a_wrong_wish_is_refused_and_changes_nothing(give, client, gate, body, pointer) -> None:
    answer = give(**body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert line(client, gate()) == []


def test_items_and_queues_must_fit(give) -> None:
    assert give(category="no-such").json["code"] == "no_such_queue"
    assert give(category="vehicle", items=["passport-first"]).json["code"] == "not_this_queue"


def test_a_closed_hall_gives_no_number(post, gate, clock: Clock) -> None:
    clock.set(datetime(2026, 11, 25, 13, 0, tzinfo=UTC))
    assert post("/staff/tickets", gate(), {"category": QUEUE}).json["code"] == "hall_closed"


def test_trying_numbers_out_is_bounded(give) -> None:
    codes = [give(phone=f"139000001{n:02d}").status_code for n in range(31)]
    assert (codes[-1], set(codes[:-1])) == (429, {201})
    assert give().status_code == 201, "a number for nobody looks nobody up"


def test_staff_see_only_the_lines_of_their_own_hall(give, client, gate) -> None:
    mine = [give().json["number"], give(category="vehicle").json["number"]]
    assert line(client, gate()) == mine[:1]
    every_line = client.get("/api/v1/staff/tickets", headers=gate()).json
    assert sorted(ticket["number"] for ticket in every_line["tickets"]) == sorted(mine)
    waiting = {queue["code"]: queue["waiting"] for queue in every_line["queues"] if queue["waiting"]}
    assert waiting == {QUEUE: 1, "vehicle": 1}
    assert line(client, gate("SM"), "business") == []
    assert client.get("/api/v1/staff/tickets", headers=gate(role="auditor")).status_code == 403


def test_the_desk_brings_back_who_missed_a_call(give, client, post, gate) -> None:
    missed, desk, clerk = give().json, gate(), gate(role="window_clerk")
    client.put("/api/v1/staff/window", json={"window": 1, "categories": [QUEUE]}, headers=clerk)
    post("/staff/window/next", clerk, {})
    post("/staff/window/pass", clerk, {})
    passed = client.get(f"/api/v1/staff/tickets?category={QUEUE}", headers=desk).json["passed"]
    assert [ticket["number"] for ticket in passed] == [missed["number"]]
    assert client.get("/api/v1/staff/tickets?category=vehicle", headers=desk).json["passed"] == []
    assert post(f"/staff/tickets/{missed['id']}/return", desk, {}).status_code == 200
    assert line(client, desk) == [missed["number"]]


def test_holders_are_blind_indexes_of_the_phone_login(give, session: Session) -> None:
    given = give(phone="13900000004").json
    holder = session.scalar(select(Ticket.holder).where(Ticket.id == given["id"]))
    assert holder == crypto.blind_index("13900000004", field="login.phone")
