"""The simulator itself: what it refuses, how its notices travel, what the operator can plan."""

import base64
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from flask import Flask, Response

from backend import development
from backend.core import clock
from backend.core.config import Settings
from backend.sandbox.app import create_sandbox
from backend.sandbox.people import BY_KEY, PEOPLE
from payments.gateways import wechat_pay
from payments.gateways.base import PayStatus
from payments.gateways.wechat_pay_wire import verify
from payments.sandbox.wechat_pay.notices import GAPS_S, over_http
from payments.sandbox.wechat_pay.simulator import Simulator, World
from tests.conftest import Clock, make_settings
from tests.payments.gateways.wechat_pay.bank import (
    APP_ID,
    NEW,
    NOTICE_URL,
    OLD,
    OUR_SERIAL,
    Bank,
    merchant,
    rsa_key,
    running_bank,
    served,
)
from tests.ports import free_port

ORDER: dict[str, Any] = {
    "appid": APP_ID,
    "mchid": "sandbox-merchant",
    "description": "费",
    "out_trade_no": "RAW-000001",
    "notify_url": NOTICE_URL,
    "amount": {"total": 1, "currency": "CNY"},
    "payer": {"openid": BY_KEY["zhang"].openid(APP_ID)},
}


def signed(method: str, target: str, body: bytes, **changes: str) -> str:
    """An Authorization header, or one with a part of another kind."""
    parts = {
        "mchid": "sandbox-merchant",
        "nonce_str": f"n{time.monotonic_ns()}",
        "timestamp": str(int(clock.now().timestamp())),
        "serial_no": OUR_SERIAL,
        **changes,
    }
    text = "\n".join((method, target, parts["timestamp"], parts["nonce_str"], body.decode(), ""))
    made = rsa_key("ours").sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    parts.setdefault("signature", base64.b64encode(made).decode())
    return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in parts.items())


def post(bank: Bank, body: Any, *, path: str = "/v3/pay/transactions/jsapi", header: str = "") -> requests.Response:
    raw = json.dumps(body).encode()
    headers = {
        "Authorization": header or signed("POST", path, raw),
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    return requests.post(bank.url + path, data=raw, headers=headers, timeout=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": "1900000109"},
        {"serial_no": "00"},
        {"timestamp": "1"},
        {"signature": base64.b64encode(bytes(256)).decode()},
        {"signature": "%"},
    ],
    ids=str,
)
def test_a_request_that_is_not_the_merchants_is_401(bank: Bank, changes: dict[str, str]) -> None:
    raw = json.dumps(ORDER).encode()
    answer = post(bank, ORDER, header=signed("POST", "/v3/pay/transactions/jsapi", raw, **changes))
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert "Wechatpay-Signature" not in answer.headers
    assert answer.headers["Request-ID"]


