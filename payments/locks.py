"""The one order of locks: a bill first, then what belongs to it. Every change of an attempt or refund follows it."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.orm import Session

from backend.core.errors import NotFound
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.refund_models import Refund

FRESH = {"populate_existing": True}
_BOTH = (
    select(Bill, Attempt)
    .join(Attempt, Attempt.bill_id == Bill.id)
    .with_for_update(of=(Bill, Attempt))
    .execution_options(**FRESH)
)
"""Both rows are locked, the bill first: a row that somebody else changed while we waited is read anew."""
_BY_NUMBER = _BOTH.where(Attempt.number == bindparam("number"), Attempt.channel == bindparam("channel"))
_BY_ID = _BOTH.where(Attempt.id == bindparam("attempt_id"))


def by_number(session: Session, channel: str, number: str) -> tuple[Bill, Attempt] | None:
    """The attempt with our number at a channel, its bill locked; None if there is none."""
    return _locked(session, _BY_NUMBER, number=number, channel=channel)


def by_id(session: Session, attempt_id: UUID) -> tuple[Bill, Attempt]:
    """One attempt, its bill locked. Raises NotFound."""
    found = _locked(session, _BY_ID, attempt_id=attempt_id)
    if found is None:
        raise NotFound()
    return found


def refund(session: Session, which: ColumnElement[bool]) -> tuple[Bill, Attempt, Refund] | None:
    """One refund with its attempt, its bill locked; None if there is none."""
    query = select(Refund.id, Refund.attempt_id).where(which)
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    bill, attempt = by_id(session, row.attempt_id)
    return bill, attempt, session.scalars(select(Refund).where(Refund.id == row.id).execution_options(**FRESH)).one()


def _locked(session: Session, query: Select[Bill, Attempt], **which: Any) -> tuple[Bill, Attempt] | None:
    row = session.execute(query, which).one_or_none()
    return None if row is None else (row.Bill, row.Attempt)
