"""WeChat 非税缴费: the adapter against the simulated endpoints over real HTTP, under real access tokens."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from backend.core import clock
from backend.core.config import ConfigError
from backend.core.wechat import WeChat, official_account
from backend.sandbox.people import BY_KEY
from payments.gateways import wechat_nontax
from payments.gateways.base import (
    AlreadyPaid,
    Busy,
    Channel,
    GatewayError,
    NoticeRefused,
    OutcomeUnknown,
    PayOrder,
    PayStatus,
    RefundOrder,
    RefundStatus,
    Scene,
)
from payments.gateways.wechat_nontax import NonTaxItem, NonTaxNotice, Owed, Unit, WeChatNonTax
from tests.conftest import make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox

UNIT = Unit("350299001", "演示执收单位", "350299")
SETTINGS = make_settings(
    "postgresql://nobody@127.0.0.1/none", wechat_nontax_mchid="sandbox-nontax", wechat_nontax_service_id="7"
)
NOTICE = NonTaxNotice(
    items=(
        NonTaxItem("103042501", "城市道路占用费", 10_000),
        NonTaxItem("103050101", "罚款", 2_850, overdue_fen=50, penalty_fen=100),
    ),
    created_at=datetime(2026, 11, 20, 1, 0, tzinfo=UTC),
    payer_name="张测试",
    due_on=date(2026, 12, 31),
)
ORDER = PayOrder(
    number="B20261124-000001",
    amount_fen=12_850,
    description="城市道路占用费",
    expires_at=datetime(2026, 11, 24, 2, 0, tzinfo=UTC),
    scene=Scene.JSAPI,
    app_id="sandbox-official",
    client_ip="203.0.113.7",
    openid=BY_KEY["zhang"].openid("sandbox-official"),
    return_url="https://zw.example.cn/pay/1",
)
CODE = "134567890123456789"


def debts(number: str) -> Owed:
    """Every order here pays the same notice."""
    return Owed(UNIT, NOTICE)


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with running_sandbox(SETTINGS) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: RunningSandbox) -> RunningSandbox:
    served.reset()
    operate(served, typing=0, refund_delay_s=0)
    return served


@pytest.fixture
def gateway(sandbox: RunningSandbox) -> WeChatNonTax:
    settings = sandbox.settings(SETTINGS)
    fetch = WeChat(official_account(settings)).stable_token
    found = wechat_nontax.from_settings(settings, lambda stale=None: fetch().value, debts)
    assert found is not None
    return found


@pytest.fixture
def number() -> str:
    return f"B{time.monotonic_ns()}"


def operate(sandbox: RunningSandbox, **plan: Any) -> list[dict[str, Any]]:
    answer = requests.put(f"{sandbox.url}/nontax-operator", json=plan, timeout=5)
    orders: list[dict[str, Any]] = answer.json()["orders"]
    return orders


def pay(gateway: WeChatNonTax, number: str) -> None:
    launch = gateway.open(replace(ORDER, number=number))
    assert launch.url is not None
    answer = requests.post(launch.url, data={"decision": "pay"}, allow_redirects=False, timeout=5)
    assert answer.headers["Location"] == ORDER.return_url


def test_without_a_merchant_the_channel_is_off() -> None:
    off = replace(SETTINGS, wechat_nontax_mchid="")
    assert wechat_nontax.from_settings(off, lambda stale=None: "", debts) is None
    with pytest.raises(ConfigError, match="WECHAT_NONTAX_SERVICE_ID"):
        wechat_nontax.from_settings(replace(SETTINGS, wechat_nontax_service_id="x"), lambda stale=None: "", debts)


def test_an_order_is_paid_on_wechats_page(gateway: WeChatNonTax, sandbox: RunningSandbox, number: str) -> None:
    assert gateway.query(number).status is PayStatus.ABSENT
    launch = gateway.open(replace(ORDER, number=number))
    assert launch.url is not None
    page = requests.get(launch.url, timeout=5).text
    assert "128.50" in page
    assert "演示执收单位" in page
    assert gateway.query(number).status is PayStatus.PENDING
    requests.post(launch.url, data={"decision": "pay"}, allow_redirects=False, timeout=5)
    answer = gateway.query(number)
    assert (answer.status, answer.amount_fen, answer.currency) == (PayStatus.PAID, 12_850, "CNY")
    assert (answer.app_id, answer.merchant_id) == ("sandbox-official", "sandbox-nontax")
    assert answer.transaction_id is not None
    assert answer.paid_at is not None
    asked = next(order for order in operate(sandbox) if order["order_no"] == number)
    assert [item["fee"] for item in asked["items"]] == [10_000, 2_850]
    assert asked["items"][1] == {
        "no": 2,
        "item_id": "103050101",
        "item_name": "罚款",
        "overdue": 50,
        "penalty": 100,
        "fee": 2_850,
    }


def test_the_paid_one_of_several_orders_counts(gateway: WeChatNonTax, number: str) -> None:
    first = gateway.open(replace(ORDER, number=number)).url
    gateway.open(replace(ORDER, number=number, scene=Scene.H5, openid=None))
    requests.post(str(first), data={"decision": "pay"}, allow_redirects=False, timeout=5)
    assert gateway.query(number).status is PayStatus.PAID
    with pytest.raises(GatewayError, match="9006"):
        gateway.open(replace(ORDER, number=number))


def test_an_order_ends_by_itself_and_cannot_be_closed(
    gateway: WeChatNonTax, sandbox: RunningSandbox, number: str
) -> None:
    gateway.close(number)
    gateway.open(replace(ORDER, number=number))
    with pytest.raises(GatewayError, match="CANNOT_CLOSE"):
        gateway.close(number)
    sandbox.advance(7_201)
    gateway.close(number)
    assert gateway.query(number).status is PayStatus.CLOSED


def test_a_paid_order_is_not_closed(gateway: WeChatNonTax, number: str) -> None:
    pay(gateway, number)
    with pytest.raises(AlreadyPaid):
        gateway.close(number)


def test_at_the_window_the_payer_may_be_typing_a_password(
    gateway: WeChatNonTax, sandbox: RunningSandbox, number: str
) -> None:
    order = replace(ORDER, number=number, scene=Scene.MICROPAY, auth_code=CODE, return_url=None)
    operate(sandbox, typing=2)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            gateway.open(order)
        assert gateway.query(number).status is PayStatus.PENDING
    launch = gateway.open(order)
    assert (launch.parameters, launch.url, launch.qr) == (None, None, None)
    assert gateway.query(number).status is PayStatus.PAID
    assert len([one for one in operate(sandbox) if one["order_no"] == number]) == 1, "a repeat is the same order"


@pytest.mark.parametrize("code", ["", None, "1" * 17, "1" * 19, "164567890123456789", "13456789012345678x"])
def test_only_a_payers_code_is_sent(gateway: WeChatNonTax, code: str | None) -> None:
    with pytest.raises(ValueError, match="18 digits"):
        gateway.open(replace(ORDER, scene=Scene.MICROPAY, auth_code=code))


def test_a_partial_refund_leaves_the_order_paid_and_is_found_by_our_number(
    gateway: WeChatNonTax, sandbox: RunningSandbox, number: str
) -> None:
    operate(sandbox, refund_delay_s=60)
    order = RefundOrder(f"R{number}", number, 2_850, 12_850, "多缴")
    with pytest.raises(Busy):
        gateway.refund(order)
    pay(gateway, number)
    assert gateway.query_refund(order.number, number).status is RefundStatus.ABSENT
    assert gateway.refund(order).status is RefundStatus.PROCESSING
    assert gateway.refund(order).status is RefundStatus.PROCESSING
    assert gateway.query(number).status is PayStatus.REFUNDED
    sandbox.advance(61)
    ended = gateway.query_refund(order.number, number)
    assert (ended.status, ended.amount_fen, ended.pay_number) == (RefundStatus.SUCCESS, 2_850, number)
    assert ended.refunded_at is not None
    found = next(one for one in operate(sandbox) if one["order_no"] == number)
    assert len(found["partial_refund_info"]) == 1, "a repeat refunds nothing"
    with pytest.raises(GatewayError):
        gateway.refund(replace(order, number=f"S{number}", amount_fen=12_850))


def test_finance_says_what_is_owed(gateway: WeChatNonTax, sandbox: RunningSandbox) -> None:
    fee = {
        "user_name": "张测试",
        "fee": 300,
        "items": [{"no": 1, "item_id": "1", "item_name": "费", "overdue": 0, "penalty": 0, "fee": 300}],
        "payment_notice_no": "N1",
        "department_code": UNIT.code,
        "department_name": UNIT.name,
        "payment_notice_type": 2,
        "region_code": UNIT.region,
        "payment_notice_create_time": 1_764_000_000,
        "payment_expire_date": "20261231",
    }
    operate(sandbox, fees={"N1": fee, "N2": {**fee, "payment_notice_no": "N2", "fee": 301}})
    notice = gateway.query_fee(UNIT, "N1")
    assert (notice.fee_fen, notice.kind, notice.number, notice.due_on) == (300, 2, "N1", date(2026, 12, 31))
    with pytest.raises(OutcomeUnknown):
        gateway.query_fee(UNIT, "N2")
    with pytest.raises(GatewayError):
        gateway.query_fee(UNIT, "N3")


def test_the_bill_of_a_day(gateway: WeChatNonTax, sandbox: RunningSandbox, number: str) -> None:
    pay(gateway, number)
    gateway.refund(RefundOrder(f"R{number}", number, 50, 12_850, "多缴"))
    lines = [line for line in gateway.statement(clock.today()) if line.number == number]
    assert {(line.amount_fen, line.refund_number, line.refund_fen) for line in lines} == {
        (12_850, None, 0),
        (0, f"R{number}", 50),
    }
    assert list(gateway.statement(clock.today() - timedelta(days=9))) == []


def test_a_notice_is_only_a_hint(gateway: WeChatNonTax, number: str) -> None:
    with pytest.raises(NoticeRefused, match="hint"):
        gateway.read_notice({}, b"anything", clock.now())
    with pytest.raises(GatewayError):
        gateway.notify_again(number)
    pay(gateway, number)
    gateway.notify_again(number)


@pytest.mark.parametrize(("mode", "error"), [("outage", OutcomeUnknown), ("busy", OutcomeUnknown)])
def test_an_outage_leaves_the_outcome_unknown(
    gateway: WeChatNonTax, sandbox: RunningSandbox, number: str, mode: str, error: type[GatewayError]
) -> None:
    gateway.query(number)
    fetched = WeChatNonTax(
        WeChat(official_account(sandbox.settings(SETTINGS)), lambda stale=None: "kept"), "m", "", debts
    )
    sandbox.faults(wechat=mode)
    with pytest.raises(error) as raised:
        fetched.query(number)
    assert type(raised.value) is error


def test_without_a_token_nothing_happened(sandbox: RunningSandbox, number: str) -> None:
    wechat = WeChat(official_account(sandbox.settings(SETTINGS)), lambda stale=None: "stale")
    with pytest.raises(Busy, match="40001"):
        WeChatNonTax(wechat, "sandbox-nontax", "7", debts).query(number)


def test_an_answer_about_another_order_is_no_answer(
    gateway: WeChatNonTax, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = gateway.open(replace(ORDER, number=number)).reference
    monkeypatch.setattr(gateway, "_order_id", lambda asked: other)
    with pytest.raises(OutcomeUnknown, match="OTHER_NUMBER"):
        gateway.query(f"X{number}")


def test_other_orders_are_not_for_this_channel(gateway: WeChatNonTax) -> None:
    with pytest.raises(GatewayError, match="APP"):
        gateway.open(replace(ORDER, app_id="sandbox-mini"))
    with pytest.raises(GatewayError, match="SCENE"):
        gateway.open(replace(ORDER, scene=Scene.NATIVE))
    with pytest.raises(ValueError, match="whole fen"):
        gateway.open(replace(ORDER, amount_fen=12_849))
    assert gateway.channel is Channel.WECHAT_NONTAX
