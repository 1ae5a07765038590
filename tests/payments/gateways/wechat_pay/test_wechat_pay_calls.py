"""The adapter's calls against the simulated provider over real HTTP."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from backend.core import context
from backend.core.http import TransactionOpen
from payments.gateways.base import (
    AlreadyPaid,
    BalanceShort,
    Busy,
    GatewayError,
    NumberTaken,
    OrderClosed,
    OutcomeUnknown,
    PayStatus,
    RefundImpossible,
    RefundOrder,
    RefundStatus,
    Scene,
)
from payments.gateways.wechat_pay import WeChatPay
from tests.conftest import Clock
from tests.payments.gateways.wechat_pay.bank import (
    APP_ID,
    NEW,
    OLD,
    Bank,
    pay_settings,
    platform_certificate,
    running_bank,
)
from tests.ports import free_port

REFUND = RefundOrder("R20261124-000001", "B20261124-000001", 5_000, 12_850, "重复缴费")


def bridge(bank: Bank, parameters: Any, decision: str = "pay", **more: Any) -> str:
    """What WeixinJSBridge gives the page."""
    body = {"parameters": dict(parameters), "decision": decision, **more}
    return str(requests.post(f"{bank.url}/wechat-pay/pay", json=body, timeout=5).json()["err_msg"])


def test_jsapi_is_launched_by_the_bridge_and_paid(bank: Bank) -> None:
    launch = bank.gateway.open(bank.order())
    assert launch.parameters is not None
    assert set(launch.parameters) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert launch.parameters["package"] == f"prepay_id={launch.reference}"
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PENDING
    assert bridge(bank, launch.parameters, "cancel") == "get_brand_wcpay_request:cancel"
    assert bridge(bank, {**launch.parameters, "paySign": "AAAA"}).endswith(":fail")
    assert bridge(bank, {**launch.parameters, "appId": "sandbox-mini"}).endswith(":fail")
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PENDING
    assert bridge(bank, launch.parameters) == "get_brand_wcpay_request:ok"
    answer = bank.gateway.query("B20261124-000001")
    assert (answer.status, answer.amount_fen, answer.payer_fen) == (PayStatus.PAID, 12_850, 12_850)
    assert (answer.app_id, answer.merchant_id, answer.currency) == (APP_ID, "sandbox-merchant", "CNY")
    assert answer.paid_at == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert answer.transaction_id is not None
    assert len(answer.transaction_id) == 28
    assert answer.refundable


def test_h5_leads_to_the_cashier_and_back(bank: Bank) -> None:
    back = "https://zw.example.cn/pay/1?from=h5&lang=zh#end"
    launch = bank.gateway.open(bank.order(scene=Scene.H5, openid=None, return_url=back))
    assert launch.url is not None
    page = requests.get(launch.url, timeout=5)
    assert "128.50" in page.text
    assert "城市道路占用费" in page.text
    wrong = requests.post(launch.url, data={"decision": "wrong", "person": "li"}, allow_redirects=False, timeout=5)
    assert "密码不对" in wrong.text
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PENDING
    paid = requests.post(launch.url, data={"decision": "pay", "person": "li"}, allow_redirects=False, timeout=5)
    assert (paid.status_code, paid.headers["Location"]) == (302, back)
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PAID
    assert "支付成功" in requests.get(launch.url, timeout=5).text


def test_a_link_of_five_minutes_takes_no_money_afterwards(bank: Bank, clock: Clock) -> None:
    launch = bank.gateway.open(bank.order(scene=Scene.H5, openid=None))
    clock.advance(seconds=301)
    assert launch.url is not None
    assert "支付链接已失效" in requests.post(launch.url, data={"decision": "pay"}, timeout=5).text
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PENDING


def test_native_code_is_scanned_and_a_new_one_replaces_it(bank: Bank) -> None:
    order = bank.order(scene=Scene.NATIVE, openid=None)
    first, second = bank.gateway.open(order).qr, bank.gateway.open(order).qr
    assert str(second).startswith("weixin://wxpay/bizpayurl?pr=")
    old, new = (
        requests.get(f"{bank.url}/wechat-pay/scan", params={"pr": qr}, timeout=5).text for qr in (first, second)
    )
    assert "支付链接不存在" in old
    assert "128.50" in new


def test_the_same_order_may_be_opened_again_but_not_another_under_its_number(bank: Bank) -> None:
    order = bank.order()
    assert bank.gateway.open(order).reference != bank.gateway.open(order).reference
    with pytest.raises(NumberTaken):
        bank.gateway.open(replace(order, amount_fen=1))
    bank.pay(order.number)
    with pytest.raises(AlreadyPaid):
        bank.gateway.open(order)


@pytest.mark.parametrize("new_spelling", [False, True])
def test_both_spellings_of_a_code_mean_the_same(bank: Bank, new_spelling: bool) -> None:
    bank.simulator.accounts.plan.new_spelling = new_spelling
    assert bank.gateway.query("B00000000000001").status is PayStatus.ABSENT
    bank.gateway.close("B00000000000001")
    bank.paid()
    with pytest.raises(AlreadyPaid):
        bank.gateway.close("B20261124-000001")
    bank.simulator.accounts.plan.balance = 0
    with pytest.raises(BalanceShort):
        bank.gateway.refund(REFUND)


def test_closing_ends_the_chance_to_pay_and_may_be_repeated(bank: Bank) -> None:
    launch = bank.gateway.open(bank.order())
    bank.gateway.close("B20261124-000001")
    bank.gateway.close("B20261124-000001")
    assert bank.gateway.query("B20261124-000001").status is PayStatus.CLOSED
    assert bridge(bank, launch.parameters).endswith(":fail")
    with pytest.raises(OrderClosed):
        bank.gateway.open(bank.order())


def test_an_order_past_its_time_is_not_paid_but_stays_open_until_closed(bank: Bank, clock: Clock) -> None:
    launch = bank.gateway.open(bank.order())
    clock.advance(minutes=30)
    assert bridge(bank, launch.parameters).endswith(":fail")
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PENDING
    bank.gateway.close("B20261124-000001")
    assert bank.gateway.query("B20261124-000001").status is PayStatus.CLOSED


def test_a_coupon_is_told_beside_the_total(bank: Bank) -> None:
    bank.paid(coupon=850)
    answer = bank.gateway.query("B20261124-000001")
    assert (answer.amount_fen, answer.payer_fen) == (12_850, 12_000)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("SUCCESS", RefundStatus.SUCCESS),
        ("ABNORMAL", RefundStatus.ABNORMAL),
        ("CLOSED", RefundStatus.CLOSED),
        ("never", RefundStatus.PROCESSING),
    ],
)
def test_a_refund_is_accepted_first_and_ends_later(
    bank: Bank, clock: Clock, outcome: str, status: RefundStatus
) -> None:
    bank.simulator.accounts.plan.refund_outcome = outcome
    bank.paid()
    clock.advance(hours=1)
    accepted = bank.gateway.refund(REFUND)
    assert (accepted.status, accepted.amount_fen, accepted.refunded_at) == (RefundStatus.PROCESSING, 5_000, None)
    assert bank.gateway.query("B20261124-000001").status is PayStatus.REFUNDED
    clock.advance(minutes=1)
    ended = bank.gateway.query_refund(REFUND.number, REFUND.pay_number)
    assert (ended.status, ended.pay_number, ended.amount_fen) == (status, REFUND.pay_number, 5_000)
    assert (ended.refunded_at is not None) is (status is RefundStatus.SUCCESS)
    assert ended.refund_id == accepted.refund_id


def test_one_number_refunds_once(bank: Bank) -> None:
    bank.paid()
    assert bank.gateway.refund(REFUND).refund_id == bank.gateway.refund(REFUND).refund_id
    with pytest.raises(NumberTaken):
        bank.gateway.refund(replace(REFUND, amount_fen=1))
    assert len(bank.simulator.accounts.orders[REFUND.pay_number].refunds) == 1


def test_refunds_that_the_provider_will_never_make(bank: Bank, clock: Clock) -> None:
    bank.paid()
    bank.gateway.refund(replace(REFUND, number="R-1", amount_fen=12_000))
    clock.advance(minutes=2)
    with pytest.raises(RefundImpossible):
        bank.gateway.refund(REFUND)
    clock.advance(days=365)
    with pytest.raises(RefundImpossible):
        bank.gateway.refund(replace(REFUND, amount_fen=1))


def test_a_refund_within_a_minute_or_of_an_order_not_yet_seen_is_asked_again(bank: Bank, clock: Clock) -> None:
    with pytest.raises(Busy):
        bank.gateway.refund(REFUND)
    bank.paid()
    bank.gateway.refund(REFUND)
    with pytest.raises(Busy):
        bank.gateway.refund(replace(REFUND, number="R20261124-000002"))
    clock.advance(seconds=61)
    assert bank.gateway.refund(replace(REFUND, number="R20261124-000002")).status is RefundStatus.PROCESSING


def test_fifty_parts_and_no_more(bank: Bank, clock: Clock) -> None:
    bank.paid()
    for part in range(50):
        bank.gateway.refund(replace(REFUND, number=f"R-{part}", amount_fen=1))
        clock.advance(seconds=61)
    with pytest.raises(RefundImpossible):
        bank.gateway.refund(replace(REFUND, number="R-50", amount_fen=1))


def test_a_refund_that_nobody_asked_for_is_absent(bank: Bank) -> None:
    bank.paid()
    assert bank.gateway.query_refund("R1", "B20261124-000001").status is RefundStatus.ABSENT


@pytest.mark.parametrize(
    ("kind", "error", "happened"),
    [
        ("busy", Busy, False),
        ("error", OutcomeUnknown, False),
        ("page", OutcomeUnknown, False),
        ("drop_before", OutcomeUnknown, False),
        ("drop_after", OutcomeUnknown, True),
        ("error_after", OutcomeUnknown, True),
        ("unsigned", OutcomeUnknown, True),
        ("tampered", OutcomeUnknown, True),
        ("stale", OutcomeUnknown, True),
    ],
)
def test_an_order_whose_creation_went_wrong_is_opened_again_under_its_number(
    bank: Bank, kind: str, error: type[GatewayError], happened: bool
) -> None:
    bank.fault("create", kind)
    with pytest.raises(error) as raised:
        bank.gateway.open(bank.order())
    assert type(raised.value) is error
    assert (bank.gateway.query("B20261124-000001").status is PayStatus.PENDING) is happened
    assert bank.gateway.open(bank.order()).reference


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (429, "", Busy, "HTTP_429"),
        (429, '{"code": "SOMETHING_NEW"}', Busy, "SOMETHING_NEW"),
        (400, '{"code": "RATELIMIT_EXCEEDED"}', Busy, "RATELIMIT_EXCEEDED"),
        (500, '{"code": "OPENID_MISMATCH", "message": "openid"}', GatewayError, "OPENID_MISMATCH"),
        (500, '{"code": "ORDERPAID"}', OutcomeUnknown, "ORDERPAID"),
        (503, "", OutcomeUnknown, "HTTP_503"),
        (404, "<html>not found</html>", OutcomeUnknown, "HTTP_404"),
        (404, "[]", OutcomeUnknown, "HTTP_404"),
        (302, "", OutcomeUnknown, "HTTP_302"),
        (403, '{"code": "NO_AUTH"}', GatewayError, "NO_AUTH"),
        (403, '{"code": "OUT_TRADE_NO_USED"}', NumberTaken, "OUT_TRADE_NO_USED"),
        (400, '{"code": "INVALID_REQUEST", "message": "其他"}', GatewayError, "INVALID_REQUEST"),
    ],
)
def test_a_refusal_is_what_the_documents_say_and_anything_else_is_unknown(
    bank: Bank, status: int, body: str, error: type[GatewayError], code: str
) -> None:
    bank.fault("create", "answer", status=status, body=body)
    with pytest.raises(error) as raised:
        bank.gateway.open(bank.order())
    assert (type(raised.value), raised.value.code) == (error, code)
    assert not bank.simulator.accounts.orders


def test_an_absent_order_is_known_by_its_code_alone(bank: Bank) -> None:
    bank.paid()
    for answer in ({"status": 404, "body": "<html>"}, {"status": 500, "body": '{"code": "ORDERNOTEXIST"}'}):
        bank.fault("query", "answer", **answer)
        with pytest.raises(OutcomeUnknown):
            bank.gateway.query("B20261124-000001")


def test_a_refunds_reason_is_cut(bank: Bank) -> None:
    bank.paid()
    bank.gateway.refund(replace(REFUND, reason="因" * 200))
    refund = bank.simulator.accounts.orders[REFUND.pay_number].refunds[REFUND.number]
    assert refund.body["reason"] == "因" * 80


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "unsigned"])
def test_a_refund_whose_answer_is_lost_is_found_under_its_number(bank: Bank, kind: str) -> None:
    bank.paid()
    bank.fault("refund", kind)
    with pytest.raises(OutcomeUnknown):
        bank.gateway.refund(REFUND)
    assert bank.gateway.query_refund(REFUND.number, REFUND.pay_number).status is RefundStatus.PROCESSING
    bank.gateway.refund(REFUND)
    assert len(bank.simulator.accounts.orders[REFUND.pay_number].refunds) == 1


@pytest.mark.parametrize("kind", ["unsigned", "tampered", "stale"])
def test_p47_a_query_answer_that_cannot_be_verified_is_no_answer(bank: Bank, kind: str) -> None:
    bank.paid()
    bank.fault("query", kind)
    with pytest.raises(OutcomeUnknown, match="UNVERIFIED"):
        bank.gateway.query("B20261124-000001")
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PAID


def test_p47_an_answer_under_a_key_that_is_not_configured_is_no_answer(clock: Clock) -> None:
    serial, _ = platform_certificate()
    with running_bank(NEW, serial, known=(serial,)) as bank:
        with pytest.raises(OutcomeUnknown, match="UNVERIFIED_SERIAL"):
            bank.gateway.open(bank.order())
        assert bank.calls() == 1, "no certificate is fetched because a serial is unknown"


def test_an_answer_about_another_order_is_no_answer(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.paid()
    found = bank.simulator.accounts.orders["B20261124-000001"]
    monkeypatch.setattr(bank.simulator.accounts, "find", lambda number, transaction=False: found)
    with pytest.raises(OutcomeUnknown, match="OTHER_NUMBER"):
        bank.gateway.query("B20261124-000002")


def test_a_provider_that_is_not_there_was_certainly_not_asked(clock: Clock) -> None:
    settings = pay_settings(f"http://127.0.0.1:{free_port()}", OLD)
    gateway = _gateway(settings)
    with pytest.raises(Busy, match="NOT_SENT"):
        gateway.query("B20261124-000001")


def test_a_slow_provider_is_given_up_and_its_answer_unknown(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.core.http.READ_TIMEOUT_S", 0.2)
    bank.fault("create", "slow", seconds=3)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="TIMEOUT"):
        bank.gateway.open(bank.order())
    assert time.monotonic() - started < 2
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PENDING


def test_no_call_inside_a_transaction(bank: Bank) -> None:
    token = context.in_transaction.set(True)
    try:
        with pytest.raises(TransactionOpen):
            bank.gateway.query("B20261124-000001")
    finally:
        context.in_transaction.reset(token)
    assert bank.calls() == 0


@pytest.mark.parametrize("amount", [0, -1, 600.0, True, "600"])
def test_amounts_are_whole_fen(bank: Bank, amount: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        bank.gateway.open(bank.order(amount_fen=amount))
    with pytest.raises(ValueError, match="whole number"):
        bank.gateway.refund(replace(REFUND, amount_fen=amount))
    assert bank.calls() == 0


@pytest.mark.parametrize("number", ["short", "a/../../v3/x", "a" * 33, "B2026?mchid=1", "编号编号编号"])
def test_numbers_go_into_paths_only_when_they_are_ours(bank: Bank, number: str) -> None:
    for call in (bank.gateway.query, bank.gateway.close, lambda n: bank.gateway.open(bank.order(n))):
        with pytest.raises(ValueError, match="not a number of ours"):
            call(number)
    assert bank.calls() == 0


def test_jsapi_without_an_openid_and_micropay_are_not_for_this_channel(bank: Bank) -> None:
    with pytest.raises(ValueError, match="openid"):
        bank.gateway.open(bank.order(openid=None))
    with pytest.raises(GatewayError, match="SCENE"):
        bank.gateway.open(bank.order(scene=Scene.MICROPAY))


def test_a_long_description_is_cut_and_extra_fields_are_never_sent(bank: Bank) -> None:
    bank.gateway.open(bank.order(description="费" * 200))
    body = bank.simulator.accounts.orders["B20261124-000001"].body
    assert len(body["description"]) == 127
    assert set(body) == {
        "appid",
        "mchid",
        "description",
        "out_trade_no",
        "notify_url",
        "amount",
        "payer",
        "scene_info",
        "time_expire",
    }
    assert body["notify_url"] == "http://127.0.0.1:8000/callbacks/wechat-pay"
    assert body["time_expire"] == "2026-11-24T09:30:00+08:00"
    assert json.dumps(body["amount"]) == '{"total": 12850, "currency": "CNY"}'


def test_p17_polling_goes_on_with_a_wrong_clock(bank: Bank) -> None:
    """The provider refuses our time, tells its own, and the call is repeated once with that."""
    bank.paid()
    bank.simulator.offset_s = 1_000
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PAID
    bank.simulator.offset_s = -1_000
    assert bank.gateway.query("B20261124-000001").status is PayStatus.PAID


def test_a_wrong_merchant_key_is_a_plain_refusal(bank: Bank) -> None:
    serial = "00000000000000000000000000000000000000AA"
    gateway = _gateway(pay_settings(bank.url, OLD, wechat_pay_serial=serial))
    with pytest.raises(GatewayError, match="SIGN_ERROR") as raised:
        gateway.query("B20261124-000001")
    assert type(raised.value) is GatewayError


def test_the_payer_must_belong_to_the_app_id(bank: Bank) -> None:
    with pytest.raises(GatewayError, match="PARAM_ERROR"):
        bank.gateway.open(bank.order(app_id="sandbox-mini"))
    with pytest.raises(GatewayError, match="APPID_MCHID_NOT_MATCH"):
        bank.gateway.open(bank.order(app_id="wx0000000000000000"))


def _gateway(settings: Any) -> WeChatPay:
    from payments.gateways import wechat_pay

    gateway = wechat_pay.from_settings(settings)
    assert gateway is not None
    return gateway


def test_a_year_is_counted_from_the_payment(bank: Bank, clock: Clock) -> None:
    bank.paid()
    clock.set(clock.now + timedelta(days=365))
    assert bank.gateway.refund(REFUND).status is RefundStatus.PROCESSING
