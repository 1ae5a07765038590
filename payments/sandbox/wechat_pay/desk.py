"""Where people meet the account: the cashier's page, the WeChat bridge, the scanned code, the operator's desk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from .accounts import Order
from .simulator import CASHIER, Payer, Simulator

PERSON_COOKIE = "sandbox_person"
BRIDGE = "get_brand_wcpay_request"


def create_blueprint(simulator: Simulator) -> Blueprint:
    """The cashier for H5 and codes, and `/wechat-pay/pay` for a page's WeixinJSBridge."""
    blueprint = Blueprint(
        "wechat_pay_desk",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/wechat-pay/static",
    )
    _add_cashier(blueprint, simulator)
    _add_bridge(blueprint, simulator)
    _add_operator(blueprint, simulator)
    _add_deliveries(blueprint, simulator)
    return blueprint


def _add_cashier(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.get("/wechat-pay/scan")
    def scan() -> WerkzeugResponse:
        """What scanning a Native code with the phone opens; `pr` may be the whole `weixin://` text."""
        token = simulator.token_of(request.args.get("pr", "").rpartition("pr=")[2])
        return redirect(f"{CASHIER}?prepay_id={token}")

    @blueprint.get(CASHIER)
    def cashier() -> Response:
        token = request.args.get("prepay_id", "")
        return _page(simulator, token, "")

    @blueprint.post(CASHIER)
    def decide() -> WerkzeugResponse:
        token, decision = request.args.get("prepay_id", ""), request.form.get("decision")
        order, payer = simulator.accounts.by_token(token), _payer(simulator, request.form.get("person"))
        if order is None:
            return _page(simulator, token, "")
        if decision == "pay":
            openid = order.body.get("payer", {}).get("openid") or payer.openid(order.body["appid"])
            simulator.accounts.pay(order, openid, token=token)
        if decision == "wrong":
            return _page(simulator, token, "密码不对，请再试一次")
        back = request.args.get("redirect_url", "")
        if urlsplit(back).scheme in {"http", "https"}:
            return redirect(back)
        return _page(simulator, token, "已取消支付" if decision == "cancel" else "")


def _add_bridge(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.route("/wechat-pay/pay", methods=["POST", "OPTIONS"])
    def pay() -> Response:
        """`{"parameters": …, "decision": "pay" | "cancel" | "fail"}` → what the bridge gives its callback.

        Any page may call it, as any page in WeChat has the bridge; only the merchant's signature counts.
        """
        if request.method == "OPTIONS":
            return _to_any_page(Response(status=204))
        body = _body()
        given: Mapping[str, str] = body.get("parameters", {})
        order = simulator.accounts.by_token(str(given.get("package", "")).removeprefix("prepay_id="))
        if order is None or given.get("appId") != order.body["appid"] or not simulator.seals.is_bridge_call(given):
            return _to_any_page(jsonify(err_msg=f"{BRIDGE}:fail", err_desc="支付验证签名失败"))
        if body.get("decision", "pay") != "pay":
            return _to_any_page(jsonify(err_msg=f"{BRIDGE}:{body['decision']}"))
        token = given["package"].removeprefix("prepay_id=")
        refused = simulator.accounts.pay(
            order, order.body["payer"]["openid"], token=token, coupon=int(body.get("coupon", 0))
        )
        if refused:
            return _to_any_page(jsonify(err_msg=f"{BRIDGE}:fail", err_desc=refused))
        return _to_any_page(jsonify(err_msg=f"{BRIDGE}:ok"))


def _add_operator(blueprint: Blueprint, simulator: Simulator) -> None:
    """JSON for tests and for the operator: look, plan, pay, move the clock."""

    @blueprint.get("/wechat-pay/operator")
    def show() -> Response:
        return jsonify(_state(simulator))

    @blueprint.put("/wechat-pay/operator")
    def plan() -> Response:
        body = _body()
        try:
            simulator.accounts.plan = replace(simulator.accounts.plan, **body.get("money", {}))
            simulator.notices.plan = replace(simulator.notices.plan, **body.get("notices", {}))
            simulator.bills.plan = replace(simulator.bills.plan, **body.get("bills", {}))
            if "faults" in body:
                simulator.faults.plant(body["faults"])
        except (TypeError, ValueError) as error:
            raise BadRequest(str(error)) from None
        signing = body.get("signing", simulator.seals.signing)
        if signing != "mixed" and signing not in simulator.merchant.provider_keys:
            raise BadRequest("no such key")
        simulator.seals.signing = signing
        simulator.offset_s += float(body.get("advance_s", 0))
        simulator.accounts.tick()
        return jsonify(_state(simulator))

    @blueprint.post("/wechat-pay/operator/orders/<number>/pay")
    def take(number: str) -> Response:
        order = simulator.accounts.orders.get(number)
        if order is None:
            raise NotFound("no such order")
        body = _body()
        openid = order.body.get("payer", {}).get("openid")
        payer = openid or _payer(simulator, body.get("person")).openid(order.body["appid"])
        refused = simulator.accounts.pay(order, payer, coupon=int(body.get("coupon", 0)))
        return jsonify(refused=refused)


def _add_deliveries(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.post("/wechat-pay/operator/notices/<any(run, forward, backward, shuffled):order>")
    def deliver(order: str) -> Response:
        """Deliver what is due now, or release what is held, in this order."""
        simulator.accounts.tick()
        if order == "run":
            simulator.notices.run()
        else:
            simulator.notices.release(order)
        return jsonify(_state(simulator))

    @blueprint.get("/wechat-pay/operator/notices")
    def sealed() -> Response:
        """Every kept notice as it would be delivered now: headers and body, for whoever delivers by hand."""
        simulator.accounts.tick()
        probe = "probe" in request.args
        found = [simulator.notices.sealed(one, probe=probe) for one in simulator.notices.kept]
        return jsonify([{"headers": headers, "body": body.decode()} for headers, body in found])


def _page(simulator: Simulator, token: str, said: str) -> Response:
    order = simulator.accounts.by_token(token)
    refused = simulator.accounts.why_not(order, token) if order else "支付链接不存在"
    paid = order is not None and order.state == "SUCCESS"
    fixed = order.body.get("payer", {}).get("openid") if order else None
    chosen = next(
        (one for one in simulator.world.payers if order and one.openid(order.body["appid"]) == fixed),
        _payer(simulator, request.cookies.get(PERSON_COOKIE)),
    )
    return make_response(
        render_template(
            "wechat_pay_cashier.html",
            stylesheet=url_for("wechat_pay_desk.static", filename="cashier.css"),
            shop=simulator.world.shop,
            description=order.body["description"] if order else "",
            number=order.number if order else "",
            amount=f"{order.total // 100}.{order.total % 100:02d}" if order else "",
            refused="" if paid else refused,
            paid=paid,
            said=said,
            payers=[chosen] if fixed else simulator.world.payers,
            chosen=chosen,
        )
    )


def _payer(simulator: Simulator, key: object) -> Payer:
    return next((one for one in simulator.world.payers if one.key == key), simulator.world.payers[0])


def _state(simulator: Simulator) -> dict[str, Any]:
    accounts = simulator.accounts
    return {
        "now": simulator.now(),
        "signing": simulator.seals.signing,
        "keys": list(simulator.merchant.provider_keys),
        "money": asdict(accounts.plan),
        "notice_plan": asdict(simulator.notices.plan),
        "bills": asdict(simulator.bills.plan),
        "faults": simulator.faults.describe(),
        "calls": dict(simulator.faults.calls),
        "orders": [_order(simulator, order) for order in accounts.orders.values()],
        "notices": simulator.notices.describe(),
    }


def _order(simulator: Simulator, order: Order) -> dict[str, Any]:
    refunds = [simulator.accounts.described_refund(order, one) for one in order.refunds.values()]
    return {
        **simulator.accounts.described(order),
        "description": order.body["description"],
        "total": order.total,
        "kind": order.kind,
        "refunds": refunds,
    }


def _body() -> dict[str, Any]:
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is needed")
    return body


def _to_any_page(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    return response
