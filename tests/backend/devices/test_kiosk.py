"""What people do at a device, at the HTTP edge."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update

from backend.appointments import conduct_service, passes
from backend.appointments.conduct import Standing
from backend.appointments.models import Appointment, SlotQuota
from backend.core.audit import AuditEvent
from backend.core.logs import redact
from backend.devices import doctor
from backend.identity import service as identities
from backend.identity.models import Person
from backend.queueing.doctor import invariants
from backend.queueing.models import CheckIn, Ticket
from tests.backend.appointments.test_booking import book as book_by_phone
from tests.backend.appointments.test_booking import quota
from tests.backend.devices.kiosks import ADULT, ELDER, OTHER

QUEUE, ITEM = "exit-entry", "passport-first"


def ask(slot, card=ADULT, **more):
    return {"card": card, "slot_id": str(slot), "items": [ITEM], **more}


def test_a_hall_kiosk_shows_its_halls_items_and_queues(kiosk) -> None:
    shown = kiosk("XM-CRJ1").get("/device/items?lang=en").json
    assert [queue["code"] for queue in shown["queues"]] == [QUEUE]
    assert {item["category"]["code"] for item in shown["items"]} == {QUEUE}
    assert ITEM in {item["slug"] for item in shown["items"]}
    outside = kiosk(site="P-350203-01").get("/device/items").json
    assert outside["queues"] == []
    assert len(outside["items"]) > len(shown["items"])


def test_one_card_has_one_number_wherever_it_is_shown(kiosk, post, gate, session) -> None:
    one, other = kiosk(), kiosk()
    first = one.post("/device/tickets", {"category": QUEUE, "card": ADULT, "items": [ITEM]})
    assert first.status_code == 201, first.json
    number = first.json["ticket"]["number"]
    assert (first.json["ticket"]["source"], first.json["standing"]["ahead"]) == ("kiosk", 0)
    assert other.post("/device/tickets", {"category": QUEUE, "card": ADULT}).json["ticket"]["number"] == number
    desk = post("/staff/tickets", gate(), {"category": QUEUE, "id_number": ADULT["id_number"]})
    assert desk.json["number"] == number
    ticket = session.scalars(select(Ticket)).one()
    assert ticket.holder == identities.document_index(ADULT["id_number"])
    second = other.post("/device/tickets", {"category": QUEUE, "card": OTHER}).json
    assert (int(second["ticket"]["number"][1:]), second["standing"]["ahead"]) == (int(number[1:]) + 1, 1)
    assert invariants(session) == []


def test_anybody_gets_a_number_and_an_elder_the_green_lane(kiosk) -> None:
    one = kiosk()
    nobody = [one.post("/device/tickets", {"category": QUEUE}).json["ticket"]["number"] for _ in range(2)]
    assert nobody[0] != nobody[1]
    assert one.post("/device/tickets", {"category": QUEUE, "card": ELDER}).json["ticket"]["lane"] == "elder"


def test_the_same_press_gives_one_number(kiosk) -> None:
    one = kiosk()
    first, again = (one.post("/device/tickets", {"category": QUEUE}, key="one-press") for _ in range(2))
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    other = one.post("/device/tickets", {"category": QUEUE, "card": ADULT}, key="one-press")
    assert other.json["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("card", "pointer"),
    [
        ({**ADULT, "id_number": "350299199001010011"}, "/card/id_number"),
        ({**ADULT, "id_number": "35029919900101001"}, "/card/id_number"),
        ({"id_number": ADULT["id_number"]}, "/card/name"),
    ],
)
def test_a_card_that_cannot_be_is_refused(kiosk, session, card, pointer) -> None:
    refused = kiosk().post("/device/tickets", {"category": QUEUE, "card": card})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]
    assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_places_are_those_of_the_phones(kiosk, post, citizen, slots, session) -> None:
    one = kiosk()
    days = one.get(f"/device/slots?items={ITEM}&days=3").json["days"]
    offered = {slot["id"]: slot["left"] for day in days for slot in day["slots"]}
    made = one.post("/device/bookings", ask(slots[3]))
    assert made.status_code == 201, made.json
    shown = made.json["appointment"]
    assert (shown["state"], shown["for_person"]["name_masked"], made.json["reachable"]) == ("booked", "张*", False)
    row = session.get_one(Appointment, shown["id"])
    assert (row.channel, row.booker_id) == ("online", row.person_id)
    days = one.get(f"/device/slots?items={ITEM}&days=3").json["days"]
    left = {slot["id"]: slot["left"] for day in days for slot in day["slots"]}
    assert left == {**offered, str(slots[3]): offered[str(slots[3])] - 1}
    session.execute(
        update(SlotQuota).where(SlotQuota.slot_id == slots[4], SlotQuota.channel == "online").values(capacity=1)
    )
    session.commit()
    book_by_phone(post, citizen()[1], slots[4])
    full = one.post("/device/bookings", ask(slots[4], OTHER))
    assert (full.status_code, full.json["code"]) == (409, "slot_full")


def test_the_limits_and_blocks_are_those_of_everybody(kiosk, slots, session, monkeypatch) -> None:
    one = kiosk()
    assert one.post("/device/bookings", ask(slots[3])).status_code == 201
    assert one.post("/device/bookings", ask(slots[5])).json["code"] == "duplicate_booking"
    assert one.post("/device/bookings", ask(slots[5], {**ADULT, "name": "张别名"})).json["code"] == "name_differs"
    blocked = Standing(halves=6, blocked_until=datetime.fromisoformat("2027-01-01T00:00:00Z"))
    monkeypatch.setattr(conduct_service, "standing", lambda *_: blocked)
    assert one.post("/device/bookings", ask(slots[5], OTHER)).json["code"] == "online_booking_blocked"
    assert one.post("/device/tickets", {"category": QUEUE, "card": OTHER}).status_code == 201
    assert quota(session, slots[5]).booked == 0


def test_the_card_finds_and_cancels_only_its_own(kiosk, slots, session) -> None:
    one, elsewhere = kiosk(), kiosk("SM")
    made = one.post("/device/bookings", ask(slots[3])).json["appointment"]
    one.post("/device/bookings", ask(slots[3], OTHER))
    found = one.post("/device/bookings/find", {"card": ADULT}).json
    assert found["name_masked"] == "张*"
    assert [row["appointment"]["id"] for row in found["bookings"]] == [made["id"]]
    assert session.scalar(select(AuditEvent.actor).where(AuditEvent.action == "appointment.looked_up")) == (
        f"device:{one.id}"
    )
    assert elsewhere.post("/device/bookings/find", {"card": ADULT}).json["bookings"] == []
    path = f"/device/bookings/{made['id']}/cancel"
    assert one.post(path, {"card": OTHER}).status_code == 404
    assert one.post(path, {"card": ELDER}).json["code"] == "person_unknown"
    assert elsewhere.post(path, {"card": ADULT}).status_code == 404
    assert session.get_one(Appointment, made["id"], populate_existing=True).state == "booked"
    cancelled = one.post(path, {"card": ADULT})
    assert cancelled.json["appointment"]["state"] in {"cancelled", "cancelled_late"}


def test_a_hall_kiosk_keeps_to_its_hall_and_a_terminal_names_one(kiosk, client, slots, session) -> None:
    other, terminal = kiosk("XM-CRJ1"), kiosk(site="P-350203-01")
    assert other.post("/device/bookings", ask(slots[3])).json["code"] == "slot_closed"
    assert other.post("/device/bookings", ask(slots[3], hall="XM")).json["code"] == "device_other_hall"
    assert other.get(f"/device/slots?items={ITEM}&hall=XM").json["code"] == "device_other_hall"
    assert terminal.post("/device/bookings", ask(slots[3])).json["code"] == "device_hall_needed"
    assert quota(session, slots[3]).booked == 0
    made = terminal.post("/device/bookings", ask(slots[3], hall="XM"))
    assert made.status_code == 201, made.json
    assert len(terminal.post("/device/bookings/find", {"card": ADULT}).json["bookings"]) == 1
    assert terminal.get("/device").json["place"]["kind"] == "site"
    for path, body in (
        ("/device/tickets", {"category": QUEUE}),
        ("/device/tickets/find", {"card": ADULT}),
        ("/device/check-ins", {"code": "12345678"}),
    ):
        assert terminal.post(path, body).json["code"] == "forbidden", path


@pytest.fixture
def booked(client, post, citizen, slots, clock):
    """A phone's appointment at its time, and what the phone shows."""
    _, who = citizen()
    made = book_by_phone(post, who, slots[3])
    clock.set(datetime.fromisoformat(made["slot"]["start"]))

    def shown(step: int = 0) -> str:
        kept = client.get(f"/api/v1/appointments/{made['id']}/pass", headers=who).json
        return f"WZW1.{kept['static']}.{passes.rotating(kept['secret'], clock.now, offset=step)}"

    return made, shown


