"""Opening rules → slots and quotas, ahead of time and as often as one likes."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments.models import BookingPolicy, DayOverride, OpeningRule, Slot, SlotQuota
from backend.appointments.policy import policy_for, split_half_day
from backend.core import calendar, clock
from backend.core.db import new_id


def materialise(session: Session, *, first: date, last: date) -> int:
    """Create the slots from `first` to `last` that do not exist yet; returns how many are new.

    Days of a year whose calendar is not loaded are left out.
    """
    made = 0
    for day in _days(first, last):
        try:
            workday = calendar.is_workday(session, day)
        except calendar.CalendarNotLoaded:
            return made
        closed = dict(
            session.execute(select(DayOverride.hall_code, DayOverride.open).where(DayOverride.day == day)).tuples()
        )
        # A make-up workday follows the hours of a Friday.
        weekday = day.isoweekday() if day.isoweekday() <= 5 else 5
        rules = session.scalars(
            select(OpeningRule).where(
                OpeningRule.weekday == weekday,
                OpeningRule.valid_from <= day,
                or_(OpeningRule.valid_to.is_(None), OpeningRule.valid_to >= day),
            )
        )
        for rule in rules:
            if closed.get(rule.hall_code, workday):
                made += _make_half_day(session, day, rule, policy_for(session, rule.hall_code, rule.category_code))
    return made


def _make_half_day(session: Session, day: date, rule: OpeningRule, policy: BookingPolicy) -> int:
    starts = list(_starts(rule.start, rule.end, policy.slot_minutes))
    capacities = [
        (rule.capacity * (n + 1)) // len(starts) - (rule.capacity * n) // len(starts) for n in range(len(starts))
    ]
    onsite = split_half_day(capacities, policy.onsite_percent)
    length = timedelta(minutes=policy.slot_minutes)
    made = 0
    for start, capacity, walk_in in zip(starts, capacities, onsite, strict=True):
        begins = clock.instant(day, start)
        slot_id = session.execute(
            insert(Slot)
            .values(
                id=new_id(),
                hall_code=rule.hall_code,
                category_code=rule.category_code,
                day=day,
                start=begins,
                end=begins + length,
            )
            .on_conflict_do_nothing()
            .returning(Slot.id)
        ).scalar_one_or_none()
        if slot_id is None:
            continue
        staff = (capacity - walk_in) * policy.staff_percent // 100
        places = {"onsite": walk_in, "staff": staff, "online": capacity - walk_in - staff}
        rows = [{"slot_id": slot_id, "channel": name, "capacity": count} for name, count in places.items()]
        session.execute(insert(SlotQuota), rows)
        made += 1
    return made


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _starts(start: time, end: time, minutes: int) -> Iterator[time]:
    at = datetime.combine(date.min, start)
    while at + timedelta(minutes=minutes) <= datetime.combine(date.min, end):
        yield at.time()
        at += timedelta(minutes=minutes)
