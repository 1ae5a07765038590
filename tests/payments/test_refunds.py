"""Refunds: cases P39 to P46 of the reliability sheet, approvals, limits and deadlines."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from backend.core import db
from backend.core.errors import Forbidden, InvalidInput, InvalidTransition, NotFound
from payments import bills, paying, refunding, refunds
from payments.bill_models import EBill
from payments.errors import NothingProposed, NothingToRefund, RefundTooMuch, SamePerson
from payments.gateways.base import GatewayError, RefundStatus
from tests.payments.cases import approve, ask, finish, paid
from tests.payments.conftest import Desk
from tests.payments.fake_channel import BalanceShort, RefundImpossible


def test_a_refund_from_request_to_success(desk: Desk) -> None:
    bill, attempt = paid(desk)
    refund = ask(desk, bill)
    assert refund.due_on == date(2026, 12, 8)
    assert desk.send() == 0
    approve(desk, refund)
    desk.send()
    assert desk.state(refund) == "submitted"
    assert desk.state(bill) == "paid"
    finish(desk, refund)
    assert desk.state(refund) == "success"
    assert desk.attempt(attempt.id).refunded_fen == 5000
    assert (desk.balance("clearing:wechat_pay"), desk.balance("income:copy-a")) == (7000, -7000)
    assert desk.rows("SELECT count(*) FROM notification WHERE template = 'bill_refunded'") == [(1,)]


def test_p39_reservations_never_exceed_what_was_paid(desk: Desk) -> None:
    bill, attempt = paid(desk)
    first = ask(desk, bill, 7000)
    with pytest.raises(RefundTooMuch):
        ask(desk, bill, 5001)
    ask(desk, bill, 5000)
    with db.transaction() as session:
        refunds.reject(session, refund_id=first.id, hall_code="XM", actor="staff:1", answer="没有多收")
    ask(desk, bill, 7000)
    assert desk.attempt(attempt.id).reserved_fen == 12000
    with pytest.raises(DBAPIError, match="ck_payment_attempt_refunds"):
        desk.rows("UPDATE payment_attempt SET refunded_fen = 1 RETURNING 1")


@pytest.mark.parametrize("fault", ["lost", "lost_after"])
def test_p40_a_lost_refund_is_asked_about_and_repeated_under_the_same_number(desk: Desk, fault: str) -> None:
    bill, _ = paid(desk)
    refund = ask(desk, bill)
    approve(desk, refund)
    desk.wechat.fail("refund", fault)
    desk.send()
    assert desk.state(refund) == "submit_unknown"
    for _ in range(4):
        desk.clock.advance(seconds=61)
        desk.send()
    assert desk.state(refund) == "submitted"
    assert list(desk.wechat.refund_of) == [refund.number]
    finish(desk, refund)
    assert desk.state(refund) == "success"


def test_p41_an_abnormal_refund_waits_for_staff_and_is_sent_again_under_the_same_number(desk: Desk) -> None:
    bill, _ = paid(desk)
    refund = ask(desk, bill)
    approve(desk, refund)
    desk.send()
    finish(desk, refund, RefundStatus.ABNORMAL)
    assert desk.state(refund) == "abnormal"
    desk.clock.advance(hours=2)
    assert desk.send() == 0
    with db.transaction() as session:
        refunds.send_again(session, refund_id=refund.id, actor="staff:2")
    desk.wechat.finish(refund.number, RefundStatus.PROCESSING)
    desk.send()
    assert desk.state(refund) == "submitted"
    assert list(desk.wechat.refund_of) == [refund.number]


def test_p41_by_hand_with_evidence_and_two_people(desk: Desk) -> None:
    bill, attempt = paid(desk)
    refund = ask(desk, bill)
    with pytest.raises(NothingProposed), db.transaction() as session:
        refunds.propose_by_hand(session, refund_id=refund.id, evidence="国库退付单 1 号", actor="staff:1")
    approve(desk, refund)
    desk.send()
    finish(desk, refund, RefundStatus.ABNORMAL)
    with pytest.raises(NothingProposed), db.transaction() as session:
        refunds.confirm_by_hand(session, refund_id=refund.id, actor="staff:2")
    with db.transaction() as session:
        refunds.propose_by_hand(session, refund_id=refund.id, evidence="国库退付单 1 号", actor="staff:1")
    with pytest.raises(SamePerson), db.transaction() as session:
        refunds.confirm_by_hand(session, refund_id=refund.id, actor="staff:1")
    with db.transaction() as session:
        refunds.confirm_by_hand(session, refund_id=refund.id, actor="staff:2")
    assert desk.state(refund) == "manual_done"
    assert (desk.balance("treasury"), desk.balance("clearing:wechat_pay")) == (-5000, 12000)
    assert desk.attempt(attempt.id).refunded_fen == 5000
    before = desk.rows("SELECT count(*) FROM journal")
    desk.notify(desk.wechat, desk.wechat.refund_notice(refund.number))
    assert desk.rows("SELECT count(*) FROM journal") == before


@pytest.mark.parametrize("limit", ["a_year", "fifty_parts", "finished"])
def test_p42_what_the_channel_cannot_do_is_never_sent_and_goes_by_hand(desk: Desk, limit: str) -> None:
    bill, attempt = paid(desk)
    if limit == "a_year":
        desk.clock.advance(days=365)
    elif limit == "fifty_parts":
        desk.rows("UPDATE payment_attempt SET refund_parts = 50 RETURNING 1")
    else:
        desk.notify(desk.wechat, desk.wechat.notice(attempt.number, refundable=False))
    refund = ask(desk, bill)
    assert not refund.by_channel
    approve(desk, refund)
    desk.clock.advance(days=1)
    assert desk.send() == 0
    assert desk.wechat.calls["refund"] == 0
    with db.transaction() as session:
        refunds.propose_by_hand(session, refund_id=refund.id, evidence="国库退付单", actor="staff:1")
    with db.transaction() as session:
        refunds.confirm_by_hand(session, refund_id=refund.id, actor="staff:2")
    assert desk.state(refund) == "manual_done"


def test_p42_a_channel_that_refuses_for_ever_leads_to_the_hand_as_well(desk: Desk) -> None:
    bill, _ = paid(desk)
    refund = ask(desk, bill)
    approve(desk, refund)
    desk.wechat.fail("refund", RefundImpossible)
    desk.send()
    assert desk.state(refund) == "abnormal"
    with pytest.raises(NothingProposed), db.transaction() as session:
        refunds.send_again(session, refund_id=refund.id, actor="staff:1")


def test_p43_two_parts_of_one_order_are_sent_61_seconds_apart(desk: Desk) -> None:
    bill, _ = paid(desk)
    made = [ask(desk, bill, 1000) for _ in range(3)]
    for refund in made:
        approve(desk, refund)
    sent_at: list[Any] = []
    for second in range(200):
        if desk.send() and len(desk.wechat.refund_of) > len(sent_at):
            sent_at.append(second)
        desk.clock.advance(seconds=1)
    assert len(sent_at) == 3
    assert min(later - earlier for earlier, later in zip(sent_at, sent_at[1:], strict=False)) >= 61


def test_p44_a_short_balance_keeps_the_refund_and_its_number(desk: Desk) -> None:
    bill, _ = paid(desk)
    refund = ask(desk, bill)
    approve(desk, refund)
    desk.wechat.fail("refund", *[BalanceShort] * 20)
    for _ in range(20):
        desk.clock.advance(hours=1)
        desk.send()
        assert desk.state(refund) == "approved"
    desk.clock.advance(hours=1)
    desk.send()
    assert desk.state(refund) == "submitted"
    assert list(desk.wechat.refund_of) == [refund.number]


def test_a_refusal_that_passes_by_itself_is_tried_again_and_in_the_end_given_to_staff(desk: Desk) -> None:
    bill, _ = paid(desk)
    first, second = ask(desk, bill, 100), ask(desk, bill, 200)
    approve(desk, first)
    desk.wechat.fail("refund", GatewayError)
    for _ in range(3):
        desk.send()
        desk.clock.advance(seconds=61)
    assert desk.state(first) == "submitted"
    approve(desk, second)
    desk.wechat.fail("refund", *[GatewayError] * 20)
    for _ in range(refunding.MOST_TRIES + 2):
        desk.clock.advance(hours=1)
        desk.send()
    assert desk.state(second) == "abnormal"


def test_p46_money_leaves_only_after_two_people_and_the_red_e_bill(desk: Desk) -> None:
    bill, _ = paid(desk)
    with db.transaction() as session:
        session.add(
            EBill(
                bill_id=bill.id,
                code="35010126",
                number="0000000001",
                check_code="a1b2c3",
                url=None,
                amount_fen=12000,
                issued_at=desk.clock.now,
            )
        )
    refund = ask(desk, bill)
    desk.send()
    assert desk.wechat.refund_of == {}
    with pytest.raises(InvalidTransition), db.transaction() as session:
        refunds.approve_by_finance(session, refund_id=refund.id, actor="staff:2")
    with db.transaction() as session:
        refunds.approve_by_unit(session, refund_id=refund.id, hall_code="XM", actor="staff:1")
    with pytest.raises(SamePerson), db.transaction() as session:
        refunds.approve_by_finance(session, refund_id=refund.id, actor="staff:1")
    with db.transaction() as session:
        refunds.approve_by_finance(session, refund_id=refund.id, actor="staff:2")
    desk.send()
    assert desk.wechat.refund_of == {}
    desk.rows("UPDATE ebill SET red_at = now() RETURNING 1")
    desk.send()
    assert list(desk.wechat.refund_of) == [refund.number]
    with pytest.raises(DBAPIError, match="two_people"):
        desk.rows("UPDATE refund SET finance_approver = unit_approver RETURNING 1")


def test_a_full_refund_in_parts_is_taken_from_each_item_exactly(desk: Desk) -> None:

    bill = desk.bill(bills.Line("copy-b"), bills.Line("copy-a"))
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    for amount in (1000, 5000, 13_999 - 6000):
        refund = ask(desk, bill, amount)
        approve(desk, refund)
        desk.clock.advance(seconds=61)
        desk.send()
        finish(desk, refund)
    assert [desk.balance(f"income:{code}") for code in ("copy-a", "copy-b")] == [0, 0]
    assert desk.balance("clearing:wechat_pay") == 0


def test_a_refund_that_the_channel_closed_frees_its_sum(desk: Desk) -> None:
    bill, attempt = paid(desk)
    refund = ask(desk, bill, 12000)
    approve(desk, refund)
    desk.send()
    finish(desk, refund, RefundStatus.CLOSED)
    assert (desk.state(refund), desk.attempt(attempt.id).reserved_fen) == ("closed", 0)
    assert ask(desk, bill, 12000).number != refund.number


def test_an_automatic_refund_that_the_channel_closed_is_ordered_again(desk: Desk) -> None:

    bill = desk.bill()
    attempt = desk.pay(bill)
    paying.close_order(desk.gateways, attempt.id)
    with db.transaction() as session:
        bills.void(session, bill_id=bill.id, actor="staff:x", reason="错")
    desk.wechat.pay_in_spite(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    desk.send()
    [first] = desk.refunds(attempt)
    finish(desk, first, RefundStatus.CLOSED)
    desk.clock.advance(minutes=6)
    desk.send()
    second = desk.refunds(attempt)[1]
    finish(desk, second)
    assert [desk.state(first), desk.state(second), desk.state(attempt)] == ["closed", "success", "returned"]


def test_who_may_ask_for_what(desk: Desk) -> None:
    unpaid = desk.bill()
    with pytest.raises(NothingToRefund):
        ask(desk, unpaid)
    bill, _ = paid(desk)
    for wrong in ({"ground": "change_of_mind"}, {"amount": 0}, {"amount": -1}):
        with pytest.raises(InvalidInput):
            ask(desk, bill, **wrong)
    refund = ask(desk, bill, by_unit=True)
    assert refund.due_on == date(2026, 12, 1)
    with pytest.raises(NotFound), db.transaction() as session:
        refunds.approve_by_unit(session, refund_id=refund.id, hall_code="SM", actor="staff:1")
    with pytest.raises(NotFound), db.transaction() as session:
        refunds.reject(session, refund_id=refund.id, hall_code="SM", actor="staff:1", answer="不行")
    with db.transaction() as session:
        refunds.approve_by_unit(session, refund_id=refund.id, hall_code="XM", actor="staff:1")
    with pytest.raises(Forbidden), db.transaction() as session:
        refunds.reject(session, refund_id=refund.id, hall_code="XM", actor="staff:1", answer="不行")


def test_cases_that_wait_too_long_are_known(desk: Desk) -> None:
    bill, _ = paid(desk)
    refund = ask(desk, bill)
    desk.clock.advance(days=14)
    with db.transaction() as session:
        assert refunds.overdue(session) == []
    desk.clock.advance(days=1)
    with db.transaction() as session:
        assert refunds.overdue(session) == [refund.id]
    assert timedelta(days=365) > refunds.REFUNDABLE_FOR
