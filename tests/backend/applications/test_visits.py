"""Visits and cases joined: booked from a case, checked before it, shown in the hall; and nobody is kept out by that."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from backend.appointments import handlers
from backend.appointments.funnel_models import BookingStep
from backend.appointments.models import Slot, VisitMatter
from backend.catalogue import queries as catalogue
from tests.backend.applications.people import PASSPORT, QUERY, Filer, Office, publish
from tests.backend.conftest import CATEGORY, HALL, WEDNESDAY
from tests.conftest import Clock

HALF_PAST_NINE = datetime(2026, 11, 25, 1, 25, tzinfo=UTC)
TO_CHANGE = {"words": "要改", "fields": [{"name": "phone", "words": "打不通"}], "materials": []}
OTHER_ITEM = "passport-first"


@pytest.fixture
def places(session: Session, clock: Clock) -> list[str]:
    """Wednesday's starts of the city hall's passport windows."""
    query = select(Slot.id).where(Slot.hall_code == HALL, Slot.category_code == CATEGORY, Slot.day == WEDNESDAY)
    return [str(one) for one in session.scalars(query.order_by(Slot.start))]


def hold(who: Filer, slot: str, application: str | None = None, *, en: bool = False, **more: Any) -> Any:
    body = {"slot_id": slot, "items": [PASSPORT], "application_id": application, **more}
    return who.post("/holds", body, en=en)


def book(who: Filer, slot: str, application: str | None = None, **more: Any) -> dict[str, Any]:
    held = hold(who, slot, application, **more)
    assert held.status_code == 201, held.text
    made = who.post(f"/holds/{held.json['id']}/confirm")
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json
    return found


def checked_case(who: Filer, office: Office) -> dict[str, Any]:
    case = who.file(PASSPORT)
    office.done("window_clerk", case, "pre-approve")
    found: dict[str, Any] = who.get(f"/cases/{case['id']}").json
    return found


def check_first(session: Session) -> None:
    """From now on the item is booked only once its papers were looked at."""
    item = catalogue.item(session, PASSPORT)
    limits = ("family", "minutes", "extra_minutes", "max_items", "max_people", "level")
    booking = {name: getattr(item.booking, name) for name in limits}
    publish(session, PASSPORT, booking={**booking, "pre_check": True})


def on_wednesday(office: Office, clock: Clock) -> None:
    """The day of the visit; staff sign in anew."""
    clock.set(HALF_PAST_NINE)
    office.headers.clear()


def refused(answer: Any, code: str, zh: str) -> None:
    assert (answer.status_code in (409, 422), answer.json["code"]) == (True, code), answer.text
    assert zh in answer.json["title"]


def test_a_case_is_booked_shown_moved_and_booked_again(citizen_: Filer, office: Office, places: list[str]) -> None:
    case = checked_case(citizen_, office)
    assert case["visit"] == {"why": "papers", "hall": {"code": HALL, "name": case["hall"]["name"]}}
    assert (case["checked"], case["visits"], case["person"]["is_me"]) == (True, [], True)
    visit = book(citizen_, places[3], case["application_id"])
    mine = {"application_id": case["application_id"], "case_id": case["id"], "number": case["number"], "checked": True}
    assert visit["matter"] == mine
    shown = citizen_.get(f"/cases/{case['id']}").json["visits"]
    assert [(one["id"], one["state"]) for one in shown] == [(visit["id"], "booked")]
    moved = citizen_.post(f"/appointments/{visit['id']}/reschedule", {"slot_id": places[4]}).json
    assert moved["matter"] == mine
    assert [one["id"] for one in citizen_.get(f"/cases/{case['id']}").json["visits"]] == [moved["id"]]
    second = hold(citizen_, places[5], case["application_id"])
    refused(second, "case_has_visit", "已经约好")
    assert second.json["appointment_id"] == moved["id"]
    gone = citizen_.post(f"/appointments/{moved['id']}/cancel").json
    assert (gone["state"], gone["matter"]) == ("cancelled", mine)
    assert citizen_.get(f"/cases/{case['id']}").json["visits"] == []
    assert book(citizen_, places[6], case["application_id"])["matter"] == mine


def test_only_a_case_that_fits_is_carried(
    make_filer: Callable[..., Filer], citizen_: Filer, office: Office, places: list[str]
) -> None:
    case, stranger = checked_case(citizen_, office), make_filer()
    words = {False: "不能和这次预约关联", True: "does not belong to this visit"}
    for en, said in words.items():
        refused(hold(stranger, places[3], case["application_id"], en=en), "case_does_not_fit", said)
    refused(hold(citizen_, places[3], str(uuid4())), "case_does_not_fit", words[False])
    other = hold(citizen_, places[3], case["application_id"], items=[OTHER_ITEM])
    refused(other, "case_does_not_fit", words[False])
    assert other.json["errors"][0]["pointer"] == "/application_id"
    citizen_.post(f"/cases/{case['id']}/withdraw")
    refused(hold(citizen_, places[3], case["application_id"]), "case_does_not_fit", words[False])
    assert citizen_.get("/holds").json["holds"] == [], "a refusal holds nothing"


def test_an_item_checked_first_is_booked_after_the_check(
    session: Session, citizen_: Filer, office: Office, places: list[str]
) -> None:
    check_first(session)
    guide = citizen_.client.get(f"/api/v1/items/{PASSPORT}").json
    assert guide["booking"]["pre_check"] is True
    refused(hold(citizen_, places[3]), "pre_check_needed", "直接到大厅取号")
    refused(hold(citizen_, places[3], en=True), "pre_check_needed", "go to the hall and take a number")
    case = citizen_.file(PASSPORT)
    refused(hold(citizen_, places[3]), "pre_check_needed", "预审通过后再约")
    refused(hold(citizen_, places[3], case["application_id"]), "pre_check_needed", "预审通过后再约")
    office.done("window_clerk", case, "pre-approve")
    unnamed = book(citizen_, places[3])
    assert unnamed["matter"]["case_id"] == case["id"], "the checked case is found by itself"
    refused(hold(citizen_, places[5]), "pre_check_needed", "预审通过后再约")
    office.done("window_clerk", case, "receive")
    office.done("window_clerk", case, "correct", **TO_CHANGE)
    mark = citizen_.get(f"/appointments/{unnamed['id']}").json
    assert (mark["state"], mark["matter"]["checked"]) == ("booked", False), "a booked visit stays booked"
    assert citizen_.post(f"/appointments/{unnamed['id']}/reschedule", {"slot_id": places[6]}).status_code == 201


def test_nobody_without_a_check_is_refused_in_the_hall(
    session: Session, make_filer: Callable[..., Filer], office: Office, clock: Clock, places: list[str]
) -> None:
    """Circular, clause 12: whatever the state of a case, a walk-in gets a number, and staff may book for them."""
    check_first(session)
    steps: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
        ("submitted", lambda case: None),
        ("pre_returned", lambda case: office.done("window_clerk", case, "return", **TO_CHANGE)),
        ("pre_approved", lambda case: office.done("window_clerk", case, "pre-approve")),
        ("received", lambda case: office.done("window_clerk", case, "receive")),
    ]
    people: list[Filer] = [make_filer()]
    for state, step in steps:
        who = make_filer()
        case = who.file(PASSPORT)
        step(case)
        assert who.get(f"/cases/{case['id']}").json["state"] == state
        people.append(who)
    withdrawn = make_filer()
    withdrawn.post(f"/cases/{withdrawn.file(PASSPORT)['id']}/withdraw")
    people.append(withdrawn)
    for_them = {"id_number": people[0].number, "name": people[0].name}
    booked = office.send(
        "window_clerk", "POST", "/appointments", {"who": for_them, "slot_id": places[4], "items": [PASSPORT]}
    )
    assert booked.json.get("code") != "pre_check_needed", booked.text
    on_wednesday(office, clock)
    for who in people:
        body = {"category": CATEGORY, "items": [PASSPORT], "id_number": who.number}
        given = office.send("gate", "POST", "/tickets", body)
        assert given.status_code == 201, given.text
        assert given.json["matter"] is None


def test_papers_are_filled_in_for_a_booked_visit(
    session: Session, make_filer: Callable[..., Filer], citizen_: Filer, office: Office, places: list[str]
) -> None:
    visit, stranger = book(citizen_, places[3]), make_filer()
    assert visit["matter"] is None
    body = {"item": PASSPORT, "appointment_id": visit["id"]}
    assert stranger.post("/applications", body).status_code == 404
    refused(citizen_.post("/applications", {**body, "item": QUERY}), "case_does_not_fit", "不能和这次预约关联")
    assert citizen_.get(f"/appointments/{visit['id']}").json["matter"] is None
    draft = citizen_.start(PASSPORT, appointment_id=visit["id"])
    shown = citizen_.get(f"/appointments/{visit['id']}").json["matter"]
    assert shown == {"application_id": draft["id"], "case_id": None, "number": None, "checked": False}
    citizen_.send("DELETE", f"/applications/{draft['id']}")
    assert session.get_one(VisitMatter, UUID(draft["id"]), populate_existing=True).open is False
    again = citizen_.start(PASSPORT, appointment_id=visit["id"])
    assert citizen_.start(PASSPORT, appointment_id=visit["id"])["id"] == again["id"], "once more is the same"
    citizen_.fill(again)
    case = citizen_.post(f"/applications/{again['id']}/submit").json
    assert [one["id"] for one in case["visits"]] == [visit["id"]]
    office.done("window_clerk", case, "pre-approve")
    listed = citizen_.get("/appointments").json["appointments"]
    assert [(one["matter"]["number"], one["matter"]["checked"]) for one in listed] == [(case["number"], True)]
    refused(
        citizen_.post("/applications", {"item": PASSPORT, "appointment_id": visit["id"]}),
        "case_does_not_fit",
        "不能和这次预约关联",
    )


def test_the_hall_sees_the_case_and_counts_the_visit(
    citizen_: Filer, office: Office, clock: Clock, places: list[str]
) -> None:
    case = checked_case(citizen_, office)
    visit = book(citizen_, places[1], case["application_id"])
    on_wednesday(office, clock)
    arrival = office.send("gate", "POST", "/check-ins", {"code": visit["code"], "identity_checked": True}).json
    assert (arrival["accepted"], arrival["appointment"]["matter"]["number"]) == (True, case["number"])
    office.send("window_clerk", "PUT", "/window", {"window": 7, "categories": [CATEGORY], "take_over": True})
    current = office.send("window_clerk", "POST", "/window/next", {}).json["current"]
    assert current["matter"] == visit["matter"]
    seen = office.get("window_clerk", f"/cases/{case['id']}/visit").json
    assert (seen["case"]["state"], seen["checked"], seen["missing"]) == ("pre_approved", True, [])
    assert seen["to_see"], "originals that nobody has seen"
    assert office.get("gate", f"/cases/{case['id']}/visit").status_code == 403
    elsewhere = Office(office.client, office.session, "TA")
    assert elsewhere.get("window_clerk", f"/cases/{case['id']}/visit").status_code == 404
    office.send("window_clerk", "POST", "/window/answer", {})
    office.done("window_clerk", case, "receive", papers=[one["id"] for one in case["materials"] if not one["exempt"]])
    assert office.get("window_clerk", f"/cases/{case['id']}/visit").json["to_see"] == []
    office.send("window_clerk", "POST", "/window/finish", {"outcome": "done", "count": 1})
    visits = office.case(case)["visits"]
    assert (visits["served"], visits["booked"]) == (1, [])
    assert [one["state"] for one in visits["numbers"]] == ["done"]


def test_a_walk_in_is_served_for_a_case(citizen_: Filer, office: Office, clock: Clock, places: list[str]) -> None:
    case = checked_case(citizen_, office)
    on_wednesday(office, clock)
    office.send("gate", "POST", "/tickets", {"category": CATEGORY})
    office.send("window_clerk", "PUT", "/window", {"window": 7, "categories": [CATEGORY], "take_over": True})
    nobody = office.send("window_clerk", "POST", "/window/case", {"code": case["number"]})
    assert nobody.status_code == 409, "nobody sits at the window"
    office.send("window_clerk", "POST", "/window/next", {})
    office.send("window_clerk", "POST", "/window/answer", {})
    assert office.send("window_clerk", "POST", "/window/case", {"code": "nothing"}).json["code"] == "case_not_found"
    scanned = f"https://example.test/cases/{case['id']}"
    at = office.send("window_clerk", "POST", "/window/case", {"code": scanned}).json["current"]
    assert at["matter"]["case_id"] == case["id"]
    office.send("window_clerk", "POST", "/window/finish", {"outcome": "materials_missing", "count": 0})
    assert office.case(case)["visits"]["served"] == 1


def test_a_check_in_taken_back_gives_way_to_a_newer_booking(
    citizen_: Filer, office: Office, clock: Clock, places: list[str]
) -> None:
    case = checked_case(citizen_, office)
    visit = book(citizen_, places[1], case["application_id"])
    later = str(
        office.session.scalars(
            select(Slot.id).where(Slot.hall_code == HALL, Slot.category_code == CATEGORY, Slot.day > WEDNESDAY)
        ).first()
    )
    on_wednesday(office, clock)
    arrival = office.send("gate", "POST", "/check-ins", {"code": visit["code"], "identity_checked": True}).json
    anew = book(citizen_, later, case["application_id"])
    undone = office.send("gate", "POST", f"/check-ins/{arrival['check_in_id']}/undo")
    assert undone.status_code == 200, undone.text
    assert citizen_.get(f"/appointments/{visit['id']}").json["matter"] is None
    assert citizen_.get(f"/appointments/{anew['id']}").json["matter"]["case_id"] == case["id"]


def test_a_result_is_collected_where_it_waits(
    session: Session, citizen_: Filer, office: Office, places: list[str]
) -> None:
    case = checked_case(citizen_, office)
    office.done("window_clerk", case, "receive")
    office.granted(case)
    assert citizen_.get(f"/cases/{case['id']}").json["visit"] is None, "nothing to come for now"
    session.get_one(Case, UUID(case["id"]), populate_existing=True).fee_state = "paid"
    session.commit()
    office.done("issuing_desk", case, "result", paper=True)
    citizen_.send("PUT", f"/cases/{case['id']}/delivery", {"way": "window"})
    office.done("issuing_desk", case, "offer")
    ready = citizen_.get(f"/cases/{case['id']}").json
    assert (ready["visit"]["why"], ready["visit"]["hall"]["code"]) == ("collect", HALL)
    assert book(citizen_, places[3], case["application_id"])["matter"]["checked"] is True


def test_a_merged_person_keeps_what_was_checked(
    session: Session, make_filer: Callable[..., Filer], citizen_: Filer, office: Office
) -> None:
    case, other = checked_case(citizen_, office), make_filer()
    handlers.on_person_merged(kept=str(other.id), former=str(citizen_.id))
    matter = session.get_one(VisitMatter, UUID(case["application_id"]), populate_existing=True)
    assert (matter.person_id, matter.filer_id) == (other.id, other.id)


def test_the_inbox_is_filtered_by_item_and_part_of_a_number(citizen_: Filer, office: Office) -> None:
    passport, query = citizen_.file(PASSPORT), citizen_.file(QUERY)
    items = [one["slug"] for one in office.get("window_clerk", "/cases/counts").json["items"]]
    assert {PASSPORT, QUERY} <= set(items)

    def found(**wanted: str) -> set[str]:
        path = "&".join(f"{name}={value}" for name, value in wanted.items())
        cases = office.get("window_clerk", f"/cases?box=front&{path}").json["cases"]
        return {one["id"] for one in cases}

    assert passport["id"] in found(item=PASSPORT)
    assert query["id"] not in found(item=PASSPORT)
    assert found(number=query["number"][-5:]) >= {query["id"]}
    assert query["id"] not in found(number=query["number"][-3:]), "three characters are no number"
    assert found(number="%25%25%25%25") == set(), "a sign of the database is a sign like any other"


@pytest.mark.parametrize("role", ["window_clerk", "approver"])
def test_pages_are_scanned_while_papers_are_received(role: str, citizen_: Filer, office: Office) -> None:
    case = citizen_.file(PASSPORT)
    may = role == "window_clerk"
    material = case["materials"][0]["id"]
    told = {"subject_type": "application", "subject_id": case["application_id"], "material": material}
    told |= {"name": "原件.jpg", "media_type": "image/jpeg", "size": 10, "sha256": "0" * 64}
    assert office.case(case, role)["may_scan"] is False
    assert office.send(role, "POST", "/files", told).status_code in (403, 404)
    office.done("window_clerk", case, "pre-approve")
    assert office.case(case, role)["may_scan"] is may
    assert (office.send(role, "POST", "/files", told).status_code == 201) is may
    office.done("window_clerk", case, "receive")
    office.accepted(case)
    assert office.case(case, role)["may_scan"] is False


def test_steps_are_counted_without_anybody(
    client: FlaskClient, session: Session, citizen_: Filer, office: Office, clock: Clock, places: list[str]
) -> None:
    clock.set(datetime(2026, 11, 24, 5, 0, tzinfo=UTC))

    def tell(*steps: dict[str, Any]) -> Any:
        return client.post("/api/v1/booking-steps", json={"steps": list(steps)})

    seen = {"item": PASSPORT, "count": 3}
    assert tell({"step": "item", **seen}, {"step": "hall", **seen, "count": 2, "hall": HALL}).status_code == 204
    assert tell({"step": "slots", "item": PASSPORT, "hall": HALL}, {"step": "slots", "item": PASSPORT, "hall": "TA"})
    assert tell({"step": "who", "item": "no-such-item", "hall": HALL}).status_code == 204, "unknown items say nothing"
    wrong = tell({"step": "paid", "item": PASSPORT})
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/steps/0/step")
    assert tell(*[{"step": "item", "item": PASSPORT}] * 21).status_code == 422
    assert tell({"step": "item", "item": PASSPORT, "person_id": str(citizen_.id)}).status_code == 422
    book(citizen_, places[3])
    assert hold(citizen_, places[7], items=[OTHER_ITEM]).status_code == 201
    days = "from=2026-11-24&to=2026-11-24"
    city = Office(client, session, "*").get("platform_operator", f"/booking-funnel?{days}").json
    of = next(one for one in city["items"] if one["slug"] == PASSPORT)
    counts = {one["step"]: one["count"] for one in of["steps"]}
    assert counts == {"item": 3, "hall": 2, "slots": 2, "who": 0, "check": 0, "held": 1, "booked": 1}
    assert [one["share"] for one in of["steps"]][:4] == [None, 67, 100, 0]
    own = office.get("hall_lead", f"/booking-funnel?{days}&hall=TA").json
    of = next(one for one in own["items"] if one["slug"] == PASSPORT)
    assert [(one["step"], one["count"]) for one in of["steps"]][:2] == [("slots", 1), ("who", 0)], "their own hall's"
    table = office.get("hall_lead", f"/booking-funnel/table?{days}&lang=zh")
    lines = table.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "日期,事项,大厅,步骤,次数"
    assert sum(line.endswith("约上了,1") for line in lines) == 1
    assert office.get("hall_lead", f"/booking-funnel/table?{days}&format=xlsx").data[:2] == b"PK"
    assert office.get("window_clerk", f"/booking-funnel?{days}").status_code == 403
    assert office.get("hall_lead", "/booking-funnel?from=2026-11-24&to=2026-11-23").status_code == 422
    assert set(BookingStep.__table__.c.keys()) == {"day", "item_slug", "hall_code", "step", "shard", "count"}


def test_telling_steps_has_a_limit(client: FlaskClient, clock: Clock) -> None:
    answers = [
        client.post("/api/v1/booking-steps", json={"steps": [{"step": "item", "item": PASSPORT}]}).status_code
        for _ in range(61)
    ]
    assert answers[-1] == 429
