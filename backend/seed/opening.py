"""Opening rules of the seeded halls; hours are the defaults each hall corrects at its first run."""

from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments.models import OpeningRule
from backend.core.db import new_id
from backend.seed import data

FROM = date(2018, 8, 1)


def load(session: Session) -> None:
    """Add the rules that are missing; rules a hall has changed stay as they are."""
    rows = [
        {
            "id": new_id(),
            "hall_code": opening.hall_code,
            "category_code": opening.category_code,
            "weekday": weekday,
            "start": hours.start,
            "end": hours.end,
            "windows": opening.windows,
            "capacity": opening.capacity_per_half_day,
            "valid_from": FROM,
        }
        for opening in data.opening()
        for hours in opening.hours
        for weekday in hours.weekdays
    ]
    session.execute(insert(OpeningRule).on_conflict_do_nothing(), rows)
