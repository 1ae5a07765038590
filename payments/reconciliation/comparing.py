"""Comparing a day and keeping what was found: each difference is one row, however often the day is compared."""

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, db
from backend.core.states import record_event, transition
from payments.alerts import alert
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.reconciliation.books import Books
from payments.reconciliation.models import ReconBook, ReconDay, ReconDifference, ReconDifferenceEvent
from payments.reconciliation.rules import FINANCE, Difference, Figures, Kind, Known, Unsorted, WrongUnit, compare
from payments.reconciliation.statements import LONG, compare_again
from payments.reconciliation.states import DayEvent, DayState, DifferenceEvent, DifferenceState

SYSTEM = "system"
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext(:day))")
BATCH = 500
GONE = "再次比对时已经一致"
MIDNIGHT = "离零点不到五分钟，等下一天的账单"

BY_OURSELVES = frozenset(
    {
        Kind.LOST_NOTICE,
        Kind.MISSING_AT_CHANNEL,
        Kind.CHANNEL_AMOUNT,
        Kind.SURPLUS,
        Kind.LOST_REFUND_NOTICE,
        Kind.OUTSIDE_REFUND,
        Kind.REFUND_STATE,
        Kind.CONFIRM_LOST,
        Kind.OTHER_CHANNEL,
    }
)
"""Kinds for which something can be asked or told at once; the others wait for a person."""

QUIET = frozenset({Kind.LOST_NOTICE, Kind.SURPLUS, Kind.NEAR_MIDNIGHT, Kind.LOST_REFUND_NOTICE, Kind.OTHER_CHANNEL})
"""Kinds that happen on a good day too: no alarm when they are found."""


def compare_day(session: Session, day: date) -> bool:
    """Compare a day with the books that are there and keep its differences; False when it could not be done.

    A run that cannot be relied on (wrong unit, wrong order) changes nothing but the day's `failure`. One worker at a
    time compares. Meanwhile the books stay as they are: whoever has read one anew waits, and asks for another run.
    """
    if not session.scalar(_TRY_LOCK, {"day": f"recon:{day}"}):
        return False
    session.execute(LONG)
    near = [day + timedelta(days=shift) for shift in (-1, 0, 1)]
    session.execute(select(ReconBook.id).where(ReconBook.day.in_(near)).with_for_update(read=True)).all()
    asked_at = session.scalar(select(ReconDay.compare_at).where(ReconDay.day == day))
    figures = Figures()
    try:
        with session.begin_nested():
            found = _keep(session, day, figures)
            _let_go(session, day, found)
    except (Unsorted, WrongUnit) as trouble:
        row = _done(session, day, asked_at)
        row.failure = type(trouble).__name__.lower()
        session.flush()
        alert("recon_stopped", day=day, why=row.failure)
        return False
    row = _done(session, day, asked_at)
    row.failure, row.compared_at = None, clock.now()
    row.figures = figures.summary()
    session.flush()
    transition(session, row, DayEvent.COMPARE, actor=SYSTEM)
    if row.state == DayState.CLOSED and open_differences(session, day):
        transition(session, row, DayEvent.REOPEN, actor=SYSTEM, reason="后来的账单显示还有差异")
        row.closed_by = None
        session.flush()
        alert("recon_reopened", day=day)
    return True


def _done(session: Session, day: date, asked_at: datetime | None) -> ReconDay:
    """The day's row, locked; a run that was asked for since this one began is still to come."""
    query = select(ReconDay).where(ReconDay.day == day).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one()
    if row.compare_at == asked_at:
        row.compare_at = None
    return row


def open_differences(session: Session, day: date) -> int:
    """How many differences of a day are neither closed nor carried."""
    still = (ReconDifference.day == day, ReconDifference.state == DifferenceState.OPEN)
    return session.scalar(select(func.count()).select_from(ReconDifference).where(*still)) or 0


def begin_day(session: Session, day: date) -> ReconDay:
    """The row of a day, made when it is missing."""
    values = {"id": db.new_id(), "day": day, "state": DayState.OPEN, "state_at": clock.now()}
    made = session.scalar(
        insert(ReconDay).values(values).on_conflict_do_nothing(index_elements=["day"]).returning(ReconDay.id)
    )
    if made is not None:
        record_event(session, ReconDay.events, made, None, DayState.OPEN, DayEvent.BEGIN, actor=SYSTEM)
        compare_again(session, day)
    return session.scalars(select(ReconDay).where(ReconDay.day == day)).one()


def _known(session: Session, day: date) -> Known:
    """Which books are there; a channel counts once the bills of all its merchant accounts are."""
    books: dict[tuple[date, str], bool] = {}
    rows = session.execute(
        select(ReconBook.day, ReconBook.book, ReconBook.digest.is_not(None).label("there")).where(
            ReconBook.day.in_([day, day + timedelta(days=1)])
        )
    )
    for row in rows:
        books[row.day, row.book] = books.get((row.day, row.book), True) and row.there

    def channels(on: date) -> frozenset[str]:
        return frozenset(book for (its, book), there in books.items() if its == on and there and book != FINANCE)

    after = day + timedelta(days=1)
    return Known(
        day,
        channels(day),
        channels(after),
        finance=books.get((day, FINANCE), False),
        finance_next=books.get((after, FINANCE), False),
    )


