"""Rules, places and settings change; nothing that is taken is lost, and walk-ins keep their share."""

from datetime import date, time, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.appointments.doctor import invariants
from backend.appointments.models import POLICY_RANGES, BookingPolicy, OpeningRule, Slot, SlotQuota
from backend.appointments.policy import defaults
from backend.core.audit import AuditEvent
from tests.backend.appointments.test_booking import book, quota

EXIT_ENTRY = "exit-entry"
HOURS = {
    "category": EXIT_ENTRY,
    "valid_from": "2026-11-25",
    "weekdays": [1, 2, 3, 4, 5],
    "morning": {"from": "09:00", "to": "12:00", "windows": 3, "capacity": 60},
    "afternoon": {"from": "13:30", "to": "17:00", "windows": 3, "capacity": 60},
    "reason": "加开窗口",
}


def totals(session: Session, day: date, channel: str | None = None) -> int:
    session.expire_all()
    query = (
        select(func.sum(SlotQuota.capacity))
        .join(Slot, Slot.id == SlotQuota.slot_id)
        .where(Slot.hall_code == "XM", Slot.category_code == EXIT_ENTRY, Slot.day == day)
    )
    return session.scalar(query.where(SlotQuota.channel == channel) if channel else query) or 0


def starts(session: Session, day: date, **where: bool) -> list[str]:
    rows = session.scalars(
        select(Slot.start).filter_by(hall_code="XM", category_code=EXIT_ENTRY, day=day, **where).order_by(Slot.start)
    )
    return [f"{start + timedelta(hours=8):%H:%M}" for start in rows]


def test_new_places_reach_the_slots_that_exist_from_that_day_on(client, post, staff, slots, session) -> None:
    lead = staff()
    tuesday, wednesday = date(2026, 11, 24), date(2026, 11, 25)
    assert (totals(session, tuesday), totals(session, wednesday)) == (80, 80)
    preview = post("/staff/opening-rules/preview", lead, HOURS)
    assert preview.status_code == 200, preview.json
    assert totals(session, wednesday) == 80
    made = post("/staff/opening-rules", lead, HOURS)
    assert made.status_code == 201, made.json
    assert (made.json["made"], made.json["changed"]) == (preview.json["made"], preview.json["changed"])
    assert (totals(session, tuesday), totals(session, wednesday)) == (80, 120)
    assert totals(session, wednesday, "onsite") == 36
    assert invariants(session) == []
    listed = client.get(f"/api/v1/staff/opening-rules?category={EXIT_ENTRY}", headers=lead).json["rules"]
    of_monday = [(rule["valid_from"], rule["valid_to"], rule["capacity"]) for rule in listed if rule["weekday"] == 1]
    assert of_monday == [
        ("2018-08-01", "2026-11-24", 40),
        ("2026-11-25", None, 60),
        ("2018-08-01", "2026-11-24", 40),
        ("2026-11-25", None, 60),
    ]
    kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "hall.rules_changed")).one()
    assert kept.data is not None
    assert {rule["capacity"] for rule in kept.data["before"]} == {40}
    assert {rule["capacity"] for rule in kept.data["after"]} == {40, 60}
    assert kept.reason == "加开窗口"


def test_fewer_places_than_are_booked_is_refused_and_says_by_how_many(post, citizen, staff, slots, session) -> None:
    for _ in range(4):
        book(post, citizen()[1], slots[3])
    fewer = {**HOURS, "morning": {**HOURS["morning"], "capacity": 12}}
    refused = post("/staff/opening-rules", staff(), fewer)
    assert (refused.status_code, refused.json["code"]) == (409, "below_booked")
    [short] = refused.json["short"]
    assert short["slot_id"] == str(slots[3])
    assert (short["taken"], short["capacity"], short["missing"]) == (4, 1, 3)
    assert "差 3 个" in refused.json["detail"]
    assert totals(session, date(2026, 11, 25)) == 80
    assert session.scalar(select(func.count()).where(OpeningRule.capacity != 40, OpeningRule.capacity != 20)) == 0


