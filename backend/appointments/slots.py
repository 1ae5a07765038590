"""Opening rules → slots and quotas, ahead of time and as often as one likes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

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
    policies: dict[tuple[str, str], BookingPolicy] = {}
    made = 0
    for day in _days(first, last):
        try:
            workday = calendar.is_workday(session, day)
        except calendar.CalendarNotLoaded:
            return made
        exceptions = session.execute(select(DayOverride.hall_code, DayOverride.open).where(DayOverride.day == day))
        opens = {row.hall_code: row.open for row in exceptions}
        planned: list[tuple[dict[str, Any], dict[str, int]]] = []
        for rule in _rules(session, day):
            if opens.get(rule.hall_code, workday):
                place = rule.hall_code, rule.category_code
                policies.setdefault(place, policy_for(session, *place))
                planned += _plan_half_day(day, rule, policies[place])
        made += _store(session, planned)
    return made


def _rules(session: Session, day: date) -> Sequence[OpeningRule]:
    weekday = day.isoweekday()
    if weekday > 5 and calendar.is_workday(session, day):
        weekday = 5  # a make-up workday follows the hours of a Friday
    in_force = or_(OpeningRule.valid_to.is_(None), OpeningRule.valid_to >= day)
    query = select(OpeningRule).where(OpeningRule.weekday == weekday, OpeningRule.valid_from <= day, in_force)
    return session.scalars(query).all()


def _plan_half_day(
    day: date, rule: OpeningRule, policy: BookingPolicy
) -> Iterator[tuple[dict[str, Any], dict[str, int]]]:
    """Each slot of the half-day with its places by channel."""
    starts = list(_starts(rule.start, rule.end, policy.slot_minutes))
    count = len(starts)
    capacities = [rule.capacity * (n + 1) // count - rule.capacity * n // count for n in range(count)]
    onsite = split_half_day(capacities, policy.onsite_percent)
    for start, capacity, walk_in in zip(starts, capacities, onsite, strict=True):
        begins = clock.instant(day, start)
        staff = (capacity - walk_in) * policy.staff_percent // 100
        slot = {
            "id": new_id(),
            "hall_code": rule.hall_code,
            "category_code": rule.category_code,
            "day": day,
            "start": begins,
            "end": begins + timedelta(minutes=policy.slot_minutes),
        }
        yield slot, {"onsite": walk_in, "staff": staff, "online": capacity - walk_in - staff}


def _store(session: Session, planned: Sequence[tuple[dict[str, Any], dict[str, int]]]) -> int:
    """Insert the slots that do not exist yet, with their quotas."""
    if not planned:
        return 0
    rows = [slot for slot, _ in planned]
    new = set(session.scalars(insert(Slot).values(rows).on_conflict_do_nothing().returning(Slot.id)))
    quotas = [
        {"slot_id": slot["id"], "channel": channel, "capacity": capacity}
        for slot, places in planned
        if slot["id"] in new
        for channel, capacity in places.items()
    ]
    if quotas:
        session.execute(insert(SlotQuota).values(quotas))
    return len(new)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _starts(start: time, end: time, minutes: int) -> Iterator[time]:
    at = datetime.combine(date.min, start)
    while at + timedelta(minutes=minutes) <= datetime.combine(date.min, end):
        yield at.time()
        at += timedelta(minutes=minutes)
