"""Reading reconciled days and differences, for finance's staff."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.core import clock
from payments.reconciliation.models import ReconBook, ReconDay, ReconDifference
from payments.reconciliation.rules import Kind
from payments.reconciliation.states import DifferenceState
from payments.reconciliation.words import ADVICE, NAMES

MOST_ROWS = 20_000
"""Rows of one downloaded table."""


def frozen(attempt_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether refunds of an attempt wait: the channel's bill does not have its payment (P49)."""
    return exists().where(
        ReconDifference.attempt_id == attempt_id,
        ReconDifference.kind == Kind.MISSING_AT_CHANNEL.value,
        ReconDifference.state != DifferenceState.CLOSED,
    )


def days(session: Session, *, before: date | None, limit: int) -> list[dict[str, Any]]:
    """Days, newest first, with what is read of each and how many differences are in which state."""
    query = select(ReconDay).order_by(ReconDay.day.desc()).limit(limit)
    if before is not None:
        query = query.where(ReconDay.day < before)
    rows = session.scalars(query).all()
    shown = [row.day for row in rows]
    books: dict[date, list[dict[str, Any]]] = {}
    for book in session.scalars(select(ReconBook).where(ReconBook.day.in_(shown)).order_by(ReconBook.book)):
        books.setdefault(book.day, []).append(_book(book))
    counts: dict[date, dict[str, int]] = {}
    counted = (
        select(ReconDifference.day, ReconDifference.state, func.count())
        .where(ReconDifference.day.in_(shown))
        .group_by(ReconDifference.day, ReconDifference.state)
    )
    for day, state, count in session.execute(counted):
        counts.setdefault(day, {})[state.value] = count
    return [
        {
            "day": row.day,
            "state": row.state,
            "progress": progress(row, books.get(row.day, [])),
            "failure": row.failure,
            "compared_at": row.compared_at,
            "closed_by": row.closed_by,
            "figures": row.figures,
            "books": books.get(row.day, []),
            "differences": {state.value: counts.get(row.day, {}).get(state.value, 0) for state in DifferenceState},
        }
        for row in rows
    ]


def progress(day: ReconDay, books: Sequence[dict[str, Any]]) -> str:
    """How far a day is: `waiting` for its books, `reading`, `comparing`, `failed`, `compared` or `closed`."""
    if day.failure is not None:
        return "failed"
    if day.state == "closed":
        return "closed"
    read = sum(book["read_at"] is not None for book in books)
    if read < len(books):
        return "reading" if read or any(book["tries"] for book in books) else "waiting"
    return "comparing" if day.compare_at is not None or day.state == "open" else "compared"


def differences(
    session: Session,
    *,
    language: str,
    day: date | None = None,
    state: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Differences, longest known first. `day` None is every day; then only what is not closed."""
    query = select(ReconDifference).order_by(ReconDifference.found_at, ReconDifference.id).limit(limit)
    if day is not None:
        query = query.where(ReconDifference.day == day)
    if state is not None:
        query = query.where(ReconDifference.state == state)
    elif day is None:
        query = query.where(ReconDifference.state != DifferenceState.CLOSED)
    if after is not None:
        query = query.where(tuple_(ReconDifference.found_at, ReconDifference.id) > after)
    return [shown(row, language) for row in session.scalars(query)]


def shown(row: ReconDifference, language: str) -> dict[str, Any]:
    """One difference as staff see it; `age_days` counts civil days since the day it belongs to."""
    kind = Kind(row.kind)
    names = ("id", "day", "state", "kind", "pay_code", "channel", "number", "refund_number", "transaction_id")
    sums = ("ours_fen", "theirs_fen", "at", "found_at", "owner", "reason", "ended_by", "failure", "next_try_at")
    return {
        **{name: getattr(row, name) for name in (*names, *sums)},
        "name": NAMES[kind].in_language(language),
        "advice": ADVICE[kind].in_language(language),
        "age_days": (clock.today() - row.day).days,
    }


def _book(book: ReconBook) -> dict[str, Any]:
    names = ("book", "merchant_id", "lines", "amount_fen", "refund_fen", "fee_fen", "read_at", "tries", "failure")
    return {name: getattr(book, name) for name in names}
