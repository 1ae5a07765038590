"""Putting differences right where asking or telling is enough: claim, call, record (ARCHITECTURE §4).

What a foreign book says is only a reason to ask. Our books change by the channel's or finance's own verified answer,
through the same functions as a notice or a poll.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.db import retrying, transaction
from backend.core.errors import ProviderError, ProviderRejected
from payments import receipts, repayment, settlement
from payments.alerts import alert
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.gateways.base import GatewayError, PayAnswer, RefundAnswer, RefundStatus
from payments.gateways.finance import BillStatus, Finance
from payments.reconciliation.comparing import SYSTEM, close
from payments.reconciliation.models import ReconDifference
from payments.reconciliation.rules import Kind
from payments.reconciliation.states import DifferenceEvent, DifferenceState
from payments.refund_models import Refund
from payments.registry import Gateways
from payments.states import MONEY_CAME, SETTLED, AttemptState, RefundState

log = logging.getLogger(__name__)

BATCH = 100
LEASE = timedelta(minutes=2)
WAITS_MIN = (1, 5, 10, 30, 60)
"""Minutes to the next try after each; the last goes on."""
ALARM_AFTER = 5

BOOKED = "查询渠道后已入账"
REFUND_BOOKED = "查询渠道后退款已入账"
CONFIRMED = "财政已确认"
OTHER_BOOKED = "财政清单显示已由其他渠道缴清"
GIVEN_BACK = "多收的款已退回"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A difference as it was when this worker took it."""

    id: UUID
    kind: Kind
    channel: str
    number: str
    refund_number: str
    bill_id: UUID | None
    attempt_id: UUID | None


class Waits(Exception):
    """Nothing can be done yet, or not any more; `person` says that somebody has to look."""

    def __init__(self, why: str, *, person: bool = False) -> None:
        super().__init__(why)
        self.why, self.person = why, person


def put_right(gateways: Gateways, finance: Finance | None) -> int:
    """Try every difference whose time has come, once; how many were tried."""
    with transaction() as session:
        claimed = _claim(session)
    for one in claimed:
        try:
            EFFECTS[one.kind](gateways, finance, one)
        except Waits as waits:
            _later(one, waits.why, person=waits.person)
        except GatewayError as trouble:
            _later(one, trouble.code)
        except ProviderError as trouble:
            _later(one, trouble.provider_code, person=isinstance(trouble, ProviderRejected))
    return len(claimed)


