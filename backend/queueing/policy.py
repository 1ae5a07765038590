"""A hall's queue settings, its hours today, and whether it can take one more person."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.appointments import slots
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Category
from backend.core import clock
from backend.queueing import errors
from backend.queueing.models import QueuePolicy, Ticket
from backend.queueing.states import OPEN


def policy_for(session: Session, hall_code: str) -> QueuePolicy:
    """The hall's own settings, or the defaults (not stored)."""
    found = session.get(QueuePolicy, hall_code)
    if found is not None:
        return found
    columns = QueuePolicy.__table__.columns
    values = {column.name: column.default.arg for column in columns if column.default is not None}
    return QueuePolicy(hall_code=hall_code, **values)


def queue(session: Session, hall_code: str, category_code: str) -> Category:
    """The category, if the hall has a window for it. Raises NoSuchQueue and HallNotFound."""
    for category in catalogue.hall(session, hall_code).categories:
        if category.code == category_code:
            return category
    raise errors.NoSuchQueue()


def refuse_outside_hours(session: Session, policy: QueuePolicy, now: datetime) -> None:
    """Tickets are given from some minutes before opening until closing. Raises HallClosed."""
    hours = slots.open_hours(session, policy.hall_code, clock.civil(now).date())
    if hours is None:
        raise errors.HallClosed()
    opens = hours[0] - timedelta(minutes=policy.opens_before_minutes)
    if now < opens:
        raise errors.HallClosed(opens_at=clock.rfc3339(opens))
    if now >= hours[1]:
        raise errors.HallClosed()


def refuse_full(session: Session, policy: QueuePolicy) -> None:
    """The building's own limit, and nothing else, may refuse a ticket (circular clause 12). Raises HallFull."""
    if policy.capacity is None:
        return
    inside = session.scalar(
        select(func.coalesce(func.sum(Ticket.people), 0)).where(
            Ticket.hall_code == policy.hall_code, Ticket.day == clock.today(), Ticket.state.in_(OPEN)
        )
    )
    if (inside or 0) >= policy.capacity:
        raise errors.HallFull()
