"""Days reconciled as the worker does it: books read, differences found, put right, carried and closed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from backend.core import clock as clock_module
from backend.core import db
from backend.core.errors import InvalidTransition
from payments import jobs, receipt_jobs
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.gateways.base import Channel, OutcomeUnknown, RefundStatus, StatementLine, StatementNotReady
from payments.reconciliation import jobs as recon_jobs
from payments.reconciliation import service as recon_service
from payments.reconciliation.models import ReconBook, ReconDay, ReconDifference
from payments.reconciliation.rules import Kind
from payments.reconciliation.service import DayNotReady
from tests.payments.conftest import Desk
from tests.payments.finance_office import Office, Statements
from tests.payments.test_receipts import paid, refund_asked

DAY = date(2026, 11, 24)


@dataclass
class Town:
    """A desk, finance, and channels that write bills."""

    desk: Desk
    office: Office
    wechat: Statements
    alipay: Statements

    def at(self, day: date, at: time) -> None:
        self.desk.clock.set(clock_module.instant(day, at))

    def tell(self) -> None:
        receipt_jobs.tell(self.office.finance)

    def paid(self, **changes: Any) -> Bill:
        """A bill that is paid and has its receipt."""
        bill = paid(self.desk, **changes)
        self.tell()
        assert self.desk.state(bill) == "ebill_issued"
        return bill

    def number(self, bill: Bill) -> str:
        """The order number of the bill's only attempt."""
        with db.transaction() as session:
            return session.scalars(select(Attempt.number).where(Attempt.bill_id == bill.id)).one()

    def paid_code(self, attempt: Attempt) -> str:
        """The pay code of an attempt's bill."""
        with db.transaction() as session:
            return session.get_one(Bill, attempt.bill_id).pay_code

    def reconcile(self, at: time | None = None, day: date = DAY) -> None:
        """The worker's loop, on the morning after `day` or, without a time, now."""
        if at is not None:
            self.at(day + timedelta(days=1), at)
        jobs.seal_books()
        recon_jobs.reconcile(self.desk.gateways, self.office.finance)

    def day(self, day: date = DAY) -> ReconDay:
        with db.transaction() as session:
            return session.scalars(select(ReconDay).where(ReconDay.day == day)).one()

    def books(self, day: date = DAY) -> dict[str, ReconBook]:
        with db.transaction() as session:
            return {one.book: one for one in session.scalars(select(ReconBook).where(ReconBook.day == day))}

    def differences(self, day: date = DAY) -> list[ReconDifference]:
        with db.transaction() as session:
            found = select(ReconDifference).where(ReconDifference.day == day)
            return list(session.scalars(found.order_by(ReconDifference.kind, ReconDifference.object_key)))

    def states(self, day: date = DAY) -> Counter[tuple[str, str]]:
        return Counter((one.kind, one.state.value) for one in self.differences(day))

    def close(self, day: date = DAY) -> ReconDay:
        with db.transaction() as session:
            return recon_service.close_day(session, day=day, actor="staff:f")

    def end(self, what: Callable[..., Any], one: ReconDifference, reason: str = "已经和对方核实") -> None:
        with db.transaction() as session:
            what(session, difference_id=one.id, actor="staff:f", reason=reason)


@pytest.fixture
def town(desk: Desk) -> Town:
    return Town(desk, Office(), Statements(desk.wechat), Statements(desk.alipay))


