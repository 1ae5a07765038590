"""Finance hears of every notice and payment, and the electronic bill follows: through the real adapter."""

from datetime import timedelta
from typing import Any

import pytest

from backend.core import clock, db
from payments import bills, jobs, receipt_jobs, receipts, refunds
from payments.bill_models import Bill, EBill
from payments.gateways.base import RefundStatus
from payments.receipt_models import BillAtFinance
from payments.refund_models import Refund
from tests.payments.conftest import Desk
from tests.payments.finance_office import Office


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office()


def tell(office: Office, desk: Desk, seconds: float = 0) -> None:
    """The worker's loop, `seconds` later."""
    desk.clock.advance(seconds=seconds)
    receipt_jobs.tell(office.finance)


def paid(desk: Desk, *lines: Any, **changes: Any) -> Bill:
    """A bill whose payer paid by WeChat, as polling found."""
    bill = desk.bill(*lines, **changes)
    attempt = desk.pay(bill)
    assert desk.wechat.pay(attempt.number)
    desk.clock.advance(seconds=10)
    desk.poll()
    assert desk.state(bill) == "paid"
    return bill


def ebills(desk: Desk, bill: Bill) -> list[EBill]:
    with db.transaction() as session:
        return list(session.query(EBill).filter(EBill.bill_id == bill.id).order_by(EBill.issued_at, EBill.number))


def told(bill: Bill) -> BillAtFinance:
    with db.transaction() as session:
        return session.get_one(BillAtFinance, bill.id)


def refund_asked(desk: Desk, bill: Bill, fen: int) -> Refund:
    """A refund that both have approved."""
    with db.transaction() as session:
        refund = refunds.request(
            session,
            bill_id=bill.id,
            amount_fen=fen,
            ground="over_collected",
            reason="多收",
            actor="staff:a",
            by_unit=True,
        )
        refunds.approve_by_unit(session, refund_id=refund.id, hall_code="XM", actor="staff:b")
        return refunds.approve_by_finance(session, refund_id=refund.id, actor="staff:c")


def test_a_notice_is_known_to_finance_before_it_is_paid(desk: Desk, office: Office) -> None:
    bill = desk.bill()
    tell(office, desk)
    known = office.books.bills["350299", bill.pay_code]
    assert (known.total_fen, known.order["payer_name"]) == (bill.total_fen, "张测试")
    with db.transaction() as session:
        assert session.get_one(Bill, bill.id).qr_url == f"http://finance.test/finance/pay/{bill.pay_code}"
    office.wire.calls.clear()
    tell(office, desk, 60)
    assert office.wire.calls == [], "once is enough"


def test_after_the_payment_finance_confirms_and_the_receipt_comes(desk: Desk, office: Office) -> None:
    bill = paid(desk)
    tell(office, desk)
    assert desk.state(bill) == "ebill_issued"
    (ebill,) = ebills(desk, bill)
    assert (len(ebill.code), len(ebill.number), ebill.amount_fen, ebill.red_at) == (8, 10, bill.total_fen, None)
    assert ebill.url is not None
    assert ebill.check_code in ebill.url
    assert office.wire.calls == ["notices/issue", "payments/confirm", "ebills/issue"]
    events = desk.rows("SELECT event FROM bill_event WHERE entity_id = :id ORDER BY id", id=bill.id)
    assert [event for (event,) in events] == ["issue", "pay", "confirm", "issue_ebill"]


def test_p52_a_receipt_that_fails_is_tried_again_and_the_bill_stays_paid(desk: Desk, office: Office) -> None:
    office.faults(ebill="failing")
    bill = paid(desk)
    for wait in (0, 5, 15, 60, 180, 600):
        assert desk.state(bill) in ("paid", "confirmed")
        tell(office, desk, wait)
    assert desk.state(bill) == "confirmed"
    assert told(bill).failure == "issue:EBILL_SYSTEM_DOWN"
    assert told(bill).alerted_at is not None, "somebody is told when it goes on"
    assert office.wire.calls.count("payments/confirm") == 1
    office.faults(ebill="normal")
    tell(office, desk, 1800)
    assert desk.state(bill) == "ebill_issued"
    assert told(bill).failure is None