def _claim(session: Session) -> list[Claimed]:
    due = session.scalars(
        select(ReconDifference)
        .where(ReconDifference.next_try_at <= clock.now(), ReconDifference.state != DifferenceState.CLOSED)
        .order_by(ReconDifference.next_try_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    claimed = []
    for row in due:
        row.next_try_at, row.tries = clock.now() + LEASE, min(row.tries + 1, 1000)
        names = (row.channel or "", row.number or "", row.refund_number or "")
        claimed.append(Claimed(row.id, Kind(row.kind), *names, row.bill_id, row.attempt_id))
    session.flush()
    return claimed


def _ask_for_payment(gateways: Gateways, finance: Finance | None, one: Claimed) -> None:
    """P48: verify by a query, then apply as a late payment; an amount that differs goes to suspense there."""
    answer = gateways.call(one.channel, lambda gateway: gateway.query(one.number))
    if not _apply_payment(one, answer):
        raise Waits(f"channel:{answer.status}", person=True)


@retrying
def _apply_payment(one: Claimed, answer: PayAnswer) -> bool:
    """True when the difference is over: only a lost notice is, everything else is for a person."""
    with transaction() as session:
        settlement.apply_payment(session, one.channel, answer, source="statement")
        state = session.scalar(select(Attempt.state).where(Attempt.id == one.attempt_id))
        over = one.kind is Kind.LOST_NOTICE and state in MONEY_CAME
        if over:
            _close(session, one, BOOKED)
        return over


def _ask_for_refund(gateways: Gateways, finance: Finance | None, one: Claimed) -> None:
    """A refund that the channel knows better than we do, or that somebody made past us."""
    answer = gateways.call(one.channel, lambda gateway: gateway.query_refund(one.refund_number, one.number))
    if not _apply_refund(one, answer):
        raise Waits(f"refund:{answer.status}", person=True)


@retrying
def _apply_refund(one: Claimed, answer: RefundAnswer) -> bool:
    with transaction() as session:
        repayment.apply_refund(session, one.channel, answer, source="statement")
        state = session.scalar(select(Refund.state).where(Refund.number == one.refund_number))
        over = state == RefundState.SUCCESS and answer.status is RefundStatus.SUCCESS
        if over:
            _close(session, one, REFUND_BOOKED)
        return over


def _confirm_again(gateways: Gateways, finance: Finance | None, one: Claimed) -> None:
    """Both sides have the money and finance does not: tell it again, which has no second effect."""
    if finance is None or one.bill_id is None:
        raise Waits("no_finance")
    with transaction() as session:
        told = receipts.confirmation_of(session, one.bill_id)
    if told is None:
        raise Waits("paid_past_us", person=True)
    answer = finance.confirm(told)
    with transaction() as session:
        receipts.confirmed(session, one.bill_id, answer)
        _close(session, one, CONFIRMED)


def _settle_elsewhere(gateways: Gateways, finance: Finance | None, one: Claimed) -> None:
    """Cash, card or a bank's counter: finance's own record of the bill settles ours."""
    if finance is None or one.bill_id is None:
        raise Waits("no_finance")
    with transaction() as session:
        bill = session.get_one(Bill, one.bill_id)
    answer = finance.query_bill(bill.region_code, bill.pay_code)
    if answer.status is not BillStatus.PAID or answer.paid_at is None or answer.total_fen != bill.total_fen:
        raise Waits(f"finance:{answer.status}", person=True)
    if not _settled_elsewhere(one, bill.id, answer.paid_at):
        raise Waits("bill_not_open", person=True)


@retrying
def _settled_elsewhere(one: Claimed, bill_id: UUID, paid_at: datetime) -> bool:
    with transaction() as session:
        settlement.settle_elsewhere(session, bill_id=bill_id, paid_at=paid_at, actor="finance:statement")
        over = session.scalar(select(Bill.state).where(Bill.id == bill_id)) in SETTLED
        if over:
            _close(session, one, OTHER_BOOKED)
        return over


def _see_whether_returned(gateways: Gateways, finance: Finance | None, one: Claimed) -> None:
    """A second payment gives itself back; this only waits until it has."""
    with transaction() as session:
        state = session.scalar(select(Attempt.state).where(Attempt.id == one.attempt_id))
        if state != AttemptState.RETURNED:
            raise Waits(f"attempt:{state}")
        _close(session, one, GIVEN_BACK)


EFFECTS: dict[Kind, Callable[[Gateways, Finance | None, Claimed], None]] = {
    Kind.LOST_NOTICE: _ask_for_payment,
    Kind.MISSING_AT_CHANNEL: _ask_for_payment,
    Kind.CHANNEL_AMOUNT: _ask_for_payment,
    Kind.SURPLUS: _see_whether_returned,
    Kind.LOST_REFUND_NOTICE: _ask_for_refund,
    Kind.OUTSIDE_REFUND: _ask_for_refund,
    Kind.REFUND_STATE: _ask_for_refund,
    Kind.CONFIRM_LOST: _confirm_again,
    Kind.OTHER_CHANNEL: _settle_elsewhere,
}


def _close(session: Session, one: Claimed, reason: str) -> None:
    row = _locked(session, one)
    row.failure = None
    close(session, row, DifferenceEvent.CLOSE, ended_by="system", actor=SYSTEM, reason=reason)


def _later(one: Claimed, why: str, *, person: bool = False) -> None:
    with transaction() as session:
        row = _locked(session, one)
        row.failure = why[:80]
        wait = timedelta(minutes=WAITS_MIN[min(row.tries, len(WAITS_MIN)) - 1])
        row.next_try_at = None if person else clock.now() + wait
        session.flush()
        tries = row.tries
    log.info("difference_waits", extra={"difference": str(one.id), "kind": one.kind, "why": why})
    if tries == ALARM_AFTER:
        alert("recon_effect", difference=one.id, why=why)


def _locked(session: Session, one: Claimed) -> ReconDifference:
    query = select(ReconDifference).where(ReconDifference.id == one.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()
