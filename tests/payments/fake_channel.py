"""A payment channel in memory: what a provider knows, what a payer does there, and every way in which it fails."""

import json
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from backend.core import clock, context
from payments.gateways.base import (
    AlreadyPaid,
    BalanceShort,
    Busy,
    Channel,
    ChannelNotice,
    GatewayError,
    Launch,
    NoticeRefused,
    NumberTaken,
    OrderClosed,
    OutcomeUnknown,
    PayAnswer,
    PayOrder,
    PayStatus,
    RefundAnswer,
    RefundImpossible,
    RefundOrder,
    RefundStatus,
    Scene,
    StatementLine,
)


@dataclass
class FakeRefund:
    """One refund at the provider."""

    order: RefundOrder
    status: RefundStatus = RefundStatus.PROCESSING


@dataclass
class FakeOrder:
    """One order at the provider."""

    order: PayOrder
    status: PayStatus = PayStatus.PENDING
    paid_fen: int = 0
    currency: str = "CNY"
    transaction_id: str | None = None
    paid_at: datetime | None = None
    refunds: dict[str, FakeRefund] = field(default_factory=dict)


class FakeChannel:
    """Implements the Gateway port. `faults[method]` holds what the next calls do: `busy`, `lost`, `lost_after`, or a
    GatewayError class. `lost_after` has its effect and gives no answer."""

    def __init__(self, channel: Channel = Channel.WECHAT_PAY, merchant_id: str = "test-merchant") -> None:
        self.channel, self.merchant_id = channel, merchant_id
        self.orders: dict[str, FakeOrder] = {}
        self.refund_of: dict[str, str] = {}
        self.faults: dict[str, deque[Any]] = {}
        self.calls: Counter[str] = Counter()
        self.away = False
        self.lock = threading.RLock()

    def fail(self, method: str, *faults: Any) -> None:
        self.faults.setdefault(method, deque()).extend(faults)

    def _begin(self, method: str) -> bool:
        """Whether the answer is lost after the effect."""
        assert not context.in_transaction.get(), "a provider call inside a transaction"
        self.calls[method] += 1
        if self.away:
            raise OutcomeUnknown(self.channel, "timeout")
        waiting = self.faults.get(method)
        fault = waiting.popleft() if waiting else None
        if fault == "busy":
            raise Busy(self.channel, "busy")
        if fault == "lost":
            raise OutcomeUnknown(self.channel, "timeout")
        if isinstance(fault, type) and issubclass(fault, GatewayError):
            raise fault(self.channel, fault.__name__)
        return fault == "lost_after"

    # --- the port --------------------------------------------------------------------------------------------------

    def open(self, order: PayOrder) -> Launch:
        with self.lock:
            lost = self._begin("open")
            known = self.orders.get(order.number)
            if known is None:
                self.orders[order.number] = FakeOrder(order)
            elif known.order != order:
                raise NumberTaken(self.channel, "number_taken")
            elif known.status in (PayStatus.PAID, PayStatus.REFUNDED):
                raise AlreadyPaid(self.channel, "paid")
            elif known.status == PayStatus.CLOSED:
                raise OrderClosed(self.channel, "closed")
            if lost:
                raise OutcomeUnknown(self.channel, "timeout")
            if order.scene is Scene.NATIVE:
                return Launch(qr=f"weixin://test?pr={order.number}", reference=f"pre-{order.number}")
            return Launch(url=f"https://cashier.test/{order.number}", reference=f"pre-{order.number}")

    def query(self, number: str) -> PayAnswer:
        with self.lock:
            if self._begin("query"):
                raise OutcomeUnknown(self.channel, "timeout")
            return self.statement_of(number)

    def close(self, number: str) -> None:
        with self.lock:
            lost = self._begin("close")
            known = self.orders.get(number)
            if known is not None:
                if known.status in (PayStatus.PAID, PayStatus.REFUNDED):
                    raise AlreadyPaid(self.channel, "paid")
                known.status = PayStatus.CLOSED
            if lost:
                raise OutcomeUnknown(self.channel, "timeout")

    def refund(self, order: RefundOrder) -> RefundAnswer:
        with self.lock:
            lost = self._begin("refund")
            paid = self.orders[order.pay_number]
            known = paid.refunds.get(order.number)
            if known is None:
                kept = sum(r.order.amount_fen for r in paid.refunds.values() if r.status != RefundStatus.CLOSED)
                if kept + order.amount_fen > paid.paid_fen:
                    assert any(number.startswith("outside-") for number in paid.refunds), "more than was paid"
                    raise GatewayError(self.channel, "exceeds")
                paid.refunds[order.number] = FakeRefund(order)
                self.refund_of[order.number] = order.pay_number
                paid.status = PayStatus.REFUNDED
            else:
                assert known.order.amount_fen == order.amount_fen, "another sum under the same number"
            if lost:
                raise OutcomeUnknown(self.channel, "timeout")
            return self.refund_statement(order.number)

    def query_refund(self, number: str, pay_number: str) -> RefundAnswer:
        with self.lock:
            if self._begin("query_refund"):
                raise OutcomeUnknown(self.channel, "timeout")
            return self.refund_statement(number)

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ChannelNotice:
        content = json.loads(body)
        if content.pop("signature") != "good":
            raise NoticeRefused("signature", probe=content.get("probe", False))
        sent_at = datetime.fromisoformat(content["sent_at"])
        if abs((now - sent_at).total_seconds()) > 300:
            raise NoticeRefused("age")
        payment, refund = content.get("payment"), content.get("refund")
        if payment:
            payment = PayAnswer(
                **{**payment, "status": PayStatus(payment["status"]), "paid_at": _at(payment["paid_at"])}
            )
        if refund:
            refund = RefundAnswer(
                **{**refund, "status": RefundStatus(refund["status"]), "refunded_at": _at(refund["refunded_at"])}
            )
        return ChannelNotice(content["event_id"], sent_at, payment, refund)

    def statement(self, day: date) -> Iterator[StatementLine]:
        raise NotImplementedError

    # --- what the provider knows -----------------------------------------------------------------------------------

    def statement_of(self, number: str) -> PayAnswer:
        known = self.orders.get(number)
        if known is None:
            return PayAnswer(number, PayStatus.ABSENT)
        if known.status not in (PayStatus.PAID, PayStatus.REFUNDED):
            return PayAnswer(number, known.status, app_id=known.order.app_id, merchant_id=self.merchant_id)
        return PayAnswer(
            number,
            known.status,
            app_id=known.order.app_id,
            merchant_id=self.merchant_id,
            amount_fen=known.paid_fen,
            payer_fen=known.paid_fen,
            currency=known.currency,
            transaction_id=known.transaction_id,
            paid_at=known.paid_at,
        )

    def refund_statement(self, number: str) -> RefundAnswer:
        pay_number = self.refund_of.get(number)
        if pay_number is None:
            return RefundAnswer(number, RefundStatus.ABSENT)
        known = self.orders[pay_number].refunds[number]
        return RefundAnswer(
            number,
            known.status,
            pay_number=pay_number,
            amount_fen=known.order.amount_fen,
            refund_id=f"back-{number}",
            refunded_at=clock.now() if known.status == RefundStatus.SUCCESS else None,
            merchant_id=self.merchant_id,
        )

    # --- what people do there --------------------------------------------------------------------------------------

    def pay(self, number: str, *, amount_fen: int | None = None, currency: str = "CNY") -> bool:
        """The payer confirms; False when the provider lets nobody pay it any more."""
        with self.lock:
            known = self.orders.get(number)
            if known is None or known.status != PayStatus.PENDING or clock.now() > known.order.expires_at:
                return False
            known.status, known.currency = PayStatus.PAID, currency
            known.paid_fen = known.order.amount_fen if amount_fen is None else amount_fen
            known.transaction_id, known.paid_at = f"T{uuid4().hex}", clock.now()
            return True

    def pay_in_spite(self, number: str) -> None:
        """Money comes although the order was closed or never seen: a bank that was slow."""
        with self.lock:
            known = self.orders[number]
            known.status, known.paid_fen = PayStatus.PAID, known.order.amount_fen
            known.transaction_id, known.paid_at = f"T{uuid4().hex}", clock.now()

    def finish(self, number: str, status: RefundStatus) -> None:
        """The provider's answer to a refund becomes final."""
        self.orders[self.refund_of[number]].refunds[number].status = status

    def refund_outside(self, pay_number: str, amount_fen: int) -> str:
        """Somebody refunds in the merchant's console."""
        number = f"outside-{uuid4().hex}"
        paid = self.orders[pay_number]
        paid.refunds[number] = FakeRefund(RefundOrder(number, pay_number, amount_fen, paid.paid_fen, "console"))
        paid.refunds[number].status, paid.status = RefundStatus.SUCCESS, PayStatus.REFUNDED
        self.refund_of[number] = pay_number
        return number

    # --- notices ---------------------------------------------------------------------------------------------------

    def notice(self, number: str, *, event_id: str | None = None, **changes: Any) -> bytes:
        """The notification of an order as it is now; `changes` falsify its payment."""
        answer = {**vars_of(self.statement_of(number)), **changes}
        return self._body(event_id, payment=answer)

    def refund_notice(self, number: str, *, event_id: str | None = None, **changes: Any) -> bytes:
        """The notification of a refund as it is now."""
        return self._body(event_id, refund={**vars_of(self.refund_statement(number)), **changes})

    def _body(self, event_id: str | None, **content: Any) -> bytes:
        envelope = {"event_id": event_id or uuid4().hex, "sent_at": clock.now().isoformat(), "signature": "good"}
        return json.dumps({**envelope, **content}).encode()


def vars_of(answer: Any) -> dict[str, Any]:
    """A frozen answer as JSON."""
    values = {name: getattr(answer, name) for name in answer.__dataclass_fields__}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def forged(body: bytes, *, probe: bool = False) -> bytes:
    """The same notification with a signature that does not fit."""
    return json.dumps({**json.loads(body), "signature": "bad", "probe": probe}).encode()


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


__all__ = ["BalanceShort", "FakeChannel", "RefundImpossible", "forged"]
