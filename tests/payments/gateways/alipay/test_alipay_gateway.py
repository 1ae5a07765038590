"""Our adapter against the simulated Alipay, over real HTTP with real signatures."""

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st

from backend.core import context, rsa_keys
from backend.core.http import TransactionOpen
from payments.gateways import alipay, alipay_text
from payments.gateways.alipay_client import read_answer
from payments.gateways.base import (
    AlreadyPaid,
    BalanceShort,
    Busy,
    GatewayError,
    NumberTaken,
    OutcomeUnknown,
    PayAnswer,
    PayStatus,
    RefundImpossible,
    RefundStatus,
    Scene,
)
from tests.conftest import Clock
from tests.payments.gateways.alipay.alipay_site import SELLER, SHOP, Site
from tests.sandbox_server import alipay_app, rsa_key

NUMBER = "A20261124000001"


def test_an_order_is_absent_then_pending_then_paid(site: Site, clock: Clock) -> None:
    order = site.order()
    assert site.gateway.query(NUMBER) == PayAnswer(NUMBER, PayStatus.ABSENT)
    cashier = site.arrive(order)
    pending = site.gateway.query(NUMBER)
    assert (pending.status, pending.paid_at, pending.payer_fen) == (PayStatus.PENDING, None, None)
    clock.advance(minutes=2)
    back = site.decide(cashier, "pay")
    paid = site.gateway.query(NUMBER)
    assert paid == PayAnswer(
        number=NUMBER,
        status=PayStatus.PAID,
        app_id="sandbox-alipay",
        merchant_id=SELLER,
        amount_fen=12_345,
        payer_fen=12_345,
        transaction_id=pending.transaction_id,
        paid_at=datetime(2026, 11, 24, 1, 2, tzinfo=UTC),
    )
    assert back.startswith(f"{SHOP}/bills/1?")
    assert parse_qs(urlsplit(back).query)["out_trade_no"] == [NUMBER]


def test_the_cashier_can_be_cancelled_left_or_fail(site: Site) -> None:
    cashier = site.arrive(site.order())
    assert site.decide(cashier, "cancel") == f"{SHOP}/bills/1"
    assert site.decide(cashier, "leave") == ""
    assert site.decide(cashier, "fail") == ""
    assert site.gateway.query(NUMBER).status is PayStatus.PENDING
    page = requests.get(cashier, timeout=5).text
    assert "123.45" in page
    assert "不动产登记费" in page


def test_what_the_cashier_address_says(site: Site) -> None:
    """GET form, Beijing's clock, amounts as text, our own notice address, an absolute end."""
    address = str(site.gateway.open(site.order()).url)
    fields = dict(parse_qsl(urlsplit(address).query))
    assert fields["timestamp"] == "2026-11-24 09:00:00"
    assert fields["notify_url"] == f"{SHOP}/callbacks/alipay"
    assert fields["sign_type"] == "RSA2"
    for part in ('"total_amount":"123.45"', '"time_expire":"2026-11-24 09:30:00"', f'"seller_id":"{SELLER}"'):
        assert part in fields["biz_content"]
    with pytest.raises(ValueError, match="jsapi"):
        site.gateway.open(site.order(scene=Scene.JSAPI))


@pytest.mark.parametrize("subject", ["a/b=c&d", 'x}{"sign":"y"', "名,称\n二", "&amp;&lt;", "😀 缴费", "长" * 400])
def test_any_subject_reaches_the_cashier_and_the_answers(site: Site, subject: str) -> None:
    site.pay(site.order(description=subject))
    assert site.gateway.query(NUMBER).status is PayStatus.PAID


def test_the_same_number_with_other_data_is_refused_at_the_cashier(site: Site) -> None:
    site.arrive(site.order())
    refused = requests.get(str(site.gateway.open(site.order(fen=1)).url), timeout=5)
    assert (refused.status_code, "ACQ.CONTEXT_INCONSISTENT" in refused.text) == (400, True)
    again = site.arrive(site.order())
    site.decide(again, "pay")
    late = requests.get(str(site.gateway.open(site.order()).url), timeout=5)
    assert "ACQ.TRADE_HAS_SUCCESS" in late.text


def test_closing_is_harmless_unless_the_money_is_there(site: Site, clock: Clock) -> None:
    site.gateway.close(NUMBER)
    cashier = site.arrive(site.order())
    site.gateway.close(NUMBER)
    site.gateway.close(NUMBER)
    closed = site.gateway.query(NUMBER)
    assert (closed.status, closed.paid_at) == (PayStatus.CLOSED, None)
    refused = requests.post(cashier, data={"decision": "pay"}, timeout=5)
    assert (refused.status_code, "ACQ.TRADE_HAS_CLOSE" in refused.text) == (400, True)
    site.pay(site.order("A20261124000002"))
    with pytest.raises(AlreadyPaid):
        site.gateway.close("A20261124000002")


