"""The provider's endpoints under /v3, as api.mch.weixin.qq.com has them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from flask import Blueprint, Response, request

from . import faults, rules
from .seals import Refusal
from .simulator import CASHIER, Simulator

Answer = tuple[int, dict[str, Any] | bytes | None]
Endpoint = Callable[..., Answer]
STALE_S = 3600


def create_blueprint(simulator: Simulator) -> Blueprint:
    """Every endpoint checks the merchant's signature and signs what it answers with 2xx, bill files excepted."""
    blueprint = Blueprint("wechat_pay_api", __name__, url_prefix="/v3")
    endpoints = _Endpoints(simulator)
    for method, rule, name in (
        ("POST", "/pay/transactions/<kind>", "create"),
        ("GET", "/pay/transactions/out-trade-no/<number>", "query"),
        ("GET", "/pay/transactions/id/<number>", "query_by_id"),
        ("POST", "/pay/transactions/out-trade-no/<number>/close", "close"),
        ("POST", "/refund/domestic/refunds", "refund"),
        ("GET", "/refund/domestic/refunds/<number>", "query_refund"),
        ("GET", "/bill/<any(tradebill, fundflowbill):kind>", "bill"),
        ("GET", "/billdownload/file", "download"),
        ("GET", "/certificates", "certificates"),
    ):
        blueprint.add_url_rule(rule, name, _served(simulator, name, getattr(endpoints, name)), methods=[method])
    return blueprint


class _Endpoints:
    """What each endpoint does once the request is known to be the merchant's."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._accounts = simulator.accounts

    def create(self, kind: str) -> Answer:
        body = _body()
        if kind not in rules.CREATE:
            raise Refusal(404, "RESOURCE_NOT_EXISTS", "接口不存在")
        rules.check(rules.CREATE[kind], body)
        self._simulator.check_accounts(body)
        token = self._accounts.create(kind, body)
        if kind == "h5":
            return 200, {"h5_url": f"{_base()}{CASHIER}?prepay_id={token}&package={secrets.randbits(32)}"}
        if kind == "native":
            return 200, {"code_url": f"weixin://wxpay/bizpayurl?pr={self._simulator.short(token)}"}
        return 200, {"prepay_id": token}

    def query(self, number: str) -> Answer:
        self._simulator.check_mchid(request.args.get("mchid"))
        return 200, self._accounts.described(self._accounts.find(number))

    def query_by_id(self, number: str) -> Answer:
        self._simulator.check_mchid(request.args.get("mchid"))
        return 200, self._accounts.described(self._accounts.find(number, transaction=True))

    def close(self, number: str) -> Answer:
        rules.check(rules.CLOSE, _body())
        self._simulator.check_mchid(_body()["mchid"])
        self._accounts.close(number)
        return 204, None

    def refund(self) -> Answer:
        rules.check(rules.REFUND, _body())
        return 200, self._accounts.described_refund(*self._accounts.refund(_body()))

    def query_refund(self, number: str) -> Answer:
        return 200, self._accounts.described_refund(*self._accounts.find_refund(number))

    def bill(self, kind: str) -> Answer:
        return 200, self._simulator.bills.ask(kind, request.args, _base())

    def download(self) -> Answer:
        return 200, self._simulator.bills.file(request.args.get("token", ""))

    def certificates(self) -> Answer:
        return 200, {"data": self._simulator.certificates()}


def _served(simulator: Simulator, name: str, endpoint: Endpoint) -> Callable[..., Response]:
    def view(**values: str) -> Response:
        fault = simulator.faults.take(name)
        refused = faults.before(fault)
        if refused is not None:
            return refused
        try:
            _check_headers()
            target = request.environ.get("RAW_URI") or request.full_path.removesuffix("?")
            headers = {key.title(): value for key, value in request.headers.items()}
            simulator.seals.authenticate(request.method, target, headers, request.get_data(), simulator.now())
            status, content = endpoint(**values)
            response = _sealed(simulator, status, content, stale=bool(fault and fault.kind == "stale"))
        except Refusal as refusal:
            response = _refused(refusal)
        response.headers["Request-ID"] = f"{secrets.token_hex(16).upper()}-0"
        response.headers["Date"] = formatdate(simulator.now(), usegmt=True)
        return faults.after(fault, response)

    return view


def _sealed(simulator: Simulator, status: int, content: dict[str, Any] | bytes | None, *, stale: bool) -> Response:
    if isinstance(content, bytes):
        return Response(content, status, content_type="application/octet-stream")
    body = b"" if content is None else json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(body, status, content_type="application/json; charset=utf-8")
    at = simulator.now() - (STALE_S if stale else 0)
    response.headers.update(simulator.seals.headers(body, at, wanted=request.headers.get("Wechatpay-Serial", "")))
    return response


def _refused(refusal: Refusal) -> Response:
    content: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.detail:
        content["detail"] = dict(refusal.detail)
    body = json.dumps(content, ensure_ascii=False)
    return Response(body, refusal.status, content_type="application/json; charset=utf-8")


def _check_headers() -> None:
    if not request.headers.get("User-Agent"):
        raise Refusal(400, "PARAM_ERROR", "http头缺少User-Agent")
    if "application/json" not in request.headers.get("Accept", "") and "*/*" not in request.headers.get("Accept", ""):
        raise Refusal(400, "PARAM_ERROR", "http头Accept有误")
    if request.method == "POST" and request.mimetype != "application/json":
        raise Refusal(400, "PARAM_ERROR", "http头Content-Type有误")


def _body() -> dict[str, Any]:
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise Refusal(400, "PARAM_ERROR", "报文主体不是 JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "PARAM_ERROR", "报文主体不是 JSON 对象")
    return body


def _base() -> str:
    return request.host_url.rstrip("/")
