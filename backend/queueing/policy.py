"""A hall's queue settings, its hours today, and whether it can take one more person."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments import slots
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Category
from backend.core import audit, clock
from backend.queueing import errors
from backend.queueing.models import QUEUE_RANGES, QueuePolicy, Ticket
from backend.queueing.states import OPEN


def policy_for(session: Session, hall_code: str) -> QueuePolicy:
    """The hall's own settings, or the defaults (not stored)."""
    found = session.get(QueuePolicy, hall_code)
    if found is not None:
        return found
    columns = QueuePolicy.__table__.columns
    values = {column.name: column.default.arg for column in columns if column.default is not None}
    return QueuePolicy(hall_code=hall_code, **values)


def policy_values(policy: QueuePolicy) -> dict[str, int | None]:
    """Every setting by name; `capacity` is None where the building sets no limit."""
    return {name: getattr(policy, name) for name in QUEUE_RANGES}


def change_policy(
    session: Session, *, hall_code: str, values: Mapping[str, int | None], reason: str, actor: str
) -> QueuePolicy:
    """Set some of a hall's queue settings; they count from the next call or ticket on. Raises CreditOverAllowance.

    The hall's row is locked, so that two leads change one after the other and the audit trail tells both.
    """
    session.execute(insert(QueuePolicy).values(hall_code=hall_code).on_conflict_do_nothing())
    policy = session.scalars(
        select(QueuePolicy)
        .where(QueuePolicy.hall_code == hall_code)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    before = policy_values(policy)
    for name, value in values.items():
        setattr(policy, name, value)
    if policy.late_credit_minutes > policy.allowance_minutes:
        raise errors.CreditOverAllowance()
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="hall.queue_policy_changed",
        object_type="queue_policy",
        object_id=hall_code,
        hall_code=hall_code,
        reason=reason,
        data={"before": before, "after": policy_values(policy)},
    )
    return policy


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
