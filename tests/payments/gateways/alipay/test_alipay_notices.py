"""Notifications: what the simulated Alipay sends, read by our adapter, and everything that must have no effect."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlencode

import pytest
import requests
from cryptography.exceptions import InvalidSignature
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from payments.gateways import alipay, alipay_notice
from payments.gateways.base import NoticeRefused, PayStatus, RefundStatus
from payments.sandbox.alipay.notices import GAPS_S
from payments.sandbox.alipay.wire import Wire, in_beijing
from tests.conftest import Clock
from tests.payments.gateways.alipay.alipay_site import SELLER, Site
from tests.sandbox_server import alipay_app, public_half, rsa_key

NUMBER = "A20261124000001"


def refused(site: Site, body: bytes, now: datetime) -> str:
    """Why the notice has no effect."""
    with pytest.raises(NoticeRefused) as refusal:
        site.gateway.read_notice({}, body, now)
    assert not refusal.value.probe
    return refusal.value.why


def changed(body: bytes, **values: str) -> bytes:
    """The form with some values replaced and the signature left as it was."""
    return urlencode({**dict(parse_qsl(body.decode())), **values}).encode()


def signed(site: Site, **values: str) -> bytes:
    """A notice with a good signature over whatever is wanted; an empty value is left out."""
    fields = dict(site.sandbox.notifier.notices[-1].fields)
    fields = {**fields, "notify_time": in_beijing(site.sandbox.now()), **values}
    return urlencode(site.sandbox.wire.signed_form(fields)).encode()


@pytest.fixture
def paid(site: Site) -> bytes:
    site.pay(site.order())
    return site.notice()


def test_a_payment_is_told(site: Site, clock: Clock, paid: bytes) -> None:
    notice = site.gateway.read_notice({}, paid, clock.now)
    assert notice.payment == site.gateway.query(NUMBER)
    assert notice.refund is None
    assert notice.sent_at == clock.now
    clock.advance(hours=3)
    again = site.gateway.read_notice({}, site.notice(), clock.now)
    assert (again.event_id, again.sent_at) == (notice.event_id, clock.now)


def test_refunds_in_part_and_in_full_are_told_as_refunds(site: Site, clock: Clock, paid: bytes) -> None:
    site.gateway.refund(site.refund("R1", 345))
    part = site.gateway.read_notice({}, site.notice(), clock.now)
    assert dict(parse_qsl(site.notice().decode()))["trade_status"] == "TRADE_SUCCESS"
    assert part.payment is None
    assert part.refund is not None
    assert (part.refund.number, part.refund.pay_number, part.refund.status) == ("R1", NUMBER, RefundStatus.SUCCESS)
    assert (part.refund.refunded_at, part.refund.merchant_id) == (clock.now, SELLER)
    assert part.refund.app_id == site.gateway.app_id
    clock.advance(seconds=5)
    site.gateway.refund(site.refund("R2", 12_000))
    whole = site.gateway.read_notice({}, site.notice(), clock.now)
    assert whole.refund is not None
    assert (whole.refund.number, whole.refund.amount_fen) == ("R2", None)  # refund_fee is the sum of both
    nameless = site.gateway.read_notice({}, signed(site, out_biz_no=""), clock.now)
    assert nameless.refund is not None
    assert nameless.refund.number == NUMBER


@pytest.mark.parametrize("mark", ["gmt_refund", "refund_fee", "out_biz_no"])
def test_each_mark_of_a_refund_is_enough(site: Site, clock: Clock, paid: bytes, mark: str) -> None:
    site.gateway.refund(site.refund("R1", 345))
    others = dict.fromkeys({"gmt_refund", "refund_fee", "out_biz_no"} - {mark}, "")
    notice = site.gateway.read_notice({}, signed(site, **others), clock.now)
    assert notice.payment is None
    assert notice.refund is not None
    assert notice.refund.status == (RefundStatus.SUCCESS if mark == "gmt_refund" else RefundStatus.PROCESSING)


def test_what_went_back_in_full_was_paid_and_what_is_pending_was_not(site: Site, clock: Clock, paid: bytes) -> None:
    back = site.gateway.read_notice({}, signed(site, trade_status="TRADE_CLOSED"), clock.now).payment
    assert back is not None
    assert (back.status, back.paid_at, back.payer_fen) == (PayStatus.REFUNDED, clock.now, 12_345)
    pending = site.gateway.read_notice({}, signed(site, trade_status="WAIT_BUYER_PAY"), clock.now).payment
    assert pending is not None
    assert (pending.status, pending.paid_at, pending.payer_fen) == (PayStatus.PENDING, None, None)


def test_p13_the_currency_is_told_and_yuan_without_a_word(site: Site, clock: Clock, paid: bytes) -> None:
    for named, currency in (("", "CNY"), ("CNY", "CNY"), ("USD", "USD")):
        told = site.gateway.read_notice({}, signed(site, trans_currency=named, charset=""), clock.now).payment
        assert told is not None
        assert told.currency == currency


def test_p21_a_hundred_fields_are_read_and_no_more(site: Site, clock: Clock, paid: bytes) -> None:
    missing = 100 - len(signed(site).split(b"&"))
    more = {f"extra_{number}": "1" for number in range(missing)}
    assert site.gateway.read_notice({}, signed(site, **more), clock.now).payment is not None
    assert refused(site, signed(site, one_more="1", **more), clock.now) == "size"


def test_p07_a_forged_signature_is_refused(site: Site, clock: Clock, paid: bytes) -> None:
    other = Wire(app_id="sandbox-alipay", app_public_key=public_half(rsa_key()), private_key=rsa_key())
    fields = {**site.sandbox.notifier.notices[-1].fields, "notify_time": in_beijing(site.sandbox.now())}
    forgeries = [
        urlencode(other.signed_form(fields)).encode(),
        changed(paid, total_amount="0.01"),
        changed(paid, out_trade_no="A20261124000009"),
        changed(paid, extra="1"),
        changed(paid, sign=""),
        changed(paid, sign="AAAA"),
        changed(paid, sign="签名"),
        changed(paid, sign=dict(parse_qsl(paid.decode()))["sign"].replace("+", " ") + " "),
        changed(paid, sign_type="RSA"),
        changed(paid, sign_type=""),
        paid.replace(b"&sign_type=RSA2", b""),
        b"",
        b"&&&",
        b"%",
        b"\xff\xfe",
    ]
    for forged in forgeries:
        assert refused(site, forged, clock.now) in {"signature", "repeated"}


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_p07_no_single_byte_can_be_changed(site: Site, clock: Clock, paid: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(paid) - 1))
    byte = data.draw(st.integers(0, 255))
    spoilt = paid[:at] + bytes([byte]) + paid[at + 1 :]
    try:
        notice = site.gateway.read_notice({}, spoilt, clock.now)
    except NoticeRefused:
        return
    # A byte may change without meaning: `%2F` and `%2f`, or bits that base64 does not use.
    assert {**dict(parse_qsl(spoilt.decode())), "sign": ""} == {**dict(parse_qsl(paid.decode())), "sign": ""}
    assert notice.payment == site.gateway.query(NUMBER)


def test_p07_the_other_family_of_signatures_is_not_taken(site: Site, clock: Clock, paid: bytes) -> None:
    """A few pushes that are no payments are signed with `sign_type` kept; here they have no business."""
    fields = {**site.sandbox.notifier.notices[-1].fields, "notify_time": in_beijing(site.sandbox.now())}
    kept = site.sandbox.wire.signed_form({**fields, "sign_type": "RSA2"})
    assert refused(site, urlencode(kept).encode(), clock.now) == "signature"


def test_p10_another_app_or_account_is_handed_on_as_it_was_signed(site: Site, clock: Clock, paid: bytes) -> None:
    notice = site.gateway.read_notice({}, signed(site, app_id="other", seller_id="2088000000000009"), clock.now)
    assert notice.payment is not None
    assert (notice.payment.app_id, notice.payment.merchant_id) == ("other", "2088000000000009")
    assert notice.payment.merchant_id != site.gateway.merchant_id


@pytest.mark.parametrize(("amount", "fen"), [("0.01", 1), ("123.4", 12_340), ("99999999.99", 9_999_999_999)])
def test_p11_the_amount_is_what_alipay_signed(site: Site, clock: Clock, paid: bytes, amount: str, fen: int) -> None:
    notice = site.gateway.read_notice({}, signed(site, total_amount=amount), clock.now)
    assert notice.payment is not None
    assert notice.payment.amount_fen == fen


@pytest.mark.parametrize("amount", ["1e2", "1,000.00", "0.001", "NaN", "１.00", ""])
def test_p11_an_amount_that_cannot_be_read_is_refused(site: Site, clock: Clock, paid: bytes, amount: str) -> None:
    assert refused(site, signed(site, total_amount=amount), clock.now) == "fields"


def test_p12_a_coupon_is_told_beside_the_total(site: Site, clock: Clock) -> None:
    site.pay(site.order(), coupon="1")
    notice = site.gateway.read_notice({}, site.notice(), clock.now)
    assert notice.payment is not None
    assert (notice.payment.amount_fen, notice.payment.payer_fen) == (12_345, 12_245)


def test_p12_what_the_payer_paid_may_be_missing(site: Site, clock: Clock, paid: bytes) -> None:
    notice = site.gateway.read_notice({}, signed(site, buyer_pay_amount=""), clock.now)
    assert notice.payment is not None
    assert (notice.payment.amount_fen, notice.payment.payer_fen) == (12_345, None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("WAIT_BUYER_PAY", PayStatus.PENDING), ("TRADE_CLOSED", PayStatus.CLOSED), ("TRADE_FINISHED", PayStatus.PAID)],
)
def test_p14_a_state_other_than_success_is_no_payment(
    site: Site, clock: Clock, paid: bytes, status: str, expected: PayStatus
) -> None:
    changes = {"trade_status": status, "gmt_payment": "" if expected is not PayStatus.PAID else "2026-11-24 09:00:00"}
    notice = site.gateway.read_notice({}, signed(site, **changes), clock.now)
    assert notice.payment is not None
    assert notice.payment.status is expected
    assert (notice.payment.payer_fen is None) is (expected is not PayStatus.PAID)
    assert notice.payment.refundable is (status != "TRADE_FINISHED")
    assert refused(site, signed(site, trade_status="TRADE_NEW"), clock.now) == "fields"


def test_p15_a_replay_is_refused_by_age_and_one_from_the_future_too(site: Site, clock: Clock, paid: bytes) -> None:
    sent = clock.now
    assert site.gateway.read_notice({}, paid, sent + timedelta(hours=26)).sent_at == sent
    assert refused(site, paid, sent + timedelta(hours=26, seconds=1)) == "age"
    assert site.gateway.read_notice({}, paid, sent - timedelta(minutes=5)).sent_at == sent
    assert refused(site, paid, sent - timedelta(minutes=5, seconds=1)) == "age"
    for broken in ("", "yesterday", "2026-13-01 00:00:00", "２026-01-01 00:00:00"):
        assert refused(site, signed(site, notify_time=broken), sent) == "fields"


def test_p15_every_repeat_of_the_table_is_young_enough() -> None:
    assert timedelta(seconds=sum(GAPS_S)) < timedelta(hours=26)


def test_p20_while_alipay_changes_its_key_both_are_taken_and_afterwards_one(
    site: Site, clock: Clock, paid: bytes
) -> None:
    old, new = alipay_app()["alipay_public_key"], rsa_key()
    public = public_half(new)
    ours = public_half(alipay_app()["alipay_app_private_key"])
    renewed = Wire(app_id="sandbox-alipay", app_public_key=ours, private_key=new)
    fields = {**site.sandbox.notifier.notices[-1].fields, "notify_time": in_beijing(site.sandbox.now())}
    body = urlencode(renewed.signed_form(fields)).encode()

    def takes(keys: str, notice: bytes) -> bool:
        gateway = alipay.from_settings(replace(site.settings, alipay_public_key=keys))
        assert gateway is not None
        try:
            return gateway.read_notice({}, notice, clock.now).payment is not None
        except NoticeRefused:
            return False

    assert [takes(keys, body) for keys in (old, f"{public},{old}", public)] == [False, True, True]
    assert [takes(keys, paid) for keys in (old, f"{public},{old}", public)] == [True, True, False]
    both = alipay.from_settings(replace(site.settings, alipay_public_key=f"{public},{old}"))
    assert both is not None
    assert both.query(NUMBER).status is PayStatus.PAID


class CountedKey:
    """A key that counts how often somebody makes it work."""

    key_size = 2048

    def __init__(self) -> None:
        self.used = 0

    def verify(self, *_: object) -> None:
        self.used += 1
        raise InvalidSignature


def test_p21_a_flood_of_forgeries_is_refused_before_the_key_is_used(clock: Clock, paid: bytes) -> None:
    """Only what has a signature's length and is young enough is worth the work of RSA."""
    key: Any = CountedKey()
    sign = dict(parse_qsl(paid.decode()))["sign"]
    for text in ("", "AAAA", "签名", sign[:-4], f"{sign}AAAA", f"{sign[:9]} {sign[9:]}", f"{sign[:9]}*{sign[9:]}"):
        # Also where its time is wrong: such a forgery says nothing about our clock (P17).
        with pytest.raises(NoticeRefused, match="signature"):
            alipay_notice.read(changed(paid, sign=text), [key], clock.now + timedelta(days=2))
    with pytest.raises(NoticeRefused, match="age"):
        alipay_notice.read(paid, [key], clock.now + timedelta(days=2))
    assert key.used == 0
    with pytest.raises(NoticeRefused, match="signature"):
        alipay_notice.read(paid, [key], clock.now)
    assert key.used == 1


