"""Ending a half-day, taking a change back, and closing chosen halls: with preview, refusal and audit."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.appointments import staff_api
from backend.appointments.doctor import invariants
from backend.appointments.models import DayOverride, OpeningRule
from backend.core.audit import AuditEvent
from tests.backend.appointments.test_booking import book
from tests.backend.appointments.test_capacity import EXIT_ENTRY, HOURS, starts, totals

WEDNESDAY = date(2026, 11, 25)
RULES = f"/api/v1/staff/opening-rules?category={EXIT_ENTRY}"


def rules(client, lead) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = client.get(RULES, headers=lead).json["rules"]
    return listed


def afternoon(client, lead, weekday: int = 3) -> dict[str, Any]:
    [found] = [one for one in rules(client, lead) if one["weekday"] == weekday and one["from"] >= "13:00"]
    return found


def plain(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(one["weekday"], one["from"], one["windows"], one["capacity"], one["valid_to"]) for one in found]


def events(client, lead) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/staff/audit?object_type=opening_rule", headers=lead).json[
        "events"
    ]
    return found


def test_a_half_day_is_ended_after_a_preview_and_restored(client, post, staff, slots, session) -> None:
    lead = staff()
    before = rules(client, lead)
    rule = afternoon(client, lead)
    body = {"ends": "2026-11-25", "reason": "下午学习"}
    preview = post(f"/staff/opening-rules/{rule['id']}/end/preview", lead, body)
    assert preview.status_code == 200, preview.json
    assert preview.json["changed"] > 0
    assert rules(client, lead) == before
    assert totals(session, WEDNESDAY) == 80
    ended = post(f"/staff/opening-rules/{rule['id']}/end", lead, body)
    assert (ended.status_code, ended.json) == (200, preview.json)
    assert afternoon(client, lead)["valid_to"] == "2026-11-24"
    assert all(start < "13:00" for start in starts(session, WEDNESDAY, open=True))
    assert (totals(session, WEDNESDAY), totals(session, date(2026, 11, 26))) == (40, 80)
    [event] = events(client, lead)
    assert (event["action"], event["reason"]) == ("hall.rule_ended", "下午学习")
    [change] = event["changes"]
    assert [one["valid_to"] for one in change["before"]] == [None]
    assert [one["valid_to"] for one in change["after"]] == ["2026-11-24"]
    undo = {"event_id": event["id"], "reason": "学习取消"}
    shown = post("/staff/opening-rules/restore/preview", lead, undo)
    restored = post("/staff/opening-rules/restore", lead, undo)
    assert restored.status_code == 200, restored.json
    assert {name: restored.json[name] for name in ("made", "changed")} == shown.json
    assert plain(rules(client, lead)) == plain(before)
    assert totals(session, WEDNESDAY) == 80
    assert len(starts(session, WEDNESDAY, open=True)) == 13
    assert [one["action"] for one in events(client, lead)] == ["hall.rules_restored", "hall.rule_ended"]
    assert invariants(session) == []


def test_a_change_of_today_is_taken_back_and_so_is_the_taking_back(client, post, staff, slots, session) -> None:
    lead = staff()
    before = plain(rules(client, lead))
    post("/staff/opening-rules", lead, {**HOURS, "valid_from": "2026-11-24"})
    post("/staff/opening-rules", lead, {**HOURS, "valid_from": "2026-12-01", "afternoon": None})
    first = events(client, lead)[-1]
    assert post("/staff/opening-rules/restore", lead, {"event_id": first["id"], "reason": "改回"}).status_code == 200
    assert plain(rules(client, lead)) == before
    again = events(client, lead)[0]
    assert post("/staff/opening-rules/restore", lead, {"event_id": again["id"], "reason": "再改"}).status_code == 200
    assert (totals(session, WEDNESDAY), totals(session, date(2026, 12, 2))) == (120, 60)
    assert {one["valid_to"] for one in rules(client, lead) if one["from"] == "13:30" and one["capacity"] == 60} == {
        "2026-11-30"
    }
    assert invariants(session) == []


def test_a_rule_that_has_not_begun_is_taken_out(client, post, staff, slots, session) -> None:
    lead = staff()
    post("/staff/opening-rules", lead, {**HOURS, "valid_from": "2026-12-01"})
    coming = [one for one in rules(client, lead) if one["weekday"] == 3 and one["valid_from"] == "2026-12-01"]
    body = {"ends": "2026-11-24", "reason": "不加了"}
    for rule in coming:
        assert post(f"/staff/opening-rules/{rule['id']}/end", lead, body).status_code == 200
    left = [one for one in rules(client, lead) if one["weekday"] == 3]
    assert {(one["valid_from"], one["valid_to"]) for one in left} == {("2018-08-01", "2026-11-30")}
    assert starts(session, date(2026, 12, 2), open=True) == []


def test_ending_never_takes_a_booked_place(client, post, citizen, staff, slots, session) -> None:
    book(post, citizen()[1], slots[-2])
    lead = staff()
    rule = afternoon(client, lead)
    for path in ("end/preview", "end"):
        refused = post(f"/staff/opening-rules/{rule['id']}/{path}", lead, {"ends": "2026-11-25", "reason": "下午学习"})
        assert (refused.status_code, refused.json["code"]) == (409, "below_booked")
        assert [one["slot_id"] for one in refused.json["short"]] == [str(slots[-2])]
    assert afternoon(client, lead)["valid_to"] is None
    assert totals(session, WEDNESDAY) == 80
    assert session.scalar(select(func.count()).where(AuditEvent.action == "hall.rule_ended")) == 0


def test_what_is_over_or_elsewhere_is_not_ended(client, post, staff, slots, session) -> None:
    lead = staff()
    rule = afternoon(client, lead)
    path = f"/staff/opening-rules/{rule['id']}/end"
    assert post(path, lead, {"ends": "2026-11-23", "reason": "昨天"}).json["code"] == "day_is_over"
    assert post(path, staff(hall="SM"), {"ends": "2026-11-25", "reason": "别厅"}).status_code == 404
    assert post(path, staff("window_clerk"), {"ends": "2026-11-25", "reason": "没权"}).status_code == 403
    assert post(path, lead, {"ends": "2026-11-25", "reason": ""}).status_code == 422
    assert post(path, lead, {"ends": "2026-11-26", "reason": "停开"}).status_code == 200
    assert post(path, lead, {"ends": "2026-11-28", "reason": "又停"}).status_code == 404
    assert post(path, lead, {"ends": "2026-11-25", "reason": "提前"}).status_code == 200


def test_only_a_change_of_the_halls_rules_is_restored(client, post, staff, slots, session) -> None:
    lead = staff()
    post("/staff/opening-rules", lead, HOURS)
    post("/staff/day-overrides", lead, {"day": "2026-11-27", "part": "day", "open": False, "reason": "停电"})
    ids = {event.action: event.id for event in session.scalars(select(AuditEvent))}
    before = session.scalar(select(func.count()).select_from(OpeningRule))
    for who, event in ((lead, ids["hall.day_set"]), (lead, 2**40), (staff(hall="SM"), ids["hall.rules_changed"])):
        assert post("/staff/opening-rules/restore", who, {"event_id": event, "reason": "改回"}).status_code == 404
    assert session.scalar(select(func.count()).select_from(OpeningRule)) == before


def test_undoing_never_takes_a_booked_place(client, post, citizen, staff, slots, session) -> None:
    lead = staff()
    more = {**HOURS["afternoon"], "to": "18:00", "capacity": 90}
    post("/staff/opening-rules", lead, {**HOURS, "afternoon": more})
    later = client.get(f"/api/v1/staff/slots?category={EXIT_ENTRY}&day=2026-11-25", headers=lead).json["slots"][-1]
    book(post, citizen()[1], later["id"])
    [event] = events(client, lead)
    refused = post("/staff/opening-rules/restore", lead, {"event_id": event["id"], "reason": "改回"})
    assert (refused.status_code, refused.json["code"]) == (409, "below_booked")
    assert totals(session, WEDNESDAY) == 150


CITY = {"day": "2026-11-26", "part": "afternoon", "open": False, "reason": "台风"}


def test_chosen_halls_close_and_come_back_together(client, post, staff, slots, session) -> None:
    operator = staff("platform_operator", "*")
    preview = client.get(
        "/api/v1/staff/city-day-overrides/preview?day=2026-11-26&part=afternoon&halls=XM,SM", headers=operator
    ).json
    whole = client.get("/api/v1/staff/city-day-overrides/preview?day=2026-11-26&part=afternoon", headers=operator).json
    assert 0 < preview["slots"] < whole["slots"]
    done = post("/staff/city-day-overrides", operator, {**CITY, "halls": ["XM", "SM", "XM"]})
    assert (done.status_code, done.json["halls"], done.json["affected"]) == (201, ["XM", "SM"], preview)
    listed = client.get("/api/v1/staff/city-day-overrides?from=2026-11-25&to=2026-11-30", headers=operator).json
    assert [(one["hall"], one["part"], one["open"]) for one in listed["overrides"]] == [
        ("SM", "afternoon", False),
        ("XM", "afternoon", False),
    ]
    assert all(start < "13:00" for start in starts(session, date(2026, 11, 26), open=True))
    back = {"day": "2026-11-26", "part": "afternoon", "reason": "台风过了"}
    assert post("/staff/city-day-overrides/remove", operator, back).json == {"halls": ["XM", "SM"]}
    assert post("/staff/city-day-overrides/remove", operator, back).status_code == 404
    assert len(starts(session, date(2026, 11, 26), open=True)) == 13
    assert session.scalar(select(func.count()).select_from(DayOverride)) == 0
    actions = select(AuditEvent.hall_code, AuditEvent.action).order_by(AuditEvent.id)
    assert {tuple(row) for row in session.execute(actions)} >= {
        (hall, action) for hall in ("XM", "SM") for action in ("hall.day_set", "hall.day_removed")
    }


@pytest.mark.parametrize("halls", [["NONE"], ["XM", "NONE"], []])
def test_a_hall_that_is_not_there_closes_nothing(client, post, staff, slots, session, halls) -> None:
    refused = post("/staff/city-day-overrides", staff("platform_operator", "*"), {**CITY, "halls": halls})
    assert refused.status_code in {404, 422}
    assert session.scalar(select(func.count()).select_from(DayOverride)) == 0


def test_a_lead_closes_no_other_hall(client, post, staff, slots, session) -> None:
    for path in ("city-day-overrides", "city-day-overrides/remove"):
        assert post(f"/staff/{path}", staff(), {**CITY, "halls": ["SM"]}).status_code == 403
    assert (
        client.get("/api/v1/staff/city-day-overrides?from=2026-11-25&to=2026-11-30", headers=staff()).status_code == 403
    )


def test_who_would_lose_an_appointment_is_listed_page_by_page(client, post, citizen, staff, slots, monkeypatch) -> None:
    monkeypatch.setattr(staff_api, "PAGE", 2)
    late = [book(post, citizen()[1], slots[number])["id"] for number in (9, 10, 11)]
    book(post, citizen()[1], slots[2])
    lead, path = staff(), "/api/v1/staff/day-overrides/affected?day=2026-11-25&part=afternoon"
    first = client.get(path, headers=lead).json
    second = client.get(f"{path}&cursor={first['next_cursor']}", headers=lead).json
    assert [one["id"] for page in (first, second) for one in page["appointments"]] == late
    assert (second["next_cursor"], first["appointments"][0]["category"]["code"]) == (None, EXIT_ENTRY)
    assert client.get(path, headers=staff(hall="SM")).json["appointments"] == []
    assert client.get(path, headers=staff("window_clerk")).status_code == 403
    assert client.get(f"{path}&cursor=x", headers=lead).status_code == 422
