"""WeChat 非税缴费 under /nontax, as api.weixin.qq.com has it.

The real error codes are not published: those of here begin with 9 and stand for what the words say. Access tokens are
the account's business, so whoever mounts this hands in `authorize`.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

BEIJING = timezone(timedelta(hours=8))
ORDER_S = 7200
AUTH_CODE = re.compile(r"1[0-5]\d{16}")
BILL = (
    "交易时间,公众账号ID,商户号,子商户号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,"
    "企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,手续费,费率,"
    "行政区划代码,缴费通知书编号(或平台订单号),执收单位编码,通知书类型,银行ID"
)
TOTALS = "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额"
NEEDED = (
    "desc",
    "fee",
    "items",
    "department_code",
    "department_name",
    "region_code",
    "payment_notice_create_time",
)
ENDPOINTS = (
    "queryfee",
    "unifiedorder",
    "micropay",
    "getorder",
    "getorderlist",
    "refund",
    "notifyinconsistentorder",
    "downloadbill",
)
BAD_FIELD, NO_ORDER, NOT_PAID, TOO_MUCH, NO_FEE, PAID, TYPING, NO_BILL = range(9001, 9009)


class Refusal(Exception):
    """An errcode and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


@dataclass
class Order:
    """One order; `body` is as it was asked for."""

    id: str
    body: dict[str, Any]
    created: float
    status: int = 1
    trans_id: str = ""
    paid_at: float = 0.0
    refunds: list[dict[str, Any]] = field(default_factory=list)

    @property
    def number(self) -> str:
        return str(self.body.get("order_no") or self.body["payment_notice_no"])