@pytest.mark.parametrize(
    "text", ["缴费 % + & = ？", "%E4%BD%A0", "a+b%2Bc", "100% ", '{"a":"b"}', "\u3000全角\u3000", "\t\n"]
)
def test_p18_the_raw_bytes_decide_whatever_they_hold(site: Site, clock: Clock, paid: bytes, text: str) -> None:
    body = signed(site, subject=text, passback_params=text)
    assert site.gateway.read_notice({}, body, clock.now).payment is not None
    spaces = body.replace(b"+", b"%20")
    assert site.gateway.read_notice({}, spaces, clock.now).payment is not None


def test_p18_a_gbk_form_is_verified_as_it_came(site: Site, clock: Clock, paid: bytes) -> None:
    fields = {**site.sandbox.notifier.notices[-1].fields, "notify_time": in_beijing(site.sandbox.now())}
    raw = {
        name: value.encode("gbk") for name, value in {**fields, "charset": "GBK", "subject": "登记费"}.items() if value
    }
    text = b"&".join(name.encode() + b"=" + raw[name] for name in sorted(raw))
    raw |= {"sign_type": b"RSA2", "sign": site.sandbox.wire.sign(text).encode()}
    body = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in raw.items()).encode()
    assert site.gateway.read_notice({}, body, clock.now).payment is not None
    for other in ("utf-7", "ｇｂｋ"):
        assert refused(site, signed(site, charset=other), clock.now) == "charset"
    raw |= {"charset": b"utf-8"}
    wrong = b"&".join(name.encode() + b"=" + raw[name] for name in sorted(raw) if name not in {"sign", "sign_type"})
    raw |= {"sign": site.sandbox.wire.sign(wrong).encode()}
    body = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in raw.items()).encode()
    assert refused(site, body, clock.now) == "charset"


