"""Opening, polling and closing orders: cases P25 to P38 of the reliability sheet."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from backend.core import db
from backend.core.errors import InvalidTransition
from backend.core.states import transition
from payments import attempts, bills, jobs, paying, settlement
from payments.attempt_models import Attempt
from payments.errors import (
    BillNotOpen,
    CannotSettle,
    ChannelBusy,
    ChannelRefused,
    NothingProposed,
    PreviousStillOpen,
    SamePerson,
)
from payments.gateways.base import Busy, Channel, GatewayError, NumberTaken, OutcomeUnknown, PayStatus, RefundStatus
from payments.registry import Breaker
from payments.states import AttemptEvent
from tests.payments.conftest import Desk


def states(desk: Desk, bill: Any) -> list[str]:
    rows = desk.rows("SELECT state FROM payment_attempt WHERE bill_id = :id ORDER BY opened_at, id", id=bill.id)
    return [state for (state,) in rows]


def test_r1_the_attempt_is_committed_before_the_channel_is_called(desk: Desk) -> None:
    seen = []
    real_open = desk.wechat.open

    def looking(order: Any) -> Any:
        seen.extend(
            desk.rows(
                "SELECT number, channel, app_id, merchant_id, amount_fen, currency, bill_version FROM payment_attempt"
            )
        )
        return real_open(order)

    desk.wechat.open = looking  # type: ignore[method-assign]
    attempt = desk.pay(desk.bill())
    assert seen == [(attempt.number, "wechat_pay", "wx-official", "test-merchant", 12000, "CNY", 1)]


def test_p25_lost_notices_are_replaced_by_polling_within_a_minute(desk: Desk) -> None:
    """Whenever the citizen pays, the plan asks within 60 s of it."""
    for seconds in (0, 4, 31, 59, 100, 700, 1700):
        bill = desk.bill()
        attempt = desk.pay(bill)
        for second in range(1, seconds + 1):
            desk.clock.advance(seconds=1)
            if second % 5 == 0:
                desk.poll()
        assert desk.wechat.pay(attempt.number)
        for _ in range(61):
            desk.poll()
            if desk.state(bill) == "paid":
                break
            desk.clock.advance(seconds=1)
        assert desk.state(bill) == "paid"
        paid_at = desk.wechat.orders[attempt.number].paid_at
        assert paid_at
        assert desk.clock.now - paid_at <= timedelta(seconds=60)


def test_p25_with_the_channel_away_for_two_hours_all_is_paid_within_35_minutes_of_its_return(desk: Desk) -> None:
    owed = [desk.bill() for _ in range(5)]
    made = [desk.pay(bill) for bill in owed]
    for attempt in made:
        desk.wechat.pay(attempt.number)
    desk.wechat.away = True
    for _ in range(120):
        desk.clock.advance(minutes=1)
        desk.poll()
    assert {desk.state(bill) for bill in owed} == {"issued"}
    asked = desk.wechat.calls["query"]
    desk.wechat.away = False
    for _ in range(35):
        desk.clock.advance(minutes=1)
        desk.poll()
    assert {desk.state(bill) for bill in owed} == {"paid"}
    assert asked < 5 * 60


def test_p27_a_lost_creation_is_asked_about_and_repeated_under_the_same_number(desk: Desk) -> None:
    bill = desk.bill()
    desk.wechat.fail("open", "lost")
    with pytest.raises(ChannelBusy):
        desk.pay(bill)
    assert states(desk, bill) == ["create_unknown"]
    desk.clock.advance(seconds=6)
    desk.poll()
    assert states(desk, bill) == ["created"]
    assert len(desk.wechat.orders) == 1
    assert desk.wechat.calls["open"] == 2


def test_p27_a_creation_that_worked_without_an_answer_is_found(desk: Desk) -> None:
    bill = desk.bill()
    desk.wechat.fail("open", "lost_after")
    with pytest.raises(ChannelBusy):
        desk.pay(bill)
    desk.clock.advance(seconds=6)
    desk.poll()
    assert states(desk, bill) == ["created"]
    again = desk.pay(bill)
    assert len(desk.wechat.orders) == 1
    assert attempts.launch_of(again) is not None


def test_p27_a_worker_that_died_before_the_call_is_made_up_for(desk: Desk) -> None:
    bill = desk.bill()
    with db.transaction() as session:
        attempts.begin(session, bill_id=bill.id, terms=desk.terms(desk.wechat), payer_id=desk.payer)
    desk.clock.advance(seconds=6)
    desk.poll()
    assert states(desk, bill) == ["created"]


def test_p28_a_number_already_in_use_is_closed_and_the_next_taken(desk: Desk) -> None:
    bill = desk.bill()
    desk.wechat.fail("open", NumberTaken)
    attempt = desk.pay(bill)
    assert states(desk, bill) == ["closed", "created"]
    assert attempt.state == "created"


def test_p28_a_number_in_use_that_is_paid_settles(desk: Desk) -> None:
    bill = desk.bill()
    desk.wechat.fail("open", "lost_after")
    with pytest.raises(ChannelBusy):
        desk.pay(bill)
    [number] = desk.wechat.orders
    desk.wechat.pay(number)
    assert desk.pay(bill).state == "paid"
    assert states(desk, bill) == ["paid"]


def test_p29_a_busy_channel_is_tried_again_with_the_same_number_and_the_other_stays_offered(desk: Desk) -> None:
    bill = desk.bill()
    desk.wechat.fail("open", "busy")
    with pytest.raises(ChannelBusy):
        desk.pay(bill)
    other = desk.pay(bill, desk.alipay)
    assert states(desk, bill) == ["closed", "created"]
    assert other.channel == "alipay"


def test_p29_a_breaker_rests_a_sick_channel_for_thirty_seconds(desk: Desk) -> None:
    desk.wechat.away = True
    for _ in range(20):
        with pytest.raises(OutcomeUnknown):
            desk.gateways.call("wechat_pay", lambda gateway: gateway.query("x"))
    calls = desk.wechat.calls["query"]
    with pytest.raises(Busy, match="breaker_open"):
        desk.gateways.call("wechat_pay", lambda gateway: gateway.query("x"))
    assert desk.wechat.calls["query"] == calls
    assert desk.gateways.call("alipay", lambda gateway: gateway.query("x")).status == PayStatus.ABSENT
    desk.wechat.away = False
    desk.clock.advance(seconds=30)
    assert desk.gateways.call("wechat_pay", lambda gateway: gateway.query("x")).status == PayStatus.ABSENT


@pytest.mark.parametrize(("bad", "rests"), [(9, False), (10, True)])
def test_p29_half_of_twenty_calls_open_the_breaker(desk: Desk, bad: int, rests: bool) -> None:
    breaker = Breaker()
    for number in range(20):
        breaker.note(number >= bad)
    assert (breaker.closed_until is not None) == rests


def test_a_refusal_ends_the_attempt_and_the_next_click_takes_a_new_number(desk: Desk) -> None:
    bill = desk.bill()
    desk.wechat.fail("open", GatewayError)
    with pytest.raises(ChannelRefused):
        desk.pay(bill)
    assert desk.pay(bill).state == "created"
    assert states(desk, bill) == ["create_failed", "created"]


def test_p30_p31_the_page_only_triggers_a_question(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    paying.look(desk.gateways, attempt.id)
    assert states(desk, bill) == ["created"]
    desk.wechat.pay(attempt.number)
    with db.transaction() as session:
        attempts.look_soon(session, attempt.id)
    assert states(desk, bill) == ["created"]
    assert desk.poll() == 1
    assert states(desk, bill) == ["paid"]


def test_p32_a_second_click_gets_the_same_attempt(desk: Desk) -> None:
    bill = desk.bill()
    first = desk.pay(bill)
    desk.clock.advance(minutes=2)
    assert desk.pay(bill).id == first.id
    assert desk.wechat.calls["open"] == 1
    desk.clock.advance(minutes=3)
    again = desk.pay(bill)
    assert again.id == first.id
    assert desk.wechat.calls["open"] == 2, "an H5 address is five minutes old: made new under the same number"


def test_another_payer_of_the_same_bill_gets_a_number_of_their_own(desk: Desk) -> None:
    bill = desk.bill()
    first = desk.pay(bill)
    desk.payer = uuid4()
    second = desk.pay(bill)
    assert first.number != second.number
    assert states(desk, bill) == ["closed", "created"]


def test_p33_the_channels_deadline_is_a_minute_before_ours(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    asked = desk.wechat.orders[attempt.number].order.expires_at
    assert attempt.expires_at - asked == timedelta(seconds=60)
    desk.clock.set(asked)
    assert desk.wechat.pay(attempt.number)
    desk.clock.set(attempt.expires_at)
    desk.poll()
    assert states(desk, bill) == ["paid"]


def test_p33_at_our_deadline_query_close_query_and_only_then_closed(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    calls: list[str] = []
    for name in ("query", "close"):
        real = getattr(desk.wechat, name)

        def noted(number: str, real: Any = real, name: str = name) -> Any:
            calls.append(name)
            return real(number)

        setattr(desk.wechat, name, noted)
    desk.clock.set(attempt.expires_at)
    desk.poll()
    assert calls == ["query", "close", "query"]
    assert states(desk, bill) == ["closed"]


@pytest.mark.parametrize("fault", ["lost", "lost_after", "busy"])
def test_a_close_without_an_answer_stays_closing_and_is_repeated(desk: Desk, fault: str) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.fail("close", fault)
    desk.clock.set(attempt.expires_at)
    desk.poll()
    assert states(desk, bill) == ["closing"]
    desk.clock.advance(minutes=3)
    desk.poll()
    assert states(desk, bill) == ["closed"]


def test_p34_closing_a_paid_order_finds_the_payment(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    real = desk.wechat.close

    def paid_meanwhile(number: str) -> None:
        desk.wechat.pay(number)
        real(number)

    desk.wechat.close = paid_meanwhile  # type: ignore[method-assign]
    assert paying.close_order(desk.gateways, attempt.id)
    assert states(desk, bill) == ["paid"]


def test_p35_paid_after_closing_settles_an_open_bill(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    assert paying.close_order(desk.gateways, attempt.id)
    desk.wechat.pay_in_spite(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert (desk.state(bill), states(desk, bill)) == ("paid", ["paid"])
    events = desk.rows("SELECT event FROM payment_attempt_event WHERE entity_id = :id ORDER BY id", id=attempt.id)
    assert [event for (event,) in events][-2:] == ["pay_late", "pay"]


def test_p35_paid_after_the_bill_was_voided_goes_back_with_a_notice(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    assert paying.close_order(desk.gateways, attempt.id)
    with db.transaction() as session:
        bills.void(session, bill_id=bill.id, actor="staff:x", reason="开错了")
    desk.wechat.pay_in_spite(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert (desk.state(bill), states(desk, bill)) == ("void", ["refund_due"])
    assert desk.balance(f"refund_due:{bill.id}") == -12000
    assert desk.rows("SELECT count(*) FROM notification WHERE template = 'bill_returned'") == [(1,)]
    desk.send()
    [refund] = desk.refunds(attempt)
    desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
    desk.notify(desk.wechat, desk.wechat.refund_notice(refund.number))
    assert states(desk, bill) == ["returned"]
    assert (desk.balance("clearing:wechat_pay"), desk.balance(f"refund_due:{bill.id}")) == (0, 0)


def both_paid(desk: Desk, other: Any) -> tuple[Any, Any, Any]:
    """Two orders of one bill are both paid, the second by a bank that was slow."""
    bill = desk.bill()
    first = desk.pay(bill)
    assert paying.close_order(desk.gateways, first.id)
    second = desk.pay(bill, other)
    other.pay(second.number)
    desk.notify(other, other.notice(second.number))
    desk.wechat.pay_in_spite(first.number)
    return bill, first, second


@pytest.mark.parametrize("same_channel", [False, True])
def test_p36_p37_a_second_success_is_sent_back_within_ten_minutes(desk: Desk, same_channel: bool) -> None:
    other = desk.wechat if same_channel else desk.alipay
    bill, first, _ = both_paid(desk, other)
    began = desk.clock.now
    desk.notify(desk.wechat, desk.wechat.notice(first.number))
    assert states(desk, bill) == ["refund_due", "paid"]
    while desk.state(first) != "returned":
        desk.clock.advance(seconds=1)
        desk.send()
        [refund] = desk.refunds(first)
        if refund.number in desk.wechat.refund_of:
            desk.wechat.finish(refund.number, RefundStatus.SUCCESS)
        assert desk.clock.now - began < timedelta(minutes=10)
    assert desk.refunds(first)[0].amount_fen == 12000
    assert desk.balance("income:copy-a") == -12000


def test_p36_changing_the_channel_closes_the_other_order_first(desk: Desk) -> None:
    bill = desk.bill()
    first = desk.pay(bill)
    desk.wechat.fail("close", "lost")
    with pytest.raises(PreviousStillOpen):
        desk.pay(bill, desk.alipay)
    assert states(desk, bill) == ["closing"]
    assert desk.alipay.orders == {}
    desk.wechat.pay(first.number)
    with pytest.raises(BillNotOpen):
        desk.pay(bill, desk.alipay)
    assert states(desk, bill) == ["paid"]


def test_p38_an_attempt_pins_the_version_of_its_bill(desk: Desk) -> None:
    fine = desk.bill(bills.Line("fine", decided_fen=20_000))
    attempt = desk.pay(fine)
    assert paying.close_order(desk.gateways, attempt.id)
    desk.clock.advance(days=20)
    jobs.grow_late()
    desk.wechat.pay_in_spite(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert (desk.state(fine), states(desk, fine)) == ("issued", ["refund_due"])


def test_money_from_elsewhere_closes_the_open_order(desk: Desk) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    for first in (True, False):
        with db.transaction() as session:
            done = settlement.settle_elsewhere(session, bill_id=bill.id, paid_at=desk.clock.now, actor="finance:list")
        assert done == first
    desk.poll()
    assert (desk.state(bill), desk.state(attempt)) == ("paid", "closed")
    assert desk.balance("clearing:other") == 12000
    desk.wechat.pay_in_spite(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert desk.state(attempt) == "refund_due"


@pytest.mark.parametrize(("proposal", "after"), [("give_back", "refund_due"), ("settle", "suspense")])
def test_two_people_decide_about_suspense(desk: Desk, proposal: str, after: str) -> None:
    bill = desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number, amount_fen=500)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))

    def say(what: str, decision: str, actor: str) -> None:
        with db.transaction() as session:
            if what == "propose":
                attempts.propose(session, attempt_id=attempt.id, proposal=decision, actor=actor, reason="核对过")
            else:
                attempts.confirm(session, attempt_id=attempt.id, proposal=decision, actor=actor)

    if proposal == "settle":
        with pytest.raises(CannotSettle):
            say("propose", "settle", "staff:1")
    else:
        with pytest.raises(NothingProposed):
            say("confirm", "give_back", "staff:2")
        say("propose", "give_back", "staff:1")
        with pytest.raises(SamePerson):
            say("confirm", "give_back", "staff:1")
        with pytest.raises(NothingProposed):
            say("confirm", "settle", "staff:2")
        say("confirm", "give_back", "staff:2")
        assert desk.balance("suspense") == 0
        assert [refund.reason for refund in desk.refunds(attempt)] == ["核对过"], "the payer reads it"
        assert desk.rows("SELECT reason FROM journal WHERE kind = 'suspense_returned'") == [("staff:1: 核对过",)]
    assert (desk.state(bill), desk.state(attempt)) == ("issued", after)


def test_suspense_that_fits_after_all_settles(desk: Desk) -> None:
    """The fine grew while its old order was closed; the payer's bank sent today's sum under the old number."""
    fine = desk.bill(bills.Line("fine", decided_fen=20_000))
    attempt = desk.pay(fine)
    assert paying.close_order(desk.gateways, attempt.id)
    desk.clock.advance(days=16)
    jobs.grow_late()
    desk.wechat.pay_in_spite(attempt.number)
    desk.wechat.orders[attempt.number].paid_fen = 20_600
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert desk.state(attempt) == "suspense"
    with db.transaction() as session:
        attempts.propose(session, attempt_id=attempt.id, proposal="settle", actor="staff:1", reason="金额已对上")
    with db.transaction() as session:
        attempts.confirm(session, attempt_id=attempt.id, proposal="settle", actor="staff:2")
    assert (desk.state(fine), desk.state(attempt)) == ("paid", "paid")
    assert (desk.balance("suspense"), desk.balance("income:fine")) == (0, -20_600)


def test_what_the_channel_was_asked_is_sealed(desk: Desk) -> None:
    attempt = desk.pay(desk.bill(), openid="openid-of-a-citizen")
    stored = desk.rows('SELECT "order", launch FROM payment_attempt')[0]
    assert all(b"openid-of-a-citizen" not in value and b"cashier" not in value for value in stored)
    assert attempts.pay_order(attempt).openid == "openid-of-a-citizen"
    assert attempt.channel == Channel.WECHAT_PAY


def test_what_was_changed_is_written_with_the_new_state(desk: Desk) -> None:
    """One UPDATE for both, and nothing is left for a later flush."""
    attempt = desk.pay(desk.bill())
    with db.transaction() as session:
        row = session.get_one(Attempt, attempt.id)
        row.failure, row.polls = "slow", 7
        assert transition(session, row, AttemptEvent.START_CLOSING, actor="test")
        assert not session.is_modified(row)
        assert (row.state, row.failure, row.polls) == ("closing", "slow", 7)
    assert desk.rows("SELECT state, failure, polls FROM payment_attempt") == [("closing", "slow", 7)]


def test_a_step_that_came_too_late_writes_nothing(desk: Desk) -> None:
    """Somebody else moved the row meanwhile: neither a state nor what was changed is written."""
    attempt = desk.pay(desk.bill())
    with db.transaction() as session:
        row = session.get_one(Attempt, attempt.id)
        session.execute(text("UPDATE payment_attempt SET state = 'closed' WHERE id = :id"), {"id": attempt.id})
        row.failure = "slow"
        with pytest.raises(InvalidTransition):
            transition(session, row, AttemptEvent.START_CLOSING, actor="test")
        session.expunge(row)
    assert desk.rows("SELECT state, failure FROM payment_attempt") == [("closed", None)]
    assert desk.rows("SELECT count(*) FROM payment_attempt_event WHERE event = 'start_closing'") == [(0,)]