def test_other_hours_close_what_is_no_longer_planned(post, citizen, staff, slots, session) -> None:
    lead = staff()
    shorter = {**HOURS, "morning": {"from": "09:30", "to": "11:30", "windows": 2, "capacity": 40}, "afternoon": None}
    assert post("/staff/opening-rules", lead, shorter).status_code == 201
    wednesday = date(2026, 11, 25)
    assert starts(session, wednesday, open=True) == ["09:30", "10:00", "10:30", "11:00"]
    assert len(starts(session, wednesday)) == 13
    assert totals(session, wednesday) == 40
    asked = {"day": "2026-11-25", "part": "day", "open": False, "reason": "停电"}
    post("/staff/day-overrides", lead, asked)
    post("/staff/day-overrides/remove", lead, {"day": "2026-11-25", "part": "day", "reason": "来电"})
    assert starts(session, wednesday, open=True) == ["09:30", "10:00", "10:30", "11:00"]
    back = post("/staff/opening-rules", lead, {**HOURS, "valid_from": "2026-11-25"})
    assert back.status_code == 201, back.json
    assert len(starts(session, wednesday, open=True)) == 13
    assert totals(session, wednesday) == 120
    assert invariants(session) == []


def test_a_change_of_places_leaves_a_closed_day_closed(post, staff, slots, session) -> None:
    lead = staff()
    post("/staff/day-overrides", lead, {"day": "2026-11-25", "part": "day", "open": False, "reason": "停电"})
    assert post("/staff/opening-rules", lead, HOURS).status_code == 201
    assert starts(session, date(2026, 11, 25), open=True) == []
    post("/staff/day-overrides/remove", lead, {"day": "2026-11-25", "part": "day", "reason": "来电"})
    assert len(starts(session, date(2026, 11, 25), open=True)) == 13
    assert totals(session, date(2026, 11, 25)) == 120


def test_one_slot_gets_other_places_and_the_half_day_keeps_its_share(post, citizen, staff, slots, session) -> None:
    lead = staff()
    preview = post(f"/staff/slots/{slots[3]}/capacity/preview", lead, {"capacity": 20, "reason": "多一个窗口"})
    changed = post(f"/staff/slots/{slots[3]}/capacity", lead, {"capacity": 20, "reason": "多一个窗口"})
    assert changed.status_code == 200, changed.json
    assert changed.json == preview.json
    assert sum(changed.json.values()) == 20
    half = slots[:6]
    places = {
        channel: session.scalar(
            select(func.sum(SlotQuota.capacity)).where(SlotQuota.slot_id.in_(half), SlotQuota.channel == channel)
        )
        for channel in ("onsite", "online")
    }
    assert places["onsite"] * 100 >= 30 * sum(places.values())
    assert invariants(session) == []
    for _ in range(3):
        book(post, citizen()[1], slots[3])
    refused = post(f"/staff/slots/{slots[3]}/capacity", lead, {"capacity": 3, "reason": "少一个窗口"})
    assert refused.json["code"] == "below_booked"
    assert refused.json["short"][0]["missing"] >= 1
    kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "hall.slot_changed")).one()
    assert kept.data is not None
    assert kept.data["after"] == changed.json


@pytest.mark.parametrize("capacity", range(0, 31, 3))
def test_whatever_one_slot_gets_thirty_percent_stay_on_site(post, staff, slots, session, capacity: int) -> None:
    answer = post(f"/staff/slots/{slots[1]}/capacity", staff(), {"capacity": capacity, "reason": "调整"})
    assert answer.status_code in (200, 409)
    session.expire_all()
    assert invariants(session) == []


def test_the_database_itself_refuses_less_than_is_booked(post, citizen, slots, session) -> None:
    book(post, citizen()[1], slots[3])
    with pytest.raises(IntegrityError, match="not_oversold"):
        session.execute(
            update(SlotQuota).where(SlotQuota.slot_id == slots[3], SlotQuota.channel == "online").values(capacity=0)
        )


def test_what_has_begun_or_is_elsewhere_stays(post, staff, slots, session, clock) -> None:
    body = {"capacity": 5, "reason": "调整"}
    assert post(f"/staff/slots/{slots[3]}/capacity", staff(hall="SM"), body).status_code == 404
    clock.advance(hours=26)
    assert post(f"/staff/slots/{slots[0]}/capacity", staff(), body).json["code"] == "day_is_over"
    assert post("/staff/opening-rules", staff(), {**HOURS, "valid_from": "2026-11-24"}).json["code"] == "day_is_over"
    before = quota(session, slots[0]).capacity
    assert post("/staff/opening-rules", staff(), HOURS).status_code == 201
    assert quota(session, slots[0]).capacity == before


