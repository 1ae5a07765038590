"""What verified proof of money does to attempts, bills and books; the same for notices, polls and statements.

Proof always wins over what we believed (R2); an older or weaker answer never takes it back (P6).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.core import clock, jobs
from backend.core.prepared import Prepared
from backend.core.states import transition
from payments import bills, ledger, locks, notices, repayment
from payments.alerts import alert
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillItem
from payments.gateways.base import PayAnswer, PayStatus
from payments.proof import CURRENCY, Verdict, is_foreign
from payments.states import LIVE, MONEY_CAME, AttemptEvent, AttemptState, BillEvent, BillState

OTHER = "other"
"""Where money came in that finance's list shows: cash, card, bank counter."""
_ITEMS = Prepared(
    select(BillItem.income_item_code, BillItem.fee_fen)
    .where(BillItem.bill_id == bindparam("bill_id"), BillItem.fee_fen > 0)
    .order_by(BillItem.position)
)


def apply_payment(session: Session, channel: str, answer: PayAnswer, *, source: str) -> Verdict:
    """Apply a channel's verified statement about one order, once, in this transaction.

    `source` (`notice`, `poll`, `statement`) is written as the actor of what follows.
    """
    found = locks.by_number(session, channel, answer.number)
    if found is None:
        alert("unknown_number", channel=channel, number=answer.number)
        return Verdict.UNMATCHED
    bill, attempt = found
    actor = f"{channel}:{source}"
    if is_foreign(attempt, answer.app_id, answer.merchant_id):
        alert("wrong_account", channel=channel, attempt=attempt.id)
        return Verdict.REFUSED
    if answer.status in (PayStatus.PAID, PayStatus.REFUNDED):
        return _money(session, bill, attempt, answer, actor)
    _no_money(session, attempt, answer.status, actor)
    return Verdict.NO_MONEY


def settle_elsewhere(session: Session, *, bill_id: UUID, paid_at: datetime, actor: str) -> bool:
    """Finance's list shows the bill paid at a bank, by cash or card; False if its money was there already.

    An order that is still open is closed next; should it be paid too, that money goes back.
    """
    bill = bills.locked(session, bill_id)
    if bill.state != BillState.ISSUED:
        return False
    received = ledger.Posting(
        kind="payment",
        source_type="bill",
        source_id=bill.id,
        sides=ledger.move(bill.total_fen, debit=ledger.clearing(OTHER), credit=ledger.bill_account(bill.id)),
        bill_id=bill.id,
        occurred_at=paid_at,
    )
    _settle(session, bill, None, received, via=OTHER, paid_at=paid_at, actor=actor)
    _close_others(session, bill)
    return True


def decide_suspense(session: Session, bill: Bill, attempt: Attempt, *, settle: bool, actor: str) -> None:
    """Money in suspense settles its bill or goes back; the caller has heard two people.

    The books name the first of them; the payer, who reads why money goes back, is told the words alone.
    """
    reason = attempt.proposal_reason or ""
    paid_at = attempt.paid_at or clock.now()
    credit = ledger.bill_account(bill.id) if settle else ledger.refund_due(bill.id)
    decided = ledger.Posting(
        kind="suspense_settled" if settle else "suspense_returned",
        source_type="attempt",
        source_id=attempt.id,
        sides=ledger.move(attempt.paid_fen - attempt.refunded_fen, debit=ledger.SUSPENSE, credit=credit),
        bill_id=bill.id,
        occurred_at=clock.now(),
        reason=f"{attempt.proposed_by}: {reason}",
    )
    if settle:
        transition(session, attempt, AttemptEvent.PAY, actor=actor, reason=reason)
        _settle(session, bill, attempt, decided, via=attempt.channel, paid_at=paid_at, actor=actor)
        _close_others(session, bill)
    else:
        ledger.post(session, decided)
        repayment.give_back(session, bill, attempt, actor=actor, reason=reason)


def _no_money(session: Session, attempt: Attempt, status: PayStatus, actor: str) -> None:
    """Not paid, as far as the channel knew: this only ever moves an order that is still open."""
    if status == PayStatus.PENDING and attempt.state in (AttemptState.NEW, AttemptState.CREATE_UNKNOWN):
        transition(session, attempt, AttemptEvent.CREATED, actor=actor)
    elif status == PayStatus.CLOSED and attempt.state in LIVE:
        for event in (AttemptEvent.START_CLOSING, AttemptEvent.CLOSE):
            transition(session, attempt, event, actor=actor)
        attempt.next_poll_at = None
        session.flush()