def test_an_unpaid_order_ends_at_its_time(site: Site, clock: Clock) -> None:
    cashier = site.arrive(site.order())
    clock.advance(minutes=31)
    assert site.gateway.query(NUMBER).status is PayStatus.CLOSED
    assert requests.post(cashier, data={"decision": "pay"}, timeout=5).status_code == 400
    assert requests.get(str(site.gateway.open(site.order("A20261124000003")).url), timeout=5).status_code == 200
    stale = requests.get(str(site.gateway.open(site.order("A20261124000004", expires_at=clock.now)).url), timeout=5)
    assert "NOW_TIME_AFTER_EXPIRE_TIME_ERROR" in stale.text


def test_a_refund_is_done_once_whatever_is_repeated(site: Site, clock: Clock) -> None:
    site.pay(site.order())
    first = site.gateway.refund(site.refund("R1", 2_345))
    assert (first.status, first.amount_fen, first.refunded_at) == (RefundStatus.SUCCESS, 2_345, clock.now)
    again = site.gateway.refund(site.refund("R1", 2_345))
    assert again.status is RefundStatus.PROCESSING
    known = site.gateway.query_refund("R1", NUMBER)
    assert (known.status, known.amount_fen, known.refunded_at) == (RefundStatus.SUCCESS, 2_345, first.refunded_at)
    with pytest.raises(NumberTaken):
        site.gateway.refund(site.refund("R1", 1))
    with pytest.raises(OutcomeUnknown):
        site.gateway.refund(site.refund("R2", 10_000))  # three seconds are not over
    clock.advance(seconds=3)
    with pytest.raises(RefundImpossible):
        site.gateway.refund(site.refund("R2", 10_001))
    assert site.gateway.refund(site.refund("R2", 10_000)).status is RefundStatus.SUCCESS
    assert site.sandbox.book.trades[NUMBER].refunded_cents == 12_345
    gone_back = site.gateway.query(NUMBER)
    assert (gone_back.status, gone_back.amount_fen) == (PayStatus.REFUNDED, 12_345)
    assert site.gateway.query_refund("R3", NUMBER).status is RefundStatus.ABSENT
    assert site.gateway.query_refund("R1", "A20261124000009").status is RefundStatus.ABSENT


def test_a_refund_that_takes_time_is_not_success(site: Site, clock: Clock) -> None:
    site.pay(site.order())
    site.sandbox.switch({"refunds": "later"})
    assert site.gateway.refund(site.refund("R1", 100)).status is RefundStatus.PROCESSING
    assert site.gateway.query_refund("R1", NUMBER).status is RefundStatus.PROCESSING
    clock.advance(seconds=10)
    assert site.gateway.query_refund("R1", NUMBER).status is RefundStatus.SUCCESS


def test_refusals_of_a_refund_have_their_own_kinds(site: Site, clock: Clock) -> None:
    site.pay(site.order())
    site.sandbox.switch({"refunds": "short"})
    with pytest.raises(BalanceShort):
        site.gateway.refund(site.refund("R1", 100))
    site.sandbox.switch({"refunds": "gone"})
    assert site.gateway.refund(site.refund("R1", 100)).status is RefundStatus.ABNORMAL
    site.sandbox.switch({"refunds": "normal"})
    with pytest.raises(Busy):
        site.gateway.refund(site.refund("R1", 100, "A20261124000009"))
    requests.post(f"{site.url}/operator/api/trades/{NUMBER}/finish", timeout=5).raise_for_status()
    finished = site.gateway.query(NUMBER)
    assert (finished.status, finished.refundable) == (PayStatus.PAID, False)
    with pytest.raises(RefundImpossible):
        site.gateway.refund(site.refund("R1", 100))
    site.pay(site.order("A20261124000002"))
    clock.advance(days=366)
    with pytest.raises(RefundImpossible):
        site.gateway.refund(site.refund("R2", 100, "A20261124000002"))


def test_p12_a_coupon_leaves_the_total_and_tells_what_the_payer_paid(site: Site) -> None:
    site.pay(site.order(), coupon="1")
    paid = site.gateway.query(NUMBER)
    assert (paid.amount_fen, paid.payer_fen) == (12_345, 12_245)


@pytest.mark.parametrize(
    ("mode", "kind", "code"),
    [
        ("busy", OutcomeUnknown, "isp.unknow-error"),
        ("outage", OutcomeUnknown, "http_502"),
        ("lost", OutcomeUnknown, "http_504"),
        ("limited", Busy, "isv.app-call-limited"),
    ],
)
def test_trouble_at_alipay_is_never_an_answer(site: Site, mode: str, kind: type[GatewayError], code: str) -> None:
    site.pay(site.order())
    site.sandbox.switch({"gateway": mode})
    for call in (
        lambda: site.gateway.query(NUMBER),
        lambda: site.gateway.query_refund("R1", NUMBER),
        lambda: site.gateway.refund(site.refund("R1", 100)),
        lambda: list(site.gateway.statement(datetime(2026, 11, 23, tzinfo=UTC).date())),
    ):
        with pytest.raises(kind) as trouble:
            call()
        assert trouble.value.code == code