def test_a_repeated_name_is_refused(site: Site, clock: Clock, paid: bytes) -> None:
    assert refused(site, paid + b"&total_amount=0.01", clock.now) == "repeated"
    assert refused(site, paid + b"&%74otal_amount=0.01", clock.now) == "repeated"


def test_other_kinds_of_push_and_large_ones_are_refused(site: Site, clock: Clock, paid: bytes) -> None:
    assert refused(site, signed(site, notify_type="servicemarket_order_notify"), clock.now) == "type"
    assert refused(site, signed(site, notify_id=""), clock.now) == "fields"
    padded = paid + b"&x="
    padded += b"1" * (64 * 1024 - len(padded))
    assert refused(site, padded, clock.now) == "signature"
    assert refused(site, padded + b"1", clock.now) == "size"
    many = b"".join(b"&x%d=1" % index for index in range(101))
    assert refused(site, paid + many, clock.now) == "size"


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def test_alipay_repeats_by_its_table_until_the_answer_is_success(site: Site, clock: Clock) -> None:
    site.answers[:] = [None, "SUCCESS", "success\n", "<p>success</p>", "success"]
    site.pay(site.order())
    until(lambda: len(site.delivered) == 1)
    for index, gap in enumerate(GAPS_S[:4]):
        until(lambda: bool(site.sandbox.notifier._due))  # the next delivery is planned after the answer
        clock.advance(seconds=gap - 1)
        time.sleep(0.15)
        assert len(site.delivered) == index + 1
        clock.advance(seconds=1)
        until(lambda: len(site.delivered) == index + 2)  # noqa: B023 - waited for at once
    clock.advance(days=2)
    time.sleep(0.15)
    assert len(site.delivered) == 5
    assert len({form["notify_id"] for form in site.delivered}) == 1
    assert len({form["sign"] for form in site.delivered}) == 5


