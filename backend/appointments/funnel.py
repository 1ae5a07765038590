"""约到哪一步: how many went on from each step of booking, per day, item and hall. Counts only; no person is in them."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final

from sqlalchemy import Date, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments.funnel_models import STEPS, BookingStep
from backend.appointments.models import Appointment, AppointmentEvent, AppointmentLine
from backend.appointments.states import Event, State
from backend.catalogue import queries as catalogue
from backend.core import clock

SHARDS: Final = 8
ZONE: Final = "Asia/Shanghai"
HELD, BOOKED = "held", "booked"
ALL_STEPS: Final = (*STEPS, HELD, BOOKED)
OF_A_HALL: Final = ALL_STEPS[2:]
"""Steps after a hall was chosen; those before belong to none."""


@dataclass(frozen=True)
class Reached:
    """One item at one step on a day; `hall_code` is empty before a hall was chosen."""

    day: date
    item_slug: str
    hall_code: str
    step: str
    count: int


def count(session: Session, told: Iterable[dict[str, Any]]) -> None:
    """Add what a page tells: `[{"step", "item", "hall", "count"}]`. Unknown items and halls are left out, silently."""
    items = {item.slug for item in catalogue.items(session)}
    halls = {hall.code for hall in catalogue.halls(session)}
    sums: Counter[tuple[str, str, str]] = Counter()
    for one in told:
        hall = one["hall"] if one["step"] in OF_A_HALL else ""
        if one["item"] in items and (not hall or hall in halls):
            sums[one["item"], hall or "", one["step"]] += one["count"]
    rows = [
        {
            "day": clock.today(),
            "item_slug": item,
            "hall_code": hall,
            "step": step,
            "shard": secrets.randbelow(SHARDS),
            "count": number,
        }
        for (item, hall, step), number in sorted(sums.items())
    ]
    for row in rows:
        added = insert(BookingStep).values(row)
        more = {"count": BookingStep.count + added.excluded.count}
        session.execute(added.on_conflict_do_update(index_elements=BookingStep.__table__.primary_key, set_=more))


def reached(session: Session, first: date, last: date, hall_code: str | None) -> list[Reached]:
    """Every count of these days, in one hall or in all. A visit for two items counts for each of them."""
    told = (
        select(
            BookingStep.day,
            BookingStep.item_slug,
            BookingStep.hall_code,
            BookingStep.step,
            func.sum(BookingStep.count),
        )
        .where(BookingStep.day.between(first, last))
        .group_by(BookingStep.day, BookingStep.item_slug, BookingStep.hall_code, BookingStep.step)
    )
    day = cast(func.timezone(ZONE, AppointmentEvent.at), Date)
    place = AppointmentLine.item_slug, Appointment.hall_code
    confirmed = Appointment.state.not_in((State.HELD, State.RELEASED))
    held = (
        select(day, *place, func.count(), func.count().filter(confirmed))
        .join(Appointment, Appointment.id == AppointmentEvent.entity_id)
        .join(AppointmentLine, AppointmentLine.appointment_id == Appointment.id)
        .where(AppointmentEvent.event == Event.HOLD)
        .where(AppointmentEvent.at >= clock.instant(first, time.min))
        .where(AppointmentEvent.at < clock.instant(last + timedelta(days=1), time.min))
        .group_by(day, *place)
    )
    if hall_code is not None:
        told = told.where(BookingStep.hall_code == hall_code)
        held = held.where(Appointment.hall_code == hall_code)
    found = [Reached(*row) for row in session.execute(told)]
    for on, slug, hall, taken, booked in session.execute(held):
        found += [Reached(on, slug, hall, HELD, taken), Reached(on, slug, hall, BOOKED, booked)]
    return sorted(found, key=lambda one: (one.day, one.item_slug, one.hall_code, ALL_STEPS.index(one.step)))


def figures(session: Session, first: date, last: date, hall_code: str | None, language: str) -> dict[str, Any]:
    """Each step with its count and the share of the step before, in all and by item, the most wanted item first."""
    steps = ALL_STEPS if hall_code is None else OF_A_HALL
    total: Counter[str] = Counter()
    by_item: dict[str, Counter[str]] = defaultdict(Counter)
    for one in reached(session, first, last, hall_code):
        total[one.step] += one.count
        by_item[one.item_slug][one.step] += one.count
    most_first = sorted(by_item, key=lambda slug: (-by_item[slug][steps[0]], slug))
    items = [
        {
            "slug": slug,
            "name": catalogue.item(session, slug).name.in_language(language),
            "steps": _shares(steps, by_item[slug]),
        }
        for slug in most_first
    ]
    return {"steps": _shares(steps, total), "items": items}


def _shares(steps: Sequence[str], counted: Counter[str]) -> list[dict[str, Any]]:
    """`share` is percent of the step before; None for the first, and after a step nobody reached."""
    shown: list[dict[str, Any]] = []
    for step in steps:
        before = shown[-1]["count"] if shown else 0
        share = round(100 * counted[step] / before) if before else None
        shown.append({"step": step, "count": counted[step], "share": share})
    return shown
