"""Halls close and open for half-days: who is told, what comes back, and what a crash in the middle leaves."""

from datetime import date

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from backend import doctor, worker
from backend.appointments import closing, jobs
from backend.appointments.doctor import invariants
from backend.appointments.models import Appointment, AppointmentEvent, AppointmentLine, DayOverride, Slot, SlotQuota
from backend.appointments.states import State
from backend.core.audit import AuditEvent
from notify.models import Notification
from notify.templates import body
from tests.backend.appointments.test_booking import ITEM, book, quota

WEDNESDAY, SATURDAY = "2026-11-25", "2026-11-28"


def close(post, lead, **changes):
    asked = {"day": WEDNESDAY, "part": "day", "open": False, "reason": "台风停办", "reason_en": "Typhoon", **changes}
    answer = post("/staff/day-overrides", lead, asked)
    assert answer.status_code == 201, answer.json
    return answer.json


def states(session: Session) -> dict[str, State]:
    session.expire_all()
    return {str(row.id): row.state for row in session.scalars(select(Appointment))}


def job_is_done(session: Session) -> None:
    """The queue is empty: nothing excuses who still waits in a closed slot."""
    session.execute(text("DELETE FROM procrastinate_jobs"))
    session.commit()


def test_closing_a_hall_tells_everybody_and_blames_nobody(client, post, citizen, staff, slots, session) -> None:
    lead, (person, who), (_, holder) = staff(), citizen(), citizen()
    made = book(post, who, slots[3])
    held = post("/holds", holder, {"slot_id": str(slots[8]), "items": [ITEM]}).json
    preview = client.get(f"/api/v1/staff/day-overrides/preview?day={WEDNESDAY}", headers=lead).json
    answer = close(post, lead)
    assert answer["affected"] == preview
    assert (preview["booked"], preview["held"]) == (1, 1)
    assert answer["overrides"] == [
        {"day": WEDNESDAY, "part": "day", "open": False, "reason": "台风停办", "reason_en": "Typhoon"}
    ]
    assert any("still waits in a closed slot" in finding for finding in _without_jobs(session))
    jobs.cancel_closed()
    job_is_done(session)
    assert states(session) == {made["id"]: State.HALL_CANCELLED, held["id"]: State.RELEASED}
    assert (quota(session, slots[3]).booked, quota(session, slots[8]).held) == (0, 0)
    notice = session.scalars(
        select(Notification).where(Notification.person_id == person, Notification.template.like("%hall_cancelled"))
    ).one()
    assert "台风停办" in body(notice.template, notice.params, "zh")
    assert "Typhoon" in body(notice.template, notice.params, "en")
    event = session.scalars(select(AppointmentEvent).where(AppointmentEvent.to_state == "hall_cancelled")).one()
    assert (event.actor[:6], event.reason) == ("staff:", "台风停办")
    for language, words in (("zh", "台风停办"), ("en", "Typhoon")):
        shown = client.get(f"/api/v1/appointments/{made['id']}", headers={**who, "Accept-Language": language}).json
        assert shown["closed_why"] == words
    assert invariants(session) == []
    day = client.get(f"/api/v1/slots?hall=XM&items={ITEM}&from={WEDNESDAY}&days=1&lang=en").json["days"][0]
    assert (day["state"], day["note"], day["slots"]) == ("closed", "Typhoon", [])
    refused = post("/holds", holder, {"slot_id": str(slots[4]), "items": [ITEM]})
    assert refused.json["code"] == "slot_closed"


def _without_jobs(session: Session) -> list[str]:
    with session.begin_nested() as savepoint:
        session.execute(text("DELETE FROM procrastinate_jobs"))
        findings = invariants(session)
        savepoint.rollback()
    return findings