def test_a_fresh_code_checks_in_alone_and_once(kiosk, booked, session) -> None:
    _, shown = booked
    one = kiosk()
    arrived = one.post("/device/check-ins", {"code": shown()}).json
    assert (arrived["verdict"], arrived["accepted"]) == ("on_time", True)
    assert arrived["held"]["standing"]["ahead"] == 0
    made = session.scalars(select(CheckIn)).one()
    assert (made.device_id, made.staff_id, made.hall_code) == (one.id, None, "XM")
    again = kiosk().post("/device/check-ins", {"code": shown()}).json
    assert (again["verdict"], again["held"]) == ("already_used", None)
    assert invariants(session) + doctor.invariants(session) == []


def test_digits_need_the_right_card(kiosk, slots, session, clock) -> None:
    one = kiosk()
    made = one.post("/device/bookings", ask(slots[3])).json["appointment"]
    clock.set(datetime.fromisoformat(made["slot"]["start"]))
    alone = one.post("/device/check-ins", {"code": made["code"]})
    assert (alone.json["verdict"], alone.json["accepted"]) == ("check_identity", False)
    assert "张" not in alone.text
    wrong = one.post("/device/check-ins", {"code": made["code"], "card": OTHER})
    assert (wrong.status_code, wrong.json["code"]) == (422, "card_differs")
    elsewhere = kiosk("SM").post("/device/check-ins", {"code": made["code"], "card": ADULT}).json
    assert elsewhere["verdict"] == "unknown"
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0
    right = one.post("/device/check-ins", {"code": made["code"], "card": ADULT}).json
    assert right["verdict"] == "on_time"


