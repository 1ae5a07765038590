"""What WeChat Pay says of a transaction or a refund, word for word: every state, every field, and what is no answer."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payments.gateways import wechat_pay_reading as reading
from payments.gateways.base import PayAnswer, PayStatus, RefundAnswer, RefundStatus
from tests.payments.gateways.wechat_pay.bank import API_KEY

PAID = {
    "out_trade_no": "B1",
    "trade_state": "SUCCESS",
    "appid": "wx1",
    "mchid": "1900000001",
    "amount": {"total": 100, "payer_total": 0, "currency": "CNY"},
    "transaction_id": "42",
    "success_time": "2026-11-24T09:00:00+08:00",
}
BACK = {
    "out_refund_no": "R1",
    "out_trade_no": "B1",
    "refund_id": "43",
    "mchid": "1900000001",
    "amount": {"refund": 60},
    "success_time": "2026-11-24T09:00:00+08:00",
}
NINE = datetime(2026, 11, 24, 1, tzinfo=UTC)


def test_a_payment_is_read_whole_and_a_coupon_may_pay_all_of_it() -> None:
    assert reading.transaction(PAID) == PayAnswer(
        number="B1",
        status=PayStatus.PAID,
        app_id="wx1",
        merchant_id="1900000001",
        amount_fen=100,
        payer_fen=0,
        currency="CNY",
        transaction_id="42",
        paid_at=NINE,
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("SUCCESS", PayStatus.PAID),
        ("REFUND", PayStatus.REFUNDED),
        ("NOTPAY", PayStatus.PENDING),
        ("USERPAYING", PayStatus.PENDING),
        ("PAYERROR", PayStatus.PENDING),
        ("ACCEPT", PayStatus.PENDING),
        ("CLOSED", PayStatus.CLOSED),
        ("REVOKED", PayStatus.CLOSED),
    ],
)
def test_p14_each_state_has_one_meaning_and_only_money_that_came_must_be_named(state: str, status: PayStatus) -> None:
    assert reading.transaction({**PAID, "trade_state": state}).status is status
    for left_out in ("transaction_id", "amount"):
        told = {name: value for name, value in PAID.items() if name != left_out} | {"trade_state": state}
        if status in (PayStatus.PAID, PayStatus.REFUNDED):
            with pytest.raises(reading.Unreadable):
                reading.transaction(told)
        else:
            assert reading.transaction(told).status is status


def test_what_is_left_out_is_read_as_nothing_and_the_currency_as_yuan() -> None:
    told = {**PAID, "amount": {"total": 0}, "success_time": ""}
    answer = reading.transaction(told)
    assert (answer.amount_fen, answer.payer_fen, answer.currency, answer.paid_at) == (0, None, "CNY", None)
    assert reading.transaction({"out_trade_no": "B1", "trade_state": "NOTPAY"}).paid_at is None


@pytest.mark.parametrize(
    "change",
    [
        {"out_trade_no": 5},
        {"out_trade_no": ""},
        {"amount": {"total": 100, "currency": None}},
        {"amount": {"total": 100, "payer_total": "0"}},
        {"success_time": 5},
        {"success_time": "2026-11-24T09:00:00"},
    ],
)
def test_a_payment_in_other_words_is_no_answer(change: dict[str, Any]) -> None:
    with pytest.raises(reading.Unreadable):
        reading.transaction({**PAID, **change})


@pytest.mark.parametrize("name", ["status", "refund_status"])
@pytest.mark.parametrize("state", ["PROCESSING", "SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund_is_read_whole_in_an_answer_and_in_a_notice(name: str, state: str) -> None:
    assert reading.refund({**BACK, name: state}) == RefundAnswer(
        number="R1",
        status=RefundStatus(state.lower()),
        pay_number="B1",
        amount_fen=60,
        refund_id="43",
        refunded_at=NINE,
        merchant_id="1900000001",
    )


@pytest.mark.parametrize("change", [{"status": "NEW"}, {"out_refund_no": None}, {"amount": None}, {"amount": {}}])
def test_a_refund_in_other_words_is_no_answer(change: dict[str, Any]) -> None:
    with pytest.raises(reading.Unreadable):
        reading.refund({**BACK, "status": "SUCCESS", **change})


@pytest.mark.parametrize("extra", [{}, {"associated_data": None}, {"associated_data": ""}])
def test_what_is_sealed_without_more_words_is_opened_without_them(extra: dict[str, Any]) -> None:
    sealed = AESGCM(API_KEY.encode()).encrypt(b"n" * 12, b"{}", b"")
    resource = {"nonce": "n" * 12, "ciphertext": b64encode(sealed).decode(), **extra}
    assert reading.decrypted(API_KEY, resource) == b"{}"
