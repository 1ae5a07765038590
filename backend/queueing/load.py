"""How busy a hall will be in the next hours, from the same weekday of past weeks, and where else one could go."""

import math
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.appointments import queries as appointments
from backend.appointments import slots as opening
from backend.catalogue import places
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.queueing.models import QueueHour
from backend.queueing.policy import queue
from backend.queueing.waits import Hour

WEEKS = 8
NEARBY = 3
SHORTEST = 1
"""Minutes of a visit: any free slot will do, the item is not chosen yet."""
QUIET, BUSY = 0.75, 1.25
"""Of the day's average hour."""


def forecast(session: Session, hall_code: str, category_code: str, language: str) -> dict[str, Any]:
    """The rest of today hour by hour, and the soonest free times elsewhere. Raises NoSuchQueue and HallNotFound.

    `weeks` says how many past days stand behind a figure: 0 means that nothing is known, and then nothing is said.
    """
    category = queue(session, hall_code, category_code)
    today = clock.today()
    hours = opening.open_hours(session, hall_code, today)
    past, weeks = _past(session, hall_code, category_code, today)
    usual = sum(hour.taken for hour in past.values()) / len(past) if past else 0
    shown = []
    if hours is not None:
        first = max(clock.civil(clock.now()).hour, clock.civil(hours[0]).hour)
        last = clock.civil(hours[1] - timedelta(minutes=1)).hour
        shown = [_hour(number, past.get(number), usual, weeks) for number in range(first, last + 1)]
    return {
        "hall": appointments.hall_view(catalogue.hall(session, hall_code), language),
        "category": {"code": category.code, "name": category.name.in_language(language)},
        "hours": shown,
        "weeks": weeks,
        "elsewhere": _elsewhere(session, hall_code, category_code, language),
    }


def _past(session: Session, hall_code: str, category_code: str, today: date) -> tuple[dict[int, Hour], int]:
    """Sums by hour over the same weekday of the last weeks, and how many of those days have figures."""
    days = [today - timedelta(weeks=number) for number in range(1, WEEKS + 1)]
    rows = session.scalars(
        select(QueueHour).where(
            QueueHour.hall_code == hall_code, QueueHour.category_code == category_code, QueueHour.day.in_(days)
        )
    ).all()
    found: dict[int, Hour] = defaultdict(Hour)
    for row in rows:
        found[row.hour].add(Hour(taken=row.taken, called=row.called, wait_s=row.wait_s, longest_s=row.longest_s))
    return dict(found), len({row.day for row in rows})


def _hour(number: int, past: Hour | None, usual: float, weeks: int) -> dict[str, Any]:
    if weeks == 0:
        return {"hour": number, "level": None, "expected": None, "wait_minutes": None}
    taken = past.taken if past else 0
    level = "quiet" if taken < usual * QUIET else "busy" if taken > usual * BUSY else "normal"
    return {
        "hour": number,
        "level": level,
        "expected": round(taken / weeks),
        "wait_minutes": past.average_minutes if past else None,
    }


def _elsewhere(session: Session, hall_code: str, category_code: str, language: str) -> list[dict[str, Any]]:
    """Halls with such windows by their next free time, with the distance from this one where both are known."""
    here = catalogue.hall(session, hall_code)
    others = {
        hall.code: hall
        for hall in catalogue.halls(session)
        if hall.code != hall_code and category_code in {category.code for category in hall.categories}
    }
    free = appointments.next_free(session, hall_codes=sorted(others), category_code=category_code, minutes=SHORTEST)
    soonest = sorted(
        (slots[0]["start"], places.distance_km(others[code], here.lat, here.lng) or math.inf, code)
        for code, slots in free.items()
        if slots
    )
    return [
        {
            "hall": appointments.hall_view(others[code], language),
            "distance_km": None if km == math.inf else km,
            "next_free": free[code][0],
        }
        for _, km, code in soonest[:NEARBY]
    ]
