"""A day reconciled with the real adapters of both channels and of finance, and differences planted at all three."""

from collections.abc import Iterator
from datetime import time
from typing import Any

import pytest

from backend.core import clock as clock_module
from payments import attempts
from payments.gateways.base import Channel
from payments.registry import Account, Gateways
from tests.conftest import Clock
from tests.payments.conftest import Desk
from tests.payments.gateways.alipay.alipay_site import SELLER, Site, running_alipay
from tests.payments.gateways.wechat_pay.bank import APP_ID, OLD, Bank, running_bank
from tests.payments.test_recon_days import DAY, Town, town

__all__ = ["town"]


@pytest.fixture
def bank(clock: Clock) -> Iterator[Bank]:
    with running_bank(OLD) as bank:
        yield bank


@pytest.fixture
def site(clock: Clock) -> Iterator[Site]:
    with running_alipay() as site:
        yield site


def by_wechat(desk: Desk, bank: Bank, *, known: bool = True) -> Any:
    """A bill paid by WeChat Pay's H5; `known` when polling heard of it. Gives the bill's attempt."""
    attempt = desk.pay(desk.bill(), app_id=APP_ID, merchant_id=bank.gateway.merchant_id, client_ip="203.0.113.7")
    bank.pay(attempt.number)
    return heard(desk, attempt, known=known)


def by_alipay(desk: Desk, site: Site, *, known: bool = True) -> Any:
    attempt = desk.pay(desk.bill(), desk.alipay, app_id=site.gateway.app_id, merchant_id=SELLER)
    site.pay(attempts.pay_order(attempt))
    return heard(desk, attempt, known=known)


def heard(desk: Desk, attempt: Any, *, known: bool) -> Any:
    if known:
        desk.clock.advance(seconds=6)
        desk.poll()
        assert desk.state(attempt) == "paid"
    return attempt


def test_planted_differences_of_both_channels_and_of_finance_are_all_found(town: Town, bank: Bank, site: Site) -> None:
    desk = town.desk
    desk.gateways = Gateways(
        {
            Channel.WECHAT_PAY: Account(bank.gateway, {"official": APP_ID}),
            Channel.ALIPAY: Account(site.gateway, {"web": site.gateway.app_id}),
        }
    )
    good, dropped, altered = (by_wechat(desk, bank) for _ in range(3))
    alike, missing, other_sum = (by_alipay(desk, site) for _ in range(3))
    lost = [by_wechat(desk, bank, known=False), by_alipay(desk, site, known=False)]
    town.tell()
    unlisted, lists_more = town.paid_code(good), town.paid_code(alike)
    town.office.books.plant("missing", unlisted)
    town.office.books.plant("amount", lists_more)

    plan = bank.simulator.bills.plan
    plan.drop, plan.amounts = [dropped.number], {altered.number: 13_000}
    plan.add = [{"number": "STRANGER01", "fen": 777}]
    day = DAY.isoformat()
    site.sandbox.bills.differences += [
        {"kind": "missing", "day": day, "number": missing.number},
        {"kind": "amount", "day": day, "number": other_sum.number, "cents": 99},
    ]
    town.reconcile(time(11, 31))
    assert town.day().failure is None
    assert town.states() == {
        ("missing_at_channel", "open"): 2,
        ("channel_amount", "open"): 2,
        ("unknown_order", "open"): 1,
        ("finance_amount", "open"): 1,
        ("confirm_lost", "closed"): 1,
        ("lost_notice", "closed"): 2,
    }
    found = {one.number: one for one in town.differences() if one.kind in {"missing_at_channel", "channel_amount"}}
    assert set(found) == {dropped.number, altered.number, missing.number, other_sum.number}
    assert (found[altered.number].ours_fen, found[altered.number].theirs_fen) == (12_000, 13_000)
    assert {desk.state(attempt) for attempt in lost} == {"paid"}
    assert clock_module.today() > DAY