@pytest.mark.parametrize(
    "changes",
    [
        {"weekdays": [6]},
        {"weekdays": []},
        {"morning": {"from": "09:00", "to": "14:00", "windows": 1, "capacity": 10}},
        {"morning": {"from": "09:00", "to": "09:10", "windows": 1, "capacity": 10}},
        {"afternoon": {"from": "12:00", "to": "17:00", "windows": 1, "capacity": 10}},
        {"morning": {"from": "12:00", "to": "09:00", "windows": 1, "capacity": 10}},
        {"category": "priority"},
        {"category": "marriage"},
    ],
)
def test_impossible_rules_are_refused(post, staff, slots, session, changes) -> None:
    before = session.scalar(select(func.count()).select_from(OpeningRule))
    assert post("/staff/opening-rules", staff(), {**HOURS, **changes}).status_code == 422
    assert session.scalar(select(func.count()).select_from(OpeningRule)) == before


def test_slots_are_listed_with_the_places_of_every_channel(client, staff, slots) -> None:
    path = f"/api/v1/staff/slots?category={EXIT_ENTRY}&day=2026-11-25"
    listed = client.get(path, headers=staff("window_clerk")).json["slots"]
    assert [row["id"] for row in listed] == [str(slot) for slot in slots]
    assert {place["channel"] for place in listed[0]["places"]} == {"online", "staff", "onsite"}
    assert client.get(path, headers=staff("gate")).status_code == 403


def test_settings_show_their_ranges_and_change_with_an_audit(client, staff, session, slots) -> None:
    lead, path = staff(), "/api/v1/staff/booking-policy"
    shown = client.get(f"{path}?category={EXIT_ENTRY}", headers=lead).json
    assert shown["is_default"]
    assert {row["name"]: (row["min"], row["max"]) for row in shown["ranges"]} == POLICY_RANGES
    assert (shown["values"]["onsite_percent"], shown["values"]["release_at"]) == (30, "08:00")
    body = {"category": EXIT_ENTRY, "values": {"open_total": 2, "release_at": "07:30"}, "reason": "高峰"}
    changed = client.put(path, json=body, headers=lead)
    assert changed.status_code == 200, changed.json
    assert not changed.json["is_default"]
    assert (changed.json["values"]["open_total"], changed.json["values"]["release_at"]) == (2, "07:30")
    again = client.get(f"{path}?category={EXIT_ENTRY}", headers=lead).json
    assert again["values"] == changed.json["values"]
    kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "hall.policy_changed")).one()
    assert kept.data is not None
    assert (kept.data["before"]["open_total"], kept.data["after"]["open_total"]) == (3, 2)
    assert kept.data["after"]["release_at"] == "07:30"


@pytest.mark.parametrize("name", POLICY_RANGES)
def test_every_setting_is_bounded_at_the_edge_and_in_the_database(client, staff, session, slots, name: str) -> None:
    low, high = POLICY_RANGES[name]
    for value in (low - 1, high + 1):
        body = {"category": EXIT_ENTRY, "values": {name: value}, "reason": "试试"}
        refused = client.put("/api/v1/staff/booking-policy", json=body, headers=staff())
        assert (refused.status_code, refused.json["code"]) == (422, "invalid_input")
        assert refused.json["errors"][0]["pointer"] == f"/values/{name}"
        row = defaults("XM", EXIT_ENTRY)
        setattr(row, name, value)
        session.add(row)
        with pytest.raises(IntegrityError, match=name):
            session.flush()
        session.rollback()
    assert session.scalar(select(func.count()).select_from(BookingPolicy)) == 0


def test_a_larger_share_counts_from_the_first_day_not_released(client, post, citizen, staff, session, slots) -> None:
    book(post, citizen()[1], slots[3])
    body = {"category": EXIT_ENTRY, "values": {"onsite_percent": 50, "staff_percent": 20}, "reason": "老人多"}
    released = client.put(
        "/api/v1/staff/booking-policy", json={**body, "values": {"open_workdays": 1}}, headers=staff()
    )
    assert released.status_code == 200  # until Wednesday
    assert client.put("/api/v1/staff/booking-policy", json=body, headers=staff()).status_code == 200
    wednesday, thursday = date(2026, 11, 25), date(2026, 11, 26)
    assert totals(session, wednesday, "onsite") == 24
    assert (totals(session, thursday, "onsite"), totals(session, thursday)) == (40, 80)
    assert totals(session, thursday, "staff") == 8
    assert invariants(session) == []


def test_the_defaults_are_inside_their_ranges() -> None:
    policy = defaults("XM", EXIT_ENTRY)
    assert all(low <= getattr(policy, name) <= high for name, (low, high) in POLICY_RANGES.items())
    assert policy.release_at == time(8, 0)
