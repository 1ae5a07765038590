"""Notifications: cases P1 to P26, P45 and P54 of the reliability sheet, as far as they are not an adapter's own."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from backend.core import db, metrics
from payments import callbacks, notices, refunding, refunds, settlement
from payments.gateways.base import NoticeRefused, PayStatus, RefundStatus
from tests.payments.conftest import Desk
from tests.payments.fake_channel import forged


def verdicts(desk: Desk) -> list[Any]:
    return desk.rows("SELECT verdict, repeats FROM channel_event ORDER BY received_at, id")


def alerts(kind: str) -> float:
    return metrics.PAYMENT_ALERTS.labels(kind)._value.get()


def paid_once(desk: Desk, bill: Any, attempt: Any) -> None:
    assert (desk.state(bill), desk.state(attempt)) == ("paid", "paid")
    assert desk.balance("clearing:wechat_pay") == 12000
    assert desk.balance("income:copy-a") == -12000
    assert desk.rows("SELECT count(*) FROM journal") == [(2,)]
    assert desk.rows("SELECT count(*) FROM notification WHERE template = 'bill_paid'") == [(1,)]


def test_p01_notice_before_the_answer_to_the_creation(desk: Desk) -> None:
    bill = desk.bill()
    real_open = desk.wechat.open

    def notice_first(order: Any) -> Any:
        launch = real_open(order)
        desk.wechat.pay(order.number)
        assert desk.notify(desk.wechat, desk.wechat.notice(order.number)).taken
        return launch

    desk.wechat.open = notice_first  # type: ignore[method-assign]
    attempt = desk.pay(bill)
    paid_once(desk, bill, attempt)
    assert attempt.launch is not None


def test_p02_a_later_repeat_has_no_effect(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    body = desk.wechat.notice(attempt.number)
    for _ in range(3):
        assert desk.notify(desk.wechat, body).taken
        desk.clock.advance(seconds=15)
    paid_once(desk, bill, attempt)
    assert verdicts(desk) == [("applied", 2)]


def test_p04_same_transaction_under_a_new_notice_id(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    for _ in range(2):
        assert desk.notify(desk.wechat, desk.wechat.notice(attempt.number)).taken
    paid_once(desk, bill, attempt)
    assert verdicts(desk) == [("applied", 0), ("repeat", 0)]


def test_p04_one_transaction_never_pays_two_attempts(desk: Desk) -> None:
    first, second = desk.bill(), desk.bill()
    one, two = desk.pay(first), desk.pay(second)
    desk.wechat.pay(one.number)
    desk.wechat.pay(two.number)
    desk.notify(desk.wechat, desk.wechat.notice(one.number))
    same = desk.wechat.orders[one.number].transaction_id
    before = alerts("notice_failed")
    assert not desk.notify(desk.wechat, desk.wechat.notice(two.number, transaction_id=same)).taken
    assert alerts("notice_failed") == before + 1
    assert (desk.state(first), desk.state(second)) == ("paid", "issued")
    assert verdicts(desk) == [("applied", 0), ("failed", 0)]


def test_p05_refund_notice_before_the_payments(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    number = desk.wechat.refund_outside(attempt.number, 2000)
    assert desk.notify(desk.wechat, desk.wechat.refund_notice(number)).taken
    assert verdicts(desk) == [("pending", 0)]
    assert desk.state(bill) == "issued"
    assert refunding.settle_pending(desk.gateways) == 1
    assert (desk.state(bill), desk.state(attempt)) == ("paid", "paid")
    assert desk.attempt(attempt.id).refunded_fen == 2000
    assert desk.balance("clearing:wechat_pay") == 10000
    assert verdicts(desk) == [("applied", 0)]


def test_p05_while_the_channel_is_away_the_notice_waits(desk: Desk) -> None:
    attempt = desk.pay(desk.bill())
    desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.refund_notice(desk.wechat.refund_outside(attempt.number, 2000)))
    desk.wechat.away = True
    assert refunding.settle_pending(desk.gateways) == 0
    assert verdicts(desk) == [("pending", 0)]


def test_p06_an_old_not_paid_never_moves_a_final_state_back(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    stale = desk.wechat.statement_of(attempt.number)
    assert stale.status == PayStatus.PENDING
    desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))

    for status in (PayStatus.PENDING, PayStatus.CLOSED, PayStatus.ABSENT):
        answer = type(stale)(attempt.number, status, app_id=stale.app_id)
        with db.transaction() as session:
            assert settlement.apply_payment(session, "wechat_pay", answer, source="poll") == "no_money"
    paid_once(desk, bill, attempt)


def test_p07_a_forged_notice_is_refused_and_nothing_is_written(desk: Desk) -> None:
    attempt = desk.pay(desk.bill())
    desk.wechat.pay(attempt.number)
    outcome = desk.notify(desk.wechat, forged(desk.wechat.notice(attempt.number)))
    assert (outcome.taken, outcome.genuine) == (False, False)
    assert verdicts(desk) == []
    assert desk.state(attempt) == "created"


def test_p08_a_probe_is_refused_quietly(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    attempt = desk.pay(desk.bill())
    caplog.clear()
    outcome = desk.notify(desk.wechat, forged(desk.wechat.notice(attempt.number), probe=True))
    assert not outcome.genuine
    assert caplog.records == []


@pytest.mark.parametrize("wrong", [{"app_id": "wx-other"}, {"merchant_id": "other"}])
def test_p10_another_app_or_merchant_has_no_effect_and_raises_an_alert(desk: Desk, wrong: dict[str, str]) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    before = alerts("wrong_account")
    assert not desk.notify(desk.wechat, desk.wechat.notice(attempt.number, **wrong)).taken
    assert alerts("wrong_account") == before + 1
    assert verdicts(desk) == [("refused", 0)]
    assert (desk.state(bill), desk.state(attempt)) == ("issued", "created")


def test_p54_a_notice_of_another_environment_is_case_p10(desk: Desk) -> None:
    assert not desk.notify(desk.wechat, desk.wechat.notice("0" * 32, merchant_id="other")).taken
    assert verdicts(desk) == [("unmatched", 0)]


@pytest.mark.parametrize("amount", [1, 11_999, 12_001, 1_200_000])
def test_p11_a_wrong_amount_goes_to_suspense(desk: Desk, amount: int) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number, amount_fen=amount)
    before = alerts("wrong_amount")
    assert desk.notify(desk.wechat, desk.wechat.notice(attempt.number)).taken
    assert alerts("wrong_amount") == before + 1
    assert (desk.state(bill), desk.state(attempt)) == ("issued", "suspense")
    assert desk.balance("suspense") == -amount
    assert desk.rows("SELECT count(*) FROM notification WHERE template = 'bill_paid'") == [(0,)]


def test_p12_a_coupon_settles_by_the_total(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number, payer_fen=11_000))
    paid_once(desk, bill, attempt)
    stored = desk.attempt(attempt.id)
    assert (stored.paid_fen, stored.payer_fen) == (12000, 11000)


def test_p13_another_currency_goes_to_suspense(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number, currency="USD")
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert (desk.state(bill), desk.state(attempt)) == ("issued", "suspense")


def test_p14_a_notice_without_success_only_asks(desk: Desk) -> None:
    attempt = desk.pay(desk.bill())
    desk.clock.advance(seconds=1)
    assert desk.notify(desk.wechat, desk.wechat.notice(attempt.number)).taken
    assert verdicts(desk) == [("no_money", 0)]
    assert desk.state(attempt) == "created"
    assert desk.attempt(attempt.id).next_poll_at == desk.clock.now


def test_p15_p16_a_replay_is_refused_by_age_or_has_no_effect(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    body = desk.wechat.notice(attempt.number)
    desk.notify(desk.wechat, body)
    desk.clock.advance(seconds=299)
    assert desk.notify(desk.wechat, body).taken
    desk.clock.advance(seconds=2)
    assert not desk.notify(desk.wechat, body).genuine
    paid_once(desk, bill, attempt)


def test_p17_with_a_wrong_clock_notices_fail_and_polling_keeps_money_flowing(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    body = desk.wechat.notice(attempt.number)
    desk.clock.advance(minutes=6)
    before, alarm = metrics.CALLBACKS.labels("wechat_pay", "forged:age")._value.get(), alerts("clock")
    for _ in range(5):
        assert not desk.notify(desk.wechat, body).taken
    assert metrics.CALLBACKS.labels("wechat_pay", "forged:age")._value.get() == before + 5
    assert alerts("clock") == alarm + 1
    assert desk.poll() == 1
    paid_once(desk, bill, attempt)


def test_p17_the_node_stays_ready_but_says_that_its_clock_is_wrong(desk: Desk, client: FlaskClient) -> None:
    attempt = desk.pay(desk.bill())
    desk.wechat.pay(attempt.number)
    assert desk.notify(desk.wechat, desk.wechat.notice(attempt.number)).taken
    late = desk.wechat.notice(attempt.number)
    desk.clock.advance(minutes=6)

    def degraded() -> bool:
        answer = client.get("/readyz")
        assert answer.status_code == 200, "payments go on by polling"
        assert ("clock" in answer.json["degraded"]) == (answer.json["checks"]["clock"] == "amber")
        return "clock" in answer.json["degraded"]

    for times in range(3):
        assert not degraded(), times
        desk.notify(desk.wechat, late)
    assert degraded()
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert not degraded()


def test_p22_with_the_database_away_nothing_is_acknowledged(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    body = desk.wechat.notice(attempt.number)

    def away() -> Any:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    with monkeypatch.context() as patched:
        patched.setattr(callbacks, "transaction", away)
        outcome = desk.notify(desk.wechat, body)
    assert (outcome.taken, outcome.genuine) == (False, True)
    assert verdicts(desk) == []
    assert desk.notify(desk.wechat, body).taken
    paid_once(desk, bill, attempt)


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_p23_p24_a_crash_around_the_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    body = desk.wechat.notice(attempt.number)
    with monkeypatch.context() as patched:
        if moment == "before_commit":
            patched.setattr(callbacks, "_store", lambda *_: (_ for _ in ()).throw(SystemExit()))
        else:
            patched.setattr(metrics.CALLBACKS, "labels", lambda *_: (_ for _ in ()).throw(SystemExit()))
        with pytest.raises(SystemExit):
            desk.notify(desk.wechat, body)
    assert desk.state(bill) == ("issued" if moment == "before_commit" else "paid")
    assert desk.notify(desk.wechat, body).taken
    paid_once(desk, bill, attempt)


def test_r5_a_broken_effect_leaves_the_sealed_record(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    body = desk.wechat.notice(attempt.number)
    with monkeypatch.context() as patched:
        patched.setattr(notices, "paid", lambda *_: 1 / 0)
        outcome = desk.notify(desk.wechat, body)
    assert (outcome.taken, outcome.genuine) == (False, True)
    assert verdicts(desk) == [("failed", 0)]
    assert desk.state(bill) == "issued"
    raw = desk.rows("SELECT raw FROM channel_event")[0][0]
    assert attempt.number.encode() not in raw
    assert desk.notify(desk.wechat, body).taken
    assert verdicts(desk) == [("applied", 1)]
    paid_once(desk, bill, attempt)


def test_p26_an_unknown_number_is_stored_alerted_and_repeated(desk: Desk) -> None:
    before = alerts("unknown_number")
    body = desk.wechat.notice("f" * 32, event_id="E1")
    for _ in range(2):
        assert not desk.notify(desk.wechat, body).taken
    assert verdicts(desk) == [("unmatched", 1)]
    assert alerts("unknown_number") == before + 2


def test_p45_a_refund_notice_that_is_forged_or_of_another_sum_has_no_effect(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))

    with db.transaction() as session:
        refund = refunds.request(
            session, bill_id=bill.id, amount_fen=500, ground="over_collected", reason="多收", actor="p", by_unit=False
        )
    with db.transaction() as session:
        refunds.approve_by_unit(session, refund_id=refund.id, hall_code="XM", actor="staff:1")
    with db.transaction() as session:
        refunds.approve_by_finance(session, refund_id=refund.id, actor="staff:2")
    desk.send()
    desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    assert not desk.notify(desk.wechat, forged(desk.wechat.refund_notice(refund.number))).genuine
    before = alerts("wrong_refund")
    assert not desk.notify(desk.wechat, desk.wechat.refund_notice(refund.number, amount_fen=501)).taken
    assert not desk.notify(desk.alipay, desk.wechat.refund_notice(refund.number)).taken
    assert alerts("wrong_refund") == before + 2
    assert desk.state(refund) == "submitted"
    assert desk.notify(desk.wechat, desk.wechat.refund_notice(refund.number)).taken
    assert desk.state(refund) == "success"


# --- the routes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def open_client(app: Flask, client: FlaskClient, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setitem(app.extensions, "payment_gateways", desk.gateways)
    return client


def test_channels_are_answered_in_their_own_words(open_client: FlaskClient, desk: Desk) -> None:
    for channel, path in ((desk.wechat, "wechat-pay"), (desk.alipay, "alipay")):
        attempt = desk.pay(desk.bill(), channel)
        channel.pay(attempt.number)
        body = channel.notice(attempt.number)
        bad = open_client.post(f"/callbacks/{path}", data=forged(body))
        unknown = open_client.post(f"/callbacks/{path}", data=channel.notice("e" * 32))
        good = open_client.post(f"/callbacks/{path}", data=body, content_type="application/octet-stream")
        assert (bad.status_code, unknown.status_code) == (401, 500)
        assert desk.state(attempt) == "paid"
        if channel is desk.wechat:
            assert (good.status_code, good.data) == (204, b"")
            assert bad.get_json()["code"] == "FAIL"
            assert "attempt" not in bad.text
        else:
            assert (good.status_code, good.data) == (200, b"success")
            assert (bad.data, unknown.data) == (b"fail", b"fail")


def test_p18_the_raw_bytes_reach_the_adapter(
    open_client: FlaskClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def reading(headers: Any, body: bytes, now: Any) -> Any:
        seen.append(body)
        raise NoticeRefused("test")

    monkeypatch.setattr(desk.wechat, "read_notice", reading)
    odd = '{"a" :  "\\u5f20\\/",\n"中":"\ufeff é"} '.encode() + b"\xff\x00"
    for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain; charset=gbk"):
        open_client.post("/callbacks/wechat-pay", data=odd, content_type=content_type)
    assert seen == [odd] * 3


def test_a_huge_notice_is_refused_before_it_is_read(open_client: FlaskClient) -> None:
    assert open_client.post("/callbacks/wechat-pay", data=b"x" * 70_000).status_code == 401


def test_a_channel_that_is_not_set_up_takes_nothing(app: Flask, client: FlaskClient) -> None:
    assert client.post("/callbacks/alipay", data=b"x").data == b"fail"


def test_p21_a_flood_of_forgeries_writes_nothing(open_client: FlaskClient, desk: Desk) -> None:
    attempt = desk.pay(desk.bill())
    desk.wechat.pay(attempt.number)
    body = forged(desk.wechat.notice(attempt.number))
    assert {open_client.post("/callbacks/wechat-pay", data=body).status_code for _ in range(100)} == {401}
    assert verdicts(desk) == []
