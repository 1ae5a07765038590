"""Opening rules → slots and quotas, ahead of time and as often as one likes."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments.models import BookingPolicy, DayOverride, OpeningRule, Slot, SlotQuota
from backend.appointments.policy import policies_at, split_half_day
from backend.core import calendar, clock
from backend.core.db import new_id

Half = Literal["morning", "afternoon"]

NOON = time(13, 0)
"""A slot that starts before 13:00 belongs to the morning."""

AHEAD = timedelta(days=45)
"""Slots exist for the longest open window there is (30 working days)."""

FRIDAY = 5


@dataclass(frozen=True)
class PlannedSlot:
    """A slot as the rules want it, with its places by channel; `open` says whether the hall works then."""

    hall_code: str
    category_code: str
    day: date
    start: datetime
    end: datetime
    places: dict[str, int]
    open: bool


@dataclass(frozen=True)
class PlannedHalf:
    """A half-day of one category as its rule wants it, Xiamen wall-clock time; `open` as in PlannedSlot."""

    category_code: str
    half: Half
    start: time
    end: time
    windows: int
    capacity: int
    open: bool


def half_of(start: datetime) -> Half:
    """The half-day in which a slot starts."""
    return "morning" if clock.civil(start).time() < NOON else "afternoon"


def in_halves(day: date, halves: Collection[Half]) -> ColumnElement[bool]:
    """The condition that a slot stands in these half-days of that day."""
    noon = clock.instant(day, NOON)
    by_half = {"morning": Slot.start < noon, "afternoon": Slot.start >= noon}
    return and_(Slot.day == day, or_(*(by_half[half] for half in halves)))


def span(day: date, half: Half) -> tuple[datetime, datetime]:
    """The half-day as instants, its end left out."""
    noon = clock.instant(day, NOON)
    if half == "morning":
        return clock.instant(day, time.min), noon
    return noon, clock.instant(day + timedelta(days=1), time.min)


def open_hours(session: Session, hall_code: str, day: date) -> tuple[datetime, datetime] | None:
    """From when until when a hall works that day (UTC); None when it is closed or the calendar is not known.

    By its opening rules, the calendar and its overrides. The length of slots has no say: what booking leaves over at
    the end of a half-day is open to people without an appointment (circular, clause 12).
    """
    try:
        workday, opens = _openings(session, day)
    except calendar.CalendarNotLoaded:
        return None
    hours = [
        (max(rule.start, first), min(rule.end, last))
        for rule in _rules(session, day, [hall_code], None)
        for half, first, last in (("morning", time.min, NOON), ("afternoon", NOON, time.max))
        if opens.get((hall_code, half), workday) and max(rule.start, first) < min(rule.end, last)
    ]
    if not hours:
        return None
    return clock.instant(day, min(first for first, _ in hours)), clock.instant(day, max(last for _, last in hours))


def lock(session: Session) -> None:
    """Whoever creates, opens, closes or re-plans slots waits here, so that none works from rules just replaced."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('appointments.slots'))"))


def materialise(session: Session, *, first: date, last: date, hall_codes: Sequence[str] = ()) -> int:
    """Create the slots from `first` to `last` that do not exist yet; returns how many are new.

    Days of a year whose calendar is not loaded are left out.
    """
    lock(session)
    made = 0
    for day in days(first, last):
        try:
            planned = plan(session, day, hall_codes=hall_codes)
        except calendar.CalendarNotLoaded:
            return made
        made += store(session, [slot for slot in planned if slot.open])
    return made


def reopen(session: Session, *, day: date, hall_codes: Sequence[str]) -> int:
    """Open every slot in which the hall works that day, creating what is missing; returns how many were closed."""
    planned = [slot for slot in plan(session, day, hall_codes=hall_codes) if slot.open]
    if not planned:
        return 0
    made = store(session, planned)
    places = tuple_(Slot.hall_code, Slot.category_code, Slot.start)
    wanted = places.in_([(slot.hall_code, slot.category_code, slot.start) for slot in planned])
    opened = session.scalars(update(Slot).where(wanted, ~Slot.open).values(open=True).returning(Slot.id)).all()
    session.execute(update(SlotQuota).where(SlotQuota.slot_id.in_(opened)).values(open=True))
    return made + len(opened)


def plan(
    session: Session, day: date, *, hall_codes: Sequence[str] = (), category_code: str | None = None
) -> list[PlannedSlot]:
    """The slots of that day after rules, settings, calendar and overrides. Raises CalendarNotLoaded."""
    workday, opens = _openings(session, day)
    rules = _rules(session, day, hall_codes, category_code)
    policies = policies_at(session, {(rule.hall_code, rule.category_code) for rule in rules})
    planned: list[PlannedSlot] = []
    for rule in rules:
        policy = policies[rule.hall_code, rule.category_code]
        planned += _plan_half_day(day, rule, policy, opens, workday=workday)
    return planned