@dataclass
class NonTax:
    """Orders of one merchant. `typing` is how many micropays still find the payer at the password.

    `refund_delay_s` is how long a refund takes; `fees` are what finance has told, by notice number.
    """

    mch_id: str
    now: Callable[[], float]
    typing: int = 0
    refund_delay_s: float = 2.0
    fees: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)

    def create(self, body: dict[str, Any]) -> Order:
        self._check(body)
        with self.lock:
            order = Order(f"N{secrets.token_hex(12)}", body, self.now())
            if any(one.number == order.number and one.status in {3, 5, 6} for one in self.orders.values()):
                raise Refusal(PAID, "this notice is paid")
            self.orders[order.id] = order
            return order

    def charge(self, body: dict[str, Any]) -> Order:
        """Take the money by the payer's code; the same order again when its id is told."""
        if not AUTH_CODE.fullmatch(str(body.get("auth_code", ""))):
            raise Refusal(BAD_FIELD, "auth_code invalid")
        with self.lock:
            order = self.orders.get(str(body.get("order_id", ""))) or self.create(body)
            if self.typing:
                self.typing -= 1
                raise Refusal(TYPING, "user is paying")
            self.pay(order)
            return order

    def pay(self, order: Order) -> None:
        with self.lock:
            self._age(order)
            if order.status != 1:
                raise Refusal(PAID, "order is not waiting for money")
            order.status, order.paid_at = 3, self.now()
            order.trans_id = f"42000{secrets.randbelow(10**23):023d}"

    def find(self, order_id: object) -> Order:
        order = self.orders.get(str(order_id))
        if order is None:
            raise Refusal(NO_ORDER, "order not exist")
        self._age(order)
        return order

    def numbered(self, body: dict[str, Any]) -> list[Order]:
        number = body.get("order_no") or body.get("payment_notice_no")
        place = (body.get("region_code"), body.get("department_code"))
        return [
            order
            for order in self.orders.values()
            if order.number == number and (order.body["region_code"], order.body["department_code"]) == place
        ]

    def refund(self, body: dict[str, Any]) -> str:
        order = self.find(body.get("order_id"))
        if not body.get("reason"):
            raise Refusal(BAD_FIELD, "reason missing")
        if ("refund_fee" in body) != ("refund_out_id" in body):
            raise Refusal(BAD_FIELD, "refund_fee and refund_out_id go together")
        with self.lock:
            if order.status not in {3, 5, 6}:
                raise Refusal(NOT_PAID, "order not paid")
            fee = body.get("refund_fee", order.body["fee"])
            if fee + sum(one["refund_fee"] for one in order.refunds) > order.body["fee"]:
                raise Refusal(TOO_MUCH, "refund more than paid")
            refund_order_id = f"RN{secrets.token_hex(12)}"
            order.refunds.append(
                {
                    "refund_order_id": refund_order_id,
                    "refund_out_id": body.get("refund_out_id", ""),
                    "refund_reason": body["reason"],
                    "refund_fee": fee,
                    "done_at": self.now() + self.refund_delay_s,
                    "asked_at": self.now(),
                }
            )
            return refund_order_id

    def described(self, order: Order) -> dict[str, Any]:
        """An order as getorder gives it; a partial refund does not change the status."""
        names = ("desc", "fee", "items", "order_no", "payment_notice_no", "department_code", "department_name")
        kept = {name: order.body[name] for name in (*names, "region_code", "scene", "openid") if name in order.body}
        refunds = [self._described_refund(one) for one in order.refunds]
        status = order.status
        if refunds and sum(one["refund_fee"] for one in refunds) == order.body["fee"]:
            status = max(one["refund_status"] for one in refunds)
        found = kept | {
            "appid": order.body["appid"],
            "order_id": order.id,
            "create_time": int(order.created),
            "status": status,
            "fee_type": 1,
            "payment_info_source": 2,
            "notify_history": [],
        }
        if order.paid_at:
            found |= {"trans_id": order.trans_id, "pay_finish_time": int(order.paid_at)}
        if refunds:
            found["partial_refund_info"] = refunds
        return found

    def bill(self, day: date) -> str:
        rows = []
        with self.lock:
            for order in self.orders.values():
                if order.paid_at and _day_of(order.paid_at) == day:
                    rows.append(self._row(order, None))
                rows += [self._row(order, one) for one in order.refunds if _day_of(one["asked_at"]) == day]
        if not rows:
            raise Refusal(NO_BILL, "no bill exist")
        header = BILL.split(",")
        lines = [BILL, *(_line([row.get(name, "") for name in header]) for row in rows)]
        sums = [sum((Decimal(row[name]) for row in rows), Decimal("0.00")) for name in ("总金额", "退款金额")]
        return "\r\n".join([*lines, TOTALS, _line([len(rows), *sums, "0.00", "0.00"])]) + "\r\n"

    def _row(self, order: Order, refund: dict[str, Any] | None) -> dict[str, str]:
        at = datetime.fromtimestamp(refund["asked_at"] if refund else order.paid_at, UTC).astimezone(BEIJING)
        return {
            "交易时间": f"{at:%Y-%m-%d %H:%M:%S}",
            "公众账号ID": order.body["appid"],
            "商户号": self.mch_id,
            "微信订单号": order.trans_id,
            "商户订单号": order.number,
            "交易类型": "MICROPAY" if "auth_code" in order.body else order.body.get("trade_type", "JSAPI"),
            "交易状态": "REFUND" if refund else "SUCCESS",
            "货币种类": "CNY",
            "总金额": "0.00" if refund else _yuan(order.body["fee"]),
            "企业红包金额": "0.00",
            "微信退款单号": refund["refund_order_id"] if refund else "0",
            "商户退款单号": refund["refund_out_id"] if refund else "0",
            "退款金额": _yuan(refund["refund_fee"]) if refund else "0.00",
            "企业红包退款金额": "0.00",
            "退款状态": self._described_refund(refund)["words"] if refund else "",
            "商品名称": order.body["desc"],
            "手续费": "0.00000",
            "费率": "0.00%",
            "行政区划代码": order.body["region_code"],
            "缴费通知书编号(或平台订单号)": order.number,
            "执收单位编码": order.body["department_code"],
            "通知书类型": str(order.body.get("payment_notice_type", 1)),
            "银行ID": "0",
        }

    def _described_refund(self, refund: dict[str, Any]) -> dict[str, Any]:
        done = refund["done_at"] <= self.now()
        shown = {name: refund[name] for name in ("refund_order_id", "refund_out_id", "refund_reason", "refund_fee")}
        shown |= {"refund_status": 5 if done else 6, "words": "SUCCESS" if done else "PROCESSING"}
        return shown | ({"refund_finish_time": int(refund["done_at"])} if done else {})

    def _check(self, body: dict[str, Any]) -> None:
        missing = [name for name in NEEDED if not body.get(name)]
        if missing:
            raise Refusal(BAD_FIELD, f"{missing[0]} missing")
        if ("order_no" in body) == ("payment_notice_no" in body):
            raise Refusal(BAD_FIELD, "one of order_no and payment_notice_no")
        if type(body["fee"]) is not int or sum(item["fee"] for item in body["items"]) != body["fee"]:
            raise Refusal(BAD_FIELD, "fee is not the sum of its items")
        if body.get("mch_id", self.mch_id) != self.mch_id:
            raise Refusal(BAD_FIELD, "mch_id not bound")

    def _age(self, order: Order) -> None:
        if order.status == 1 and self.now() - order.created >= ORDER_S:
            order.status = 12


