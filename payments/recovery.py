"""After the database was set back to an earlier point (P53): payments stay shut until the channels have been asked.

What was paid since that point is known to the channels only. Every order of the last 48 hours is asked about and the
books of those days are read again; a payment whose order was lost with the database shows there as an unknown order.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock, db
from backend.core.config import Settings
from backend.core.db import retrying, transaction
from payments import settlement
from payments.attempt_models import Attempt
from payments.gateways import finance_http
from payments.gateways.base import GatewayError, PayAnswer
from payments.gateways.finance import Finance
from payments.reconciliation.comparing import begin_day
from payments.reconciliation.jobs import ready_at, want_books
from payments.reconciliation.models import ReconBook
from payments.recovery_models import PaymentRecovery, RecoveryQuestion
from payments.registry import Gateways, gateways_of

LOOK_BACK = timedelta(hours=48)
BATCH = 200
AGAIN = timedelta(seconds=30)


def begin(session: Session, *, reason: str, actor: str) -> bool:
    """Shut payments and have everything asked again; False while a recovery is open already."""
    now = clock.now()
    values = {"id": db.new_id(), "started_at": now, "since": now - LOOK_BACK, "reason": reason}
    row = insert(PaymentRecovery).values(values).on_conflict_do_nothing().returning(PaymentRecovery.id)
    made = session.scalar(row)
    if made is None:
        return False
    orders = select(literal(made), Attempt.id, literal(now), null()).where(Attempt.opened_at >= now - LOOK_BACK)
    names = ["recovery_id", "attempt_id", "next_try_at", "asked_at"]
    session.execute(insert(RecoveryQuestion).from_select(names, orders))
    audit.record(
        session, actor=actor, action="payments.shut", object_type="payment_recovery", object_id=made, reason=reason
    )
    return True


def recover_due(settings: Settings) -> None:
    """Go on with an open recovery, if there is one."""
    recover(gateways_of(settings), finance_http.from_settings(settings))


def recover(gateways: Gateways, finance: Finance | None) -> bool:
    """As `recover_due`; True when payments are open."""
    with transaction() as session:
        open_ = session.scalars(select(PaymentRecovery).where(PaymentRecovery.ended_at.is_(None))).one_or_none()
        if open_ is None:
            return True
        _want_days(session, open_, gateways, finance)
        questions = _claim(session)
    for attempt_id, channel, number in questions:
        _ask(gateways, attempt_id, channel, number)
    with transaction() as session:
        return _end_when_done(session, open_)


def _want_days(session: Session, open_: PaymentRecovery, gateways: Gateways, finance: Finance | None) -> None:
    """The books of these days count as not read: what was known of them may be older than the loss."""
    first, yesterday = clock.civil(open_.since).date(), clock.today() - timedelta(days=1)
    for number in range((yesterday - first).days + 1):
        day = first + timedelta(days=number)
        begin_day(session, day)
        want_books(session, day, gateways, finance)
    session.execute(
        update(ReconBook)
        .where(ReconBook.day >= first, ReconBook.read_at < open_.started_at)
        .values(digest=None, read_at=None, next_try_at=clock.now())
    )


def _claim(session: Session) -> list[tuple[UUID, str, str]]:
    rows = session.execute(
        select(RecoveryQuestion, Attempt.channel, Attempt.number)
        .join(Attempt, Attempt.id == RecoveryQuestion.attempt_id)
        .where(RecoveryQuestion.asked_at.is_(None), RecoveryQuestion.next_try_at <= clock.now())
        .order_by(RecoveryQuestion.next_try_at)
        .limit(BATCH)
        .with_for_update(of=RecoveryQuestion, skip_locked=True)
    ).all()
    for question, _, _ in rows:
        question.next_try_at = clock.now() + AGAIN
    session.flush()
    return [(question.attempt_id, channel, number) for question, channel, number in rows]


def _ask(gateways: Gateways, attempt_id: UUID, channel: str, number: str) -> None:
    """One order. Without an answer it is asked about again: payments do not open on a guess (R4)."""
    try:
        answer = gateways.call(channel, lambda gateway: gateway.query(number))
    except GatewayError:
        return
    _apply(attempt_id, channel, answer)


@retrying
def _apply(attempt_id: UUID, channel: str, answer: PayAnswer) -> None:
    with transaction() as session:
        settlement.apply_payment(session, channel, answer, source="recovery")
        session.execute(
            update(RecoveryQuestion)
            .where(RecoveryQuestion.attempt_id == attempt_id, RecoveryQuestion.asked_at.is_(None))
            .values(asked_at=clock.now())
        )


def _end_when_done(session: Session, open_: PaymentRecovery) -> bool:
    """Every order answered, and every book read that could be had when the recovery began."""
    unasked = exists().where(RecoveryQuestion.recovery_id == open_.id, RecoveryQuestion.asked_at.is_(None))
    if session.scalar(select(unasked)):
        return False
    books = session.scalars(
        select(ReconBook).where(ReconBook.day >= clock.civil(open_.since).date(), ReconBook.digest.is_(None))
    )
    if any(ready_at(book.book, book.day) <= open_.started_at for book in books):
        return False
    session.execute(
        update(PaymentRecovery)
        .where(PaymentRecovery.id == open_.id, PaymentRecovery.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
    audit.record(session, actor="system", action="payments.opened", object_type="payment_recovery", object_id=open_.id)
    return True
