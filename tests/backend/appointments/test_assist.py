"""代约: staff book, move and cancel for somebody at the desk or on the phone."""

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.appointments import jobs
from backend.appointments.doctor import invariants
from backend.appointments.models import Appointment, AppointmentEvent, SlotQuota
from backend.appointments.states import State
from backend.core.audit import AuditEvent
from backend.core.idempotency import IdempotencyKey
from backend.identity.models import Person, PersonLogin
from backend.identity.queries import unseal
from notify.models import Notification
from tests.backend.appointments.test_booking import ITEM, book, quota

ELDER = {"id_number": "350299194505050013", "name": "陈示范"}
OTHER = {"id_number": "35029919900101007X", "name": "林示范"}


@pytest.fixture
def clerk(staff):
    return staff("window_clerk")


def staff_places(session: Session, slots, places: int) -> None:
    session.execute(
        update(SlotQuota).where(SlotQuota.slot_id.in_(slots), SlotQuota.channel == "staff").values(capacity=places)
    )
    session.execute(
        update(SlotQuota).where(SlotQuota.slot_id.in_(slots), SlotQuota.channel == "onsite").values(capacity=10)
    )
    session.commit()


def ask(slot, caller=ELDER, **more):
    return {"caller": caller, "slot_id": str(slot), "items": [ITEM], **more}


def phone_of(session: Session, person) -> str:
    return unseal(session.get_one(Person, person), "phone") or ""


def test_an_unknown_person_is_booked_from_the_halls_own_places(client, post, clerk, slots, session) -> None:
    staff_places(session, slots, 1)
    before = quota(session, slots[3]).booked
    made = post("/staff/assisted-bookings", clerk, ask(slots[3]))
    assert made.status_code == 201, made.json
    shown = made.json["appointment"]
    assert (shown["state"], len(shown["code"]), shown["for_person"]["name_masked"]) == ("booked", 8, "陈*")
    assert (made.json["channel"], made.json["reachable"]) == ("staff", False)
    assert (quota(session, slots[3], "staff").booked, quota(session, slots[3]).booked) == (1, before)
    row = session.get_one(Appointment, shown["id"])
    assert row.booker_id == row.person_id
    event = session.scalars(select(AppointmentEvent).where(AppointmentEvent.entity_id == row.id)).one()
    kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "appointment.booked")).one()
    assert (event.actor[:6], kept.actor[:6]) == ("staff:", "staff:")
    assert session.scalars(select(Notification.person_id)).one() == row.person_id
    assert invariants(session) == []
    full = post("/staff/assisted-bookings", clerk, ask(slots[3], OTHER))
    assert (full.status_code, full.json["code"]) == (409, "slot_full")


def test_without_a_staff_share_online_places_serve(post, clerk, slots, session) -> None:
    made = post("/staff/assisted-bookings", clerk, ask(slots[3]))
    assert made.json["channel"] == "online"
    assert quota(session, slots[3]).booked == 1


def test_a_known_phone_finds_the_person_whose_app_shows_it(client, post, citizen, clerk, slots, session) -> None:
    person, who = citizen()
    made = post("/staff/assisted-bookings", clerk, ask(slots[3], {"phone": phone_of(session, person)}))
    assert made.json["reachable"] is True
    listed = client.get("/api/v1/appointments", headers=who).json["appointments"]
    assert [row["id"] for row in listed] == [made.json["appointment"]["id"]]


def test_the_same_limits_as_everybody(post, citizen, clerk, slots, session) -> None:
    person, who = citizen()
    book(post, who, slots[3])
    caller = {"phone": phone_of(session, person)}
    refused = post("/staff/assisted-bookings", clerk, ask(slots[4], caller))
    assert (refused.status_code, refused.json["code"]) == (409, "duplicate_booking")
    assert quota(session, slots[4]).booked == 0
    people = ask(slots[4], OTHER, people=20)
    assert post("/staff/assisted-bookings", clerk, people).json["code"] == "too_many_for_one_visit"


def test_three_open_appointments_are_enough(post, client, clerk, slots) -> None:
    answers = []
    for day in ("25", "26", "27", "30"):
        path = f"/api/v1/slots?hall=XM&items={ITEM}&from=2026-11-{day}&days=1"
        slot = client.get(path).json["days"][0]["slots"][3]["id"]
        answers.append(post("/staff/assisted-bookings", clerk, ask(slot)))
    assert [answer.status_code for answer in answers] == [201, 201, 201, 409]
    assert answers[3].json["code"] == "too_many_open"