def create_blueprint(simulator: NonTax, authorize: Callable[[], str]) -> Blueprint:
    """The endpoints, the page on which the payer pays, and `/nontax-operator` for tests."""
    blueprint = Blueprint(
        "wechat_nontax",
        __name__,
        template_folder="wechat_pay/templates",
        static_folder="wechat_pay/static",
        static_url_path="/nontax-static",
    )

    @blueprint.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return jsonify(errcode=refusal.code, errmsg=refusal.words)

    endpoints = _Endpoints(simulator)
    for name in ENDPOINTS:
        view = _served(getattr(endpoints, name), authorize)
        blueprint.add_url_rule(f"/nontax/{name}", name, view, methods=["POST"])
    _add_pages(blueprint, simulator)
    return blueprint


Endpoint = Callable[[dict[str, Any]], dict[str, Any] | str]


class _Endpoints:
    """What each endpoint does; the method's name is the path's last part."""

    def __init__(self, simulator: NonTax) -> None:
        self._simulator = simulator

    def queryfee(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self._simulator.fees.get(str(body.get("payment_notice_no")))
        if found is None or found["department_code"] != body.get("department_code"):
            raise Refusal(NO_FEE, "payment notice not exist")
        return found

    def unifiedorder(self, body: dict[str, Any]) -> dict[str, Any]:
        if not body.get("ip") or not body.get("scene"):
            raise Refusal(BAD_FIELD, "ip or scene missing")
        if body.get("trade_type", "JSAPI") == "JSAPI" and not body.get("openid"):
            raise Refusal(BAD_FIELD, "openid missing")
        if not body.get("return_url"):
            raise Refusal(BAD_FIELD, "return_url missing")
        order = self._simulator.create(body)
        return {"order_id": order.id, "pay_url": f"{request.host_url.rstrip('/')}/nontax-pay/{order.id}"}

    def micropay(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"order_id": self._simulator.charge(body).id}

    def getorder(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._simulator.described(self._simulator.find(body.get("order_id")))

    def getorderlist(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self._simulator.numbered(body)
        paid = next((order.id for order in found if order.status == 3), "")
        return {"order_id_list": [order.id for order in found], **({"paid_order_id": paid} if paid else {})}

    def refund(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"refund_order_id": self._simulator.refund(body)}

    def notifyinconsistentorder(self, body: dict[str, Any]) -> dict[str, Any]:
        self._simulator.again.append(self._simulator.find(body.get("order_id")).id)
        return {}

    def downloadbill(self, body: dict[str, Any]) -> str:
        if body.get("mch_id") != self._simulator.mch_id:
            raise Refusal(BAD_FIELD, "mch_id not bound")
        day = datetime.strptime(str(body.get("bill_date")), "%Y%m%d").replace(tzinfo=BEIJING).date()
        return self._simulator.bill(day)


def _served(endpoint: Endpoint, authorize: Callable[[], str]) -> Callable[[], Response]:
    def view() -> Response:
        appid = authorize()
        body = request.get_json(force=True)
        if body.get("appid") != appid:
            raise Refusal(BAD_FIELD, "appid is not the token's")
        answer = endpoint(body)
        if isinstance(answer, str):
            return Response(answer, content_type="text/plain; charset=utf-8")
        return jsonify({"errcode": 0, "errmsg": "ok", **answer})

    return view


def _add_pages(blueprint: Blueprint, simulator: NonTax) -> None:
    @blueprint.get("/nontax-pay/<order_id>")
    def page(order_id: str) -> str:
        order = simulator.find(order_id)
        return render_template(
            "wechat_pay_cashier.html",
            stylesheet=url_for("wechat_nontax.static", filename="cashier.css"),
            shop=order.body["department_name"],
            description=order.body["desc"],
            number=order.number,
            amount=_yuan(order.body["fee"]),
            refused="订单已超过支付期限" if order.status == 12 else "",
            paid=order.status in {3, 5, 6},
            said="",
            payers=[],
            chosen=None,
        )

    @blueprint.post("/nontax-pay/<order_id>")
    def decide(order_id: str) -> WerkzeugResponse | str:
        order = simulator.find(order_id)
        decision = request.form.get("decision")
        if decision == "pay" and order.status == 1:
            simulator.pay(order)
        return redirect(order.body["return_url"]) if decision != "wrong" else page(order_id)

    @blueprint.put("/nontax-operator")
    def plan() -> Response:
        """Set `typing`, `refund_delay_s`, or add `fees` as queryfee would give them."""
        body = request.get_json(force=True)
        simulator.typing = int(body.get("typing", simulator.typing))
        simulator.refund_delay_s = float(body.get("refund_delay_s", simulator.refund_delay_s))
        simulator.fees |= body.get("fees", {})
        return jsonify(orders=[simulator.described(order) for order in simulator.orders.values()])


def _day_of(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).date()


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _line(values: list[Any]) -> str:
    return ",".join(f"`{value}" for value in values)
