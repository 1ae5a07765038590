"""Notices: what is believed, and what is refused before it costs anything."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from werkzeug.datastructures import Headers

from backend.core import clock
from payments.gateways import wechat_pay_reading as reading
from payments.gateways.base import NoticeRefused, PayStatus, RefundOrder, RefundStatus
from payments.sandbox.wechat_pay.seals import Seals
from tests.conftest import Clock
from tests.payments.gateways.wechat_pay.bank import (
    API_KEY,
    APP_ID,
    NEW,
    OLD,
    Bank,
    gateway_knowing,
    merchant,
    platform_certificate,
    running_bank,
)


def refusal(bank: Bank, headers: Any, body: bytes, now: datetime | None = None) -> NoticeRefused:
    """How the adapter refuses this notice."""
    with pytest.raises(NoticeRefused) as raised:
        bank.gateway.read_notice(headers, body, now or clock.now())
    return raised.value


def resealed(bank: Bank, change: Any) -> tuple[dict[str, str], bytes]:
    """The newest notice with its envelope changed and signed anew."""
    headers, body = bank.sealed()
    envelope = json.loads(body)
    change(envelope)
    body = json.dumps(envelope).encode()
    return {**headers, **bank.simulator.seals.headers(body, bank.simulator.now())}, body


def test_a_payment_is_read_from_its_notice(bank: Bank) -> None:
    bank.paid(coupon=850)
    headers, body = bank.sealed()
    notice = bank.gateway.read_notice(Headers(headers), body, clock.now())
    assert notice.payment is not None
    assert notice.refund is None
    assert notice.event_id == json.loads(body)["id"]
    assert notice.sent_at == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert notice.payment == bank.gateway.query("B20261124-000001")
    assert (notice.payment.status, notice.payment.amount_fen, notice.payment.payer_fen) == (
        PayStatus.PAID,
        12_850,
        12_000,
    )
    assert (notice.payment.app_id, notice.payment.merchant_id) == (APP_ID, "sandbox-merchant")


def test_every_delivery_of_a_notice_has_the_same_id(bank: Bank) -> None:
    bank.paid()
    (first, body), (second, again) = bank.sealed(), bank.sealed()
    assert first["Wechatpay-Signature"] != second["Wechatpay-Signature"]
    ids = {bank.gateway.read_notice(h, b, clock.now()).event_id for h, b in ((first, body), (second, again))}
    assert len(ids) == 1


@pytest.mark.parametrize("outcome", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund_is_read_from_its_notice(bank: Bank, clock: Clock, outcome: str) -> None:
    bank.simulator.accounts.plan.refund_outcome = outcome
    bank.paid()
    bank.gateway.refund(RefundOrder("R-1", "B20261124-000001", 100, 12_850, "退"))
    clock.advance(seconds=10)
    headers, body = bank.sealed()
    notice = bank.gateway.read_notice(headers, body, clock.now)
    assert notice.payment is None
    assert notice.refund is not None
    assert notice.refund.status is RefundStatus(outcome.lower())
    assert (notice.refund.number, notice.refund.pay_number) == ("R-1", "B20261124-000001")
    assert (notice.refund.amount_fen, notice.refund.merchant_id) == (100, "sandbox-merchant")


def test_p07_a_forged_signature_is_refused(bank: Bank) -> None:
    bank.paid()
    headers, body = bank.sealed()
    forged = b64encode(bytes(256)).decode()
    assert refusal(bank, {**headers, "Wechatpay-Signature": forged}, body).why == "signature"
    assert refusal(bank, headers, body.replace(b'"id"', b'"iD"', 1)).why == "signature"
    stranger = Seals(merchant(NEW))
    assert refusal(bank, {**stranger.headers(body, bank.simulator.now()), "Wechatpay-Serial": OLD}, body).why == (
        "signature"
    )


def test_p08_a_signature_probe_is_known_as_one(bank: Bank) -> None:
    bank.paid()
    headers, body = bank.sealed(probe=True)
    assert headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    refused = refusal(bank, headers, body)
    assert (refused.why, refused.probe) == ("probe", True)
    genuine = bank.sealed()
    assert bank.gateway.read_notice(*genuine, clock.now()).payment is not None
    assert not refusal(bank, {**genuine[0], "Wechatpay-Signature": b64encode(bytes(256)).decode()}, genuine[1]).probe


def test_p09_an_unknown_serial_is_refused_without_asking_anybody(bank: Bank) -> None:
    bank.paid()
    headers, body = bank.sealed()
    before = bank.calls()
    for serial in (NEW, "5157F09EFDC096DE15EBE81A47057A7232F1B8E1", "PUB_KEY_ID_", "0"):
        assert refusal(bank, {**headers, "Wechatpay-Serial": serial}, body).why == "serial"
    assert bank.calls() == before


@pytest.mark.parametrize(("seconds", "accepted"), [(299, True), (300, True), (301, False), (86_400, False)])
def test_p15_a_replay_is_refused_by_its_age(bank: Bank, clock: Clock, seconds: int, accepted: bool) -> None:
    bank.paid()
    headers, body = bank.sealed()
    later = clock.now + timedelta(seconds=seconds)
    if accepted:
        assert bank.gateway.read_notice(headers, body, later).payment is not None
    else:
        assert refusal(bank, headers, body, later).why == "age"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_p17_with_a_wrong_clock_every_notice_fails_by_age(bank: Bank, clock: Clock, seconds: int) -> None:
    for place in range(5):
        bank.paid(f"B20261124-00000{place}")
        assert refusal(bank, *bank.sealed(), clock.now + timedelta(seconds=seconds)).why == "age"


WRITINGS = {
    "plain": lambda envelope: json.dumps(envelope, ensure_ascii=False),
    "escaped": lambda envelope: json.dumps(envelope, ensure_ascii=True),
    "indented": lambda envelope: json.dumps(envelope, ensure_ascii=False, indent=2),
    "slashes": lambda envelope: json.dumps(envelope, separators=(",", ":")).replace("/", "\\/"),
    "line breaks": lambda envelope: json.dumps(envelope, ensure_ascii=False).replace("{", "{\r\n", 1) + "\n",
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_p18_the_signature_is_over_the_bytes_as_they_came(bank: Bank, writing: str) -> None:
    bank.paid()
    headers, body = bank.sealed()
    raw = WRITINGS[writing](json.loads(body)).encode()
    signed = {**headers, **bank.simulator.seals.headers(raw, bank.simulator.now())}
    assert bank.gateway.read_notice(signed, raw, clock.now()).payment is not None
    rewritten = json.dumps(json.loads(raw), sort_keys=True).encode()
    assert refusal(bank, signed, rewritten).why == "signature"
    assert refusal(bank, signed, raw + b" ").why == "signature"


def test_p19_another_algorithm_or_key_is_refused(bank: Bank) -> None:
    bank.paid()
    headers, body = bank.sealed()
    assert refusal(bank, {**headers, "Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, body).why == "algorithm"
    changed = resealed(bank, lambda envelope: envelope["resource"].update(algorithm="AEAD_SM4_GCM"))
    assert refusal(bank, *changed).why == "algorithm"
    changed = resealed(bank, lambda envelope: envelope["resource"].update(associated_data="refund"))
    assert refusal(bank, *changed).why == "decryption"
    changed = resealed(bank, lambda envelope: envelope["resource"].update(nonce="000000000000"))
    assert refusal(bank, *changed).why == "decryption"
    with pytest.raises(NoticeRefused, match="decryption"):
        reading.notice(bank.gateway._account.keys, API_KEY[::-1], *bank.sealed(), clock.now())


CHANGES: dict[str, tuple[Any, str]] = {
    "another event": (lambda envelope: envelope.update(event_type="PAYSCORE.USER_OPEN_SERVICE"), "event"),
    "a payment called refund": (lambda envelope: envelope.update(event_type="REFUND.SUCCESS"), "content"),
    "no id": (lambda envelope: envelope.update(id=""), "content"),
    "no time": (lambda envelope: envelope.update(create_time=""), "content"),
    "time without offset": (lambda envelope: envelope.update(create_time="2026-11-24T09:00:00"), "content"),
    "resource is text": (lambda envelope: envelope.update(resource="text"), "content"),
    "resource is plain": (lambda envelope: envelope.update(resource_type="plain"), "algorithm"),
    "no resource": (lambda envelope: envelope.pop("resource"), "content"),
    "not base64": (lambda envelope: envelope["resource"].update(ciphertext="%%%"), "content"),
    "no nonce": (lambda envelope: envelope["resource"].update(nonce=""), "content"),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_signed_notice_of_another_shape_has_no_effect(bank: Bank, changed: str) -> None:
    bank.paid()
    change, why = CHANGES[changed]
    assert refusal(bank, *resealed(bank, change)).why == why


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"id": 1}', "\ufeff{}".encode("utf-16")])
def test_a_signed_body_that_is_no_notice_has_no_effect(bank: Bank, body: bytes) -> None:
    assert refusal(bank, bank.simulator.seals.headers(body, bank.simulator.now()), body).why == "content"


@pytest.mark.parametrize("content", [b"[]", b"7", b"{", b""])
def test_a_sealed_content_that_is_no_object_has_no_effect(bank: Bank, content: bytes) -> None:
    bank.paid()
    bank.simulator.notices.kept[-1].content = content
    assert refusal(bank, *bank.sealed()).why == "content"
    with pytest.raises(NoticeRefused, match="content"):
        reading.opened(bank.gateway._account.keys, API_KEY, *bank.sealed(), clock.now())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", {"total": 128.5, "currency": "CNY"}),
        ("amount", {"total": "12850", "currency": "CNY"}),
        ("amount", {"total": True, "currency": "CNY"}),
        ("amount", {"total": -1, "currency": "CNY"}),
        ("amount", []),
        ("amount", None),
        ("amount", {"currency": "CNY"}),
        ("transaction_id", None),
        ("trade_state", "SOMETHING_NEW"),
        ("out_trade_no", ""),
        ("success_time", "yesterday"),
    ],
)
def test_amounts_and_states_in_a_notice_are_read_strictly(bank: Bank, field: str, value: Any) -> None:
    bank.paid()
    kept = bank.simulator.notices.kept[-1]
    kept.content = json.dumps({**json.loads(kept.content), field: value}).encode()
    why = refusal(bank, *bank.sealed()).why
    assert why == "content"


def test_a_valid_notice_of_an_unpaid_order_says_so(bank: Bank) -> None:
    """P14: the books see that it is no payment."""
    bank.paid()
    kept = bank.simulator.notices.kept[-1]
    kept.content = json.dumps({"out_trade_no": "B20261124-000001", "trade_state": "NOTPAY"}).encode()
    notice = bank.gateway.read_notice(*bank.sealed(), clock.now())
    assert notice.payment is not None
    assert (notice.payment.status, notice.payment.amount_fen) == (PayStatus.PENDING, None)


def test_a_genuine_notice_about_another_merchant_says_whose_it_is(bank: Bank) -> None:
    """P10 to P13: the adapter reads what was signed; the books compare it with their own order."""
    bank.simulator.notices.plan.changes = {
        "appid": "wx0",
        "mchid": "1900000109",
        "amount": {"total": 1, "payer_total": 1, "currency": "USD", "payer_currency": "USD"},
    }
    bank.paid()
    payment = bank.gateway.read_notice(*bank.sealed(), clock.now()).payment
    assert payment is not None
    assert (payment.app_id, payment.merchant_id, payment.amount_fen, payment.currency) == (
        "wx0",
        "1900000109",
        1,
        "USD",
    )


def test_p20_old_and_new_keys_are_accepted_on_the_day_of_a_rotation(clock: Clock) -> None:
    serial, _ = platform_certificate()
    with running_bank(OLD, NEW, serial) as bank:
        bank.simulator.seals.signing = "mixed"
        seen = set()
        for place in range(12):
            bank.paid(f"B20261124-0000{place:02d}")
            headers, body = bank.sealed()
            seen.add(headers["Wechatpay-Serial"])
            assert bank.gateway.read_notice(headers, body, clock.now).payment is not None
        assert seen == {OLD, NEW, serial}
        bank.simulator.seals.signing = NEW
        notice = bank.sealed()
        with pytest.raises(NoticeRefused, match="serial"):
            gateway_knowing(OLD).read_notice(*notice, clock.now)


class CountedKey:
    """A key that counts how often somebody makes it work."""

    def __init__(self) -> None:
        self.used = 0

    def verify(self, *_: object) -> None:
        self.used += 1
        raise InvalidSignature


def test_p21_a_flood_of_forgeries_is_refused_before_the_key_is_used(bank: Bank) -> None:
    bank.paid()
    headers, body = bank.sealed()
    signature = headers["Wechatpay-Signature"]
    stale = str(int(clock.now().timestamp()) - 301)
    spoilt: list[dict[str, str]] = [
        {"Wechatpay-Signature": ""},
        {"Wechatpay-Signature": signature[:-1] + "*"},
        {"Wechatpay-Signature": signature * 3},
        {"Wechatpay-Timestamp": ""},
        {"Wechatpay-Timestamp": "-1"},
        {"Wechatpay-Timestamp": "９９９９"},
        {"Wechatpay-Timestamp": "1" * 12},
        {"Wechatpay-Timestamp": stale},
        {"Wechatpay-Nonce": ""},
        {"Wechatpay-Nonce": "a\nb"},
        {"Wechatpay-Nonce": "n" * 65},
        {"Wechatpay-Serial": ""},
        {"Wechatpay-Serial": "../key"},
        {"Wechatpay-Serial": NEW},
        {"Wechatpay-Signature-Type": "none"},
    ]
    key: Any = CountedKey()
    for place in range(1_005):
        given = {**headers, **spoilt[place % len(spoilt)]}
        with pytest.raises(NoticeRefused):
            reading.notice({OLD: key}, API_KEY, given, body, clock.now())
    assert key.used == 0
    with pytest.raises(NoticeRefused, match="signature"):
        reading.notice({OLD: key}, API_KEY, headers, body, clock.now())
    assert key.used == 1


def test_without_any_header_a_notice_is_refused(bank: Bank) -> None:
    assert refusal(bank, {}, b"{}").why == "shape"
