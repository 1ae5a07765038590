"""The entrance at the HTTP edge: every verdict, undo, replay, permissions, limits and the day's numbers."""

from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from backend.appointments import doctor, passes
from backend.appointments.models import Appointment
from backend.core import audit
from backend.core import clock as hall_clock
from backend.queueing import doctor as queue_doctor
from tests.backend.appointments.test_booking import book


def broken(session: Session) -> list[str]:
    """Broken rules of booking and of the entrance."""
    return doctor.invariants(session) + queue_doctor.invariants(session)


@pytest.fixture
def scan(client, post, clock):
    """Scan a text, or an appointment's digits."""

    def send(who, code, *, seen=False, key=None):
        answer = post("/staff/check-ins", who, {"code": code, "identity_checked": seen}, key)
        assert answer.status_code == 200, answer.json
        return answer.json

    return send


@pytest.fixture
def booked(client, post, citizen, slots, clock):
    """An appointment of Wednesday at its time: the row, its owner, and what the phone shows."""
    _, who = citizen()
    made = book(post, who, slots[3])
    clock.set(datetime.fromisoformat(made["slot"]["start"]))

    def shown(step: int = 0) -> str:
        kept = client.get(f"/api/v1/appointments/{made['id']}/pass", headers=who).json
        return f"WZW1.{kept['static']}.{passes.rotating(kept['secret'], clock.now, offset=step)}"

    return made, who, shown


def test_a_fresh_code_is_admitted_once(client, booked, gate, scan, session, clock) -> None:
    made, owner, shown = booked
    staff = gate()
    first = scan(staff, shown())
    assert (first["verdict"], first["accepted"]) == ("on_time", True)
    assert first["appointment"]["id"] == made["id"]
    assert first["ticket"]["number"].endswith("001")
    mine = client.get(f"/api/v1/appointments/{made['id']}", headers=owner).json
    assert (mine["state"], mine["ticket"]["number"]) == ("checked_in", first["ticket"]["number"])
    followed = client.get(f"/api/v1/tickets/{mine['ticket']['link']}").json
    assert followed["number"] == first["ticket"]["number"]
    at = clock.now
    clock.advance(seconds=40)
    second = scan(staff, shown())
    assert (second["verdict"], second["accepted"], second["ticket"]) == ("already_used", False, None)
    assert datetime.fromisoformat(second["used_at"]) == at
    assert broken(session) == []


def test_the_lead_reads_which_visit_time_and_number_it_was(client, booked, gate, scan, session, slots) -> None:
    made, _, shown = booked
    number = scan(gate(), shown())["ticket"]
    for kind, key, action in (
        ("slot", slots[3], "hall.slot_changed"),
        ("ticket", number["id"], "ticket.called_out_of_turn"),
    ):
        audit.record(session, actor="system", action=action, object_type=kind, object_id=key, hall_code="XM")
    session.commit()
    shown_events = client.get("/api/v1/staff/audit", headers=gate(role="hall_lead")).json["events"]
    begins = hall_clock.civil(datetime.fromisoformat(made["slot"]["start"])).strftime("%Y-%m-%d %H:%M")
    assert [(one["action"], one["object_name"]) for one in shown_events[:3]] == [
        ("ticket.called_out_of_turn", number["number"]),
        ("hall.slot_changed", begins),
        ("appointment.checked_in", begins),
    ]


def test_an_old_picture_or_digits_need_the_person_compared(booked, gate, scan) -> None:
    made, _, shown = booked
    staff = gate()
    assert scan(staff, shown(-2))["verdict"] == "check_identity"
    spaced = f"{made['code'][:4]} {made['code'][4:]}"
    assert scan(staff, spaced)["verdict"] == "check_identity"
    assert scan(staff, spaced, seen=True)["verdict"] == "on_time"


def test_late_arrivals_are_let_in(booked, gate, scan, clock) -> None:
    _, _, shown = booked
    clock.advance(hours=2)
    answer = scan(gate(), shown())
    assert (answer["verdict"], answer["accepted"]) == ("late", True)


@pytest.mark.parametrize("state", ["no_show", "excused"])
def test_a_missed_appointment_is_let_in_late(booked, gate, scan, session, state) -> None:
    made, _, shown = booked
    session.execute(update(Appointment).where(Appointment.id == made["id"]).values(state=state))
    session.commit()
    answer = scan(gate(), shown())
    assert (answer["verdict"], answer["accepted"]) == ("late", True)
    assert broken(session) == []


