"""Running a hall: the moment, the plan, the queue's settings, the emergency end of a day, and who belongs where."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from backend.appointments.models import DayOverride
from backend.core.audit import AuditEvent
from backend.identity.staff import NotYourHall
from backend.queueing import calling, closing, windows
from backend.queueing.models import QUEUE_RANGES, QueuePolicy, Ticket, WindowSession
from backend.queueing.policy import policy_for, policy_values
from backend.queueing.states import State
from notify.models import Notification
from tests.backend.queueing.test_calling import HALL, NINE, OTHER, QUEUE, booked, clerk, nine, serve, take

__all__ = ["clerk", "nine", "take"]

POLICY = "/api/v1/staff/queue-policy"


def change(client, who, reason="高峰", **values):
    return client.put(POLICY, json={"values": values, "reason": reason}, headers=who)


def test_settings_show_ranges_change_with_an_audit_and_go_back(client, gate, session, nine) -> None:  # noqa: F811
    lead = gate(role="hall_lead")
    shown = client.get(POLICY, headers=lead).json
    assert {row["name"]: (row["min"], row["max"]) for row in shown["ranges"]} == QUEUE_RANGES
    assert (shown["values"]["guard_every"], shown["values"]["capacity"]) == (2, None)
    changed = change(client, lead, guard_every=4, capacity=300)
    assert changed.status_code == 200, changed.json
    assert policy_values(policy_for(session, HALL)) == {**shown["values"], "guard_every": 4, "capacity": 300}
    history = client.get("/api/v1/staff/audit?object_type=queue_policy", headers=lead).json["events"]
    assert [(one["reason"], one["changes"]) for one in history] == [
        (
            "高峰",
            [
                {"name": "capacity", "before": None, "after": 300},
                {"name": "guard_every", "before": 2, "after": 4},
            ],
        )
    ]
    back = {one["name"]: one["before"] for one in history[0]["changes"]}
    assert change(client, lead, reason="改回", **back).json["values"] == shown["values"]
    assert policy_for(session, "SM").guard_every == 2


@pytest.mark.parametrize("name", QUEUE_RANGES)
def test_every_queue_setting_is_bounded(client, gate, session, nine, name) -> None:  # noqa: F811
    low, high = QUEUE_RANGES[name]
    for value in (low - 1, high + 1):
        refused = change(client, gate(role="hall_lead"), **{name: value})
        [wrong] = refused.json["errors"]
        assert (refused.status_code, wrong["pointer"]) == (422, f"/values/{name}")
        assert wrong["detail"] == f"要在 {low} 到 {high} 之间"
    if name != "capacity":
        session.add(QueuePolicy(hall_code=HALL, **{name: high + 1}))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
    assert session.scalar(select(func.count()).select_from(QueuePolicy)) == 0


def test_a_late_comer_never_gains_on_walk_ins(client, gate, session, nine) -> None:  # noqa: F811
    refused = change(client, gate(role="hall_lead"), allowance_minutes=5)
    assert (refused.status_code, refused.json["code"]) == (422, "credit_over_allowance")
    assert refused.json["errors"][0]["pointer"] == "/values/late_credit_minutes"
    assert session.scalar(select(func.count()).select_from(QueuePolicy)) == 0
    assert change(client, gate(role="hall_lead"), allowance_minutes=5, late_credit_minutes=5).status_code == 200


@pytest.mark.parametrize("role", ["gate", "window_clerk", "auditor"])
@pytest.mark.parametrize(
    "path",
    [
        "hall-now",
        "window-plan?day=2026-11-25",
        "queue-policy",
        "carry-over/preview",
        "figures?from=2026-11-24&to=2026-11-25",
    ],
)
def test_only_leads_run_the_hall(client, gate, nine, role, path) -> None:  # noqa: F811
    assert client.get(f"/api/v1/staff/{path}", headers=gate(role=role)).status_code == 403
    assert client.get(f"/api/v1/staff/{path}", headers=gate(role="hall_lead")).status_code == 200


def test_the_lead_sees_who_waits_who_works_and_what_was_done(client, gate, session, take, clerk, nine) -> None:  # noqa: F811
    take()
    staff = clerk(1, [QUEUE, OTHER])
    nine.advance(minutes=7)
    first = calling.call_next(session, staff_id=staff)
    take()
    nine.advance(minutes=5)
    session.commit()
    shown = client.get("/api/v1/staff/hall-now", headers=gate(role="hall_lead")).json
    queues = {one["code"]: one for one in shown["queues"]}
    assert (queues[QUEUE]["waiting"], queues[QUEUE]["longest_minutes"]) == (1, 5)
    assert (queues[QUEUE]["windows_open"], queues[QUEUE]["windows_planned"]) == (1, 2)
    assert (queues[OTHER]["waiting"], queues[OTHER]["longest_minutes"]) == (0, None)
    assert queues["priority"]["windows_planned"] is None
    [window] = shown["windows"]
    assert (window["window"], window["number"], window["paused"]) == (1, first.number, False)
    assert shown["calls"] == [{"hour": 9, "calls": 1}]
    serve(session, staff)
    session.commit()
    so_far = client.get("/api/v1/staff/hall-now", headers=gate(role="hall_lead")).json["so_far"]
    assert (so_far["taken"], so_far["served"], so_far["left"]) == (2, 1, 0)
    elsewhere = client.get("/api/v1/staff/hall-now", headers=gate("SM", role="hall_lead")).json
    assert (elsewhere["windows"], elsewhere["calls"], elsewhere["so_far"]["taken"]) == ([], [], 0)


def test_the_plan_follows_rules_closures_and_holidays(client, post, gate, session, clerk, nine) -> None:  # noqa: F811
    lead = gate(role="hall_lead")

    def halves(day: str) -> list[tuple[str, int, bool]]:
        shown = client.get(f"/api/v1/staff/window-plan?day={day}", headers=lead).json
        [queue] = [one for one in shown["queues"] if one["code"] == QUEUE]
        return [(one["half"], one["windows"], one["open"]) for one in queue["halves"]]

    assert halves("2026-11-26") == [("morning", 2, True), ("afternoon", 2, True)]
    assert halves("2026-11-29") == [("morning", 2, False), ("afternoon", 2, False)]
    body = {"day": "2026-11-26", "part": "afternoon", "open": False, "reason": "停电"}
    assert post("/staff/day-overrides", lead, body).status_code == 201
    assert halves("2026-11-26") == [("morning", 2, True), ("afternoon", 2, False)]
    assert client.get("/api/v1/staff/window-plan?day=2031-01-01", headers=lead).json["code"] == "calendar_not_loaded"
    clerk(3)
    session.commit()
    shown = client.get("/api/v1/staff/window-plan?day=2026-11-25", headers=lead).json
    assert [one["open_now"] for one in shown["queues"] if one["code"] == QUEUE] == [1]


def test_an_emergency_moves_every_number_and_tells_everybody(
    client, post, gate, session, take, clerk, citizen, nine
) -> None:  # noqa: F811, E501
    person, _ = citizen()
    take(person_id=person, holder=b"a" * 32)
    booked(session, take, due=timedelta())
    staff = clerk(1)
    calling.call_next(session, staff_id=staff)
    session.commit()
    lead = gate(role="hall_lead")
    before = client.get("/api/v1/staff/carry-over/preview", headers=lead).json
    assert before == {
        "tickets": 2,
        "booked": 1,
        "at_window": 1,
        "queues": [{"code": QUEUE, "tickets": 2}],
        "windows": 1,
        "opens": "2026-11-26T01:00:00Z",
    }
    assert session.scalar(select(func.count()).where(Ticket.state == State.CARRIED_OVER)) == 0
    assert post("/staff/carry-over", gate(role="window_clerk"), {"reason": "火警"}).status_code == 403
    assert post("/staff/carry-over", lead, {"reason": ""}).status_code == 422
    done = post("/staff/carry-over", lead, {"reason": "火警疏散"}, key="once")
    assert done.json == {"tickets": 2, "day": "2026-11-26"}
    assert post("/staff/carry-over", lead, {"reason": "火警疏散"}, key="once").json == done.json
    session.expire_all()
    assert session.scalar(select(func.count()).where(Ticket.state == State.CARRIED_OVER)) == 2
    assert session.scalar(select(func.count()).where(WindowSession.closed_at.is_(None))) == 0
    told = session.scalars(select(Notification).where(Notification.template == "queue_carried")).one()
    assert (told.person_id, told.params["reason"]) == (person, "火警疏散")
    after = client.get("/api/v1/staff/carry-over/preview", headers=lead).json
    assert (after["tickets"], after["windows"]) == (0, 0)
    assert post("/staff/carry-over", lead, {"reason": "再按一次"}).json == {"tickets": 0, "day": None}


def test_nothing_moves_when_there_is_no_day_to_move_to(client, post, gate, session, take, nine) -> None:  # noqa: F811
    take()
    session.commit()
    lead = gate(role="hall_lead")
    for days in range(1, closing.FORTNIGHT + 1):
        day = (NINE + timedelta(days=days)).date().isoformat()
        post("/staff/day-overrides", lead, {"day": day, "part": "day", "open": False, "reason": "装修"})
    assert session.scalar(select(func.count()).select_from(DayOverride)) == 2 * closing.FORTNIGHT
    assert client.get("/api/v1/staff/carry-over/preview", headers=lead).json["opens"] is None
    refused = post("/staff/carry-over", lead, {"reason": "火警"})
    assert (refused.status_code, refused.json["code"]) == (409, "no_open_day")
    assert session.scalar(select(func.count()).where(Ticket.state == State.WAITING)) == 1
    assert session.scalar(select(func.count()).where(AuditEvent.action == "hall.queue_carried_over")) == 0


def sit(client, who, window: int, *categories: str):
    return client.put("/api/v1/staff/window", json={"window": window, "categories": list(categories)}, headers=who)


def test_only_a_window_of_the_hall_is_opened(client, gate, session, nine) -> None:  # noqa: F811
    refused = sit(client, gate(role="window_clerk"), 99, QUEUE)
    assert (refused.status_code, refused.json["code"]) == (422, "no_such_window")
    assert refused.json["errors"][0]["pointer"] == "/window"
    english = client.put(
        "/api/v1/staff/window",
        json={"window": 99, "categories": [QUEUE]},
        headers={**gate(role="window_clerk"), "Accept-Language": "en"},
    )
    assert english.json["title"].startswith("This hall has no such window")
    assert sit(client, gate("SM", role="window_clerk"), 19, "business").json["code"] == "no_such_window"
    assert session.scalar(select(func.count()).select_from(WindowSession)) == 0
    assert sit(client, gate(role="window_clerk"), 19, QUEUE).status_code == 200


def test_nobody_is_sent_to_a_window_that_is_not_there(client, post, gate, session, take, nine) -> None:  # noqa: F811
    ticket = take()
    session.commit()
    who = gate(role="window_clerk")
    sit(client, who, 1, QUEUE)
    post("/staff/window/next", who, {})
    body = {"category": OTHER, "window": 77, "reason": "转一下"}
    assert post("/staff/window/transfer", who, body).json["code"] == "no_such_window"
    session.expire_all()
    assert session.get_one(Ticket, ticket.id).category_code == QUEUE


def test_staff_of_another_hall_open_no_window(session, clerk, nine) -> None:  # noqa: F811
    staff = clerk(1)
    with pytest.raises(NotYourHall):
        windows.open_window(session, hall_code="SM", staff_id=staff, window=1, categories=["business"])
    assert session.scalars(select(WindowSession.hall_code)).all() == [HALL]