def test_a_refund_whose_answer_was_lost_is_not_made_twice(site: Site, clock: Clock) -> None:
    site.pay(site.order())
    site.sandbox.switch({"gateway": "lost"})
    with pytest.raises(OutcomeUnknown):
        site.gateway.refund(site.refund("R1", 12_345))
    site.sandbox.switch({"gateway": "normal"})
    site.gateway.refund(site.refund("R1", 12_345))
    assert site.gateway.query_refund("R1", NUMBER).status is RefundStatus.SUCCESS
    assert site.sandbox.book.trades[NUMBER].refunded_cents == 12_345


def test_nothing_happened_when_alipay_was_not_reached(site: Site) -> None:
    nowhere = alipay.from_settings(replace(site.settings, alipay_gateway="http://127.0.0.1:9/gateway.do"))
    assert nowhere is not None
    with pytest.raises(Busy, match="not_sent"):
        nowhere.query(NUMBER)


@pytest.mark.parametrize("mode", ["unsigned", "bad_signature"])
def test_p47_an_answer_without_a_good_signature_is_no_answer(site: Site, mode: str) -> None:
    site.pay(site.order())
    site.sandbox.switch({"gateway": mode})
    for call in (
        lambda: site.gateway.query(NUMBER),
        lambda: site.gateway.refund(site.refund("R1", 100)),
        lambda: site.gateway.close(NUMBER),
    ):
        with pytest.raises(OutcomeUnknown):
            call()


def test_p47_a_wrong_app_or_key_is_a_fault_of_configuration(site: Site) -> None:
    site.pay(site.order())
    for changes in ({"alipay_app_id": "another"}, {"alipay_app_private_key": rsa_key()}):
        wrong = alipay.from_settings(replace(site.settings, **changes))
        assert wrong is not None
        with pytest.raises(OutcomeUnknown, match="unsigned isv.invalid-"):
            wrong.query(NUMBER)


def test_p47_only_sha256_over_the_raw_text_counts() -> None:
    """Each spoilt body was accepted by a client library in use: another hash, a wrapper of another call, bad order."""
    key = rsa_keys.private_key(alipay_app()["sandbox_alipay_private_key"])

    def body(inner: str, algorithm: hashes.HashAlgorithm, name: str = "alipay_trade_query_response") -> bytes:
        signature = base64.b64encode(key.sign(inner.encode(), padding.PKCS1v15(), algorithm)).decode()
        return f'{{"{name}":{inner},"sign":"{signature}"}}'.encode()

    inner = '{"code":"10000","subject":"a}{\\"x\\\\","url":"http:\\/\\/x","n":0.10}'
    good = body(inner, hashes.SHA256())
    public, method = [key.public_key()], "alipay.trade.query"
    assert read_answer(good, public, method)["n"] == "0.10"
    spoilt = [
        body(inner, hashes.MD5()),  # noqa: S303
        body(inner, hashes.SHA1()),  # noqa: S303
        body(inner, hashes.SHA256(), "alipay_trade_refund_response"),
        good.replace(b"0.10", b"0.1"),
        good.replace(b"\\/", b"/"),
        good.replace(b'{"alipay', b'{"sign":"","alipay'),
        good[:-3],
        good + b"{}",
        b"",
        b"[]",
        b"\xff",
        b'{"alipay_trade_query_response":{"a":' + b"[" * 100_000,
        b'{"alipay_trade_query_response":"text","sign":"x"}',
    ]
    for one in spoilt:
        with pytest.raises(OutcomeUnknown):
            read_answer(one, public, method)


def test_no_call_is_made_inside_a_transaction(site: Site) -> None:
    token = context.in_transaction.set(True)
    try:
        with pytest.raises(TransactionOpen):
            site.gateway.query(NUMBER)
    finally:
        context.in_transaction.reset(token)


def test_one_gateway_serves_many_threads(site: Site) -> None:
    numbers = [f"A2026112401{index:04d}" for index in range(12)]
    for number in numbers:
        site.arrive(site.order(number))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(site.gateway.query, numbers * 3))
    assert [answer.number for answer in answers] == numbers * 3


@given(st.integers(1, 10**10 - 1))
def test_money_keeps_every_fen(amount: int) -> None:
    assert alipay_text.fen(alipay_text.yuan(amount)) == amount
    assert alipay_text.fen("-" + alipay_text.yuan(amount)) == -amount


@pytest.mark.parametrize("text", ["", "1e2", "1.", ".5", "1.234", "１.00", "+1", "1,000.00", " 1", "0x1", "NaN", "1\n"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        alipay_text.fen(text)


@pytest.mark.parametrize("amount", [0.3, 1.0, True, "1", None])
def test_money_that_is_not_whole_fen_is_refused(amount: object) -> None:
    with pytest.raises(TypeError):
        alipay_text.yuan(amount)
    for nothing in (0, -1):
        with pytest.raises(ValueError, match="positive"):
            alipay_text.yuan(nothing)


def test_times_are_beijings() -> None:
    assert alipay_text.instant("2026-11-24 00:30:00.123") == datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    assert alipay_text.beijing(datetime(2026, 11, 23, 16, 30, tzinfo=UTC)) == "2026-11-24 00:30:00"
    assert alipay_text.instant(alipay_text.beijing(datetime(2026, 1, 1, tzinfo=UTC))) == datetime(
        2026, 1, 1, tzinfo=UTC
    )
