"""Money on its way back: reserved in the database, given back by itself where no bill takes it, booked once."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.core import clock, db
from backend.core.errors import InvalidTransition
from backend.core.states import record_event, transition
from payments import amounts, ledger, locks, notices
from payments.alerts import alert
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillItem
from payments.errors import RefundTooMuch
from payments.gateways.base import RefundAnswer, RefundStatus
from payments.proof import Verdict, is_foreign
from payments.refund_models import Refund, RefundEventRow
from payments.states import MONEY_CAME, REFUND, AttemptEvent, AttemptState, RefundEvent, RefundState

MOST_PARTS = 50
"""Partial refunds that a channel takes of one payment."""

EVENTS = {
    RefundStatus.PROCESSING: RefundEvent.SUBMIT,
    RefundStatus.SUCCESS: RefundEvent.SUCCEED,
    RefundStatus.ABNORMAL: RefundEvent.FAIL,
    RefundStatus.CLOSED: RefundEvent.CLOSE,
    RefundStatus.ABSENT: RefundEvent.ABSENT,
}

TREASURY = "treasury"
"""Where refunds come from that a channel can no longer make."""
LOOK_AGAIN = timedelta(minutes=1)
TRY_ANEW = timedelta(minutes=5)
"""After a channel closed an automatic refund, a new number is tried."""


def apply_refund(session: Session, channel: str, answer: RefundAnswer, *, source: str) -> Verdict:
    """Apply a channel's verified statement about one refund, once, in this transaction."""
    actor = f"{channel}:{source}"
    found = locks.refund(session, Refund.number == answer.number)
    if found is None:
        return _outside(session, channel, answer, actor)
    bill, attempt, refund = found
    if (
        attempt.channel != channel
        or is_foreign(attempt, answer.app_id, answer.merchant_id)
        or answer.pay_number not in (None, attempt.number)
        or answer.amount_fen not in (None, refund.amount_fen)
    ):
        alert("wrong_refund", channel=channel, refund=refund.id)
        return Verdict.REFUSED
    event = EVENTS[answer.status]
    try:
        after = REFUND.next(refund.state, event)
    except InvalidTransition:
        alert("refund_conflict", refund=refund.id, state=refund.state, said=answer.status)
        return Verdict.CONFLICT
    if after == refund.state:
        return Verdict.REPEAT
    refund.channel_refund_id = answer.refund_id or refund.channel_refund_id
    if after == RefundState.SUCCESS:
        refund.refunded_at = answer.refunded_at or clock.now()
        _paid_out(session, bill, attempt, refund, event, actor=actor)
        return Verdict.APPLIED
    refund.next_try_at = {RefundState.SUBMITTED: clock.now() + LOOK_AGAIN, RefundState.APPROVED: clock.now()}.get(after)
    session.flush()
    transition(session, refund, event, actor=actor)
    if after == RefundState.CLOSED:
        release(session, attempt, refund)
        if refund.origin == "automatic":
            order_return(session, bill, attempt, reason=refund.reason, after=TRY_ANEW)
    if after == RefundState.ABNORMAL:
        alert("refund_abnormal", refund=refund.id)
    return Verdict.APPLIED


def give_back(session: Session, bill: Bill, attempt: Attempt, *, actor: str, reason: str) -> None:
    """The bill takes no money of this attempt: all of it goes back by itself, and its payer is told."""
    transition(session, attempt, AttemptEvent.GIVE_BACK, actor=actor, reason=reason)
    if attempt.paid_fen == attempt.refunded_fen:
        transition(session, attempt, AttemptEvent.RETURNED, actor=actor)
        return
    order_return(session, bill, attempt, reason=reason)
    notices.returned(session, bill, attempt)


def order_return(
    session: Session, bill: Bill, attempt: Attempt, *, reason: str, after: timedelta = timedelta(0)
) -> None:
    """An automatic refund of what is left of an attempt; the unique index keeps it at one that is not closed."""
    refund = new_refund(
        attempt,
        origin="automatic",
        amount_fen=attempt.paid_fen - attempt.refunded_fen,
        ground="technical_error",
        reason=reason,
        actor="system",
    )
    refund.state, refund.next_try_at = RefundState.APPROVED, clock.now() + after
    reserve(session, attempt, refund.amount_fen)
    session.add(refund)
    session.flush()
    record_event(
        session, RefundEventRow, refund.id, None, RefundState.APPROVED, RefundEvent.ORDER, actor="system", reason=reason
    )
    if not refund.by_channel:
        alert("return_by_hand", refund=refund.id)


def new_refund(
    attempt: Attempt, *, origin: str, amount_fen: int, ground: str, reason: str, actor: str, number: str | None = None
) -> Refund:
    """A refund not yet stored. Our number is fixed here, before any call, and used on every try."""
    refund_id = db.new_id()
    return Refund(
        id=refund_id,
        state=RefundState.REQUESTED,
        state_at=clock.now(),
        number=number or refund_id.hex,
        bill_id=attempt.bill_id,
        attempt_id=attempt.id,
        origin=origin,
        by_channel=attempt.refundable,
        amount_fen=amount_fen,
        ground=ground,
        reason=reason,
        requested_by=actor,
        created_at=clock.now(),
    )