def test_p52_finance_away_for_hours_costs_nothing_but_time(desk: Desk, office: Office) -> None:
    office.faults(mode="outage")
    bill = paid(desk)
    for _ in range(4):
        tell(office, desk, 3600)
    assert desk.state(bill) == "paid"
    jobs.seal_books()
    office.faults(mode="normal")
    tell(office, desk, 3600)
    assert desk.state(bill) == "ebill_issued"


def test_while_finance_makes_the_receipt_it_is_asked_again_soon(desk: Desk, office: Office) -> None:
    office.faults(issuing=2)
    bill = paid(desk)
    tell(office, desk)
    assert desk.state(bill) == "confirmed"
    assert told(bill).failure is None, "being made is no failure"
    tell(office, desk, 5)
    assert desk.state(bill) == "confirmed"
    for _ in range(2):
        tell(office, desk, 10)
    assert desk.state(bill) == "ebill_issued"
    assert len(ebills(desk, bill)) == 1


def test_an_answer_that_was_lost_has_no_second_effect(desk: Desk, office: Office) -> None:
    bill = paid(desk)
    for step in ("notices/issue", "payments/confirm", "ebills/issue"):
        office.faults(mode="drop")
        tell(office, desk, 60)
        assert office.wire.calls[-1] == step
        office.faults(mode="normal")
        if step != "ebills/issue":
            tell_one_step(office, desk)
    tell(office, desk, 60)
    assert desk.state(bill) == "ebill_issued"
    assert len(office.books.bills) == 1
    assert len(office.books.bills["350299", bill.pay_code].ebills) == len(ebills(desk, bill)) == 1


def tell_one_step(office: Office, desk: Desk) -> None:
    """One step of the chain only."""
    desk.clock.advance(seconds=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receipt_jobs, "MOST_STEPS", 1)
        receipt_jobs.tell(office.finance)


def test_money_leaves_only_after_the_receipt_is_cancelled_and_the_rest_gets_a_new_one(
    desk: Desk, office: Office
) -> None:
    bill = paid(desk)
    tell(office, desk)
    refund = refund_asked(desk, bill, 2_000)
    assert desk.send() == 0, "the receipt still stands"
    tell(office, desk, 60)
    (first,) = ebills(desk, bill)
    assert first.red_at is not None
    assert first.red_number is not None
    assert office.books.bills["350299", bill.pay_code].ebills[0].red is not None
    assert desk.send() == 1
    tell(office, desk, 60)
    assert len(ebills(desk, bill)) == 1, "no new receipt while the money is on its way"
    desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    desk.clock.advance(seconds=61)
    desk.send()
    assert desk.state(refund) == "success"
    tell(office, desk, 60)
    _, second = sorted(ebills(desk, bill), key=lambda one: one.red_at is None)
    assert (second.amount_fen, second.red_at) == (bill.total_fen - 2_000, None)


def test_a_refund_of_everything_leaves_no_receipt(desk: Desk, office: Office) -> None:
    bill = paid(desk)
    tell(office, desk)
    refund = refund_asked(desk, bill, bill.total_fen)
    tell(office, desk, 60)
    desk.send()
    desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    desk.clock.advance(seconds=61)
    desk.send()
    office.wire.calls.clear()
    tell(office, desk, 60)
    assert office.wire.calls == []
    (only,) = ebills(desk, bill)
    assert only.red_at is not None


def test_a_refund_before_the_receipt_was_made_lowers_it(desk: Desk, office: Office) -> None:
    office.faults(ebill="failing")
    bill = paid(desk)
    tell(office, desk)
    refund = refund_asked(desk, bill, 2_000)
    assert desk.send() == 1, "there is no receipt that would have to be cancelled"
    office.faults(ebill="normal")
    tell(office, desk, 60)
    assert desk.state(bill) == "confirmed", "not for a sum that is just changing"
    desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    desk.clock.advance(seconds=61)
    desk.send()
    tell(office, desk, 60)
    assert [one.amount_fen for one in ebills(desk, bill)] == [bill.total_fen - 2_000]


def test_cash_at_the_counter_settles_the_bill_and_gets_its_receipt(desk: Desk, office: Office) -> None:
    bill = desk.bill()
    tell(office, desk)
    office.books.pay_at_counter(bill.pay_code, "cash")
    assert receipt_jobs.settle_other_channels(office.finance, clock.today()) == 1
    assert desk.state(bill) == "paid"
    assert receipt_jobs.settle_other_channels(office.finance, clock.today()) == 0
    tell(office, desk, 60)
    assert desk.state(bill) == "ebill_issued"
    assert "payments/confirm" not in office.wire.calls, "finance knows its own money"


