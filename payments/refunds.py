"""Refunds as cases: asked for, approved by the unit and by finance, sent, and done by hand where no channel can.

Money goes back to the account that paid, for over-collection, a technical error or by finance's decision (M9).
"""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.orm import Session

from backend.core import audit, calendar, clock
from backend.core.errors import Forbidden, InvalidInput, NotFound
from backend.core.states import record_event, transition
from payments import bills, locks, repayment
from payments.attempt_models import Attempt
from payments.bill_models import Bill, EBill
from payments.errors import NothingProposed, NothingToRefund, SamePerson
from payments.gateways.base import RefundOrder
from payments.reconciliation.queries import frozen
from payments.refund_models import Refund, RefundEventRow
from payments.states import AttemptState, RefundEvent, RefundState

GROUNDS: Final = ("over_collected", "technical_error", "finance_decision")
STEP_DAYS = 10
"""Working days for each of: the unit's check, finance's approval, the money (domain sheet §1.9)."""
OWN_ERROR_DAYS = 5
"""Working days when the unit found the error itself."""
REFUNDABLE_FOR = timedelta(days=364)
"""Both channels refund for a year; a day is kept in hand (P42)."""
APART = timedelta(seconds=61)
"""Between two refunds of one order (P43)."""
LEASE = timedelta(minutes=1)
TRIES_S = (10, 30, 60, 180, 600, 1800, 3600)
"""Seconds to the next try or question after each."""
SENDABLE = (RefundState.APPROVED, RefundState.SUBMIT_UNKNOWN, RefundState.SUBMITTED, RefundState.ABNORMAL)


