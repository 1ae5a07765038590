"""Orders and refunds of one merchant as WeChat Pay keeps them. In memory, behind one lock."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from .seals import Refusal

BEIJING = timezone(timedelta(hours=8))
PREPAY_S = {"jsapi": 7200, "native": 7200, "app": 7200, "h5": 300}
ORDER_S = 7 * 86_400
REFUND_S = 365 * 86_400
REFUND_PARTS = 50
REFUND_GAP_S = 60
TRADE_TYPES = {"jsapi": "JSAPI", "native": "NATIVE", "app": "APP", "h5": "MWEB"}
STATE_WORDS = {"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}
SPELLINGS = {"ORDERPAID": "ORDER_PAID", "ORDERNOTEXIST": "ORDER_NOT_EXIST", "NOTENOUGH": "NOT_ENOUGH"}
"""Older → newer spelling of a code; both are in circulation."""


def stamp(at: float) -> str:
    """RFC 3339 in Beijing time."""
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).isoformat(timespec="seconds")


@dataclass
class Refund:
    """One refund. `done_at` is when the bank will have finished it."""

    body: dict[str, Any]
    refund_id: str
    created: float
    outcome: str
    done_at: float
    status: str = "PROCESSING"


@dataclass
class Order:
    """One order. `tokens` are prepay ids with the instant they end, `came` another sum than the one asked for."""

    kind: str
    body: dict[str, Any]
    created: float
    expires: float
    tokens: dict[str, float] = field(default_factory=dict)
    state: str = "NOTPAY"
    transaction_id: str = ""
    paid_at: float = 0.0
    payer: str = ""
    coupon: int = 0
    came: int | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def number(self) -> str:
        return str(self.body["out_trade_no"])

    @property
    def total(self) -> int:
        return int(self.body["amount"]["total"]) if self.came is None else self.came

    @property
    def refunded(self) -> int:
        return sum(one.body["amount"]["refund"] for one in self.refunds.values() if one.status != "CLOSED")


@dataclass
class Plan:
    """How money behaves, at the operator's will. `balance` None never runs short; `refund_outcome` may be `never`.

    While `came` is set, that many fen come in whatever was asked: an account that no longer adds up.
    """

    refund_delay_s: float = 2.0
    refund_outcome: str = "SUCCESS"
    balance: int | None = None
    new_spelling: bool = False
    refund_gap: bool = True
    came: int | None = None


Told = Callable[[Order, Refund | None], None]


class Accounts:
    """The merchant's orders. `told` is called when a payment or a refund has ended and a notice is due."""

    def __init__(self, mchid: str, now: Callable[[], float]) -> None:
        self.mchid = mchid
        self.now = now
        self.plan = Plan()
        self.lock = threading.RLock()
        self.orders: dict[str, Order] = {}
        self.told: Told = lambda order, refund: None

    def create(self, kind: str, body: dict[str, Any]) -> str:
        """A new prepay id for a new order, or for the same one asked again with the same words."""
        now = self.now()
        with self.lock:
            order = self.orders.get(body["out_trade_no"])
            if order is None:
                limit = body.get("time_expire")
                expires = datetime.fromisoformat(limit).timestamp() if limit else now + ORDER_S
                if expires <= now:
                    raise Refusal(400, "PARAM_ERROR", "time_expire 时间过短")
                order = self.orders[body["out_trade_no"]] = Order(kind, body, now, min(expires, now + ORDER_S))
            self._age(order)
            if order.state == "SUCCESS":
                raise self._refusal(400, "ORDERPAID", "该订单已支付")
            if order.state == "CLOSED":
                raise Refusal(400, "ORDER_CLOSED", "该订单已关闭")
            if (order.kind, order.body) != (kind, body):
                raise Refusal(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致，请核实后再试")
            if kind == "native":
                order.tokens.clear()
            token = f"wx{datetime.fromtimestamp(now, BEIJING):%Y%m%d%H%M%S}{secrets.token_hex(9)}"
            order.tokens[token] = now + PREPAY_S[kind]
            return token

    def by_token(self, token: str) -> Order | None:
        """The order behind a prepay id, however old it is."""
        with self.lock:
            return next((order for order in self.orders.values() if token in order.tokens), None)

    def why_not(self, order: Order, token: str | None = None) -> str:
        """What the cashier says instead of taking money, empty when it takes it."""
        with self.lock:
            self._age(order)
            if order.state == "SUCCESS":
                return "该订单已支付"
            if order.state == "CLOSED":
                return "该订单已关闭"
            if order.expires <= self.now():
                return "订单已超过支付期限"
            if token is not None and order.tokens.get(token, 0) <= self.now():
                return "支付链接已失效，请回到商家重新发起"
            return ""

    def pay(self, order: Order, payer: str, *, token: str | None = None, coupon: int = 0) -> str:
        """Take the money. Gives why it was not taken, empty when it was."""
        with self.lock:
            refused = self.why_not(order, token)
            if refused:
                return refused
            order.state, order.paid_at, order.payer, order.coupon = "SUCCESS", self.now(), payer, coupon
            order.came = self.plan.came
            order.transaction_id = f"42000{secrets.randbelow(10**23):023d}"
            self.told(order, None)
            return ""

    def find(self, number: str, *, transaction: bool = False) -> Order:
        with self.lock:
            order = self.orders.get(number)
            if transaction:
                order = next((one for one in self.orders.values() if one.transaction_id == number), None)
            if order is None:
                raise self._refusal(404, "ORDERNOTEXIST", "查询的订单不存在")
            self._age(order)
            return order

    def close(self, number: str) -> None:
        order = self.find(number)
        with self.lock:
            if order.state == "SUCCESS":
                raise self._refusal(400, "ORDERPAID", "该订单已支付，不能关闭")
            order.state = "CLOSED"

    def refund(self, body: dict[str, Any]) -> tuple[Order, Refund]:
        """Accept a refund, or find the same one again."""
        now = self.now()
        with self.lock:
            order = self._paid(body)
            earlier = order.refunds.get(body["out_refund_no"])
            if earlier:
                if earlier.body["amount"] != body["amount"]:
                    raise Refusal(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
                return order, earlier
            amount = body["amount"]["refund"]
            if body["amount"]["total"] != order.total:
                raise Refusal(400, "PARAM_ERROR", "订单总金额有误")
            if now - order.paid_at > REFUND_S:
                raise Refusal(400, "INVALID_REQUEST", "订单已超过可退款的最大期限")
            if len(order.refunds) >= REFUND_PARTS:
                raise Refusal(400, "INVALID_REQUEST", "部分退款次数超过 50 次")
            if order.refunded + amount > order.total:
                raise Refusal(400, "INVALID_REQUEST", "订单已全额退款或退款金额超限")
            if self.plan.refund_gap and any(now - one.created < REFUND_GAP_S for one in order.refunds.values()):
                raise Refusal(429, "FREQUENCY_LIMITED", "频率过高，请一分钟后再试")
            if self.plan.balance is not None and amount > self.plan.balance:
                raise self._refusal(403, "NOTENOUGH", "基本账户余额不足，请充值后重新发起")
            if self.plan.balance is not None:
                self.plan.balance -= amount
            refund = Refund(
                body,
                f"50{secrets.randbelow(10**27):027d}",
                now,
                self.plan.refund_outcome,
                now + self.plan.refund_delay_s,
            )
            order.refunds[body["out_refund_no"]] = refund
            return order, refund

    def find_refund(self, number: str) -> tuple[Order, Refund]:
        self.tick()
        with self.lock:
            for order in self.orders.values():
                if number in order.refunds:
                    return order, order.refunds[number]
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")

    def tick(self) -> None:
        """Let the bank finish what is due."""
        with self.lock:
            for order in self.orders.values():
                for refund in order.refunds.values():
                    if refund.status == "PROCESSING" and refund.outcome != "never" and refund.done_at <= self.now():
                        refund.status = refund.outcome
                        self.told(order, refund)

    def described(self, order: Order) -> dict[str, Any]:
        """A transaction as the query and the notice give it."""
        state = "REFUND" if order.refunds else order.state
        found: dict[str, Any] = {
            "appid": order.body["appid"],
            "mchid": self.mchid,
            "out_trade_no": order.number,
            "trade_state": state,
            "trade_state_desc": STATE_WORDS[state],
            "attach": order.body.get("attach", ""),
        }
        if order.state == "SUCCESS":
            found |= {
                "transaction_id": order.transaction_id,
                "trade_type": TRADE_TYPES[order.kind],
                "bank_type": "OTHERS",
                "success_time": stamp(order.paid_at),
                "payer": {"openid": order.payer},
                "amount": {
                    "total": order.total,
                    "payer_total": order.total - order.coupon,
                    "currency": "CNY",
                    "payer_currency": "CNY",
                },
                "promotion_detail": [],
            }
        return found

    def described_refund(self, order: Order, refund: Refund) -> dict[str, Any]:
        """A refund as the API gives it."""
        amount = refund.body["amount"]["refund"]
        found: dict[str, Any] = {
            "refund_id": refund.refund_id,
            "out_refund_no": refund.body["out_refund_no"],
            "transaction_id": order.transaction_id,
            "out_trade_no": order.number,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": stamp(refund.created),
            "status": refund.status,
            "funds_account": "AVAILABLE",
            "amount": {
                "total": order.total,
                "refund": amount,
                "payer_total": order.total - order.coupon,
                "payer_refund": amount * (order.total - order.coupon) // order.total,
                "settlement_refund": amount,
                "settlement_total": order.total,
                "discount_refund": 0,
                "currency": "CNY",
            },
            "promotion_detail": [],
        }
        if refund.status == "SUCCESS":
            found["success_time"] = stamp(refund.done_at)
        return found

    def _paid(self, body: dict[str, Any]) -> Order:
        if ("transaction_id" in body) == ("out_trade_no" in body):
            raise Refusal(400, "PARAM_ERROR", "transaction_id 和 out_trade_no 填一个")
        try:
            number = body.get("out_trade_no") or body["transaction_id"]
            order = self.find(number, transaction="transaction_id" in body)
        except Refusal:
            raise Refusal(404, "RESOURCE_NOT_EXISTS", "订单不存在") from None
        if order.state != "SUCCESS":
            raise Refusal(400, "INVALID_REQUEST", "订单未支付")
        return order

    def _age(self, order: Order) -> None:
        if order.state == "NOTPAY" and self.now() - order.created >= ORDER_S:
            order.state = "CLOSED"

    def _refusal(self, status: int, code: str, message: str) -> Refusal:
        return Refusal(status, SPELLINGS[code] if self.plan.new_spelling else code, message)
