"""Leaving a channel whose orders nobody can close: 非税缴费 ends them by itself."""

from datetime import timedelta

import pytest

from backend.core import clock
from backend.core.errors import Text
from payments.errors import BillNotOpen, PreviousStillOpen
from payments.gateways.base import Channel, GatewayError, PayAnswer, PayStatus, Scene
from payments.gateways.wechat_nontax import ORDER_LIFE
from payments.registry import Account, Gateways
from tests.payments.conftest import Desk
from tests.payments.fake_channel import FakeChannel

TERMS = {"app_id": "wx-official", "scene": Scene.JSAPI, "openid": "o"}


class Unclosable(FakeChannel):
    """非税缴费: an order ends two hours after it was made, by itself only."""

    def close(self, number: str) -> None:
        if self.query(number).status == PayStatus.PENDING:
            raise GatewayError(self.channel, "CANNOT_CLOSE")

    def query(self, number: str) -> PayAnswer:
        known = self.orders.get(number)
        if (
            known
            and known.status == PayStatus.PENDING
            and clock.now() >= known.order.expires_at + timedelta(minutes=91)
        ):
            known.status = PayStatus.CLOSED
        return super().query(number)


def unclosable(desk: Desk) -> Unclosable:
    """The desk's channels and this one."""
    channel = Unclosable(Channel.WECHAT_NONTAX, "test-nontax")
    account = Account(channel, {"official": "wx-official"}, ORDER_LIFE)
    desk.gateways = Gateways({**desk.gateways._accounts, Channel.WECHAT_NONTAX: account})
    return channel


def test_an_order_that_nobody_can_close_is_waited_for_and_its_time_is_said(desk: Desk) -> None:
    channel, bill = unclosable(desk), desk.bill()
    first = desk.pay(bill, channel, **TERMS)
    with pytest.raises(PreviousStillOpen) as refused:
        desk.pay(bill, desk.alipay)
    assert refused.value.detail == Text(
        "上一次付款要到 11:00 才会关闭，请在那以后再换一种方式付，不会重复扣款",
        "Your earlier payment closes at 11:00. Pay another way after that; you will not be charged twice",
    )
    assert refused.value.extension == {"until": "2026-11-24T03:00:00Z"}
    assert (desk.state(first), desk.alipay.orders) == ("closing", {})
    desk.clock.advance(minutes=119)
    desk.poll()
    with pytest.raises(PreviousStillOpen):
        desk.pay(bill, desk.alipay)
    desk.clock.advance(minutes=1)
    assert desk.pay(bill, desk.alipay).state == "created"
    assert desk.state(first) == "closed"


def test_money_for_an_order_that_could_not_be_closed_settles_the_bill(desk: Desk) -> None:
    channel, bill = unclosable(desk), desk.bill()
    first = desk.pay(bill, channel, **TERMS)
    with pytest.raises(PreviousStillOpen):
        desk.pay(bill, desk.alipay)
    assert channel.pay(first.number)
    with pytest.raises(BillNotOpen):
        desk.pay(bill, desk.alipay)
    assert (desk.state(bill), desk.state(first)) == ("paid", "paid")