def request(
    session: Session, *, bill_id: UUID, amount_fen: int, ground: str, reason: str, actor: str, by_unit: bool
) -> Refund:
    """Ask for a refund of a paid bill and reserve its sum. Raises NothingToRefund, RefundTooMuch, InvalidInput.

    Where the channel cannot do it any more, the case goes on by hand (P42).
    """
    if ground not in GROUNDS or amount_fen < 1:
        raise InvalidInput()
    bill = bills.locked(session, bill_id)
    attempt = session.scalars(
        select(Attempt)
        .where(Attempt.bill_id == bill.id, Attempt.state == AttemptState.PAID)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if attempt is None or attempt.paid_at is None:
        raise NothingToRefund()
    refund = repayment.new_refund(
        attempt, origin="request", amount_fen=amount_fen, ground=ground, reason=reason, actor=actor
    )
    refund.by_channel = (
        attempt.refundable
        and clock.now() < attempt.paid_at + REFUNDABLE_FOR
        and attempt.refund_parts < repayment.MOST_PARTS
    )
    repayment.reserve(session, attempt, amount_fen)
    refund.due_on = _due(session, OWN_ERROR_DAYS if by_unit else STEP_DAYS)
    session.add(refund)
    session.flush()
    record_event(
        session, RefundEventRow, refund.id, None, RefundState.REQUESTED, RefundEvent.REQUEST, actor=actor, reason=reason
    )
    return refund


def approve_by_unit(session: Session, *, refund_id: UUID, hall_code: str, actor: str) -> Refund:
    """The collecting unit has checked it. Raises NotFound for a bill of another hall."""
    bill, _, refund = _case(session, refund_id)
    if bill.hall_code != hall_code:
        raise NotFound()
    refund.unit_approver, refund.due_on = actor, _due(session, STEP_DAYS)
    session.flush()
    transition(session, refund, RefundEvent.UNIT_APPROVE, actor=actor)
    _audit(session, refund, "refund.unit_approved", actor)
    return refund


def approve_by_finance(session: Session, *, refund_id: UUID, actor: str) -> Refund:
    """Finance agrees, and the money may leave. Raises SamePerson: the two approvals are two people's."""
    _, _, refund = _case(session, refund_id)
    if refund.unit_approver == actor:
        raise SamePerson()
    refund.finance_approver, refund.due_on = actor, _due(session, STEP_DAYS)
    refund.next_try_at = clock.now() if refund.by_channel else None
    session.flush()
    transition(session, refund, RefundEvent.FINANCE_APPROVE, actor=actor)
    _audit(session, refund, "refund.finance_approved", actor)
    return refund


def reject(session: Session, *, refund_id: UUID, hall_code: str | None, actor: str, answer: str) -> Refund:
    """Not granted, with a reason the citizen reads. `hall_code` None is finance's own decision."""
    bill, attempt, refund = _case(session, refund_id)
    if hall_code is not None and bill.hall_code != hall_code:
        raise NotFound()
    if hall_code is not None and refund.state != RefundState.REQUESTED:
        raise Forbidden()
    refund.answer, refund.due_on = answer, None
    session.flush()
    transition(session, refund, RefundEvent.REJECT, actor=actor, reason=answer)
    repayment.release(session, attempt, refund)
    _audit(session, refund, "refund.rejected", actor)
    return refund


def send_again(session: Session, *, refund_id: UUID, actor: str) -> Refund:
    """Try an abnormal refund again under the same number (P41). Raises NothingProposed for any other."""
    _, _, refund = _case(session, refund_id)
    if refund.state != RefundState.ABNORMAL or not refund.by_channel:
        raise NothingProposed()
    refund.next_try_at = clock.now()
    session.flush()
    _audit(session, refund, "refund.sent_again", actor)
    return refund


def propose_by_hand(session: Session, *, refund_id: UUID, evidence: str, actor: str) -> Refund:
    """The first person says how finance paid it. Only what no channel will do any more: raises NothingProposed."""
    _, _, refund = _case(session, refund_id)
    if not _is_by_hand(refund):
        raise NothingProposed()
    refund.evidence, refund.evidence_by, refund.next_try_at = evidence, actor, None
    session.flush()
    _audit(session, refund, "refund.by_hand_proposed", actor)
    return refund


def confirm_by_hand(session: Session, *, refund_id: UUID, actor: str) -> Refund:
    """A second person has seen the evidence. Raises NothingProposed, SamePerson."""
    bill, attempt, refund = _case(session, refund_id)
    if not _is_by_hand(refund) or refund.evidence_by is None:
        raise NothingProposed()
    if refund.evidence_by == actor:
        raise SamePerson()
    repayment.paid_by_hand(session, bill, attempt, refund, actor=actor)
    _audit(session, refund, "refund.by_hand_done", actor)
    return refund


def claim_due(session: Session, limit: int) -> list[UUID]:
    """Refunds to be sent or asked about now; each is leased, so that another worker leaves it alone.

    Money leaves only after the e-bill was 冲红, a minute apart from another part of the same order, and not while
    the channel's bill misses the payment (P49).
    """
    now = clock.now()
    valid = exists().where(EBill.bill_id == Refund.bill_id, EBill.red_at.is_(None))
    settled_here = Refund.origin == "request"
    sending = Refund.state.in_((RefundState.APPROVED, RefundState.ABNORMAL))
    rows = session.execute(
        select(Refund.id, Refund.attempt_id, Refund.state)
        .join(Attempt, Attempt.id == Refund.attempt_id)
        .where(Refund.next_try_at <= now, Refund.state.in_(SENDABLE), Refund.by_channel)
        .where(~and_(sending, settled_here, valid, Refund.reddened_at.is_(None)))
        .where(or_(~sending, Attempt.next_refund_at.is_(None), Attempt.next_refund_at <= now))
        .where(~and_(sending, frozen(Refund.attempt_id)))
        .order_by(Refund.next_try_at)
        .limit(limit)
        .with_for_update(of=Refund, skip_locked=True)
    ).all()
    claimed = []
    for row in rows:
        if row.state in (RefundState.APPROVED, RefundState.ABNORMAL) and not _take_turn(session, row.attempt_id):
            continue
        claimed.append(row.id)
        session.execute(
            update(Refund)
            .where(Refund.id == row.id)
            .values(next_try_at=now + LEASE, tries=Refund.tries + 1)
            .execution_options(synchronize_session=False)
        )
    return claimed


def _take_turn(session: Session, attempt_id: UUID) -> bool:
    """One part of an order a minute: the database decides between two workers (P43)."""
    now = clock.now()
    turn = session.execute(
        update(Attempt)
        .where(Attempt.id == attempt_id, or_(Attempt.next_refund_at.is_(None), Attempt.next_refund_at <= now))
        .values(next_refund_at=now + APART)
        .returning(Attempt.id)
        .execution_options(synchronize_session=False)
    )
    return turn.first() is not None


def refund_order(bill: Bill, attempt: Attempt, refund: Refund) -> RefundOrder:
    """What the channel is asked, the same on every try."""
    return RefundOrder(
        number=refund.number,
        pay_number=attempt.number,
        amount_fen=refund.amount_fen,
        total_fen=attempt.paid_fen,
        reason=f"{bill.title_zh}退款"[:80],
    )


def try_later(session: Session, refund: Refund, *, failure: str) -> None:
    """Nothing happened: the same number again, a little later each time."""
    refund.failure = failure[:80]
    refund.next_try_at = clock.now() + timedelta(seconds=TRIES_S[min(refund.tries, len(TRIES_S)) - 1])
    session.flush()


def lost(session: Session, refund: Refund, *, failure: str, actor: str) -> None:
    """It may have worked: ask by our number before anything else (P40)."""
    try_later(session, refund, failure=failure)
    transition(session, refund, RefundEvent.LOSE, actor=actor, reason=failure[:80])


def impossible(session: Session, refund: Refund, *, failure: str, actor: str) -> None:
    """The channel will never do it: staff do it by hand (P42)."""
    refund.failure, refund.by_channel, refund.next_try_at = failure[:80], False, None
    session.flush()
    transition(session, refund, RefundEvent.FAIL, actor=actor, reason=failure[:80])


def overdue(session: Session) -> list[UUID]:
    """Cases whose working days are over."""
    waiting = (RefundState.REQUESTED, RefundState.UNIT_APPROVED, RefundState.APPROVED, RefundState.ABNORMAL)
    return list(
        session.scalars(select(Refund.id).where(Refund.due_on < clock.today(), Refund.state.in_(waiting)).limit(500))
    )


def _is_by_hand(refund: Refund) -> bool:
    return refund.state == RefundState.ABNORMAL or (refund.state == RefundState.APPROVED and not refund.by_channel)


def _case(session: Session, refund_id: UUID) -> tuple[Bill, Attempt, Refund]:
    found = locks.refund(session, Refund.id == refund_id)
    if found is None:
        raise NotFound()
    return found


def _due(session: Session, days: int) -> date | None:
    """None where next year's holidays are not published yet: a deadline is never guessed."""
    try:
        return calendar.add_workdays(session, clock.today(), days)
    except calendar.CalendarNotLoaded:
        return None


def _audit(session: Session, refund: Refund, action: str, actor: str) -> None:
    audit.record(session, actor=actor, action=action, object_type="refund", object_id=refund.id)
