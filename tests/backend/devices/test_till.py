"""Paying a bill at a kiosk or terminal by its code: one success, whatever else is tried beside it."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from backend.devices.slips import COLUMNS
from payments import bills, jobs
from payments.bill_models import BillReader
from payments.errors import PreviousStillOpen
from tests.conftest import Clock
from tests.payments.conftest import Desk

PAYER = "张测试"
HOME = "http://127.0.0.1:8000/bills/find?code="


@pytest.fixture
def desk(app: Flask, session: Session, clock: Clock) -> Iterator[Desk]:
    """Two channels; after every test every invariant of money holds."""
    before = dict(app.extensions)
    made = Desk(clock)
    app.extensions["payment_gateways"] = made.gateways
    yield made
    jobs.seal_books()
    assert made.examine() == []
    app.extensions.clear()
    app.extensions |= before


def bill_of(desk: Desk, **changes: Any) -> Any:
    return desk.bill(bills.Line("passport"), payer=bills.Payer(PAYER), **changes)


def notice(bill: Any, name: str = PAYER) -> dict[str, str]:
    return {"pay_code": bill.pay_code, "payer_name": name}


def test_a_notice_is_paid_at_a_kiosk_and_gives_a_slip(kiosk, desk: Desk) -> None:
    one, bill = kiosk(), bill_of(desk)
    found = one.post("/device/bills/find", {"pay_code": HOME + bill.pay_code, "payer_name": " 张 测试"}).json
    assert (found["status"], found["total_fen"], found["payer_name_masked"]) == ("issued", 12_000, "张*")
    assert [item["fee_fen"] for item in found["items"]] == [12_000]
    assert (found["can_scan"], found["scan"], found["slip"]) == (True, None, None)
    assert found["on_phone"] == HOME + bill.pay_code
    shown = one.post("/device/bills/pay", notice(bill))
    assert shown.status_code == 201, shown.json
    (number,) = desk.wechat.orders
    order = desk.wechat.orders[number].order
    assert (order.scene, order.openid, order.amount_fen) == ("native", None, 12_000)
    assert shown.json["scan"] == {"qr": f"weixin://test?pr={number}", "until": "2026-11-25T01:29:00Z"}
    assert one.post("/device/bills/check", notice(bill)).json["status"] == "paying"
    assert desk.wechat.pay(number)
    paid = one.post("/device/bills/check", notice(bill)).json
    assert (paid["status"], paid["paid_via"], paid["scan"]) == ("paid", "wechat_pay", None)
    assert paid["receipt"]["state"] == "issuing"
    lines = [line["text"] for line in paid["slip"]["lines"]]
    assert lines[:4] == ["厦门市行政服务中心", "缴费小票", "普通护照", "¥120.00"]
    assert "小票不是收据，以电子票据为准" in lines
    assert paid["slip"]["qr"] == HOME + bill.pay_code
    assert all(len(line["text"]) <= COLUMNS[line["size"]] for line in paid["slip"]["lines"])
    again = one.post("/device/bills/pay", notice(bill))
    assert (again.status_code, again.json["code"]) == (409, "bill_not_open")
    english = one.post("/device/bills/find?lang=en", notice(bill)).json
    assert "Payment slip" in [line["text"] for line in english["slip"]["lines"]]


def test_the_same_bill_on_a_phone_and_at_a_kiosk_is_paid_once(kiosk, desk: Desk) -> None:
    """Seed-map 17.2. The phone's order closes the kiosk's; money that still comes for that one goes back by itself."""
    one, bill = kiosk(), bill_of(desk)
    one.post("/device/bills/pay", notice(bill))
    (at_kiosk,) = desk.wechat.orders
    on_phone = desk.pay(bill, desk.alipay)
    assert desk.wechat.orders[at_kiosk].status == "closed"
    waits = one.post("/device/bills/check", notice(bill)).json
    assert (waits["status"], waits["scan"]) == ("paying", None)
    assert desk.alipay.pay(on_phone.number)
    assert one.post("/device/bills/check", notice(bill)).json["status"] == "paid"
    desk.wechat.pay_in_spite(at_kiosk)
    desk.notify(desk.wechat, desk.wechat.notice(at_kiosk))
    states = desk.rows("SELECT channel, state FROM payment_attempt ORDER BY opened_at, channel DESC")
    assert sorted(states) == [("alipay", "paid"), ("wechat_pay", "refund_due")]
    desk.send()
    [[back]] = desk.rows("SELECT amount_fen FROM refund WHERE origin = 'automatic'")
    assert back == 12_000
    assert (desk.balance("clearing:alipay"), desk.state(bill)) == (12_000, "paid")


def test_a_kiosk_s_order_takes_the_place_of_one_on_a_phone(kiosk, desk: Desk) -> None:
    one, bill = kiosk(), bill_of(desk)
    on_phone = desk.pay(bill, desk.alipay)
    assert one.post("/device/bills/find", notice(bill)).json["scan"] is None, "a phone's order is nobody's code here"
    assert one.post("/device/bills/pay", notice(bill)).json["scan"]
    assert desk.state(on_phone) == "closed"
    desk.wechat.fail("close", "lost")
    refused = desk.alipay.calls["open"]
    with pytest.raises(PreviousStillOpen):
        desk.pay(bill, desk.alipay)
    assert desk.alipay.calls["open"] == refused, "no second order while the first may be paid"


def test_the_same_press_and_the_next_kiosk_show_the_same_code(kiosk, desk: Desk) -> None:
    one, other, bill = kiosk(), kiosk(site="T-XM"), bill_of(desk)
    first = one.post("/device/bills/pay", notice(bill), key="one-press").json["scan"]
    assert one.post("/device/bills/pay", notice(bill), key="one-press").json["scan"] == first
    assert other.post("/device/bills/pay", notice(bill)).json["scan"] == first
    assert len(desk.wechat.orders) == 1


def test_codes_cannot_be_walked_and_nothing_is_remembered(kiosk, desk: Desk, session: Session) -> None:
    one, bill = kiosk(), bill_of(desk)
    assert one.post("/device/bills/find", {**notice(bill), "pay_code": "12345"}).json["code"] == "pay_code_wrong"
    for path in ("find", "pay", "check", "find", "find", "find", "find", "find", "find", "find"):
        wrong = one.post(f"/device/bills/{path}", notice(bill, "李测试"))
        assert (wrong.status_code, wrong.json["code"]) == (404, "bill_not_found")
    rests = one.post("/device/bills/find", notice(bill))
    assert (rests.status_code, "Retry-After" in rests.headers) == (429, True)
    assert kiosk().post("/device/bills/find", notice(bill)).status_code == 200
    desk.clock.advance(seconds=120)
    assert one.post("/device/bills/find", notice(bill)).status_code == 200
    assert session.query(BillReader).count() == 0


def test_a_unit_without_a_code_is_paid_on_the_phone(kiosk, desk: Desk) -> None:
    one, bill = kiosk(), bill_of(desk)
    desk.gateways._routes["*"] = ["alipay"]
    found = one.post("/device/bills/find", notice(bill)).json
    assert (found["can_scan"], found["on_phone"]) == (False, HOME + bill.pay_code)
    assert one.post("/device/bills/pay", notice(bill)).json["code"] == "way_not_offered"


def test_a_code_comes_once_the_channel_answers(kiosk, desk: Desk) -> None:
    one, bill = kiosk(), bill_of(desk)
    desk.wechat.fail("open", "lost")
    assert one.post("/device/bills/pay", notice(bill)).json["code"] == "channel_busy"
    assert one.post("/device/bills/check", notice(bill)).json["scan"]