def everything(desk: Desk) -> list[Any]:
    """Every row of the reconciliation and of the books."""
    tables = ("recon_day_event", "recon_difference", "recon_difference_event", "recon_line", "journal", "bill_event")
    return [desk.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


def test_books_are_read_when_they_are_ready_and_a_good_day_closes(town: Town) -> None:
    for _ in range(3):
        town.paid()
    town.reconcile(time(10, 29))
    assert {name: book.digest is None for name, book in town.books().items()} == {
        "wechat_pay": True,
        "alipay": True,
        "finance": True,
    }
    town.reconcile(time(10, 31))
    books = town.books()
    assert (books["wechat_pay"].lines, books["wechat_pay"].amount_fen, books["wechat_pay"].fee_fen) == (3, 36_000, 21)
    assert (books["alipay"].lines, books["finance"].digest) == (0, None)
    with pytest.raises(DayNotReady, check=lambda error: error.extension["books"] == ["finance"]):
        town.close()
    town.reconcile(time(11, 31))
    assert town.books()["finance"].amount_fen == 36_000
    assert town.differences() == []
    figures = town.day().figures
    assert figures is not None
    assert (figures["payments"], figures["at_finance"], figures["matched"]) == (3, 3, 3)
    assert town.close().state == "closed"
    assert town.close().closed_by == "staff:f"


def test_p48_what_the_channel_has_and_we_do_not_is_asked_and_booked(town: Town) -> None:
    bill = town.desk.bill()
    town.tell()
    attempt = town.desk.pay(bill)
    town.desk.wechat.pay(attempt.number)
    town.desk.wechat.away = True
    for _ in range(40):
        town.desk.clock.advance(minutes=1)
        town.desk.poll()
    assert town.desk.state(bill) == "issued"
    town.desk.wechat.away = False
    town.reconcile(time(10, 31))
    assert town.desk.state(bill) == "paid"
    assert town.states() == {("lost_notice", "closed"): 1}
    (one,) = town.differences()
    assert (one.ended_by, one.attempt_id, one.bill_id) == ("system", attempt.id, bill.id)
    events = town.desk.rows("SELECT actor, event FROM payment_attempt_event WHERE entity_id = :id", id=attempt.id)
    assert ("wechat_pay:statement", "pay") in events


def test_p48_a_late_payment_of_a_dead_bill_found_in_the_channels_book_goes_back(town: Town) -> None:
    bill = town.desk.bill()
    attempt = town.desk.pay(bill)
    town.desk.clock.advance(minutes=31)
    town.desk.poll()
    assert town.desk.state(attempt) == "closed"
    from payments import bills

    with db.transaction() as session:
        bills.void(session, bill_id=bill.id, actor="staff:t", reason="开错")
    town.desk.wechat.pay_in_spite(attempt.number)
    town.reconcile(time(10, 31))
    assert town.desk.state(attempt) == "refund_due"
    assert [refund.amount_fen for refund in town.desk.refunds(attempt)] == [12_000]
    town.reconcile(time(11, 31))
    assert town.states() == {("lost_notice", "closed"): 1, ("surplus", "open"): 1}


def test_p49_what_we_have_and_the_channel_does_not_freezes_its_refunds(town: Town) -> None:
    bill = town.paid()
    town.wechat.dropped.add(town.number(bill))
    town.reconcile(time(10, 31))
    (one,) = town.differences()
    assert (one.kind, one.state, one.failure) == ("missing_at_channel", "open", "channel:paid")
    asked_before = town.desk.wechat.calls["query"]
    refund = refund_asked(town.desk, bill, 1_000)
    town.tell()
    assert town.desk.send() == 0
    assert town.desk.state(refund) == "approved"
    assert town.desk.state(bill) == "ebill_issued", "a case that was decided is never taken back by itself"
    with pytest.raises(DayNotReady):
        town.close()
    assert town.desk.wechat.calls["query"] == asked_before
    town.end(recon_service.close, one)
    assert town.desk.send() == 1, "the freeze ends with the difference"


def test_p49_midnight_is_looked_at_first(town: Town) -> None:
    town.at(DAY, time(23, 58))
    bill = town.paid()
    number = town.number(bill)
    town.wechat.changed[number] = {"at": clock_module.instant(DAY + timedelta(days=1), time(0, 1))}
    town.reconcile(time(11, 31))
    assert town.states() == {("near_midnight", "carried"): 1}
    assert town.close().state == "closed", "it is understood, and not yet over"
    town.reconcile(time(11, 31), DAY + timedelta(days=1))
    assert town.states() == {("near_midnight", "closed"): 1}
    assert town.differences(DAY + timedelta(days=1)) == []
    assert town.day().state == "closed"


def test_p49_a_midnight_payment_that_the_next_book_does_not_have_reopens_the_day(town: Town) -> None:
    town.at(DAY, time(23, 58))
    bill = town.paid()
    town.wechat.dropped.add(town.number(bill))
    town.reconcile(time(11, 31))
    town.close()
    town.reconcile(time(11, 31), DAY + timedelta(days=1))
    assert town.states() == {("near_midnight", "closed"): 1, ("missing_at_channel", "open"): 1}
    assert (town.day().state, town.day().closed_by) == ("compared", None)


def test_p50_another_amount_goes_to_suspense_and_waits_for_a_person(town: Town) -> None:
    good = town.paid()
    bill = town.desk.bill()
    attempt = town.desk.pay(bill)
    town.desk.wechat.pay(attempt.number, amount_fen=11_000)
    town.reconcile(time(10, 31))
    (one,) = town.differences()
    assert (one.kind, one.ours_fen, one.theirs_fen) == ("channel_amount", 12_000, 11_000)
    assert town.desk.state(attempt) == "suspense"
    with pytest.raises(DayNotReady):
        town.close()
    assert town.desk.state(good) == "ebill_issued"


def test_p50_a_refund_in_another_state_is_asked_for(town: Town) -> None:
    bill = town.paid()
    refund = refund_asked(town.desk, bill, 1_000)
    town.desk.clock.advance(minutes=1)
    town.tell()
    town.desk.send()
    town.desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    town.reconcile(time(10, 31))
    assert town.states() == {("lost_refund_notice", "closed"): 1}
    assert town.desk.state(refund) == "success"


def test_a_refund_that_arrives_days_after_it_was_listed_is_no_difference(town: Town) -> None:
    bill = town.paid()
    refund = refund_asked(town.desk, bill, 1_000)
    town.desk.clock.advance(minutes=1)
    town.tell()
    town.desk.send()
    town.reconcile(time(11, 31))
    later = DAY + timedelta(days=3)
    town.at(later, time(15, 0))
    jobs.seal_books()
    town.desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    town.desk.send()
    assert town.desk.state(refund) == "success"
    town.reconcile(time(11, 31), later)
    assert [town.differences(DAY + timedelta(days=shift)) for shift in range(4)] == [[], [], [], []]


@pytest.mark.parametrize(
    ("broken", "cut_after", "code"),
    [
        (StatementNotReady(Channel.WECHAT_PAY, "not_ready"), None, "not_ready"),
        (OutcomeUnknown(Channel.WECHAT_PAY, "digest"), 1, "digest"),
    ],
    ids=["missing", "truncated"],
)
def test_p51_a_book_that_is_missing_or_broken_is_tried_again_and_somebody_told_at_noon(
    town: Town, broken: Exception, cut_after: int | None, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        town.paid()
    town.wechat.broken, town.wechat.cut_after = broken, cut_after
    town.reconcile(time(11, 31))
    book = town.books()["wechat_pay"]
    assert (book.digest, book.lines, book.failure) == (None, 0, code)
    assert town.desk.rows(
        "SELECT count(*) FROM recon_line JOIN recon_book b ON b.id = book_id WHERE book <> 'finance'"
    )[0] == (0,)
    assert town.differences() == [], "a day is never compared with half a book"
    town.reconcile(time(12, 1))
    town.reconcile(time(12, 7))
    alerts = [record for record in caplog.records if getattr(record, "kind", "") == "book_missing"]
    assert len(alerts) == 1
    with pytest.raises(DayNotReady):
        town.close()
    town.wechat.broken = None
    town.reconcile(time(12, 30))
    assert town.books()["wechat_pay"].lines == 3
    assert town.differences() == []


def test_two_channels_that_took_one_bill_end_with_one_refund(town: Town) -> None:
    bill = town.desk.bill()
    first = town.desk.pay(bill)
    second = town.desk.pay(bill, town.desk.alipay)
    assert town.desk.state(first) == "closed"
    town.desk.alipay.pay(second.number)
    town.desk.wechat.pay_in_spite(first.number)
    town.desk.clock.advance(seconds=10)
    town.desk.poll()
    town.tell()
    town.reconcile(time(11, 31))
    assert town.states()["lost_notice", "closed"] == 1
    assert town.desk.state(first) == "refund_due"
    with db.transaction() as session:
        recon_service.run_again(session, day=DAY, actor="staff:f")
    town.reconcile()
    assert town.states() == {("lost_notice", "closed"): 1, ("surplus", "open"): 1}
    town.desk.send()
    (refund,) = town.desk.refunds(first)
    town.desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    town.desk.clock.advance(seconds=61)
    town.desk.send()
    town.desk.clock.advance(minutes=10)
    town.reconcile()
    assert town.states() == {("lost_notice", "closed"): 1, ("surplus", "closed"): 1}
    assert town.close().state == "closed"


def test_a_refund_made_past_us_is_booked_and_lowers_the_receipt(town: Town) -> None:
    bill = town.paid()
    town.desk.wechat.refund_outside(town.number(bill), 2_000)
    town.reconcile(time(10, 31))
    assert town.states() == {("outside_refund", "closed"): 1}
    town.tell()
    sums = town.desk.rows("SELECT amount_fen, red_at IS NULL FROM ebill WHERE bill_id = :id", id=bill.id)
    assert sorted(sums) == [(10_000, True), (12_000, False)]


def test_a_confirmation_that_finance_lost_is_sent_again(town: Town) -> None:
    bill = town.paid()
    entry = town.office.books.bills["350299", bill.pay_code]
    entry.payment = None
    town.reconcile(time(11, 31))
    assert town.states() == {("confirm_lost", "closed"): 1}
    assert entry.payment is not None
    town.desk.clock.advance(minutes=1)
    with db.transaction() as session:
        recon_service.run_again(session, day=DAY, actor="staff:f")
    town.reconcile()
    assert town.states() == {("confirm_lost", "closed"): 1}
    assert town.close().state == "closed"


def test_a_confirmation_that_finance_takes_and_never_lists_is_a_persons_business(town: Town) -> None:
    bill = town.paid()
    town.office.books.plant("missing", bill.pay_code)
    town.reconcile(time(11, 31))
    assert town.states() == {("confirm_lost", "closed"): 1}
    for _ in range(2):
        town.desk.clock.advance(minutes=1)
        with db.transaction() as session:
            recon_service.run_again(session, day=DAY, actor="staff:f")
        town.reconcile()
        (one,) = town.differences()
        assert (one.state, one.next_try_at) == ("open", None)
    assert town.office.wire.calls.count("payments/confirm") == 2, "once after paying, once after comparing"


def test_cash_in_finances_list_settles_the_bill(town: Town) -> None:
    bill = town.desk.bill()
    town.tell()
    town.office.books.pay_at_counter(bill.pay_code, "card")
    town.reconcile(time(11, 31))
    assert town.states() == {("other_channel", "closed"): 1}
    assert town.desk.state(bill) == "paid"


def test_planted_differences_are_all_found_and_a_second_run_changes_nothing(town: Town) -> None:
    good = [town.paid() for _ in range(4)]
    planted: dict[str, Kind] = {}

    def plant(kind: Kind) -> Bill:
        bill = town.paid()
        planted[kind.value] = kind
        return bill

    town.wechat.dropped.add(town.number(plant(Kind.MISSING_AT_CHANNEL)))
    town.wechat.changed[town.number(plant(Kind.CHANNEL_AMOUNT))] = {"amount_fen": 12_100}
    twice = plant(Kind.LISTED_TWICE)
    stranger = StatementLine(f"X{uuid4().hex}", "T0", town.desk.clock.now, 500, "SUCCESS")
    again = next(line for line in town.wechat(DAY) if line.number == town.number(twice))
    town.wechat.extra += [stranger, again]
    planted["unknown_order"] = Kind.UNKNOWN_ORDER
    town.office.books.plant("amount", plant(Kind.FINANCE_AMOUNT).pay_code)
    town.office.books.plant("foreign", "35029900000000000001")
    planted["finance_unknown"] = Kind.FINANCE_UNKNOWN
    bill = plant(Kind.PAID_TWICE)
    entry = town.office.books.bills["350299", bill.pay_code]
    assert entry.payment is not None
    entry.payment.order_no, entry.payment.pay_channel = None, "cash"
    town.reconcile(time(11, 31))
    assert town.states() == {(kind, "open"): 1 for kind in planted}
    assert {one.number for one in town.differences()}.isdisjoint(town.number(one) for one in good)

    before = everything(town.desk)
    with db.transaction() as session:
        recon_service.run_again(session, day=DAY, actor="staff:f")
    town.reconcile()
    assert everything(town.desk) == before
    assert town.day().compared_at == town.desk.clock.now


def test_a_day_closes_only_when_each_difference_is_closed_or_carried(town: Town) -> None:
    numbers = [town.number(town.paid()) for _ in range(2)]
    town.wechat.dropped |= set(numbers)
    town.paid()
    town.reconcile(time(11, 31))
    first, second = town.differences()
    with pytest.raises(DayNotReady, check=lambda error: error.extension["differences"] == 2):
        town.close()
    town.end(recon_service.close, first)
    town.end(recon_service.carry, second, "渠道答应明天补")
    with pytest.raises(InvalidTransition):
        town.end(recon_service.carry, second)
    assert town.close().state == "closed"
    town.wechat.dropped.clear()
    with db.transaction() as session:
        recon_service.run_again(session, day=DAY, actor="staff:f")
    town.reconcile()
    assert town.states() == {("missing_at_channel", "closed"): 2}
    assert sorted(one.ended_by or "" for one in town.differences()) == ["gone", "staff"]
    assert town.day().state == "closed"
    town.wechat.dropped |= set(numbers)
    with db.transaction() as session:
        recon_service.run_again(session, day=DAY, actor="staff:f")
    town.reconcile()
    assert Counter(one.state.value for one in town.differences()) == {"closed": 1, "open": 1}, "a person's word stands"
    assert town.day().state == "compared"
    audited = town.desk.rows("SELECT action FROM audit_event WHERE object_type LIKE 'recon%' ORDER BY id")
    assert [action for (action,) in audited] == [
        "recon.closed",
        "recon.carried",
        "recon.day_closed",
        "recon.run_again",
        "recon.run_again",
    ]


def test_a_book_in_the_wrong_unit_changes_nothing_but_says_so(town: Town) -> None:
    for _ in range(3):
        bill = town.paid()
        town.wechat.changed[town.number(bill)] = {"amount_fen": 120}
    town.reconcile(time(11, 31))
    assert town.differences() == []
    assert town.day().failure == "wrongunit"
    with pytest.raises(DayNotReady):
        town.close()
    town.wechat.changed.clear()
    with db.transaction() as session:
        recon_service.run_again(session, day=DAY, actor="staff:f")
    town.reconcile()
    assert town.day().failure is None
    assert town.close().state == "closed"


def test_the_statements_of_two_merchants_of_a_channel_are_kept_apart(town: Town) -> None:
    bill = town.paid()
    town.reconcile(time(11, 31))
    town.close()
    before = town.books()["wechat_pay"]
    town.desk.wechat.merchant_id = "another-merchant"
    with db.transaction() as session:
        recon_service.run_again(session, day=DAY, actor="staff:f")
    town.reconcile()
    again = town.books()["wechat_pay"]
    assert (again.merchant_id, again.failure, again.digest) == ("test-merchant", "not_set_up", before.digest)
    assert (again.lines, town.desk.state(bill)) == (1, "ebill_issued"), "what was read of the former account stays"
    town.reconcile(time(11, 31), day=DAY + timedelta(days=1))
    assert town.books(DAY + timedelta(days=1))["wechat_pay"].merchant_id == "another-merchant"


def test_days_that_were_missed_are_made_up_for(town: Town) -> None:
    town.reconcile(time(11, 31))
    town.reconcile(time(11, 31), DAY + timedelta(days=4))
    for number in range(5):
        day = town.day(DAY + timedelta(days=number))
        assert day.state == "compared"


def test_a_channel_that_is_away_is_asked_again_and_at_the_fifth_time_somebody_is_told(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    bill = town.desk.bill()
    attempt = town.desk.pay(bill)
    town.desk.wechat.pay(attempt.number)
    town.at(DAY + timedelta(days=1), time(10, 31))
    town.desk.wechat.fail("query", *["lost"] * 5)
    for _ in range(5):
        town.reconcile()
        assert town.states() == {("lost_notice", "open"): 1}
        town.desk.clock.advance(minutes=61)
    assert [record for record in caplog.records if getattr(record, "kind", "") == "recon_effect"]
    town.reconcile()
    assert town.states() == {("lost_notice", "closed"): 1}