def half_days(session: Session, day: date, hall_code: str) -> list[PlannedHalf]:
    """A hall's planned windows and places of that day, by category and hours. Raises CalendarNotLoaded."""
    workday, opens = _openings(session, day)
    found = []
    for rule in sorted(_rules(session, day, [hall_code], None), key=lambda one: (one.category_code, one.start)):
        half = half_of(clock.instant(day, rule.start))
        open_ = opens.get((hall_code, half), workday)
        found.append(PlannedHalf(rule.category_code, half, rule.start, rule.end, rule.windows, rule.capacity, open_))
    return found


def _openings(session: Session, day: date) -> tuple[bool, dict[tuple[str, str], bool]]:
    """Whether the calendar has that day as a workday, and what overrides say by hall and half-day."""
    overrides = session.execute(
        select(DayOverride.hall_code, DayOverride.half, DayOverride.open).where(DayOverride.day == day)
    )
    return calendar.is_workday(session, day), {(row.hall_code, row.half): row.open for row in overrides}


def _rules(session: Session, day: date, hall_codes: Sequence[str], category_code: str | None) -> Sequence[OpeningRule]:
    """A weekend day that is open, as a make-up workday or by override, follows the hours of a Friday."""
    weekday = min(day.isoweekday(), FRIDAY)
    in_force = or_(OpeningRule.valid_to.is_(None), OpeningRule.valid_to >= day)
    query = select(OpeningRule).where(OpeningRule.weekday == weekday, OpeningRule.valid_from <= day, in_force)
    if hall_codes:
        query = query.where(OpeningRule.hall_code.in_(hall_codes))
    if category_code:
        query = query.where(OpeningRule.category_code == category_code)
    return session.scalars(query).all()


def _plan_half_day(
    day: date, rule: OpeningRule, policy: BookingPolicy, opens: dict[tuple[str, str], bool], *, workday: bool
) -> Iterator[PlannedSlot]:
    """Each slot of the half-day with its places by channel; the shares hold over the half-day as a whole."""
    starts = list(_starts(rule.start, rule.end, policy.slot_minutes))
    count = len(starts)
    capacities = [rule.capacity * (n + 1) // count - rule.capacity * n // count for n in range(count)]
    onsite = split_half_day(capacities, policy.onsite_percent)
    before = list(accumulate((all_ - own for all_, own in zip(capacities, onsite, strict=True)), initial=0))
    for number, (start, capacity, walk_in) in enumerate(zip(starts, capacities, onsite, strict=True)):
        staff = before[number + 1] * policy.staff_percent // 100 - before[number] * policy.staff_percent // 100
        begins = clock.instant(day, start)
        yield PlannedSlot(
            hall_code=rule.hall_code,
            category_code=rule.category_code,
            day=day,
            start=begins,
            end=begins + timedelta(minutes=policy.slot_minutes),
            places={"onsite": walk_in, "staff": staff, "online": capacity - walk_in - staff},
            open=opens.get((rule.hall_code, half_of(begins)), workday),
        )


def store(session: Session, planned: Sequence[PlannedSlot]) -> int:
    """Insert the slots that do not exist yet, with their quotas; returns how many are new."""
    days_planned = {slot.day for slot in planned}
    known = select(Slot.hall_code, Slot.category_code, Slot.start).where(Slot.day.in_(days_planned))
    there = {(hall, category, start) for hall, category, start in session.execute(known)}
    planned = [slot for slot in planned if (slot.hall_code, slot.category_code, slot.start) not in there]
    if not planned:
        return 0
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "hall_code": slot.hall_code,
            "category_code": slot.category_code,
            "day": slot.day,
            "start": slot.start,
            "end": slot.end,
        }
        for slot in planned
    ]
    # Rows as parameters: with `values(rows)` a statement of thousands of binds is compiled anew for every day.
    new = set(session.scalars(insert(Slot).on_conflict_do_nothing().returning(Slot.id), rows))
    quotas = [
        {"slot_id": row["id"], "channel": channel, "capacity": capacity}
        for row, slot in zip(rows, planned, strict=True)
        if row["id"] in new
        for channel, capacity in slot.places.items()
    ]
    if quotas:
        session.execute(insert(SlotQuota), quotas)
    return len(new)


def days(first: date, last: date) -> Iterable[date]:
    """Both ends included."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _starts(start: time, end: time, minutes: int) -> Iterator[time]:
    at = datetime.combine(date.min, start)
    while at + timedelta(minutes=minutes) <= datetime.combine(date.min, end):
        yield at.time()
        at += timedelta(minutes=minutes)
