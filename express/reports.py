"""Figures for the administration: exceptions by hall and kind."""

from datetime import date, time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.core import clock
from express.states import TaskState
from express.task_models import ShipmentTask


def exceptions(session: Session, first: date, last: date) -> list[dict[str, Any]]:
    """Tasks opened between two civil days: how many, how many wait, how many are over their day."""
    begin, end = clock.instant(first, time(0)), clock.instant(date.fromordinal(last.toordinal() + 1), time(0))
    waits = ShipmentTask.state == TaskState.OPEN
    found = session.execute(
        select(
            ShipmentTask.hall_code,
            ShipmentTask.kind,
            func.count().label("opened"),
            func.count().filter(waits).label("open"),
            func.count().filter(waits, ShipmentTask.due_on < clock.today()).label("overdue"),
        )
        .where(ShipmentTask.opened_at >= begin, ShipmentTask.opened_at < end)
        .group_by(ShipmentTask.hall_code, ShipmentTask.kind)
        .order_by(ShipmentTask.hall_code, ShipmentTask.kind)
    )
    return [row._asdict() for row in found]
