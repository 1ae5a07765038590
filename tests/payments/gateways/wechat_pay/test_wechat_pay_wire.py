"""The unmodified wechatpayv3 client and the simulator: each takes what the other signs, message after message."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from backend.core import clock
from backend.sandbox.people import BY_KEY
from payments.gateways.base import PayStatus, RefundOrder, RefundStatus
from tests.payments.gateways.wechat_pay.bank import (
    API_KEY,
    APP_ID,
    NEW,
    NOTICE_URL,
    OLD,
    OUR_SERIAL,
    Bank,
    platform_certificate,
    private_pem,
    public_pem,
    rsa_key,
    running_bank,
)

ROUNDS = 12 * int(os.environ.get("RACE_SCALE", "1"))
"""Each is nine messages there and ten back, so RACE_SCALE=10 makes more than a thousand each way."""


@pytest.fixture
def now() -> Iterator[Bank]:
    """A bank on the real clock, because the library asks the system for the time."""
    with running_bank(OLD) as bank:
        yield bank


def library(bank: Bank, **keys: Any) -> WeChatPay:
    """The client as it comes from its authors; only the address of the provider is another."""
    client = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid="sandbox-merchant",
        private_key=private_pem(rsa_key("ours")),
        cert_serial_no=OUR_SERIAL,
        appid=APP_ID,
        apiv3_key=API_KEY,
        notify_url=NOTICE_URL,
        timeout=(3, 5),
        **keys,
    )
    client._core._gate_way = bank.url
    return client


def in_public_key_mode(bank: Bank) -> WeChatPay:
    return library(bank, public_key=public_pem(rsa_key("old")), public_key_id=OLD)


def test_the_unmodified_client_and_the_simulator_understand_each_other(now: Bank) -> None:
    client = in_public_key_mode(now)
    messages = callbacks = 0

    def said(answer: tuple[int, Any], status: int = 200) -> Any:
        nonlocal messages
        messages += 1
        assert answer[0] == status, answer
        return json.loads(answer[1]) if answer[1] else None

    for place in range(ROUNDS):
        number, other = f"LIB-{place:08d}", f"LIB-H5-{place:08d}"
        order = {"description": "考试费", "amount": {"total": 100 + place, "currency": "CNY"}}
        payer = {"openid": BY_KEY["zhang"].openid(APP_ID)}
        prepay = said(client.pay(out_trade_no=number, payer=payer, **order))["prepay_id"]
        given = {"appId": APP_ID, "timeStamp": "1", "nonceStr": "n", "package": f"prepay_id={prepay}"}
        given["paySign"] = client.sign(list(given.values()))
        assert now.simulator.seals.is_bridge_call(given)
        scene = {"payer_client_ip": "203.0.113.9", "h5_info": {"type": "Wap"}}
        said(client.pay(out_trade_no=other, scene_info=scene, pay_type=WeChatPayType.H5, **order))
        assert said(client.query(out_trade_no=number))["trade_state"] == "NOTPAY"
        said(client.close(out_trade_no=other), 204)
        now.pay(number)
        found = said(client.query(out_trade_no=number))
        assert (found["trade_state"], found["amount"]["total"]) == ("SUCCESS", 100 + place)
        said(client.query(transaction_id=found["transaction_id"]))
        told = client.callback(*now.sealed())
        assert told["resource"] == found
        refund = {"out_refund_no": f"R-{place}", "amount": {"refund": 1, "total": 100 + place, "currency": "CNY"}}
        assert said(client.refund(out_trade_no=number, **refund))["status"] == "PROCESSING"
        now.simulator.accounts.orders[number].refunds[f"R-{place}"].done_at = 0
        assert said(client.query_refund(f"R-{place}"))["status"] == "SUCCESS"
        assert client.callback(*now.sealed())["resource"]["refund_status"] == "SUCCESS"
        assert said(client.query(out_trade_no="unknown"), 404)["code"] == "ORDERNOTEXIST"
        callbacks += 2
    assert messages == ROUNDS * 9
    assert sum(now.simulator.faults.calls.values()) == messages
    assert messages + callbacks >= 100


def test_the_adapter_and_the_simulator_understand_each_other(now: Bank) -> None:
    gateway = now.gateway
    for place in range(ROUNDS):
        number = f"OUR-{place:08d}"
        gateway.open(now.order(number, amount_fen=100 + place))
        assert gateway.query(number).status is PayStatus.PENDING
        now.pay(number)
        paid = gateway.query(number)
        assert (paid.status, paid.amount_fen) == (PayStatus.PAID, 100 + place)
        assert gateway.read_notice(*now.sealed(), clock.now()).payment == paid
        gateway.refund(RefundOrder(f"R-{place}", number, 1, 100 + place, "退款"))
        now.simulator.accounts.orders[number].refunds[f"R-{place}"].done_at = 0
        assert gateway.query_refund(f"R-{place}", number).status is RefundStatus.SUCCESS
        notice = gateway.read_notice(*now.sealed(), clock.now())
        assert notice.refund is not None
        assert notice.refund.status is RefundStatus.SUCCESS
        gateway.open(now.order(number + "X", amount_fen=1))
        gateway.close(number + "X")
        assert gateway.query(number + "X").status is PayStatus.CLOSED
        assert gateway.query("OUR-absent").status is PayStatus.ABSENT
    assert now.calls() == ROUNDS * 9


def test_the_unmodified_client_downloads_a_bill(now: Bank) -> None:
    client = in_public_key_mode(now)
    now.paid("LIB-BILL-1")
    yesterday = clock.civil(clock.now()).date()
    now.simulator.offset_s = timedelta(days=2).total_seconds()
    status, text = _skewed(now, client, lambda: client.trade_bill(yesterday.isoformat()))
    assert status == 200
    answer = json.loads(text)
    status, file = _skewed(now, client, lambda: client.download_bill(answer["download_url"]))
    assert status == 200
    plain = gzip.decompress(file)
    assert hashlib.sha1(plain).hexdigest() == answer["hash_value"]
    assert "LIB-BILL-1" in plain.decode()
    status, text = _skewed(now, client, lambda: client.fundflow_bill(yesterday.isoformat()))
    status, file = _skewed(now, client, lambda: client.download_bill(json.loads(text)["download_url"]))
    assert "资金流水总笔数" in gzip.decompress(file).decode()


def _skewed(bank: Bank, client: WeChatPay, call: Any) -> Any:
    """The library reads the system clock, so the provider's clock stands at its hour while signatures are checked."""
    day, seals = bank.simulator.offset_s, bank.simulator.seals
    check, write = seals.authenticate, seals.headers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            seals,
            "authenticate",
            lambda method, target, headers, body, now: check(method, target, headers, body, now - day),
        )
        patch.setattr(seals, "headers", lambda body, now, **more: write(body, now - day, **more))
        return call()