def test_too_early_and_another_day(booked, gate, scan, clock) -> None:
    _, _, shown = booked
    staff = gate()
    clock.advance(hours=-1)
    assert scan(staff, shown())["verdict"] == "early"
    clock.advance(days=1)
    assert scan(gate(), shown())["verdict"] == "wrong_day"


def test_another_hall_is_told_the_right_one(booked, gate, scan) -> None:
    made, _, shown = booked
    elsewhere = gate("SM")
    answer = scan(elsewhere, shown())
    assert (answer["verdict"], answer["correct_hall"]["code"]) == ("wrong_hall", "XM")
    assert scan(elsewhere, made["code"])["verdict"] == "unknown"


def test_digits_are_good_on_their_day_only(booked, gate, scan, clock) -> None:
    clock.advance(days=1)
    assert scan(gate(), booked[0]["code"])["verdict"] == "unknown"


def test_cancelled_forged_and_rubbish(post, booked, gate, scan) -> None:
    made, owner, shown = booked
    text, staff = shown(), gate()
    post(f"/appointments/{made['id']}/cancel", owner, {})
    assert scan(staff, text)["verdict"] == "cancelled"
    head, static, rotating = text.split(".")
    forged = static[:10] + ("A" if static[10] != "A" else "B") + static[11:]
    assert scan(staff, f"{head}.{forged}.{rotating}")["verdict"] == "forged"
    assert scan(staff, "https://example.org/")["verdict"] == "unknown"


def test_a_check_in_can_be_taken_back_for_ten_seconds(client, booked, gate, scan, session, clock) -> None:
    made, owner, shown = booked
    staff, colleague = gate(), gate("SM")
    first = scan(staff, shown())
    address = f"/api/v1/staff/check-ins/{first['check_in_id']}/undo"
    assert client.post(address, headers=colleague).status_code == 404
    clock.advance(seconds=10)
    for _ in range(2):
        assert client.post(address, headers=staff).json == {"ok": True}
    mine = client.get(f"/api/v1/appointments/{made['id']}", headers=owner).json
    assert (mine["state"], mine["ticket"]) == ("booked", None)
    assert broken(session) == []
    again = scan(staff, shown())
    assert again["accepted"]
    assert again["ticket"]["number"].endswith("002")
    clock.advance(seconds=11)
    refused = client.post(f"/api/v1/staff/check-ins/{again['check_in_id']}/undo", headers=staff)
    assert (refused.status_code, refused.json["code"]) == (409, "too_late_to_undo")
    assert broken(session) == []


def test_the_same_key_gets_the_same_answer(post, booked, gate) -> None:
    staff, key = gate(), uuid4().hex
    body = {"code": booked[0]["code"], "identity_checked": True}
    first, again = (post("/staff/check-ins", staff, body, key) for _ in range(2))
    assert first.json["accepted"]
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"


def test_only_staff_with_the_permission(client, post, booked, gate) -> None:
    _, owner, shown = booked
    body = {"code": shown()}
    for who in (owner, gate(role="auditor")):
        assert post("/staff/check-ins", who, body).status_code == 403
        assert client.post(f"/api/v1/staff/check-ins/{uuid4()}/undo", headers=who).status_code == 403
        assert client.get("/api/v1/staff/today", headers=who).status_code == 403


def test_digits_cannot_be_guessed_and_the_queue_goes_on(post, booked, gate, scan) -> None:
    _, _, shown = booked
    staff = gate()
    for number in range(10):
        assert scan(staff, f"0000000{number}")["verdict"] == "unknown"
    refused = post("/staff/check-ins", staff, {"code": booked[0]["code"], "identity_checked": True})
    assert refused.status_code == 429
    assert scan(staff, shown())["accepted"]


def test_the_day_in_numbers(client, post, booked, citizen, slots, gate, scan, clock) -> None:
    _, _, shown = booked
    _, other = citizen()
    book(post, other, slots[9])
    staff = gate()
    number = scan(staff, shown())["ticket"]["number"]
    day = client.get("/api/v1/staff/today", headers=staff).json
    assert (day["hall"]["code"], day["date"]) == ("XM", "2026-11-25")
    assert day["counts"] == {"booked": 1, "checked_in": 1, "late": 0, "cancelled": 0}
    assert [(row["number"], row["class"]) for row in day["recent"]] == [(number, "on_time")]
