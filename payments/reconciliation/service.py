"""What finance's staff decide about a reconciled day and its differences; each decision has a reason and is audited."""

from datetime import date
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.core import audit, clock
from backend.core.errors import Conflict, NotFound, Text
from backend.core.states import transition
from payments.reconciliation import comparing
from payments.reconciliation.models import ReconBook, ReconDay, ReconDifference
from payments.reconciliation.states import DayEvent, DayState, DifferenceEvent, DifferenceState


class DayNotReady(Conflict):
    """A day is closed only when every book was read and compared and each difference is closed or carried."""

    code = "day_not_ready"
    title = Text("这一天还不能结账，请先处理完差异", "This day cannot be closed yet. Settle its differences first")


def assign(session: Session, *, difference_id: UUID, owner: str | None, actor: str) -> ReconDifference:
    """Say who looks after a difference; None gives it back to everybody."""
    row = _difference(session, difference_id)
    row.owner = owner
    session.flush()
    _audit(session, row, "assigned", actor, reason=None)
    return row


def carry(session: Session, *, difference_id: UUID, actor: str, reason: str) -> ReconDifference:
    """Understood but not over: the day may be closed over it. Raises InvalidTransition."""
    row = _difference(session, difference_id)
    comparing.carry(session, row, actor=actor, reason=reason)
    _audit(session, row, "carried", actor, reason)
    return row


def close(session: Session, *, difference_id: UUID, actor: str, reason: str) -> ReconDifference:
    """Over, by a person's decision: comparing again does not bring it back."""
    row = _difference(session, difference_id)
    if row.state != DifferenceState.CLOSED:
        comparing.close(session, row, DifferenceEvent.CLOSE, ended_by="staff", actor=actor, reason=reason)
        _audit(session, row, "closed", actor, reason)
    return row


def try_again(session: Session, *, difference_id: UUID, actor: str) -> ReconDifference:
    """Ask the other side once more, now."""
    row = _difference(session, difference_id)
    if row.state != DifferenceState.CLOSED:
        row.next_try_at, row.tries = clock.now(), 0
        session.flush()
        _audit(session, row, "tried_again", actor, reason=None)
    return row


def run_again(session: Session, *, day: date, actor: str) -> ReconDay:
    """Read every book of a day once more and compare: what is the same changes nothing. Raises NotFound."""
    row = _day(session, day)
    session.execute(update(ReconBook).where(ReconBook.day == day).values(next_try_at=clock.now()))
    row.compare_at = clock.now()
    session.flush()
    audit.record(session, actor=actor, action="recon.run_again", object_type="recon_day", object_id=day)
    return row


def close_day(session: Session, *, day: date, actor: str) -> ReconDay:
    """结账. Raises NotFound, DayNotReady with what is missing."""
    row = _day(session, day)
    missing = session.scalars(
        select(ReconBook.book).where(ReconBook.day == day, ReconBook.digest.is_(None)).order_by(ReconBook.book)
    ).all()
    open_ = comparing.open_differences(session, day)
    waits = row.failure is not None or row.compare_at is not None
    if row.state == DayState.OPEN or missing or open_ or waits:
        raise DayNotReady(books=list(missing), differences=open_, failure=row.failure)
    if transition(session, row, DayEvent.CLOSE, actor=actor):
        row.closed_by = actor
        session.flush()
        audit.record(session, actor=actor, action="recon.day_closed", object_type="recon_day", object_id=day)
    return row


def _day(session: Session, day: date) -> ReconDay:
    query = select(ReconDay).where(ReconDay.day == day).with_for_update().execution_options(populate_existing=True)
    row = session.scalars(query).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _difference(session: Session, difference_id: UUID) -> ReconDifference:
    query = select(ReconDifference).where(ReconDifference.id == difference_id).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _audit(session: Session, row: ReconDifference, what: str, actor: str, reason: str | None) -> None:
    audit.record(
        session,
        actor=actor,
        action=f"recon.{what}",
        object_type="recon_difference",
        object_id=row.id,
        reason=reason,
        data={"day": row.day.isoformat(), "kind": row.kind, "owner": row.owner},
    )
