"""Alipay on one machine: the gateway, its cashier, notifications, bills and login, with real signatures.

Everything is in memory and behind one lock. The operator's switches are in ``control``.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from .bills import Bills
from .logins import Logins
from .notices import Notifier, Post
from .trades import SETTLING_S, Book, cents, described, money
from .wire import BEIJING, Refusal, Wire, business, in_beijing, in_yuan

PREFIX = "/alipay"


class Person(Protocol):
    """Who can log in and pay: a key for links, a name and a colour for the page."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def colour(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Switches:
    """How the operator makes Alipay misbehave; the default is a good day.

    gateway: ``busy`` is 20000, ``limited`` 40005, ``outage`` HTTP 502; ``unsigned`` and ``bad_signature`` spoil the
    answer; ``lost`` does the work and then answers HTTP 504.
    refunds: ``later`` takes ten seconds and answers fund_change N, ``short`` finds no balance, ``gone`` no buyer.
    notices: ``lost`` sends none, ``twice`` two at once, ``held`` waits for the operator's release.
    bills: ``late`` has none, ``cut`` ends too early, ``damaged`` is half a file, ``wrong_totals`` is one cent off.
    """

    gateway: str = "normal"
    refunds: str = "normal"
    notices: str = "normal"
    bills: str = "normal"
    slow_s: float = 0.0
    notice_delay_s: float = 0.0
    notice_speed: float = 1.0


CHOICES: dict[str, tuple[str, ...]] = {
    "gateway": ("normal", "busy", "limited", "outage", "unsigned", "bad_signature", "lost"),
    "refunds": ("normal", "later", "short", "gone"),
    "notices": ("normal", "lost", "twice", "held"),
    "bills": ("normal", "late", "cut", "damaged", "wrong_totals"),
}


class AlipaySandbox:
    """One app and one collecting account. ``post`` carries notifications; the default is real HTTP."""

    def __init__(
        self,
        *,
        app_id: str,
        app_public_key: str,
        private_key: str,
        seller_id: str,
        public_url: str,
        people: Iterable[Person],
        now: Callable[[], float] = time.time,
        post: Post | None = None,
    ) -> None:
        self.wire = Wire(app_id=app_id, app_public_key=app_public_key, private_key=private_key)
        self.book = Book(now, seller_id=seller_id)
        self.notifier = Notifier(self.book, self.wire, post)
        self.bills = Bills(self.book)
        self.people = tuple(people)
        self.logins = Logins(now, app_id=app_id, public_url=public_url)
        self.switches = Switches()
        self.calls: Counter[str] = Counter()
        self.now = now

    def switch(self, changes: dict[str, object]) -> dict[str, object]:
        """Set switches by name; ValueError says which value is not known."""
        values: dict[str, object] = {}
        for name, value in changes.items():
            if name in CHOICES:
                if value not in CHOICES[name]:
                    raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}")
                values[name] = value
            elif name in {"slow_s", "notice_delay_s", "notice_speed"}:
                values[name] = float(str(value))
            else:
                raise ValueError(f"unknown switch {name}")
        self.switches = replace(self.switches, **values)  # type: ignore[arg-type]
        self.notifier.mode = self.switches.notices
        self.notifier.delay_s = self.switches.notice_delay_s
        self.notifier.speed = self.switches.notice_speed
        self.bills.mode = self.switches.bills
        return asdict(self.switches)

    def handle(self, parameters: dict[str, str]) -> dict[str, object]:
        """The inner answer of one call; Refusal for every other outcome."""
        method = parameters["method"]
        if method == "alipay.system.oauth.token":
            return self.logins.token(parameters)
        if method == "alipay.user.info.share":
            return {"code": "10000", "msg": "Success", **self.logins.profile(parameters.get("auth_token", ""))}
        try:
            biz = json.loads(parameters.get("biz_content") or "{}")
            handler = self._METHODS[method]
        except KeyError:
            raise Refusal("40002", "isv.invalid-method", "不存在的方法名", gateway=True) from None
        except ValueError:
            raise Refusal("40002", "isv.invalid-parameter", "参数无效") from None
        with self.book.lock:
            return {"code": "10000", "msg": "Success", **handler(self, biz)}

    def _query(self, biz: dict[str, object]) -> dict[str, object]:
        trade = self.book.find(biz)
        answer: dict[str, object] = {**described(trade), "trade_status": trade.status, "subject": trade.subject}
        if trade.paid_at is not None:
            answer |= money(trade)
            answer |= {
                "send_pay_date": in_beijing(trade.paid_at),
                "buyer_open_id": trade.buyer,
                "buyer_logon_id": "139****0000",
                "fund_bill_list": [{"amount": in_yuan(trade.cents), "fund_channel": "ALIPAYACCOUNT"}],
            }
        return answer

    def _close(self, biz: dict[str, object]) -> dict[str, object]:
        trade = self.book.find(biz)
        self.book.close(trade)
        return {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}

    def _refund(self, biz: dict[str, object]) -> dict[str, object]:
        trade, mode = self.book.find(biz), self.switches.refunds
        request_no = str(biz.get("out_request_no") or "")
        amount = cents(biz.get("refund_amount"))
        if not request_no and amount != trade.cents:
            raise business("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限")
        if mode == "short":
            raise business("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足")
        if mode == "gone":
            raise business("ACQ.BUYER_ERROR", "买家状态异常")
        request_no = request_no or trade.out_trade_no
        known = request_no in trade.refunds
        moved = self.book.refund(trade, request_no, amount, wait_s=SETTLING_S if mode == "later" else 0.0)
        refund = trade.refunds[request_no]
        if not known:
            self.notifier.refunded(trade, refund)
        answer: dict[str, object] = {
            "trade_no": trade.trade_no,
            "out_trade_no": trade.out_trade_no,
            "buyer_open_id": trade.buyer,
            "buyer_logon_id": "139****0000",
            "fund_change": "Y" if moved else "N",
            "refund_fee": in_yuan(trade.refunded_cents),
        }
        return answer | ({"gmt_refund_pay": in_beijing(refund.done_at)} if moved else {})

    def _refund_query(self, biz: dict[str, object]) -> dict[str, object]:
        trade = self.book.find(biz)
        refund = trade.refunds.get(str(biz.get("out_request_no") or trade.out_trade_no))
        if refund is None:
            return {}
        answer: dict[str, object] = {
            **described(trade),
            "out_request_no": refund.request_no,
            "refund_amount": in_yuan(refund.cents),
        }
        if refund.done_at <= self.now():
            answer |= {"refund_status": "REFUND_SUCCESS", "gmt_refund_pay": in_beijing(refund.done_at)}
        return answer

    def _bill(self, biz: dict[str, object]) -> dict[str, object]:
        day = str(biz.get("bill_date", ""))
        try:
            datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=BEIJING)
        except ValueError:
            raise business("INVAILID_ARGUMENTS", "入参不合法") from None
        if biz.get("bill_type") != "trade":
            raise business("TYPE_NOT_SUPPORTED", "账单类型不支持")
        found = self.bills.link(day)
        if "token" not in found:
            return {**found}
        return {"bill_download_url": url_for("alipay.bill", token=found["token"], _external=True)}

    _METHODS = {
        "alipay.trade.query": _query,
        "alipay.trade.close": _close,
        "alipay.trade.refund": _refund,
        "alipay.trade.fastpay.refund.query": _refund_query,
        "alipay.data.dataservice.bill.downloadurl.query": _bill,
    }