def test_a_dead_notice_is_taken_back(desk: Desk, office: Office) -> None:
    bill = desk.bill()
    tell(office, desk)
    desk.clock.advance(days=31)
    jobs.expire_bills()
    assert desk.state(bill) == "expired"
    tell(office, desk)
    assert office.books.bills["350299", bill.pay_code].void
    office.wire.calls.clear()
    tell(office, desk, 60)
    assert office.wire.calls == []


def test_finance_that_was_set_back_hears_the_notice_again(desk: Desk, office: Office) -> None:
    bill = desk.bill()
    tell(office, desk)
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    desk.clock.advance(seconds=10)
    desk.poll()
    office.books.clear()
    tell(office, desk)
    assert told(bill).failure == "confirm:BILL_NOT_FOUND"
    tell(office, desk, 10)
    assert desk.state(bill) == "ebill_issued"


def test_a_bill_that_finance_holds_as_paid_otherwise_is_somebodys_business(desk: Desk, office: Office) -> None:
    bill = desk.bill()
    tell(office, desk)
    office.books.pay_at_counter(bill.pay_code, "cash")
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    desk.clock.advance(seconds=10)
    desk.poll()
    tell(office, desk)
    assert desk.state(bill) == "paid"
    assert told(bill).failure == "confirm:PAID_OTHERWISE"
    assert told(bill).alerted_at is not None


def defer(bill: Bill, days: int) -> None:
    with db.transaction() as session:
        later = bill.due_on + timedelta(days=days)
        bills.defer(session, bill_id=bill.id, due_on=later, document="厦财缓〔2026〕2号", actor="staff:f")


def test_m6_finance_hears_of_every_deferral_and_takes_the_money_of_the_days_won(desk: Desk, office: Office) -> None:
    bill = desk.bill(due_on=desk.clock.now.date() + timedelta(days=3))
    tell(office, desk)
    for days in (4, 30):
        defer(bill, days)
        tell(office, desk, 60)
        known = office.books.bills["350299", bill.pay_code]
        assert known.order["due_date"] == (bill.due_on + timedelta(days=days)).isoformat()
    assert office.wire.calls == ["notices/issue"] * 3
    tell(office, desk, 60)
    assert office.wire.calls == ["notices/issue"] * 3, "once each"
    desk.clock.advance(days=20)
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    desk.clock.advance(seconds=10)
    desk.poll()
    tell(office, desk)
    assert desk.state(bill) == "ebill_issued"


def test_m6_a_bill_deferred_while_finance_is_told_is_told_again(desk: Desk, office: Office) -> None:
    bill = desk.bill(due_on=desk.clock.now.date() + timedelta(days=3))
    with db.transaction() as session:
        receipts.claim_due(session, 10)
        task = receipts.next_task(session, bill.id)
    assert task is not None
    assert task.notice is not None
    answer = office.finance.issue_notice(task.notice)
    defer(bill, 9)
    with db.transaction() as session:
        receipts.registered(session, task, answer)
    tell(office, desk, 60)
    known = office.books.bills["350299", bill.pay_code]
    assert known.order["due_date"] == (bill.due_on + timedelta(days=9)).isoformat()


def test_a_grown_fine_is_announced_again_with_its_sum(desk: Desk, office: Office) -> None:
    fine = desk.bill(bills.Line("fine", decided_fen=20_000))
    tell(office, desk)
    desk.clock.advance(days=55)
    attempt = desk.pay(fine)
    assert attempt.amount_fen == 40_000
    tell(office, desk, 1)
    assert office.books.bills["350299", fine.pay_code].total_fen == 40_000
    desk.wechat.pay(attempt.number)
    desk.clock.advance(seconds=10)
    desk.poll()
    tell(office, desk, 60)
    assert [one.amount_fen for one in ebills(desk, fine)] == [40_000]


def test_two_workers_do_not_take_the_same_bill(desk: Desk, office: Office) -> None:
    bill = desk.bill()
    with db.transaction() as session:
        assert receipts.claim_due(session, 10) == [bill.id]
        assert receipts.claim_due(session, 10) == []
    desk.clock.advance(seconds=timedelta(minutes=2).total_seconds())
    with db.transaction() as session:
        assert receipts.claim_due(session, 10) == [bill.id], "a worker that died leaves it due again"
