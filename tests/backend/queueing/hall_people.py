"""Who comes to the hall of the played days, and who works in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.appointments.conduct import Kind as MarkKind
from backend.appointments.conduct_models import ConductMark
from backend.appointments.conduct_states import MarkState
from backend.appointments.models import Appointment, AppointmentLine, BookingPolicy, OpeningRule, Slot, SlotQuota
from backend.appointments.states import State as Booking
from backend.core import clock, db
from backend.identity import service as identity
from backend.identity.models import Staff, StaffRole
from backend.queueing.models import QueuePolicy

HALL, QUEUES, ITEM = "XM", ("exit-entry", "vehicle"), "passport-first"
TODAY, TOMORROW = date(2026, 11, 25), date(2026, 11, 26)
ELDER = "350299195506150037"
PEOPLE = 6


@dataclass(frozen=True)
class People:
    """Citizens and staff that every day shares. The first citizen's online booking is paused, the second is old."""

    citizens: Sequence[UUID]
    staff: Sequence[UUID]


def populate() -> People:
    """A hall without slots, rules or settings; people with a phone; two visits that the first one missed."""
    with db.transaction() as session:
        for row in (SlotQuota, Slot, OpeningRule, BookingPolicy, QueuePolicy):
            session.execute(delete(row))
        citizens = [
            identity.log_in(session, provider="phone", subject=f"1390{n:07d}", current=None, phone=f"1390{n:07d}")
            for n in range(PEOPLE)
        ]
        card = identity.RealName(ELDER, "陈测试", None)
        identity.verify(session, open_id="elder", real_name=card, current=citizens[1])
        staff = [Staff(username=f"clerk-{n}", display_name="窗口", password_hash="", totp_secret=b"") for n in range(4)]
        session.add_all(staff)
        session.flush()
        session.add_all(StaffRole(staff_id=one.id, role="window_clerk", hall_code=HALL) for one in staff)
        session.flush()
        for days in (3, 5):
            missed(session, citizens[0], clock.instant(TODAY - timedelta(days=days), time(9)))
    return People(citizens, [one.id for one in staff])


def missed(session: Session, person: UUID, start: datetime, **mark: Any) -> ConductMark:
    """A visit that this person missed, with its mark."""
    visit = Appointment(
        id=db.new_id(),
        state=Booking.NO_SHOW,
        state_at=start,
        hall_code=HALL,
        category_code=QUEUES[0],
        person_id=person,
        booker_id=person,
        channel="online",
        day=clock.civil(start).date(),
        start=start,
        end=start + timedelta(minutes=30),
        people=1,
        cancel_until=start,
        check_in_from=start,
        check_in_until=start,
        reschedules_left=0,
        created_at=start,
    )
    session.add(visit)
    session.flush()
    line = {"appointment_id": visit.id, "item_slug": ITEM, "family": ITEM, "person_id": person, "day": visit.day}
    session.add(AppointmentLine(**line, active=True))
    made = ConductMark(
        id=db.new_id(),
        state_at=start,
        kind=MarkKind.NO_SHOW,
        person_id=person,
        appointment_id=visit.id,
        hall_code=HALL,
        at=start,
        **{"state": MarkState.COUNTS, **mark},
    )
    session.add(made)
    session.flush()
    return made