def test_the_closing_and_its_job_are_one_commit(post, staff, slots, session) -> None:
    close(post, staff())
    tasks = session.execute(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'")).scalars().all()
    assert tasks == [closing.TASK]
    assert worker.resolve(worker.TASKS[closing.TASK]) is jobs.cancel_closed
    assert worker.TASKS[closing.TASK] in [path for _, path in worker.PERIODIC]


def test_half_a_day_leaves_the_other_half(post, citizen, staff, slots, session) -> None:
    (_, early), (_, late) = citizen(), citizen()
    morning, afternoon = book(post, early, slots[0]), book(post, late, slots[6])
    close(post, staff(), part="morning")
    jobs.cancel_closed()
    assert states(session) == {morning["id"]: State.HALL_CANCELLED, afternoon["id"]: State.BOOKED}
    open_starts = session.scalars(select(Slot.id).where(Slot.id.in_(slots), Slot.open)).all()
    assert set(open_starts) == set(slots[6:])


def test_only_my_hall_closes(post, staff, slots, session) -> None:
    close(post, staff())
    closed = session.scalars(select(Slot.hall_code).where(~Slot.open).distinct()).all()
    assert closed == ["XM"]


def test_a_crash_halfway_is_finished_by_the_next_run(post, citizen, staff, slots, session, monkeypatch) -> None:
    made = [book(post, citizen()[1], slots[3])["id"] for _ in range(4)]
    close(post, staff())
    real, calls = closing.cancel_closed, []

    def dies_at_the_third(*arguments: object) -> bool:
        calls.append(arguments)
        if len(calls) == 3:
            raise RuntimeError("killed")
        return real(*arguments)

    monkeypatch.setattr(closing, "cancel_closed", dies_at_the_third)
    with pytest.raises(RuntimeError):
        jobs.cancel_closed()
    assert sorted(states(session).values()) == [State.BOOKED] * 2 + [State.HALL_CANCELLED] * 2
    jobs.cancel_closed()
    job_is_done(session)
    assert states(session) == dict.fromkeys(made, State.HALL_CANCELLED)
    told = select(func.count()).where(Notification.template == "appointment_hall_cancelled")
    assert session.scalar(told) == 4
    assert invariants(session) == []


def test_opening_again_opens_the_slots_and_brings_nobody_back(client, post, citizen, staff, slots, session) -> None:
    lead, (_, who) = staff(), citizen()
    made = book(post, who, slots[3])
    close(post, lead)
    jobs.cancel_closed()
    removed = post("/staff/day-overrides/remove", lead, {"day": WEDNESDAY, "part": "day", "reason": "台风转向"})
    assert (removed.status_code, removed.json) == (200, {"overrides": []})
    assert states(session)[made["id"]] is State.HALL_CANCELLED
    assert session.scalar(select(func.count()).where(~Slot.open)) == 0
    assert session.scalar(select(func.count()).where(~SlotQuota.open)) == 0
    book(post, who, slots[3])
    job_is_done(session)
    assert invariants(session) == []


def test_a_hall_that_opened_again_keeps_whom_nobody_told_yet(post, citizen, staff, slots, session) -> None:
    lead = staff()
    made = book(post, citizen()[1], slots[3])
    close(post, lead)
    post("/staff/day-overrides/remove", lead, {"day": WEDNESDAY, "part": "day", "reason": "台风转向"})
    jobs.cancel_closed()
    assert states(session) == {made["id"]: State.BOOKED}


def test_a_weekend_day_opens_with_fridays_hours_and_only_by_closing_again(post, staff, session, slots, client) -> None:
    lead, saturday = staff(), date(2026, 11, 28)
    there = select(func.count()).where(Slot.hall_code == "XM", Slot.category_code == "exit-entry", Slot.day == saturday)
    assert session.scalar(there) == 0
    close(post, lead, day=SATURDAY, part="morning", open=True, reason="周六加开", reason_en=None)
    assert session.scalar(there) == 6
    day = client.get(f"/api/v1/slots?hall=XM&items={ITEM}&from={SATURDAY}&days=1").json["days"][0]
    assert (day["state"], day["note"]) == ("open", "周六加开")
    refused = post("/staff/day-overrides/remove", lead, {"day": SATURDAY, "part": "morning", "reason": "不加开"})
    assert (refused.status_code, refused.json["code"]) == (409, "close_instead")
    close(post, lead, day=SATURDAY, reason="不加开了")
    assert session.scalar(there.where(Slot.open)) == 0


def test_a_typhoon_closes_every_hall_and_each_may_open_by_itself(client, post, citizen, staff, slots, session) -> None:
    operator, lead = staff("platform_operator", "*"), staff()
    made = book(post, citizen()[1], slots[3])
    asked = {"day": WEDNESDAY, "part": "day", "open": False, "reason": "台风停办"}
    assert post("/staff/city-day-overrides", lead, asked).status_code == 403
    counted = client.get(f"/api/v1/staff/city-day-overrides/preview?day={WEDNESDAY}", headers=operator).json
    answer = post("/staff/city-day-overrides", operator, asked)
    assert answer.status_code == 201, answer.json
    assert (len(answer.json["halls"]), answer.json["affected"]) == (9, counted)
    jobs.cancel_closed()
    assert states(session)[made["id"]] is State.HALL_CANCELLED
    assert session.scalar(select(func.count()).where(Slot.day == date(2026, 11, 25), Slot.open)) == 0
    post("/staff/day-overrides/remove", lead, {"day": WEDNESDAY, "part": "afternoon", "reason": "恢复办理"})
    opened = session.scalars(select(Slot.hall_code).where(Slot.day == date(2026, 11, 25), Slot.open).distinct()).all()
    assert opened == ["XM"]


def test_changes_are_audited_with_before_and_after(post, staff, slots, session) -> None:
    lead = staff()
    close(post, lead, part="morning")
    close(post, lead, part="morning", reason="停电")
    rows = session.scalars(select(AuditEvent).where(AuditEvent.action == "hall.day_set").order_by(AuditEvent.id)).all()
    assert [(row.hall_code, row.reason) for row in rows] == [("XM", "台风停办"), ("XM", "停电")]
    assert rows[1].data == {
        "before": [{"part": "morning", "open": False, "reason": "台风停办"}],
        "after": [{"part": "morning", "open": False, "reason": "停电"}],
    }


def test_the_same_key_closes_once(post, staff, slots, session) -> None:
    lead, asked = staff(), {"day": WEDNESDAY, "part": "day", "open": False, "reason": "台风停办"}
    first, second = (post("/staff/day-overrides", lead, asked, "one-key") for _ in range(2))
    assert second.json == first.json
    assert session.scalar(select(func.count()).where(AuditEvent.action == "hall.day_set")) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"day": "2026-11-23"}, 422, "day_is_over"),
        ({"part": "evening"}, 422, "invalid_input"),
        ({"reason": ""}, 422, "invalid_input"),
        ({"day": "2099-01-01", "open": True}, 409, "calendar_not_loaded"),
    ],
)
def test_what_cannot_be_changes_nothing(post, staff, slots, session, changes, status, code) -> None:
    asked = {"day": WEDNESDAY, "part": "day", "open": False, "reason": "台风停办", **changes}
    refused = post("/staff/day-overrides", staff(), asked)
    assert (refused.status_code, refused.json["code"]) == (status, code)
    assert session.scalar(select(func.count()).select_from(DayOverride)) == 0
    assert session.scalar(select(func.count()).where(~Slot.open)) == 0