def test_alipay_gives_up_after_eight_deliveries(site: Site, clock: Clock) -> None:
    site.answers[:] = ["fail"]
    site.sandbox.switch({"notice_speed": 1000})
    site.pay(site.order())

    def a_minute_later() -> bool:
        clock.advance(seconds=60)
        return len(site.delivered) == 8

    until(a_minute_later)
    clock.advance(days=2)
    time.sleep(0.25)
    assert len(site.delivered) == 8


def test_notices_are_lost_doubled_or_out_of_order_as_the_operator_wants(site: Site, clock: Clock) -> None:
    site.sandbox.switch({"notices": "lost"})
    site.pay(site.order("A20261124000002"))
    site.sandbox.notifier.notices.clear()
    site.sandbox.switch({"notices": "twice"})
    site.pay(site.order("A20261124000003"))
    until(lambda: len(site.delivered) == 2)
    site.sandbox.switch({"notices": "held"})
    site.pay(site.order())
    site.gateway.refund(site.refund("R1", 100))
    assert len(site.delivered) == 2
    released = requests.post(f"{site.url}/operator/api/notices/release", json={"order": "reversed"}, timeout=5).json()
    assert released == {"delivered": 2}
    kinds = [site.gateway.read_notice({}, urlencode(form).encode(), clock.now) for form in site.delivered]
    assert [notice.refund is not None for notice in kinds] == [False, False, True, False]
    assert kinds[0].event_id == kinds[1].event_id
    repeat = f"{site.url}/operator/api/notices/{kinds[2].event_id}/repeat"
    assert requests.post(repeat, timeout=5).json() == {"answer": "success"}
    assert len(site.delivered) == 5
