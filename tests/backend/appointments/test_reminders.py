"""Reminders: the evening before and two hours ahead, once each, and only for visits that stand."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.appointments import jobs
from backend.appointments.models import Appointment
from backend.appointments.service import hall_closes
from backend.core import clock as time
from notify.models import Dispatch, Notification
from tests.backend.appointments.test_booking import book
from tests.conftest import Clock


def reminded(session: Session, person: UUID) -> list[str]:
    session.expire_all()
    found = select(Notification.template).where(
        Notification.person_id == person, Notification.template.in_(["appointment_tomorrow", "appointment_soon"])
    )
    return list(session.scalars(found.order_by(Notification.created_at)))


def test_each_visit_is_reminded_of_twice_and_a_cancelled_one_never(post, citizen, slots, session, clock: Clock) -> None:
    person, who = citizen()
    made = book(post, who, slots[3])
    other, their = citizen()
    gone = book(post, their, slots[3])
    assert post(f"/appointments/{gone['id']}/cancel", their, {}).status_code == 200
    jobs.remind()
    assert reminded(session, person) == []
    clock.set(time.instant(time.today(), jobs.EVE))
    for _ in range(2):
        jobs.remind()
        assert reminded(session, person) == ["appointment_tomorrow"]
    start = session.get_one(Appointment, UUID(made["id"])).start
    clock.set(start - timedelta(hours=2, minutes=1))
    jobs.remind()
    assert reminded(session, person) == ["appointment_tomorrow"]
    clock.set(start - timedelta(hours=2))
    for _ in range(2):
        jobs.remind()
        assert reminded(session, person) == ["appointment_tomorrow", "appointment_soon"]
    assert reminded(session, other) == []


def test_who_has_just_booked_is_not_reminded_at_once(post, citizen, slots, session, clock: Clock) -> None:
    person, who = citizen()
    clock.set(time.instant(time.today(), jobs.EVE) + timedelta(hours=1))
    book(post, who, slots[3])
    jobs.remind()
    assert reminded(session, person) == []


@pytest.mark.parametrize("change", ["cancel", "reschedule", "closed"])
def test_a_visit_given_up_overnight_withdraws_its_reminder(
    post,
    citizen,
    slots,
    session,
    clock: Clock,
    change: str,
) -> None:
    person, who = citizen()
    made = book(post, who, slots[3])
    clock.set(time.instant(time.today(), jobs.EVE))
    jobs.remind()
    if change == "closed":
        hall_closes(session, session.get_one(Appointment, UUID(made["id"])), actor="x", reason="台风", reason_en=None)
        session.commit()
    else:
        body = {"slot_id": str(slots[5])} if change == "reschedule" else {}
        assert post(f"/appointments/{made['id']}/{change}", who, body).status_code < 300
    session.expire_all()
    reminder = Notification.dedupe_key == f"appointment_tomorrow:{made['id']}"
    assert session.scalars(select(Notification.state).where(reminder)).one() == Dispatch.WITHDRAWN