def _money(session: Session, bill: Bill, attempt: Attempt, answer: PayAnswer, actor: str) -> Verdict:
    if attempt.state in MONEY_CAME:
        if answer.transaction_id != attempt.transaction_id:
            alert("second_transaction", channel=attempt.channel, attempt=attempt.id)
            return Verdict.CONFLICT
        if not answer.refundable and attempt.refundable:
            attempt.refundable = False
            session.flush()
        return Verdict.REPEAT
    if answer.amount_fen is None or not answer.transaction_id:
        alert("incomplete_proof", channel=attempt.channel, attempt=attempt.id)
        return Verdict.REFUSED
    was_live = attempt.state in LIVE
    attempt.transaction_id = answer.transaction_id
    attempt.paid_fen = answer.amount_fen
    attempt.payer_fen = answer.payer_fen
    attempt.paid_at = answer.paid_at or clock.now()
    attempt.currency = answer.currency
    attempt.refundable = answer.refundable
    attempt.next_poll_at = None
    if answer.amount_fen != attempt.amount_fen or answer.currency != CURRENCY:
        ledger.post(session, _receipt(bill, attempt, "suspense", ledger.SUSPENSE))
        transition(session, attempt, AttemptEvent.SUSPECT, actor=actor, reason="金额或币种不符")
        alert("wrong_amount", channel=attempt.channel, attempt=attempt.id)
        return Verdict.SUSPENSE
    if not was_live:
        transition(session, attempt, AttemptEvent.PAY_LATE, actor=actor)
    if bill.state == BillState.ISSUED and bill.total_fen == answer.amount_fen:
        transition(session, attempt, AttemptEvent.PAY, actor=actor)
        received = _receipt(bill, attempt, "payment", ledger.bill_account(bill.id))
        _settle(session, bill, attempt, received, via=attempt.channel, paid_at=attempt.paid_at, actor=actor)
        if not was_live:
            _close_others(session, bill)
    else:
        ledger.post(session, _receipt(bill, attempt, "overpayment", ledger.refund_due(bill.id)))
        repayment.give_back(session, bill, attempt, actor=actor, reason="缴款书已结清、作废或改额")
    return Verdict.APPLIED


def _receipt(bill: Bill, attempt: Attempt, kind: str, account: str) -> ledger.Posting:
    return ledger.Posting(
        kind=kind,
        source_type="attempt",
        source_id=attempt.id,
        sides=ledger.move(attempt.paid_fen, debit=ledger.clearing(attempt.channel), credit=account),
        bill_id=bill.id,
        occurred_at=attempt.paid_at or clock.now(),
    )


def _settle(
    session: Session,
    bill: Bill,
    attempt: Attempt | None,
    received: ledger.Posting,
    *,
    via: str,
    paid_at: datetime,
    actor: str,
) -> None:
    """The bill is paid: its state, what was received and earned, the notice, and word to whatever was paid for."""
    bill.paid_at, bill.paid_via = paid_at, via
    transition(session, bill, BillEvent.PAY, actor=actor)
    items = _ITEMS.run(session, {"bill_id": bill.id})
    earned = [ledger.Side(ledger.income(code), credit_fen=fee_fen) for code, fee_fen in items]
    settled = ledger.Posting(
        kind="settlement",
        source_type="bill",
        source_id=bill.id,
        sides=[ledger.Side(ledger.bill_account(bill.id), debit_fen=bill.total_fen), *earned],
        bill_id=bill.id,
        occurred_at=paid_at,
    )
    ledger.post(session, received, settled)
    notices.paid(session, bill, attempt)
    subject = {"subject_type": bill.subject_type, "subject_id": bill.subject_id}
    jobs.announce(session, "bill.settled", **subject, bill_id=str(bill.id))


def _close_others(session: Session, bill: Bill) -> None:
    """An order that is still open is closed at once (P36). A bill has one at most, so none beside one that was."""
    session.execute(
        update(Attempt)
        .where(Attempt.bill_id == bill.id, Attempt.state.in_(LIVE))
        .values(next_poll_at=clock.now(), polls=0)
    )
