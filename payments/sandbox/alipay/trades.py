"""Trades and refunds as Alipay keeps them, and the rules by which it refuses."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from .wire import BEIJING, beijing_day, business, in_yuan

AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?", re.ASCII)
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
REFUND_SPACING_S = 3.0
REFUND_DAYS = 365
SETTLING_S = 10.0
LIFE_S = 15 * 24 * 3600.0

WAITING, PAID, FINISHED, CLOSED = "WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"


@dataclass(slots=True)
class Refund:
    """One refund; it counts as done from ``done_at`` on."""

    request_no: str
    cents: int
    asked_at: float
    done_at: float


@dataclass(slots=True)
class Trade:
    """One trade. ``status`` is what was last known; read it through ``Book.find``, which lets time pass."""

    trade_no: str
    out_trade_no: str
    cents: int
    subject: str
    created_at: float
    expires_at: float
    notify_url: str
    return_url: str
    quit_url: str
    passback: str
    status: str = WAITING
    buyer: str = ""
    coupon_cents: int = 0
    paid_at: float | None = None
    closed_at: float | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def refunded_cents(self) -> int:
        return sum(refund.cents for refund in self.refunds.values())


def cents(text: object) -> int:
    """Yuan as cents; Refusal for what Alipay does not take."""
    match = AMOUNT.fullmatch(text) if isinstance(text, str) else None
    amount = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0")) if match else 0
    if not 1 <= amount <= 10_000_000_000:
        raise business("ACQ.INVALID_PARAMETER", "参数无效")
    return amount


class Book:
    """All trades of one merchant, behind one lock."""

    def __init__(self, now: Callable[[], float], *, seller_id: str) -> None:
        self.seller_id = seller_id
        self.now = now
        self.lock = threading.RLock()
        self.trades: dict[str, Trade] = {}
        self._numbers = itertools.count(1)

    def find(self, wanted: dict[str, object]) -> Trade:
        """The trade that ``trade_no``, else ``out_trade_no`` names; an unpaid one closes when its time is over."""
        if wanted.get("trade_no"):
            found = next((one for one in self.trades.values() if one.trade_no == wanted["trade_no"]), None)
        elif wanted.get("out_trade_no"):
            found = self.trades.get(str(wanted["out_trade_no"]))
        else:
            raise business("ACQ.INVALID_PARAMETER", "参数无效")
        if found is None:
            raise business("ACQ.TRADE_NOT_EXIST", "交易不存在")
        if found.status == WAITING and self.now() >= found.expires_at:
            found.status, found.closed_at = CLOSED, found.expires_at
        return found

    def open(self, biz: dict[str, object], common: dict[str, str]) -> Trade:
        """Create the trade when the payer reaches the cashier, or come back to it with the same data."""
        number, subject, amount = str(biz.get("out_trade_no", "")), str(biz.get("subject", "")), 0
        amount = cents(biz.get("total_amount"))
        if not NUMBER.fullmatch(number) or not 1 <= len(subject) <= 256 or re.search("[/=&]", subject):
            raise business("ACQ.INVALID_PARAMETER", "参数无效")
        if biz.get("product_code") != {"alipay.trade.wap.pay": "QUICK_WAP_WAY"}.get(
            common["method"], "FAST_INSTANT_TRADE_PAY"
        ):
            raise business("ACQ.ACCESS_FORBIDDEN", "无权限使用接口")
        if biz.get("seller_id", self.seller_id) != self.seller_id:
            raise business("ACQ.ACCESS_FORBIDDEN", "无权限使用接口")
        if number in self.trades:
            return self._again(self.find({"out_trade_no": number}), amount, subject)
        expires_at = self.now() + LIFE_S
        if biz.get("time_expire"):
            written = datetime.strptime(str(biz["time_expire"]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
            expires_at = written.timestamp()
        if expires_at <= self.now():
            raise business("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", "当前时间已超过支付截止时间")
        trade = Trade(
            trade_no=self._trade_no(),
            out_trade_no=number,
            cents=amount,
            subject=subject,
            created_at=self.now(),
            expires_at=expires_at,
            notify_url=common.get("notify_url", ""),
            return_url=common.get("return_url", ""),
            quit_url=str(biz.get("quit_url", "")),
            passback=str(biz.get("passback_params", "")),
        )
        self.trades[number] = trade
        return trade

    def _again(self, trade: Trade, amount: int, subject: str) -> Trade:
        if trade.status in {PAID, FINISHED}:
            raise business("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
        if trade.status == CLOSED:
            raise business("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
        if (trade.cents, trade.subject) != (amount, subject):
            raise business("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
        return trade

    def pay(self, trade: Trade, buyer: str, coupon_cents: int = 0) -> None:
        """Take the payer's money; Refusal when the trade cannot be paid any more."""
        self._again(self.find({"out_trade_no": trade.out_trade_no}), trade.cents, trade.subject)
        trade.status, trade.paid_at, trade.buyer = PAID, self.now(), buyer
        trade.coupon_cents = min(coupon_cents, trade.cents)

    def close(self, trade: Trade) -> None:
        if trade.status != WAITING:
            raise business("ACQ.REASON_TRADE_STATUS_INVALID", "交易状态异常")
        trade.status, trade.closed_at = CLOSED, self.now()

    def refund(self, trade: Trade, request_no: str, amount: int, *, wait_s: float = 0.0) -> bool:
        """Give back; True when money moved by this very call. The same request again changes nothing."""
        known = trade.refunds.get(request_no)
        if known:
            if known.cents != amount:
                raise business("ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求")
            return False
        self._check_refund(trade, amount)
        now = self.now()
        trade.refunds[request_no] = Refund(request_no, amount, now, now + wait_s)
        if trade.refunded_cents == trade.cents:
            trade.status, trade.closed_at = CLOSED, now
        return wait_s == 0

    def _check_refund(self, trade: Trade, amount: int) -> None:
        if trade.status == FINISHED:
            raise business("ACQ.TRADE_HAS_FINISHED", "交易已完结")
        if trade.status == CLOSED:
            raise business("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
        if trade.status != PAID or trade.paid_at is None:
            raise business("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
        if self.now() - trade.paid_at > REFUND_DAYS * 86_400:
            raise business("ACQ.TRADE_NOT_ALLOW_REFUND", "当前交易不允许退款")
        if trade.refunded_cents + amount > trade.cents:
            raise business("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        newest = max((refund.asked_at for refund in trade.refunds.values()), default=None)
        if newest is not None and self.now() - newest < REFUND_SPACING_S:
            raise business("ACQ.SYSTEM_ERROR", "同一笔交易的退款请求过于频繁")

    def _trade_no(self) -> str:
        return f"{beijing_day(self.now()).replace('-', '')}220014{next(self._numbers):014d}"


def described(trade: Trade) -> dict[str, str]:
    """The fields that queries, notifications and the browser's return share."""
    return {
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "total_amount": in_yuan(trade.cents),
    }


def money(trade: Trade) -> dict[str, str]:
    """How a paid trade was paid."""
    own = trade.cents - trade.coupon_cents
    return {
        "receipt_amount": in_yuan(trade.cents),
        "invoice_amount": in_yuan(own),
        "buyer_pay_amount": in_yuan(own),
        "point_amount": "0.00",
    }
