"""The books with the real adapters and the simulated providers over HTTP: pay, hear of it, refund."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from backend.core import db
from payments import attempts, callbacks
from payments.gateways.base import Channel, Scene
from payments.registry import Account, Gateways, gateways_of
from tests.conftest import Clock
from tests.payments.cases import approve, ask
from tests.payments.conftest import Desk
from tests.payments.gateways.alipay.alipay_site import SELLER, Site, running_alipay
from tests.payments.gateways.wechat_pay.bank import APP_ID, OLD, Bank, pay_settings, running_bank


@pytest.fixture
def bank(clock: Clock) -> Iterator[Bank]:
    with running_bank(OLD) as bank:
        yield bank


@pytest.fixture
def site(clock: Clock) -> Iterator[Site]:
    with running_alipay() as site:
        yield site


def refunded(desk: Desk, bill: Any, attempt: Any) -> Any:
    """A part of it, through both approvals, as far as the channel takes it."""
    refund = ask(desk, bill, 2000)
    approve(desk, refund)
    desk.send()
    for _ in range(5):
        if desk.state(refund) == "success":
            break
        desk.clock.advance(minutes=10)
        desk.send()
    return refund


def test_wechat_pay_from_the_button_to_the_refund(desk: Desk, bank: Bank) -> None:
    desk.gateways = Gateways({Channel.WECHAT_PAY: Account(bank.gateway, {"official": APP_ID})})
    bill = desk.bill()
    openid = bank.order().openid
    terms = {"scene": Scene.JSAPI, "app_id": APP_ID, "merchant_id": bank.gateway.merchant_id, "openid": openid}
    attempt = desk.pay(bill, **terms, client_ip="203.0.113.7")
    launch = attempts.launch_of(attempt)
    assert launch is not None
    assert launch.parameters is not None
    assert launch.parameters["appId"] == APP_ID
    bank.pay(attempt.number)
    headers, body = bank.sealed()
    assert not callbacks.receive(desk.gateways, "wechat_pay", headers, body + b" ").genuine
    assert callbacks.receive(desk.gateways, "wechat_pay", headers, body).taken
    assert (desk.state(bill), desk.state(attempt)) == ("paid", "paid")
    refund = refunded(desk, bill, attempt)
    assert desk.state(refund) == "success"
    assert desk.balance("clearing:wechat_pay") == 10_000


def test_alipay_from_the_button_to_the_refund(desk: Desk, site: Site) -> None:
    desk.gateways = Gateways({Channel.ALIPAY: Account(site.gateway, {"web": site.gateway.app_id})})
    bill = desk.bill()
    attempt = desk.pay(
        bill, desk.alipay, app_id=site.gateway.app_id, merchant_id=SELLER, return_url="https://zw.example.cn/bills/1"
    )
    desk.clock.advance(seconds=6)
    desk.poll()
    assert desk.state(attempt) == "created", "Alipay has the trade only once the payer is there"
    site.pay(attempts.pay_order(attempt))
    desk.clock.advance(seconds=11)
    desk.poll()
    assert (desk.state(bill), desk.state(attempt)) == ("paid", "paid")
    refund = refunded(desk, bill, attempt)
    assert desk.state(refund) == "success"
    assert desk.balance("clearing:alipay") == 10_000


def test_changing_from_alipay_to_wechat_closes_the_cashier(desk: Desk, bank: Bank, site: Site) -> None:
    desk.gateways = Gateways(
        {
            Channel.WECHAT_PAY: Account(bank.gateway, {"official": APP_ID}),
            Channel.ALIPAY: Account(site.gateway, {"web": site.gateway.app_id}),
        }
    )
    bill = desk.bill()
    first = desk.pay(bill, desk.alipay, app_id=site.gateway.app_id, merchant_id=SELLER)
    site.arrive(attempts.pay_order(first))
    second = desk.pay(bill, app_id=APP_ID, merchant_id=bank.gateway.merchant_id, client_ip="203.0.113.7")
    assert (desk.state(first), desk.state(second)) == ("closed", "created")


def test_the_settings_set_the_channels_up() -> None:
    set_up = gateways_of(pay_settings("http://127.0.0.1:9", OLD))
    assert set_up.channels_of("any unit") == ["wechat_pay"]
    assert set_up.ways_of("any unit") == ["wechat_jsapi", "wechat_mini", "wechat_h5", "wechat_native"]
    routed = gateways_of(
        pay_settings("http://127.0.0.1:9", OLD, payment_routes='{"A": ["alipay"], "*": ["wechat_pay"]}')
    )
    assert (routed.channels_of("A"), routed.channels_of("B")) == ([], ["wechat_pay"])


def test_a_wrong_sum_at_wechat_pay_waits_and_goes_back_whole(desk: Desk, bank: Bank) -> None:
    """The notice, the query and the refund speak of what came, not of what was asked."""
    desk.gateways = Gateways({Channel.WECHAT_PAY: Account(bank.gateway, {"official": APP_ID})})
    bill = desk.bill()
    terms = {"scene": Scene.NATIVE, "app_id": APP_ID, "merchant_id": bank.gateway.merchant_id}
    attempt = desk.pay(bill, **terms, client_ip="203.0.113.7")
    bank.simulator.accounts.plan = replace(bank.simulator.accounts.plan, came=10_000)
    bank.pay(attempt.number)
    desk.clock.advance(seconds=6)
    desk.poll()
    assert (desk.state(bill), desk.state(attempt), desk.balance("suspense")) == ("issued", "suspense", -10_000)
    for number, step in enumerate((attempts.propose, attempts.confirm)):
        more = {} if number else {"reason": "金额不符"}
        with db.transaction() as session:
            step(session, attempt_id=attempt.id, proposal="give_back", actor=f"staff:{number}", **more)  # type: ignore[operator]
    for _ in range(5):
        desk.clock.advance(minutes=10)
        desk.send()
    assert (desk.state(attempt), desk.balance("clearing:wechat_pay")) == ("returned", 0)