def test_the_signature_covers_method_path_query_and_body_and_is_good_once(bank: Bank) -> None:
    raw = json.dumps(ORDER).encode()
    header = signed("POST", "/v3/pay/transactions/jsapi", raw)
    assert post(bank, {**ORDER, "attach": "x"}, header=header).status_code == 401
    assert post(bank, ORDER, path="/v3/pay/transactions/jsapi?x=1", header=header).status_code == 401
    assert post(bank, ORDER, header=header).status_code == 200
    assert post(bank, ORDER, header=header).status_code == 401, "a nonce is good once"
    assert post(bank, ORDER, header="").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unknown", 1),
        ("attach", None),
        ("attach", "a" * 129),
        ("description", "费" * 128),
        ("out_trade_no", "short"),
        ("out_trade_no", "bad/number"),
        ("amount", {"total": 1.0, "currency": "CNY"}),
        ("amount", {"total": 0, "currency": "CNY"}),
        ("amount", {"total": True, "currency": "CNY"}),
        ("amount", {"total": 1, "currency": "USD"}),
        ("amount", {"total": 1, "currency": "CNY", "refund": 1}),
        ("notify_url", NOTICE_URL + "?x=1"),
        ("notify_url", "ftp://x/y"),
        ("time_expire", "2026-11-24 10:00:00"),
        ("time_expire", "2026-11-24T01:00:00Z"),
        ("payer", {}),
        ("payer", {"openid": "o-nobody"}),
        ("scene_info", {"payer_client_ip": "not an address"}),
    ],
    ids=str,
)
def test_fields_are_checked_one_by_one(bank: Bank, field: str, value: Any) -> None:
    answer = post(bank, {**ORDER, field: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert not bank.simulator.accounts.orders


def test_a_missing_field_is_named(bank: Bank) -> None:
    answer = post(bank, {name: value for name, value in ORDER.items() if name != "notify_url"})
    assert answer.json()["detail"]["field"] == "/notify_url"


def test_other_merchants_and_apps_are_refused(bank: Bank) -> None:
    assert post(bank, {**ORDER, "mchid": "1900000109"}).json()["code"] == "MCH_NOT_EXISTS"
    assert post(bank, {**ORDER, "appid": "wx0"}).json()["code"] == "APPID_MCHID_NOT_MATCH"


def test_an_answer_comes_under_the_key_that_was_asked_for(clock: Clock) -> None:
    with running_bank(OLD, NEW) as bank:
        for wanted, got in ((OLD, OLD), (NEW, NEW)):
            raw = json.dumps(ORDER).encode()
            headers = {
                "Authorization": signed("POST", "/v3/pay/transactions/jsapi", raw),
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Wechatpay-Serial": wanted,
            }
            answer = requests.post(f"{bank.url}/v3/pay/transactions/jsapi", data=raw, headers=headers, timeout=5)
            assert answer.headers["Wechatpay-Serial"] == got


class Receiver:
    """An application that takes notices, or refuses them."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[float, Mapping[str, str], bytes]] = []
        self._lock = threading.Lock()

    def __call__(self, address: str, headers: Mapping[str, str], body: bytes) -> int | None:
        assert address == NOTICE_URL
        with self._lock:
            self.got.append((clock.now().timestamp(), headers, body))
            return self.statuses.pop(0) if self.statuses else 204


def simulator(clock: Clock, receiver: Receiver) -> Simulator:
    """An account whose notices are delivered when a test says so."""
    found = Simulator(merchant(OLD), World((APP_ID,), PEOPLE, lambda: clock.now.timestamp()))
    found.notices._post = receiver
    return found


def pay(account: Simulator, number: str = "RAW-000001") -> None:
    account.accounts.create("jsapi", {**ORDER, "out_trade_no": number})
    assert account.accounts.pay(account.accounts.orders[number], "o") == ""


def test_a_refused_notice_comes_again_by_the_table(clock: Clock) -> None:
    receiver = Receiver(*[500] * 15)
    account = simulator(clock, receiver)
    pay(account)
    for gap in (0, *GAPS_S):
        clock.advance(seconds=gap)
        account.notices.run()
    times = [at for at, _, _ in receiver.got]
    assert [round(later - earlier) for earlier, later in zip(times, times[1:], strict=False)] == list(GAPS_S)
    assert sum(GAPS_S) == 86_640, "24 h 4 min"
    assert account.notices.kept[0].received
    assert len({json.loads(body)["id"] for _, _, body in receiver.got}) == 1


def test_after_the_last_try_it_is_given_up(clock: Clock) -> None:
    receiver = Receiver(*[500] * 30)
    account = simulator(clock, receiver)
    account.notices.plan.speed = 1_000
    pay(account)
    for _ in range(30):
        clock.advance(hours=7)
        account.notices.run()
    assert len(receiver.got) == 1 + len(GAPS_S)
    assert not account.notices.kept[0].received


def test_notices_are_lost_doubled_delayed_and_probed_at_will(clock: Clock) -> None:
    receiver = Receiver()
    account = simulator(clock, receiver)
    account.notices.plan.mode = "lost"
    pay(account)
    account.notices.run()
    assert receiver.got == []
    account.notices.plan.mode = "normal"
    account.notices.plan.delay_s, account.notices.plan.copies, account.notices.plan.probe = 60, 3, True
    pay(account, "RAW-000002")
    account.notices.run()
    assert receiver.got == []
    clock.advance(seconds=60)
    account.notices.run()
    assert len(receiver.got) == 4
    assert receiver.got[0][1]["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")


@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_held_notices_are_released_in_any_order(clock: Clock, order: str) -> None:
    receiver = Receiver()
    account = simulator(clock, receiver)
    account.notices.plan.mode = "hold"
    for place in range(5):
        pay(account, f"RAW-00000{place}")
    assert account.notices.run() == 0
    account.notices.release(order)
    ids = [json.loads(body)["id"] for _, _, body in receiver.got]
    kept = [one.id for one in account.notices.kept]
    assert sorted(ids) == sorted(kept)
    assert (ids == kept) is (order == "forward")
    assert (ids == kept[::-1]) is (order == "backward")


def test_the_operator_plans_and_looks(bank: Bank) -> None:
    desk = f"{bank.url}/wechat-pay/operator"
    bank.gateway.open(bank.order())
    paid = requests.post(f"{desk}/orders/B20261124-000001/pay", json={"coupon": 50}, timeout=5)
    assert paid.json() == {"refused": ""}
    again = requests.post(f"{desk}/orders/B20261124-000001/pay", json={}, timeout=5)
    assert again.json() == {"refused": "该订单已支付"}
    plan = {
        "money": {"balance": 5},
        "notices": {"copies": 2},
        "bills": {"damage": "digest"},
        "faults": [{"endpoint": "query", "kind": "busy"}],
        "advance_s": 60,
    }
    state = requests.put(desk, json=plan, timeout=5).json()
    assert (state["money"]["balance"], state["notice_plan"]["copies"], state["bills"]["damage"]) == (5, 2, "digest")
    assert state["faults"] == [
        {"endpoint": "query", "kind": "busy", "times": 1, "seconds": 0.0, "status": 500, "body": ""}
    ]
    assert state["orders"][0]["trade_state"] == "SUCCESS"
    assert state["now"] == clock.now().timestamp() + 60
    sealed = requests.get(f"{desk}/notices", timeout=5).json()
    assert bank.gateway.read_notice(sealed[0]["headers"], sealed[0]["body"].encode(), clock.now()).payment
    refused: tuple[Any, ...] = ({"money": {"x": 1}}, {"signing": "x"}, {"faults": [{"endpoint": "*", "kind": "x"}]}, [])
    for wrong in refused:
        assert requests.put(desk, json=wrong, timeout=5).status_code == 400


def test_the_bridge_may_be_called_from_any_page(bank: Bank) -> None:
    asked = requests.options(f"{bank.url}/wechat-pay/pay", timeout=5)
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "*")
    unknown = requests.post(f"{bank.url}/wechat-pay/pay", json={"parameters": {"package": "prepay_id=x"}}, timeout=5)
    assert unknown.json()["err_msg"] == "get_brand_wcpay_request:fail"


def test_the_sandbox_of_a_development_run_has_the_account_and_tells_the_application(tmp_path: Path) -> None:
    """The keys that `make run` draws fit, and a payment reaches the notice address of the order."""
    environ = development.environment(tmp_path, "postgresql://nobody@127.0.0.1/none", 8000, 8001)
    told: list[str] = []

    def push(address: str, headers: Mapping[str, str], body: bytes) -> int:
        told.append(address)
        return 204

    sandbox = create_sandbox(environ, pay_push=push)
    account = wechat_pay.from_settings(Settings.from_env(environ))
    assert account is not None
    client = sandbox.test_client()
    target, body = "/v3/pay/transactions/jsapi", json.dumps(ORDER).encode()
    at = datetime.now(UTC)
    answer = client.post(
        target,
        data=body,
        content_type="application/json",
        headers={
            "Authorization": account._calls.authorization("POST", target, body.decode(), at, "nonce"),
            "Accept": "application/json",
            "User-Agent": "test",
        },
    )
    verify(account._account.keys, answer.headers, answer.data, at)
    given = account.bridge_parameters(APP_ID, answer.json["prepay_id"])
    paid = client.post("/wechat-pay/pay", json={"parameters": given})
    assert paid.json == {"err_msg": "get_brand_wcpay_request:ok"}
    deadline = time.monotonic() + 5
    while not told and time.monotonic() < deadline:
        time.sleep(0.02)
    assert told == [NOTICE_URL]


def test_a_sandbox_without_keys_has_no_account() -> None:
    bare = create_sandbox({**asdict(make_settings("postgresql://nobody@127.0.0.1/none"))})
    assert bare.test_client().get("/wechat-pay/operator").status_code == 404


@pytest.mark.parametrize(("status", "heard"), [(204, 204), (302, 302), (500, 500)])
def test_a_notice_goes_over_http_and_no_redirect_is_followed(status: int, heard: int) -> None:
    app = Flask(__name__)

    @app.post("/callbacks/wechat-pay")
    def take() -> Response:
        return Response(status=status, headers={"Location": "/elsewhere"})

    with served(app) as url:
        assert over_http(f"{url}/callbacks/wechat-pay", {}, b"{}") == heard
    assert over_http(f"http://127.0.0.1:{free_port()}/", {}, b"{}") is None


def test_an_order_nobody_pays_closes_itself_after_a_week(bank: Bank, clock: Clock) -> None:
    bank.gateway.open(bank.order())
    clock.advance(days=7)
    assert bank.gateway.query("B20261124-000001").status is PayStatus.CLOSED
