"""Hold, confirm, change, cancel: at the HTTP edge, on the seeded city, with a clock that stands still."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from backend import doctor
from backend.appointments import jobs, service
from backend.appointments.doctor import invariants
from backend.appointments.models import Appointment, SlotQuota
from backend.appointments.policy import split_half_day
from backend.appointments.states import APPOINTMENT, Event, State
from backend.core.errors import InvalidTransition
from notify.models import Notification
from tests.conftest import Clock

ITEM = "passport-first"


def quota(session: Session, slot, channel="online"):
    session.expire_all()
    return session.get_one(SlotQuota, (slot, channel))


def book(post, who, slot, **more):
    held = post("/holds", who, {"slot_id": str(slot), "items": [ITEM], **more})
    assert held.status_code == 201, held.json
    confirmed = post(f"/holds/{held.json['id']}/confirm", who, {})
    assert confirmed.status_code == 201, confirmed.json
    return confirmed.json


def test_a_hold_becomes_an_appointment_with_a_code_and_a_notice(client, post, citizen, slots, session) -> None:
    person, who = citizen()
    held = post("/holds", who, {"slot_id": str(slots[3]), "items": [ITEM]})
    assert held.status_code == 201
    assert quota(session, slots[3]).held == 1
    made = post(f"/holds/{held.json['id']}/confirm", who, {}).json
    assert made["state"] == "booked"
    assert len(made["code"]) == 8
    assert (quota(session, slots[3]).held, quota(session, slots[3]).booked) == (0, 1)
    notice = session.scalars(select(Notification).where(Notification.person_id == person)).one()
    assert notice.template == "appointment_booked"
    listed = client.get("/api/v1/appointments", headers=who).json["appointments"]
    assert [row["id"] for row in listed] == [made["id"]]
    entry = client.get(f"/api/v1/appointments/{made['id']}/calendar.ics", headers=who).data
    assert b"BEGIN:VEVENT" in entry
    assert all(len(line) <= 75 for line in entry.split(b"\r\n"))
    assert invariants(session) == []


def test_an_expired_hold_cannot_be_confirmed_and_gives_its_place_back(post, citizen, slots, session, clock) -> None:
    _, who = citizen()
    held = post("/holds", who, {"slot_id": str(slots[3]), "items": [ITEM]}).json
    clock.advance(minutes=11)
    refused = post(f"/holds/{held['id']}/confirm", who, {})
    assert (refused.status_code, refused.json["code"]) == (409, "hold_expired")
    jobs.sweep_holds()
    assert quota(session, slots[3]).held == 0


def test_a_full_slot_takes_the_place_of_an_expired_hold(post, citizen, slots, session, clock) -> None:
    session.execute(
        update(SlotQuota).where(SlotQuota.slot_id == slots[0], SlotQuota.channel == "online").values(capacity=1)
    )
    session.commit()
    _, first = citizen()
    _, second = citizen()
    assert post("/holds", first, {"slot_id": str(slots[0]), "items": [ITEM]}).status_code == 201
    refused = post("/holds", second, {"slot_id": str(slots[0]), "items": [ITEM]})
    assert (refused.status_code, refused.json["code"]) == (409, "slot_full")
    clock.advance(minutes=11)
    assert post("/holds", second, {"slot_id": str(slots[0]), "items": [ITEM]}).status_code == 201


def test_leaving_gives_the_place_back_at_once(client, post, citizen, slots, session) -> None:
    _, who = citizen()
    held = post("/holds", who, {"slot_id": str(slots[3]), "items": [ITEM]}).json
    for _ in range(2):
        assert client.delete(f"/api/v1/holds/{held['id']}", headers=who).status_code == 204
    assert quota(session, slots[3]).held == 0


def test_the_same_key_gets_the_same_answer_and_one_appointment(post, citizen, slots, session) -> None:
    _, who = citizen()
    body, key = {"slot_id": str(slots[3]), "items": [ITEM]}, uuid4().hex
    first = post("/holds", who, body, key)
    again = post("/holds", who, body, key)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert quota(session, slots[3]).held == 1
    other = post("/holds", who, {**body, "people": 2}, key)
    assert other.json["code"] == "idempotency_key_reused"


def test_limits_per_person(post, citizen, slots) -> None:
    _, who = citizen()
    for slot in slots[:2]:
        assert post("/holds", who, {"slot_id": str(slot), "items": [ITEM]}).status_code == 201
    third = post("/holds", who, {"slot_id": str(slots[2]), "items": [ITEM]})
    assert third.json["code"] == "too_many_holds"


def test_one_active_appointment_per_family_and_day(post, citizen, slots) -> None:
    _, who = citizen()
    book(post, who, slots[3])
    held = post("/holds", who, {"slot_id": str(slots[4]), "items": [ITEM]}).json
    refused = post(f"/holds/{held['id']}/confirm", who, {})
    assert (refused.status_code, refused.json["code"]) == (409, "duplicate_booking")


def test_a_cancelled_place_comes_back_after_a_delay(post, citizen, slots, session, clock) -> None:
    _, who = citizen()
    made = book(post, who, slots[3])
    cancelled = post(f"/appointments/{made['id']}/cancel", who, {})
    assert cancelled.json["state"] == "cancelled"
    assert quota(session, slots[3]).booked == 1
    assert invariants(session) == []
    clock.advance(minutes=31)
    jobs.return_places()
    assert quota(session, slots[3]).booked == 0
    book(post, who, slots[3])


def test_a_late_cancellation_gives_the_place_to_the_hall(post, citizen, slots, session, clock) -> None:
    _, who = citizen()
    made = book(post, who, slots[0])
    before = quota(session, slots[0], "onsite").capacity
    clock.advance(hours=23)
    assert post(f"/appointments/{made['id']}/cancel", who, {}).json["state"] == "cancelled_late"
    assert quota(session, slots[0], "onsite").capacity == before + 1
    assert invariants(session) == []


def test_rescheduling_takes_the_new_place_first(client, post, citizen, slots, session) -> None:
    _, who = citizen()
    old = book(post, who, slots[3])
    new = post(f"/appointments/{old['id']}/reschedule", who, {"slot_id": str(slots[5])})
    assert new.status_code == 201, new.json
    assert new.json["reschedules_left"] == 1
    assert client.get(f"/api/v1/appointments/{old['id']}", headers=who).json["rescheduled_to"] == new.json["id"]
    assert quota(session, slots[5]).booked == 1
    assert invariants(session) == []
    again = post(f"/appointments/{new.json['id']}/reschedule", who, {"slot_id": str(slots[6])}).json
    third = post(f"/appointments/{again['id']}/reschedule", who, {"slot_id": str(slots[7])})
    assert third.json["code"] == "no_reschedules_left"


def test_a_refused_reschedule_changes_nothing(post, citizen, slots, session) -> None:
    session.execute(
        update(SlotQuota).where(SlotQuota.slot_id == slots[5], SlotQuota.channel == "online").values(capacity=0)
    )
    session.commit()
    _, who = citizen()
    old = book(post, who, slots[3])
    assert post(f"/appointments/{old['id']}/reschedule", who, {"slot_id": str(slots[5])}).json["code"] == "slot_full"
    assert quota(session, slots[3]).booked == 1
    assert session.get_one(Appointment, old["id"]).state is State.BOOKED


def test_other_peoples_appointments_do_not_exist(client, post, citizen, slots) -> None:
    _, owner = citizen()
    _, stranger = citizen()
    made = book(post, owner, slots[3])
    assert client.get(f"/api/v1/appointments/{made['id']}", headers=stranger).status_code == 404
    assert post(f"/appointments/{made['id']}/cancel", stranger, {}).status_code == 404
    assert client.get(f"/api/v1/appointments/{made['id']}").status_code == 401


def test_nothing_of_a_slot_is_seen_before_its_release(client: FlaskClient, slots, clock: Clock) -> None:
    answer = client.get(f"/api/v1/slots?hall=XM&items={ITEM}&from=2026-12-01&days=1").json
    assert answer["days"][0]["state"] == "open"
    clock.advance(hours=-2)  # 07:00, before the release at 08:00
    answer = client.get(f"/api/v1/slots?hall=XM&items={ITEM}&from=2026-12-01&days=1").json
    assert answer["days"][0] == {"date": "2026-12-01", "left": 0, "note": None, "slots": [], "state": "not_released"}


def test_an_unreleased_slot_cannot_be_held(post, citizen, session, clock: Clock) -> None:
    from backend.appointments.models import Slot

    later = session.scalar(
        select(Slot.id).where(Slot.hall_code == "XM", Slot.category_code == "exit-entry").order_by(Slot.start.desc())
    )
    clock.advance(hours=-2)
    _, who = citizen()
    assert post("/holds", who, {"slot_id": str(later), "items": [ITEM]}).json["code"] == "slot_closed"


def test_a_hall_that_does_not_handle_the_item_refuses(post, citizen, slots) -> None:
    _, who = citizen()
    refused = post("/holds", who, {"slot_id": str(slots[3]), "items": ["marriage-registration"]})
    assert refused.json["code"] == "item_not_here"


def test_unused_online_places_fall_to_the_hall_at_slot_start(slots, session, clock) -> None:
    before = quota(session, slots[0]).capacity, quota(session, slots[0], "onsite").capacity
    clock.advance(hours=24, minutes=1)
    jobs.fall_to_onsite()
    assert quota(session, slots[0]).capacity == 0
    assert quota(session, slots[0], "onsite").capacity == sum(before)


def test_every_half_day_keeps_thirty_percent_for_walk_ins(session: Session, slots) -> None:
    rows = session.execute(
        select(SlotQuota.channel, func.sum(SlotQuota.capacity))
        .where(SlotQuota.slot_id.in_(slots[:6]))
        .group_by("channel")
    )
    places = {channel: total for channel, total in rows}
    assert places["onsite"] * 100 >= 30 * sum(places.values())


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(30, 100))
def test_the_onsite_share_is_never_less_than_asked_and_never_zero(capacities: list[int], percent: int) -> None:
    shares = split_half_day(capacities, percent)
    assert sum(shares) * 100 >= percent * sum(capacities)
    assert all(0 <= share <= capacity for share, capacity in zip(shares, capacities, strict=True))
    assert sum(shares) > 0 or sum(capacities) == 0


@pytest.mark.parametrize("percent", [-1, 0, 29, 101])
def test_a_smaller_onsite_share_cannot_be_set(percent: int) -> None:
    with pytest.raises(ValueError, match="30 to 100"):
        split_half_day([10], percent)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Event))
def test_every_state_and_event_follows_the_table(state: State, event: Event) -> None:
    step = APPOINTMENT.steps.get((state, event))
    if (state, event) in APPOINTMENT.repeats:
        assert APPOINTMENT.next(state, event) is state
    elif step is None:
        with pytest.raises(InvalidTransition):
            APPOINTMENT.next(state, event)
    else:
        assert APPOINTMENT.next(state, event) is step


def test_the_doctor_finds_a_wrong_counter(slots, session: Session, isolated: None) -> None:
    session.execute(
        update(SlotQuota).where(SlotQuota.slot_id == slots[0], SlotQuota.channel == "online").values(booked=1)
    )
    session.commit()
    findings = doctor.examine()
    assert len(findings) == 1
    assert str(slots[0]) in findings[0]


def test_times_shown_are_the_policy(post, citizen, slots, session) -> None:
    _, who = citizen()
    made = book(post, who, slots[3])
    row = session.get_one(Appointment, made["id"])
    assert row.start - row.check_in_from == timedelta(minutes=30)
    assert row.check_in_until - row.start == timedelta(minutes=30)
    assert row.start - row.cancel_until == timedelta(hours=2)


def test_two_items_of_one_family_are_one_visit(post, citizen, slots, session) -> None:
    _, who = citizen()
    held = post("/holds", who, {"slot_id": str(slots[0]), "items": [ITEM, "passport-renewal"]})
    assert held.status_code == 201, held.json
    assert post(f"/holds/{held.json['id']}/confirm", who, {}).status_code == 201
    assert invariants(session) == []


def test_an_expired_hold_over_two_slots_gives_each_place_back_once(post, citizen, slots, session, clock) -> None:
    for slot in slots[:2]:
        change = update(SlotQuota).where(SlotQuota.slot_id == slot, SlotQuota.channel == "online")
        session.execute(change.values(capacity=2))
    session.commit()
    two = {"slot_id": str(slots[0]), "items": [ITEM], "people": 4}  # 15 + 3 × 10 minutes
    for _ in range(2):
        assert post("/holds", citizen()[1], two).status_code == 201
        clock.advance(minutes=6)
    _, third = citizen()
    assert post("/holds", third, two).status_code == 201
    assert invariants(session) == []
    assert [quota(session, slot).held for slot in slots[:2]] == [2, 2]


def test_a_code_that_is_taken_is_drawn_again(post, citizen, slots, monkeypatch) -> None:
    drawn = iter(["12345678", "12345678", "12345678", "87654321"])
    monkeypatch.setattr(service, "_draw_code", lambda: next(drawn))
    made = [book(post, citizen()[1], slots[3]) for _ in range(2)]
    assert [one["code"] for one in made] == ["12345678", "87654321"]


def test_a_visit_that_is_over_cannot_be_cancelled(post, citizen, slots, clock) -> None:
    _, who = citizen()
    made = book(post, who, slots[3])
    clock.advance(days=3)
    assert post(f"/appointments/{made['id']}/cancel", who, {}).json["code"] == "already_over"


@pytest.mark.parametrize("query", ["from=9999-12-31&days=60", "from=nonsense", "days=0"])
def test_impossible_days_are_refused(client: FlaskClient, slots, query: str) -> None:
    assert client.get(f"/api/v1/slots?hall=XM&items={ITEM}&{query}").status_code == 422


def test_history_pages_lose_nobody_who_shares_a_start(client, post, citizen, slots, session, clock) -> None:
    person, who = citizen()
    made = book(post, who, slots[3])
    row = session.get_one(Appointment, made["id"])
    columns = {column.key: getattr(row, column.key) for column in Appointment.__table__.columns}
    for _ in range(24):
        session.execute(insert(Appointment).values({**columns, "id": uuid4(), "code": None, "state": State.CANCELLED}))
    session.commit()
    first = client.get("/api/v1/appointments?scope=past", headers=who).json
    second = client.get(f"/api/v1/appointments?scope=past&cursor={first['next_cursor']}", headers=who).json
    seen = [one["id"] for one in first["appointments"] + second["appointments"]]
    assert len(seen) == len(set(seen)) == 24
    assert second["next_cursor"] is None