def _keep(session: Session, day: date, figures: Figures) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    new: Counter[Kind] = Counter()
    with closing(Books(session, day)) as books:
        differences = compare(_known(session, day), books.ours(), books.channel(), books.finance(), figures)
        while batch := list(islice(differences, BATCH)):
            found |= {(one.kind.value, one.object_key) for one in batch}
            new += _write(session, day, batch)
    _warn(day, new)
    return found


def _write(session: Session, day: date, batch: list[Difference]) -> Counter[Kind]:
    """New ones are written with their event; known ones keep their row, and come back if a run had ended them."""
    bills, attempts = _owners(session, batch)
    names = [(one.kind.value, one.object_key) for one in batch]
    there = {
        (row.kind, row.object_key): row
        for row in session.scalars(
            select(ReconDifference).where(
                ReconDifference.day == day, tuple_(ReconDifference.kind, ReconDifference.object_key).in_(names)
            )
        )
    }
    new: Counter[Kind] = Counter()
    for one in batch:
        known = there.get((one.kind.value, one.object_key))
        if known is None:
            new[one.kind] += 1
            _new(session, day, one, bills.get(one.key), attempts.get(one.number or ""))
        else:
            _again(session, known, one)
    return new


def _warn(day: date, new: Counter[Kind]) -> None:
    """One alarm for each kind that was found for the first time, however many there are of it."""
    for kind, count in new.items():
        if kind not in QUIET:
            alert("recon_difference", day=day, difference=kind.value, count=count)


def _new(session: Session, day: date, one: Difference, bill_id: UUID | None, attempt_id: UUID | None) -> None:
    row = ReconDifference(
        id=db.new_id(),
        day=day,
        state=DifferenceState.OPEN,
        state_at=clock.now(),
        kind=one.kind.value,
        object_key=one.object_key,
        bill_id=bill_id,
        attempt_id=attempt_id,
        pay_code=None if one.key.startswith("?") else one.key.partition("/")[2],
        channel=one.channel,
        number=one.number,
        refund_number=one.refund_number,
        transaction_id=one.transaction_id,
        ours_fen=one.ours_fen,
        theirs_fen=one.theirs_fen,
        at=one.at,
        found_at=clock.now(),
        next_try_at=clock.now() if one.kind in BY_OURSELVES else None,
    )
    session.add(row)
    session.flush()
    record_event(session, ReconDifferenceEvent, row.id, None, row.state, DifferenceEvent.FIND, actor=SYSTEM)
    if one.kind is Kind.NEAR_MIDNIGHT:
        carry(session, row, actor=SYSTEM, reason=MIDNIGHT)


def _again(session: Session, row: ReconDifference, one: Difference) -> None:
    if (row.ours_fen, row.theirs_fen) != (one.ours_fen, one.theirs_fen):
        row.ours_fen, row.theirs_fen = one.ours_fen, one.theirs_fen
        session.flush()
    if row.state == DifferenceState.CLOSED and row.ended_by != "staff":
        transition(session, row, DifferenceEvent.REAPPEAR, actor=SYSTEM)
        # What we had put right ourselves and is there again is beyond us: the next look is a person's.
        again = row.ended_by == "gone" and one.kind in BY_OURSELVES
        if row.ended_by == "system":
            alert("recon_reappeared", difference=row.id)
        row.ended_by, row.next_try_at = None, clock.now() if again else None
        session.flush()


def _let_go(session: Session, day: date, found: set[tuple[str, str]]) -> None:
    still = select(ReconDifference).where(ReconDifference.day == day, ReconDifference.state != DifferenceState.CLOSED)
    for row in session.scalars(still.with_for_update()):
        if (row.kind, row.object_key) not in found:
            close(session, row, DifferenceEvent.VANISH, ended_by="gone", actor=SYSTEM, reason=GONE)


def carry(session: Session, row: ReconDifference, *, actor: str, reason: str) -> None:
    """The day may be closed over this difference: it is understood, but not over. Raises InvalidTransition."""
    row.reason = reason
    session.flush()
    transition(session, row, DifferenceEvent.CARRY, actor=actor, reason=reason)


def close(
    session: Session, row: ReconDifference, event: DifferenceEvent, *, ended_by: str, actor: str, reason: str
) -> None:
    """The difference is over; harmless when it was."""
    if row.state == DifferenceState.CLOSED:
        return
    row.reason, row.ended_by, row.next_try_at = reason, ended_by, None
    session.flush()
    transition(session, row, event, actor=actor, reason=reason)


def _owners(session: Session, batch: Iterable[Difference]) -> tuple[dict[str, UUID], dict[str, UUID]]:
    """Key → bill, number → attempt."""
    places = [tuple(one.key.split("/", 1)) for one in batch if "/" in one.key]
    bills = session.execute(
        select(Bill.region_code, Bill.pay_code, Bill.id).where(tuple_(Bill.region_code, Bill.pay_code).in_(places))
    )
    numbers = [one.number for one in batch if one.number]
    attempts = session.execute(select(Attempt.number, Attempt.id).where(Attempt.number.in_(numbers)))
    return (
        {f"{row.region_code}/{row.pay_code}": row.id for row in bills},
        {row.number: row.id for row in attempts},
    )