def test_the_unmodified_client_in_certificate_mode(tmp_path: Path) -> None:
    """An older merchant: a platform certificate at hand, another fetched when the serial is new."""
    serial, pem = platform_certificate()
    (tmp_path / f"{serial}.pem").write_text(pem)
    with running_bank(serial, NEW) as bank:
        client = library(bank, cert_dir=str(tmp_path))
        payer = {"openid": BY_KEY["zhang"].openid(APP_ID)}
        order = {"description": "费", "out_trade_no": "CERT-000001", "amount": {"total": 1, "currency": "CNY"}}
        assert client.pay(payer=payer, **order)[0] == 200
        bank.pay("CERT-000001")
        assert client.callback(*bank.sealed())["resource"]["trade_state"] == "SUCCESS"
        assert client._core.request("/v3/certificates")[0] == 200
    with running_bank(OLD) as bank:
        assert in_public_key_mode(bank)._core.request("/v3/certificates")[0] == 403


def test_the_unmodified_client_refuses_what_is_not_signed(now: Bank) -> None:
    client = in_public_key_mode(now)
    now.paid("LIB-000001")
    for kind in ("unsigned", "tampered"):
        now.fault("query", kind)
        with pytest.raises(Exception, match="signature|algorithm"):
            client.query(out_trade_no="LIB-000001")
    assert client.callback(*now.sealed(probe=True)) is None