@pytest.mark.parametrize("role", ["gate", "window_clerk"])
def test_only_leads_may(client, post, staff, role: str) -> None:
    who = staff(role)
    asked = {"day": WEDNESDAY, "part": "day", "open": False, "reason": "台风停办"}
    assert post("/staff/day-overrides", who, asked).status_code == 403
    assert client.get(f"/api/v1/staff/day-overrides?from={WEDNESDAY}&to={WEDNESDAY}", headers=who).status_code == 403


def test_what_is_past_today_stays_as_it_was(post, citizen, staff, slots, session, clock) -> None:
    made = book(post, citizen()[1], slots[0])
    clock.advance(hours=25)  # Wednesday 10:00: the slot from 9:00 is over
    close(post, staff())
    jobs.cancel_closed()
    assert states(session) == {made["id"]: State.BOOKED}


def test_a_visit_over_two_slots_gives_both_back(post, citizen, staff, slots, session) -> None:
    _, who = citizen()
    held = post("/holds", who, {"slot_id": str(slots[0]), "items": [ITEM], "people": 4}).json
    post(f"/holds/{held['id']}/confirm", who, {})
    assert [quota(session, slot).booked for slot in slots[:2]] == [1, 1]
    close(post, staff())
    jobs.cancel_closed()
    job_is_done(session)
    assert [quota(session, slot).booked for slot in slots[:2]] == [0, 0]
    assert session.scalar(select(func.count()).where(AppointmentLine.active)) == 0
    assert invariants(session) == []


def test_the_doctor_finds_places_that_do_not_know_their_slot_is_closed(slots, session: Session, isolated: None) -> None:
    session.execute(delete(DayOverride))
    session.execute(text("UPDATE slot SET open = false WHERE id = :slot"), {"slot": slots[0]})
    session.commit()
    assert [finding for finding in doctor.examine() if str(slots[0]) in finding]