@pytest.mark.parametrize(
    ("caller", "status", "code"),
    [
        ({"id_number": "350299194505050014", "name": "陈示范"}, 422, "invalid_input"),
        ({"id_number": "350299194505050013"}, 422, "invalid_input"),
        ({"phone": "13900000000"}, 422, "person_unknown"),
        ({}, 422, "invalid_input"),
        ({**ELDER, "phone": "13900000000"}, 422, "invalid_input"),
    ],
)
def test_who_cannot_be_identified_is_refused(post, clerk, slots, session, caller, status, code) -> None:
    before = session.scalar(select(func.count()).select_from(Person))
    refused = post("/staff/assisted-bookings", clerk, ask(slots[3], caller))
    assert (refused.status_code, refused.json["code"]) == (status, code)
    assert session.scalar(select(func.count()).select_from(Person)) == before
    assert quota(session, slots[3]).booked == 0


def test_another_name_on_the_same_number_is_refused(post, clerk, slots, session) -> None:
    assert post("/staff/assisted-bookings", clerk, ask(slots[3])).status_code == 201
    refused = post("/staff/assisted-bookings", clerk, ask(slots[4], {**ELDER, "name": "张示范"}))
    assert refused.json["code"] == "name_differs"


def test_looking_somebody_up_is_audited_and_creates_nobody(post, clerk, slots, session) -> None:
    find = "/staff/assisted-bookings/find"
    assert post(find, clerk, {"caller": ELDER}).json["code"] == "person_unknown"
    assert session.scalar(select(func.count()).select_from(Person)) == 0
    made = post("/staff/assisted-bookings", clerk, ask(slots[3])).json["appointment"]
    found = post(find, clerk, {"caller": ELDER}).json
    assert [row["id"] for row in found["appointments"]] == [made["id"]]
    assert found["name_masked"] == "陈*"
    assert session.scalar(select(func.count()).where(AuditEvent.action == "appointment.looked_up")) == 1


def test_cancelling_for_them_needs_a_reason_and_is_staffs_doing(post, clerk, slots, session, clock) -> None:
    staff_places(session, slots, 1)
    made = post("/staff/assisted-bookings", clerk, ask(slots[3])).json["appointment"]
    path = f"/staff/assisted-bookings/{made['id']}/cancel"
    assert post(path, clerk, {}).status_code == 422
    cancelled = post(path, clerk, {"reason": "来电说不来了"})
    assert cancelled.json["appointment"]["state"] == "cancelled"
    last = session.scalars(select(AppointmentEvent).order_by(AppointmentEvent.id.desc()).limit(1)).one()
    assert (last.actor[:6], last.reason) == ("staff:", "来电说不来了")
    clock.advance(minutes=31)
    jobs.return_places()
    assert quota(session, slots[3], "staff").booked == 0
    assert invariants(session) == []


def test_moving_for_them_stays_in_the_halls_places(post, clerk, slots, session) -> None:
    staff_places(session, slots, 1)
    made = post("/staff/assisted-bookings", clerk, ask(slots[3])).json["appointment"]
    path = f"/staff/assisted-bookings/{made['id']}/reschedule"
    moved = post(path, clerk, {"slot_id": str(slots[5]), "reason": "改到下一场"})
    assert moved.status_code == 201, moved.json
    assert (moved.json["channel"], moved.json["appointment"]["reschedules_left"]) == ("staff", 1)
    assert quota(session, slots[5], "staff").booked == 1
    assert session.get_one(Appointment, made["id"]).state is State.RESCHEDULED
    assert invariants(session) == []


def test_a_citizens_own_appointment_can_be_cancelled_at_its_hall_only(post, citizen, staff, slots) -> None:
    made = book(post, citizen()[1], slots[3])
    path, body = f"/staff/assisted-bookings/{made['id']}/cancel", {"reason": "来电说不来了"}
    assert post(path, staff("window_clerk", "SM"), body).status_code == 404
    assert post(path, staff("gate"), body).status_code == 403
    assert post(path, staff("hall_lead"), body).json["appointment"]["state"] == "cancelled"


def test_another_halls_slot_is_not_mine_to_give(post, staff, slots) -> None:
    refused = post("/staff/assisted-bookings", staff("window_clerk", "XM-CRJ1"), ask(slots[3]))
    assert refused.json["code"] == "slot_closed"


def test_the_same_key_books_once_and_keeps_no_number(post, clerk, slots, session) -> None:
    first, second = (post("/staff/assisted-bookings", clerk, ask(slots[3]), "one-key") for _ in range(2))
    assert second.json == first.json
    assert session.scalar(select(func.count()).select_from(Appointment)) == 1
    kept = session.scalars(select(IdempotencyKey).where(IdempotencyKey.route == "assisted-bookings")).one()
    assert ELDER["id_number"] not in str(kept.answer)
    assert ELDER["name"] not in str(kept.answer)


def test_a_person_who_was_booked_by_phone_logs_in_later(post, clerk, slots, session) -> None:
    """No login is made for somebody who never logged in."""
    post("/staff/assisted-bookings", clerk, ask(slots[3]))
    assert session.scalar(select(func.count()).select_from(PersonLogin)) == 0