def reserve(session: Session, attempt: Attempt, amount_fen: int) -> None:
    """Keep a sum for a refund; the database decides (P39). Raises RefundTooMuch."""
    kept = session.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id, Attempt.refunded_fen + Attempt.reserved_fen + amount_fen <= Attempt.paid_fen)
        .values(reserved_fen=Attempt.reserved_fen + amount_fen, refund_parts=Attempt.refund_parts + 1)
        .returning(Attempt.id)
        .execution_options(synchronize_session=False)
    )
    if kept.first() is None:
        raise RefundTooMuch()
    session.refresh(attempt)


def release(session: Session, attempt: Attempt, refund: Refund) -> None:
    """The refund will not happen: its sum may be asked for again."""
    attempt.reserved_fen -= refund.amount_fen
    attempt.refund_parts -= 1
    session.flush()


def paid_by_hand(session: Session, bill: Bill, attempt: Attempt, refund: Refund, *, actor: str) -> None:
    """Finance paid the refund from the treasury; the caller has heard two people and has the evidence."""
    refund.refunded_at = clock.now()
    _paid_out(session, bill, attempt, refund, RefundEvent.DO_BY_HAND, actor=actor)


def _paid_out(
    session: Session, bill: Bill, attempt: Attempt, refund: Refund, event: RefundEvent, *, actor: str
) -> None:
    """The money has gone: state, books, notice."""
    refund.next_try_at = None
    session.flush()
    transition(session, refund, event, actor=actor)
    source = TREASURY if event == RefundEvent.DO_BY_HAND else ledger.clearing(attempt.channel)
    _book(session, bill, attempt, refund, source)
    attempt.reserved_fen -= refund.amount_fen
    _count_back(session, bill, attempt, refund, actor=actor)


def _count_back(session: Session, bill: Bill, attempt: Attempt, refund: Refund, *, actor: str) -> None:
    attempt.refunded_fen += refund.amount_fen
    session.flush()
    if attempt.state == AttemptState.REFUND_DUE and attempt.refunded_fen == attempt.paid_fen:
        transition(session, attempt, AttemptEvent.RETURNED, actor=actor)
    notices.refunded(session, bill, attempt, refund)


def _book(session: Session, bill: Bill, attempt: Attempt, refund: Refund, source: str) -> None:
    """The payment's journals reversed, for as much as goes back, from the account that its money stands in."""
    amount = refund.amount_fen
    if attempt.state == AttemptState.PAID:
        items = session.execute(
            select(BillItem.income_item_code, BillItem.fee_fen)
            .where(BillItem.bill_id == bill.id)
            .order_by(BillItem.position)
        ).all()
        parts = amounts.shares([item.fee_fen for item in items], attempt.refunded_fen, amount)
        less = [
            ledger.Side(ledger.income(item.income_item_code), debit_fen=part)
            for item, part in zip(items, parts, strict=True)
            if part
        ]
        through = ledger.bill_account(bill.id)
        sides = [*less, *reversed(ledger.move(amount, debit=through, credit=through))]
        sides.append(ledger.Side(source, credit_fen=amount))
    else:
        owed = ledger.SUSPENSE if attempt.state == AttemptState.SUSPENSE else ledger.refund_due(bill.id)
        sides = [*ledger.move(amount, debit=owed, credit=source)]
    paid_back = ledger.Posting(
        kind="refund",
        source_type="refund",
        source_id=refund.id,
        sides=sides,
        bill_id=bill.id,
        occurred_at=refund.refunded_at or clock.now(),
    )
    ledger.post(session, paid_back)


def _outside(session: Session, channel: str, answer: RefundAnswer, actor: str) -> Verdict:
    """A refund that we did not order: of a payment we do not know yet (P5), or made by the bank or finance."""
    found = locks.by_number(session, channel, answer.pay_number) if answer.pay_number else None
    if found is None:
        alert("unknown_refund", channel=channel, number=answer.number)
        return Verdict.UNMATCHED
    bill, attempt = found
    if is_foreign(attempt, answer.app_id, answer.merchant_id):
        alert("wrong_account", channel=channel, attempt=attempt.id)
        return Verdict.REFUSED
    if attempt.state not in MONEY_CAME:
        return Verdict.PENDING
    if answer.status != RefundStatus.SUCCESS or not answer.amount_fen:
        return Verdict.NO_MONEY
    if answer.amount_fen > attempt.paid_fen - attempt.refunded_fen - attempt.reserved_fen:
        alert("refund_conflict", channel=channel, attempt=attempt.id)
        return Verdict.CONFLICT
    refund = new_refund(
        attempt,
        origin="outside",
        amount_fen=answer.amount_fen,
        ground="outside",
        reason="银行或财政直接退款",
        actor=actor,
        number=answer.number,
    )
    refund.state, refund.refunded_at = RefundState.SUCCESS, answer.refunded_at or clock.now()
    refund.channel_refund_id = answer.refund_id
    session.add(refund)
    session.flush()
    record_event(session, RefundEventRow, refund.id, None, RefundState.SUCCESS, RefundEvent.RECORD, actor=actor)
    _book(session, bill, attempt, refund, ledger.clearing(channel))
    _count_back(session, bill, attempt, refund, actor=actor)
    alert("outside_refund", channel=channel, refund=refund.id)
    return Verdict.APPLIED
