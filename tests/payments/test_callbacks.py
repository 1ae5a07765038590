"""Notifications: cases P1 to P26 of the reliability sheet that are not an adapter's own."""

from tests.payments.conftest import Desk


def test_first_flow(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    assert attempt.state == "created"
    assert desk.wechat.pay(attempt.number)
    assert desk.notify(desk.wechat, desk.wechat.notice(attempt.number)).taken
    assert desk.state(bill) == "paid"
    assert desk.state(attempt) == "paid"
    assert desk.balance("clearing:wechat_pay") == 12000
    assert desk.balance("income:copy-a") == -12000
