"""Postage that the applicant pays: an order of its own through the payments, back when the shipment is called off."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from backend.core import clock, db
from express import jobs, ordering
from express.models import Payer, Shipment
from express.states import ShipmentState
from payments import bill_queries, bills, ledger, postage, receipts
from payments import doctor as books
from payments.bill_models import Bill
from payments.errors import BillBusy, NotYourPayment
from payments.gateways.base import Channel, RefundStatus
from payments.reconciliation.books import Books
from payments.registry import POSTAGE_UNIT, Account, Gateways
from tests.conftest import Clock
from tests.express.conftest import Desk, set_up
from tests.express.fake_courier import FEN
from tests.payments.conftest import Desk as PayDesk
from tests.payments.conftest import add_income

S = ShipmentState


class Both(Desk):
    """A desk that mails, and one that takes money, of the same applicant."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.till = PayDesk(clock)
        self.till.payer = self.person

    def bill(self, shipment: Shipment) -> Bill:
        with db.transaction() as session:
            return session.get_one(Bill, shipment.bill_id)

    def pay(self, shipment: Shipment) -> Any:
        attempt = self.till.pay(self.bill(shipment))
        self.till.wechat.pay(attempt.number)
        self.till.notify(self.till.wechat, self.till.wechat.notice(attempt.number))
        return self.till.attempt(attempt.id)

    def cancel(self, shipment: Shipment) -> Shipment:
        with db.transaction() as session:
            ordering.cancel(session, ordering.locked(session, shipment.id), actor="person:1", reason="不寄了")
        return self.try_now(shipment)


@pytest.fixture
def both(isolated: None, clock_: Clock) -> Iterator[Both]:
    with db.transaction() as session:
        add_income(session)
        set_up(session)
    made = Both(clock_)
    made.policy(Payer.APPLICANT_PREPAID)
    yield made
    assert made.examine() == []
    with db.transaction() as session:
        ledger.seal(session)
        assert books.invariants(session) == []


def test_paid_then_sent(both: Both) -> None:
    sent = both.order()
    assert (sent.state, sent.estimate_fen) == (S.UNPAID, FEN)
    bill = both.bill(sent)
    assert (bill.notice_type, bill.total_fen, bill.unit_code) == ("postage", FEN, POSTAGE_UNIT)
    assert both.work() == 0, "nothing is ordered before it is paid"
    both.pay(sent)
    both.work()
    assert both.now(sent).state == S.ORDERED
    assert both.notices() == ["postage_paid", "shipment_ordered"]
    assert both.till.balance("postage") == -FEN
    assert both.till.rows("SELECT account FROM entry WHERE account LIKE 'income:%'") == []


def test_finance_never_hears_of_it(both: Both) -> None:
    sent = both.order()
    with db.transaction() as session:
        assert receipts.claim_due(session, 10) == []
    both.pay(sent)
    bill_id = both.bill(sent).id
    with db.transaction() as session:
        assert receipts.claim_due(session, 10) == []
        assert receipts.next_task(session, bill_id) is None


def test_the_days_books_do_not_wait_for_finance(both: Both) -> None:
    """Of the three books only two know postage: ours and the channel's."""
    sent, fee = both.order(), both.till.bill()
    both.pay(sent)
    attempt = both.till.pay(fee, both.till.alipay)
    both.till.alipay.pay(attempt.number)
    both.till.notify(both.till.alipay, both.till.alipay.notice(attempt.number))
    with db.transaction() as session:
        read = Books(session, clock.today())
        settles = {row.channel: row.settles for row in read.ours()}
        read.close()
    assert settles == {"wechat_pay": False, "alipay": True}


def test_nobody_asks_for_a_refund_of_it(both: Both) -> None:
    sent = both.order()
    both.pay(sent)
    bill = both.bill(sent)
    with db.transaction() as session, pytest.raises(NotYourPayment):
        bill_queries.demand_payer(session, bill, both.person)


def test_it_never_takes_finances_channel(both: Both) -> None:
    accounts = {Channel.WECHAT_NONTAX: Account(both.till.wechat, {"official": "wx"})}
    assert Gateways(accounts).channels_of(POSTAGE_UNIT) == []
    assert Gateways(accounts).channels_of("TEST-350299-001") == [Channel.WECHAT_NONTAX]


def test_called_off_before_it_is_paid(both: Both) -> None:
    sent = both.order()
    assert both.cancel(sent).state == S.CANCELLED
    assert both.bill(sent).state == "void"


def test_called_off_while_somebody_pays_is_refused(both: Both) -> None:
    sent = both.order()
    both.till.pay(both.bill(sent))
    with pytest.raises(BillBusy):
        both.cancel(sent)
    assert both.now(sent).state == S.UNPAID


def test_called_off_after_it_was_paid_goes_back_by_itself(both: Both) -> None:
    sent = both.order()
    attempt = both.pay(sent)
    both.work()
    assert both.cancel(sent).state == S.CANCELLED
    [refund] = both.till.refunds(attempt)
    assert (refund.amount_fen, refund.state, refund.origin) == (FEN, "approved", "automatic")
    both.cancel(sent)
    assert len(both.till.refunds(attempt)) == 1, "called off twice, it goes back once"
    both.till.send()
    both.till.wechat.finish(refund.number, RefundStatus.SUCCESS)
    both.till.notify(both.till.wechat, both.till.wechat.refund_notice(refund.number))
    assert both.till.state(refund) == "success"
    assert both.till.balance("postage") == 0
    assert both.notices()[-2:] == ["shipment_cancelled", "bill_refunded"]


def test_a_refund_that_the_channel_closed_is_ordered_anew(both: Both) -> None:
    sent = both.order()
    attempt = both.pay(sent)
    both.work()
    both.cancel(sent)
    both.till.send()
    [refund] = both.till.refunds(attempt)
    both.till.wechat.finish(refund.number, RefundStatus.CLOSED)
    both.till.notify(both.till.wechat, both.till.wechat.refund_notice(refund.number))
    assert [one.state for one in both.till.refunds(attempt)] == ["closed", "approved"]


def test_never_paid_it_ends_with_its_bill(both: Both) -> None:
    sent = both.order()
    both.clock.advance(days=2)
    with db.transaction() as session:
        bills.expire(session)
    both.work()
    assert both.now(sent).state == S.CANCELLED
    assert both.notices() == ["shipment_cancelled"]


def test_papers_that_are_not_ready_are_paid_after_the_hall_says_so(both: Both) -> None:
    sent = both.order(ready=False)
    assert (sent.state, sent.bill_id) == (S.ASKED, None)
    for _ in range(2):
        with db.transaction() as session:
            ordering.release(session, shipment_id=sent.id, hall_code="XM", region_code="350299", actor="staff:1")
    owing = both.now(sent)
    assert owing.state == S.UNPAID
    with db.transaction() as session:
        assert len(session.scalars(select(Bill.id)).all()) == 1
    assert both.notices() == ["shipment_unpaid"]
    both.pay(owing)
    jobs.call(both.couriers, callers=1)
    assert both.now(sent).state == S.ORDERED


def test_a_second_call_changes_nothing(both: Both) -> None:
    sent = both.order()
    both.pay(sent)
    bill_id = both.bill(sent).id
    with db.transaction() as session:
        assert postage.is_paid(session, bill_id)
    for _ in range(2):
        with db.transaction() as session:
            ordering.paid(session, sent.id)
    assert both.now(sent).state == S.PLACING
    both.work()
    both.clock.advance(minutes=1)
    both.work()
    assert both.courier.calls.count("place") == 1
