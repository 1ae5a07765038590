"""Sending refunds to their channel and asking what became of them, outside any transaction."""

from uuid import UUID

from sqlalchemy import select, update

from backend.core.db import retrying, transaction
from payments import locks, refunds, repayment, settlement
from payments.alerts import alert
from payments.attempt_models import ChannelEvent
from payments.gateways.base import (
    BalanceShort,
    Busy,
    GatewayError,
    OutcomeUnknown,
    RefundAnswer,
    RefundImpossible,
    RefundOrder,
)
from payments.proof import Verdict
from payments.refund_models import Refund
from payments.registry import Gateways
from payments.states import RefundState

MOST_TRIES = 12
"""Refusals that may pass by themselves, such as "no such order" right after paying; then staff look."""


def send(gateways: Gateways, refund_id: UUID) -> None:
    """One try of one refund that `refunds.claim_due` has leased."""
    with transaction() as session:
        found = locks.refund(session, Refund.id == refund_id)
        if found is None:
            return
        bill, attempt, refund = found
        order, channel, state = refunds.refund_order(bill, attempt, refund), attempt.channel, refund.state
    if state in refunds.SENDABLE:
        _try(gateways, refund_id, channel, order, asks=state in (RefundState.SUBMIT_UNKNOWN, RefundState.SUBMITTED))


def _try(gateways: Gateways, refund_id: UUID, channel: str, order: RefundOrder, *, asks: bool) -> None:
    try:
        if asks:
            answer = gateways.call(channel, lambda gateway: gateway.query_refund(order.number, order.pay_number))
        else:
            answer = gateways.call(channel, lambda gateway: gateway.refund(order))
    except GatewayError as error:
        _note(refund_id, error, asks=asks)
    else:
        _apply(refund_id, channel, answer)


@retrying
def _apply(refund_id: UUID, channel: str, answer: RefundAnswer) -> None:
    with transaction() as session:
        verdict = repayment.apply_refund(session, channel, answer, source="poll")
        if verdict == Verdict.APPLIED:
            return
        found = locks.refund(session, Refund.id == refund_id)
        if found is None:
            return
        refund = found[2]
        if refund.state in (RefundState.SUBMITTED, RefundState.SUBMIT_UNKNOWN):
            refunds.try_later(session, refund, failure=verdict)
        else:
            refund.next_try_at = None
            session.flush()


@retrying
def _note(refund_id: UUID, error: GatewayError, *, asks: bool) -> None:
    with transaction() as session:
        found = locks.refund(session, Refund.id == refund_id)
        if found is None:
            return
        refund = found[2]
        actor = f"{error.channel}:refund"
        if refund.state not in refunds.SENDABLE:
            return
        if isinstance(error, OutcomeUnknown) and not asks:
            refunds.lost(session, refund, failure=error.code, actor=actor)
        elif isinstance(error, RefundImpossible) or (
            not asks and refund.tries >= MOST_TRIES and not isinstance(error, (Busy, BalanceShort, OutcomeUnknown))
        ):
            refunds.impossible(session, refund, failure=error.code, actor=actor)
            alert("refund_impossible", refund=refund_id, code=error.code)
        else:
            refunds.try_later(session, refund, failure=error.code)
            if isinstance(error, BalanceShort):
                alert("balance_short", refund=refund_id)


def settle_pending(gateways: Gateways) -> int:
    """Refund notices that came before their payment's (P5): ask for the payment, apply it, then the refund."""
    with transaction() as session:
        waiting = session.execute(
            select(ChannelEvent.id, ChannelEvent.channel, ChannelEvent.number, ChannelEvent.refund_number)
            .where(ChannelEvent.verdict == Verdict.PENDING)
            .order_by(ChannelEvent.received_at)
            .limit(50)
        ).all()
    return sum(_settle_one(gateways, row.id, row.channel, row.number, row.refund_number) for row in waiting)


def _settle_one(gateways: Gateways, event_id: UUID, channel: str, number: str, refund_number: str) -> bool:
    try:
        payment = gateways.call(channel, lambda gateway: gateway.query(number))
        refund = gateways.call(channel, lambda gateway: gateway.query_refund(refund_number, number))
    except GatewayError:
        return False
    with transaction() as session:
        settlement.apply_payment(session, channel, payment, source="poll")
        verdict = repayment.apply_refund(session, channel, refund, source="poll")
        session.execute(update(ChannelEvent).where(ChannelEvent.id == event_id).values(verdict=verdict))
    return verdict != Verdict.PENDING
