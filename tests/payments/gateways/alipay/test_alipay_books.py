"""The books with the real adapter and the simulated Alipay: bill, cashier, notification, question, refund."""

from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from sqlalchemy import select

from backend.core import db
from payments import attempts, callbacks, refunds
from payments.attempt_models import Attempt, ChannelEvent
from payments.bill_models import Bill
from payments.gateways.base import Channel
from payments.registry import Account, Gateways
from tests.payments.conftest import Desk
from tests.payments.gateways.alipay.alipay_site import Site

APP = "sandbox-alipay"


RETURN_TO = "https://zw.example.cn/bills/1"


@pytest.fixture
def shop(desk: Desk, site: Site) -> Desk:
    """The desk, with Alipay's adapter in the place of the double."""
    desk.gateways = Gateways({Channel.ALIPAY: Account(site.gateway, {"web": APP})})
    return desk


def begin(shop: Desk, site: Site) -> tuple[Bill, Attempt, str]:
    """A bill, its attempt, and the cashier in the payer's browser. Pressing the button twice changes nothing."""
    bill = shop.bill()
    channel: Any = site.gateway
    attempt, again = (shop.pay(bill, channel, app_id=APP, return_url=RETURN_TO) for _ in range(2))
    launch, same = attempts.launch_of(attempt), attempts.launch_of(again)
    assert launch == same
    assert launch is not None
    page = requests.get(str(launch.url), timeout=5)
    assert page.status_code == 200, page.text
    return bill, attempt, page.url


def notify(shop: Desk, body: bytes) -> callbacks.Outcome:
    return callbacks.receive(shop.gateways, Channel.ALIPAY, {}, body)


def test_a_bill_is_paid_by_the_notification(shop: Desk, site: Site) -> None:
    bill, attempt, cashier = begin(shop, site)
    site.decide(cashier, "pay")
    for _ in range(3):
        assert notify(shop, site.notice()).taken
    assert (shop.state(bill), shop.state(attempt)) == ("paid", "paid")
    assert shop.balance("clearing:alipay") == 12_000
    [event] = shop.rows("SELECT event_id, repeats FROM channel_event")
    assert event == (site.sandbox.notifier.notices[-1].notify_id, 2)


def test_a_bill_is_paid_by_a_question_when_no_notification_comes(shop: Desk, site: Site) -> None:
    bill, attempt, cashier = begin(shop, site)
    site.sandbox.switch({"notices": "lost"})
    site.decide(cashier, "pay")
    shop.clock.advance(seconds=6)
    shop.poll()
    assert (shop.state(bill), shop.state(attempt)) == ("paid", "paid")


def test_an_order_that_nobody_paid_is_closed_and_a_late_payment_is_impossible(shop: Desk, site: Site) -> None:
    bill, attempt, cashier = begin(shop, site)
    for _ in range(40):
        shop.clock.advance(minutes=1)
        shop.poll()
    assert shop.state(attempt) == "closed"
    assert requests.post(cashier, data={"decision": "pay"}, timeout=5).status_code == 400
    assert shop.state(bill) == "issued"


def test_p10_p54_a_notification_for_another_account_has_no_effect(shop: Desk, site: Site) -> None:
    bill, attempt, cashier = begin(shop, site)
    site.decide(cashier, "pay")
    notice = site.sandbox.notifier.notices[-1]
    for changes in ({"seller_id": "2088000000000009"}, {"app_id": "another"}):
        notice.fields |= changes
        outcome = notify(shop, site.notice())
        assert (outcome.taken, outcome.genuine) == (False, True)
        assert shop.state(bill) == "issued"
    assert shop.state(attempt) == "created"


def test_p11_a_signed_notification_with_another_amount_goes_to_suspense(shop: Desk, site: Site) -> None:
    bill, attempt, cashier = begin(shop, site)
    site.decide(cashier, "pay")
    site.sandbox.notifier.notices[-1].fields["total_amount"] = "1.00"
    assert notify(shop, site.notice()).taken
    assert (shop.state(bill), shop.state(attempt)) == ("issued", "suspense")


def test_p7_a_forged_notification_leaves_no_row(shop: Desk, site: Site) -> None:
    bill, _, cashier = begin(shop, site)
    site.decide(cashier, "pay")
    form = site.sandbox.notifier.form(site.sandbox.notifier.notices[-1]) | {"out_trade_no": "another"}
    outcome = notify(shop, urlencode(form).encode())
    assert (outcome.taken, outcome.genuine) == (False, False)
    assert shop.state(bill) == "issued"
    with db.transaction() as session:
        assert session.scalars(select(ChannelEvent)).all() == []


@pytest.mark.parametrize("mode", ["normal", "later", "lost"])
def test_a_refund_of_two_approvals_is_made_once(shop: Desk, site: Site, mode: str) -> None:
    """At once, after ten seconds, or with an answer that gets lost: one refund at Alipay, one in the books."""
    bill, attempt, cashier = begin(shop, site)
    site.decide(cashier, "pay")
    notify(shop, site.notice())
    with db.transaction() as session:
        asked = refunds.request(
            session,
            bill_id=bill.id,
            amount_fen=2_000,
            ground="over_collected",
            reason="多缴",
            actor="person:1",
            by_unit=False,
        )
        refunds.approve_by_unit(session, refund_id=asked.id, hall_code="XM", actor="staff:unit")
        refunds.approve_by_finance(session, refund_id=asked.id, actor="staff:finance")
    site.sandbox.switch({"gateway": "lost"} if mode == "lost" else {"refunds": mode})
    shop.send()
    site.sandbox.switch({"gateway": "normal"})
    for _ in range(5):
        shop.clock.advance(minutes=2)
        shop.send()
    assert shop.state(asked) == "success"
    trade = site.sandbox.book.trades[attempt.number]
    assert [(refund.request_no, refund.cents) for refund in trade.refunds.values()] == [(asked.number, 2_000)]
    assert shop.balance("clearing:alipay") == 10_000
    assert notify(shop, site.notice()).taken
    assert shop.balance("clearing:alipay") == 10_000