def create_blueprint(sandbox: AlipaySandbox) -> Blueprint:
    """Everything below ``/alipay``: gateway, cashier, login, bills and the operator's desk."""
    from . import control, pages

    blueprint = Blueprint("alipay", __name__, url_prefix=PREFIX, template_folder="templates")

    @blueprint.route("/gateway.do", methods=["GET", "POST"])
    def gateway() -> WerkzeugResponse:
        parameters = {**request.args.to_dict(), **request.form.to_dict()}
        sandbox.calls[parameters.get("method", "")] += 1
        if parameters.get("method") in {"alipay.trade.wap.pay", "alipay.trade.page.pay"}:
            return _to_cashier(sandbox, parameters)
        mode = sandbox.switches.gateway
        if mode == "outage":
            return Response("Bad Gateway", 502)
        body = _answered(sandbox, parameters, mode)
        if sandbox.switches.slow_s:
            time.sleep(sandbox.switches.slow_s)
        return Response("Gateway Timeout", 504) if mode == "lost" else Response(body, 200, mimetype="text/html")

    pages.add(blueprint, sandbox)
    control.add(blueprint, sandbox)
    return blueprint


def _answered(sandbox: AlipaySandbox, parameters: dict[str, str], mode: str) -> str:
    name = parameters.get("method", "").replace(".", "_") + "_response"
    try:
        sandbox.wire.check_request(parameters, sandbox.now())
        if mode == "busy":
            raise Refusal("20000", "isp.unknow-error", "系统繁忙", gateway=True)
        if mode == "limited":
            raise Refusal("40005", "isv.app-call-limited", "应用调用次数超限", gateway=True)
        return sandbox.wire.answer(name, sandbox.handle(parameters), mode)
    except Refusal as refusal:
        # Before the app and its signature are known there is no key to sign an answer with.
        early = refusal.sub_code in {"isv.invalid-app-id", "isv.invalid-signature"}
        return sandbox.wire.answer(
            "error_response" if refusal.gateway else name, refusal.inner(), "unsigned" if early else mode
        )


def _to_cashier(sandbox: AlipaySandbox, parameters: dict[str, str]) -> WerkzeugResponse:
    """A page call: the trade exists from now on, and the browser goes to the cashier."""
    try:
        sandbox.wire.check_request(parameters, sandbox.now())
        with sandbox.book.lock:
            trade = sandbox.book.open(json.loads(parameters.get("biz_content") or "{}"), parameters)
    except Refusal as refusal:
        return redirect(url_for("alipay.failed", code=refusal.sub_code, words=refusal.words))
    return redirect(url_for("alipay.cashier", trade_no=trade.trade_no))


def from_settings(
    values: Mapping[str, object], people: Iterable[Person], now: Callable[[], float], post: Post | None = None
) -> AlipaySandbox | None:
    """The sandbox of the app that ``values`` describe under the application's names, None when there is none.

    Alipay's own key is ``sandbox_alipay_private_key``; the app's public key, which a real app hands over at Alipay's
    site, is worked out from its private one.
    """
    lower = {name.lower(): str(value) for name, value in values.items()}
    if not lower.get("alipay_app_id") or not lower.get("sandbox_alipay_private_key"):
        return None
    return AlipaySandbox(
        app_id=lower["alipay_app_id"],
        app_public_key=public_half(lower["alipay_app_private_key"]),
        private_key=lower["sandbox_alipay_private_key"],
        seller_id=lower["alipay_seller_id"],
        public_url=lower["public_url"],
        people=people,
        now=now,
        post=post,
    )


def public_half(private_key: str) -> str:
    """The public key of a private one, both as bare base64."""
    public = load_der_private_key(b64decode(private_key), None).public_key()
    return b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
