"""Settings that apply to a hall and category, and when its slots are released."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from backend.appointments.models import BookingPolicy
from backend.core import calendar, clock

Place = tuple[str, str]
"""Hall and category."""


def policy_for(session: Session, hall_code: str, category_code: str) -> BookingPolicy:
    """The hall's own settings, or the defaults."""
    found = session.get(BookingPolicy, (hall_code, category_code))
    return found or defaults(hall_code, category_code)


def policies_for(session: Session, hall_codes: Sequence[str], category_code: str) -> dict[str, BookingPolicy]:
    """The same for several halls, in one statement."""
    found = policies_at(session, {(code, category_code) for code in hall_codes})
    return {code: found[code, category_code] for code in hall_codes}


def policies_at(session: Session, places: Collection[Place]) -> dict[Place, BookingPolicy]:
    """The same by hall and category, in one statement."""
    here = tuple_(BookingPolicy.hall_code, BookingPolicy.category_code).in_(places)
    own = {(one.hall_code, one.category_code): one for one in session.scalars(select(BookingPolicy).where(here))}
    return {place: own.get(place) or defaults(*place) for place in places}


def defaults(hall_code: str, category_code: str) -> BookingPolicy:
    """Defaults of domain sheet §4, not stored."""
    columns = BookingPolicy.__table__.columns
    values = {column.name: column.default.arg for column in columns if column.default is not None}
    return BookingPolicy(hall_code=hall_code, category_code=category_code, **values)


def released_until(session: Session, policy: BookingPolicy) -> date:
    """The last day whose slots may be seen: the next N working days, one more each day at release time."""
    local = clock.civil(clock.now())
    day = local.date() if local.time() >= policy.release_at else local.date() - timedelta(days=1)
    last = day
    try:
        last = calendar.add_workdays(session, day, policy.open_workdays)
    except calendar.CalendarNotLoaded:
        last = date(day.year, 12, 31)
    return last


def next_release(policy: BookingPolicy) -> datetime:
    """When the next day's slots appear (UTC)."""
    local = clock.civil(clock.now())
    day = local.date() if local.time() < policy.release_at else local.date() + timedelta(days=1)
    return clock.instant(day, policy.release_at)


def closes_at(policy: BookingPolicy, start: datetime) -> datetime:
    """Until when a slot may be booked: closing time, or the longer same-day lead."""
    minutes = policy.close_minutes
    if clock.civil(start).date() == clock.today():
        if not policy.same_day:
            return clock.instant(clock.today(), datetime.min.time())
        minutes = max(minutes, policy.same_day_lead_minutes)
    return start - timedelta(minutes=minutes)


def split_half_day(capacities: Sequence[int], onsite_percent: int) -> list[int]:
    """On-site places of each slot of a half-day: the share of the whole, rounded up, spread over the slots.

    Circular clause 12: appointments must not limit walk-ins, so the share is 30 to 100 % and never 0.
    """
    if not 30 <= onsite_percent <= 100:
        raise ValueError("the on-site share is 30 to 100 percent")
    total = sum(capacities)
    if total == 0:
        return [0] * len(capacities)
    wanted = -(-total * onsite_percent // 100)
    shares = [capacity * wanted // total for capacity in capacities]
    missing = wanted - sum(shares)
    order = sorted(range(len(shares)), key=lambda place: shares[place] - capacities[place])
    for place in order[:missing]:
        shares[place] += 1
    return shares