def test_digits_rest_after_ten_misses(kiosk, clock) -> None:
    one = kiosk()
    codes = [one.post("/device/check-ins", {"code": f"{n:08d}"}).status_code for n in range(11)]
    assert (codes[-1], set(codes[:-1])) == (429, {200})


def test_where_a_number_is_tells_nothing_of_its_holder(kiosk) -> None:
    one = kiosk()
    numbers = [one.post("/device/tickets", {"category": QUEUE, "card": card}).json["ticket"] for card in (ADULT, OTHER)]
    shown = one.get(f"/device/standing?number={numbers[1]['number'].lower()}").json
    assert set(shown) == {"number", "category", "state", "ahead", "window"}
    assert (shown["number"], shown["state"], shown["ahead"]) == (numbers[1]["number"], "waiting", 1)
    assert one.get("/device/standing?number=Z99").status_code == 404
    assert kiosk("XM-CRJ1").get(f"/device/standing?number={numbers[0]['number']}").status_code == 404
    found = one.post("/device/tickets/find", {"card": OTHER}).json["tickets"]
    assert [row["ticket"]["link"] for row in found] == [numbers[1]["link"]]
    assert kiosk("XM-CRJ1").post("/device/tickets/find", {"card": OTHER}).json["tickets"] == []


def test_cards_cannot_be_tried_out(kiosk) -> None:
    one = kiosk()
    codes = [one.post("/device/bookings/find", {"card": ADULT}).status_code for _ in range(31)]
    assert (codes[-1], set(codes[:-1])) == (429, {422})


def test_the_card_is_stored_and_answered_nowhere(kiosk, slots, session) -> None:
    one = kiosk()
    answers = [
        one.post("/device/tickets", {"category": QUEUE, "card": ADULT}),
        one.post("/device/bookings", ask(slots[3])),
        one.post("/device/bookings/find", {"card": ADULT}),
        one.post("/device/tickets/find", {"card": ADULT}),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 200]
    assert not any(word in answer.text for answer in answers for word in ADULT.values())
    tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    for table in set(tables) - {"slot", "item"}:
        for word in ADULT.values():
            query = text(f'SELECT count(*) FROM "{table}" AS kept WHERE kept::text LIKE :word')
            assert session.scalar(query, {"word": f"%{word}%"}) == 0, table
    assert session.scalar(select(func.count()).select_from(Person)) == 1
    assert ADULT["id_number"] not in redact(str(ADULT))


def test_a_closed_hall_and_a_wrong_queue_are_said_in_words(kiosk, clock) -> None:
    one = kiosk()
    assert one.post("/device/tickets", {"category": "nothing"}).json["code"] == "no_such_queue"
    assert one.post("/device/tickets", {"category": "vehicle", "items": [ITEM]}).json["code"] == "not_this_queue"
    clock.advance(hours=12)
    refused = one.post("/device/tickets?lang=en", {"category": QUEUE})
    assert (refused.json["code"], refused.json["title"]) == (
        "hall_closed",
        "The hall is closed now. No tickets are given",
    )


def test_demonstration_cards_are_refused_in_production(kiosk, app, monkeypatch) -> None:
    one = kiosk()
    monkeypatch.setattr(type(app.extensions["settings"]), "production", True)
    refused = one.post("/device/tickets", {"category": QUEUE, "card": ADULT})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "/card/id_number"
    assert one.get("/device").json["sandbox"] is False


def test_a_session_is_no_signature(client, gate, citizen) -> None:
    for who in (gate(role="hall_lead"), citizen()[1]):
        headers = {**who, "Idempotency-Key": uuid4().hex}
        assert client.get("/api/v1/device", headers=headers).json["code"] == "device_refused"
        body = {"category": QUEUE}
        assert client.post("/api/v1/device/tickets", json=body, headers=headers).json["code"] == "device_refused"


def test_a_signature_is_no_session(kiosk) -> None:
    one = kiosk()
    assert one.get("/staff/devices").status_code == 401
    assert one.get("/appointments").status_code == 401


def test_late_people_are_let_in_at_the_kiosk_too(kiosk, booked, clock) -> None:
    _, shown = booked
    clock.now += timedelta(hours=1)
    assert kiosk().post("/device/check-ins", {"code": shown()}).json["verdict"] == "late"
