"""Bills: the money rules M1 to M12, pay codes, finding, voiding, expiring, growing."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend.core import db
from backend.core.errors import Text
from payments import bills, jobs, pay_codes, queries
from payments.bill_models import Bill
from payments.errors import (
    BillBusy,
    BillNotFound,
    BillNotOpen,
    BillRefused,
    DecisionNeeded,
    PayCodeTaken,
    PayCodeWrong,
)
from payments.gateways.base import PayStatus
from tests.payments.conftest import UNIT, Desk

PATTERN = r"3502\d{16}"
FINE = bills.Line("fine", decided_fen=20_000)


def total(desk: Desk, bill: Bill) -> int:
    return int(desk.rows("SELECT total_fen FROM bill WHERE id = :id", id=bill.id)[0][0])


def test_m1_everything_stored_is_whole_fen(desk: Desk) -> None:
    bill = desk.bill(bills.Line("copy-b", quantity=3))
    kinds = desk.rows(
        "SELECT data_type FROM information_schema.columns WHERE table_name IN ('bill', 'bill_item', 'entry', "
        "'payment_attempt', 'refund') AND column_name LIKE '%_fen'"
    )
    assert bill.total_fen == 5997
    assert {kind for (kind,) in kinds} == {"integer"}


def test_m2_the_total_is_the_sum_of_standard_times_quantity(desk: Desk, session: Session) -> None:
    bill = desk.bill(bills.Line("copy-a"), bills.Line("copy-b", quantity=2))
    items = desk.rows(
        "SELECT standard_fen, quantity, fee_fen FROM bill_item WHERE bill_id = :id ORDER BY 1", id=bill.id
    )
    assert items == [(1999, 2, 3998), (12000, 1, 12000)]
    assert bill.total_fen == 15998
    with pytest.raises(DBAPIError, match="ck_bill_item_fee"):
        desk.rows("UPDATE bill_item SET fee_fen = 100 RETURNING 1")


def test_m3_one_bill_one_success(desk: Desk) -> None:
    bill = desk.bill()
    first = desk.pay(bill)
    second = desk.pay(bill, desk.alipay)
    assert desk.wechat.orders[first.number].status == PayStatus.CLOSED
    desk.alipay.pay(second.number)
    desk.notify(desk.alipay, desk.alipay.notice(second.number))
    assert desk.rows("SELECT count(*) FROM payment_attempt WHERE state = 'paid'") == [(1,)]
    with pytest.raises(BillNotOpen):
        desk.pay(bill)


def test_m4_the_amount_of_an_issued_bill_never_changes(desk: Desk) -> None:
    bill = desk.bill()
    with pytest.raises(DBAPIError, match="does not change"):
        desk.rows("UPDATE bill SET total_fen = 1 RETURNING 1")
    assert total(desk, bill) == 12000
    desk.bill(FINE)
    for change in ("version = 2", "version = 2, grown_on = due_on", "version = 3, grown_on = due_on + 1"):
        with pytest.raises(DBAPIError, match="does not change"):
            desk.rows(f"UPDATE bill SET total_fen = 30000, {change} WHERE grows RETURNING 1")


def test_m4_a_partial_or_larger_payment_settles_nothing(desk: Desk) -> None:
    for amount in (11_999, 12_001):
        bill = desk.bill()
        attempt = desk.pay(bill)
        desk.wechat.pay(attempt.number, amount_fen=amount)
        desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
        assert (desk.state(bill), desk.state(attempt)) == ("issued", "suspense")


def test_m5_only_non_tax_income_stands_on_a_bill(desk: Desk) -> None:
    with pytest.raises(BillRefused):
        desk.bill(bills.Line("notary"))
    with pytest.raises(BillRefused):
        desk.bill(bills.Line("copy-a"), bills.Line("notary"))
    with pytest.raises(BillRefused):
        desk.bill(bills.Line("copy-a"), bills.Line("postage", decided_fen=1200))
    bill = desk.bill()
    desk.pay(bill)
    assert total(desk, bill) == 12000


def test_m6_lowering_and_deferring_need_a_decision(desk: Desk) -> None:
    with pytest.raises(DecisionNeeded):
        desk.bill(bills.Line("copy-a", reduction_fen=6000))
    bill = desk.bill(bills.Line("copy-a", reduction_fen=6000), document="厦财减〔2026〕1号")
    assert bill.total_fen == 6000
    later = bill.due_on + timedelta(days=30)
    with pytest.raises(DecisionNeeded), db.transaction() as session:
        bills.defer(session, bill_id=bill.id, due_on=later, document="", actor="staff:f")
    with db.transaction() as session:
        assert (
            bills.defer(session, bill_id=bill.id, due_on=later, document="厦财缓〔2026〕2号", actor="staff:f").due_on
            == later
        )
    relief = desk.rows("SELECT kind, document, amount_fen FROM bill_relief ORDER BY kind DESC")
    assert relief == [("reduction", "厦财减〔2026〕1号", 6000), ("deferral", "厦财缓〔2026〕2号", 0)]
    assert desk.rows("SELECT count(*) FROM notification WHERE template = 'bill_deferred'") == [(1,)]
    with pytest.raises(DBAPIError, match="append-only"):
        desk.rows("UPDATE bill_relief SET document = 'x' RETURNING 1")


def test_m7_a_fine_is_due_after_fifteen_days_and_grows_to_its_cap(desk: Desk) -> None:
    fine = desk.bill(FINE)
    assert fine.due_on == date(2026, 12, 9)
    desk.clock.advance(days=15)
    jobs.grow_late()
    assert total(desk, fine) == 20000
    desk.clock.advance(days=1)
    jobs.grow_late()
    assert total(desk, fine) == 20600
    desk.clock.advance(days=39)
    jobs.grow_late()
    assert total(desk, fine) == 40000
    desk.clock.advance(days=300)
    jobs.grow_late()
    assert total(desk, fine) == 40000
    assert desk.rows("SELECT version FROM bill WHERE id = :id", id=fine.id) == [(3,)]


def test_m7_an_order_of_yesterdays_figure_is_closed_before_the_fine_grows(desk: Desk) -> None:
    fine = desk.bill(FINE)
    desk.clock.advance(days=16, hours=14, minutes=40)
    first = desk.pay(fine)
    assert first.amount_fen == 20600
    assert desk.clock.now + timedelta(minutes=20) == first.expires_at
    desk.clock.advance(minutes=21)
    jobs.grow_late()
    assert total(desk, fine) == 20600
    second = desk.pay(fine)
    assert (second.amount_fen, second.bill_version) == (21200, 3)
    assert desk.state(first) == "closed"


def test_m8_a_charge_grows_only_where_its_law_says_so(desk: Desk) -> None:
    """滞纳金 of 0.05 % a day up to the charge; what has no rule on the same bill stays as it is."""
    both = desk.bill(bills.Line("levy"), bills.Line("copy-a"))
    plain = desk.bill()
    assert (both.total_fen, both.due_on) == (112_000, date(2026, 12, 24))

    def on(day: date) -> tuple[int, int, str]:
        desk.clock.set(datetime.combine(day, time(1), UTC))
        jobs.expire_bills()
        jobs.grow_late()
        [row] = desk.rows("SELECT total_fen, version, state FROM bill WHERE id = :id", id=both.id)
        return row

    assert on(date(2026, 12, 24)) == (112_000, 1, "issued")
    assert on(date(2026, 12, 25)) == (112_050, 2, "issued")
    assert on(date(2027, 1, 23)) == (113_500, 3, "issued")
    assert on(date(2032, 6, 15)) == (212_000, 4, "issued"), "never more than the charge itself"
    assert on(date(2033, 6, 15)) == (212_000, 4, "issued")
    assert desk.state(plain) == "expired"
    parts = desk.rows(
        "SELECT overdue_fen, penalty_fen FROM bill_item WHERE bill_id = :id ORDER BY position", id=both.id
    )
    assert parts == [(100_000, 0), (0, 0)]
    attempt = desk.pay(both)
    assert (attempt.amount_fen, attempt.bill_version) == (212_000, 4)
    assert desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    assert (desk.state(both), desk.balance("income:levy")) == ("paid", -200_000)


def test_m8_the_figure_of_the_day_is_asked_even_before_the_job_has_run(desk: Desk) -> None:
    levy = desk.bill(bills.Line("levy"), due_on=date(2026, 11, 30))
    desk.clock.set(datetime(2026, 12, 10, 1, tzinfo=UTC))
    assert desk.pay(levy).amount_fen == 100_500
    [(until,)] = desk.rows("SELECT expires_at FROM payment_attempt")
    assert until <= datetime(2026, 12, 10, 16, tzinfo=UTC), "tomorrow it costs more"


def test_m8_finances_figure_wins_and_only_finance_may_give_one(desk: Desk) -> None:
    with pytest.raises(BillRefused):
        desk.bill(bills.Line("copy-a", overdue_fen=10))
    bill = desk.bill(
        bills.Line("copy-a", overdue_fen=10, penalty_fen=5), source="finance", pay_code="35029900000000000001"
    )
    assert bill.total_fen == 12015
    fine = desk.bill(bills.Line("fine", decided_fen=100), source="finance", pay_code="35029900000000000002")
    desk.clock.advance(days=20)
    jobs.grow_late()
    assert total(desk, fine) == 100
    with pytest.raises(BillNotOpen):
        desk.pay(fine)


def test_m10_the_standard_of_the_acceptance_date_applies(desk: Desk) -> None:
    with pytest.raises(queries.NoFeeInForce):
        desk.bill(accepted_on=date(2024, 12, 31))
    assert desk.bill(accepted_on=date(2025, 1, 1)).total_fen == 12000


def test_m11_past_its_due_date_an_ordinary_bill_dies(desk: Desk) -> None:
    bill = desk.bill()
    desk.clock.advance(days=30)
    jobs.expire_bills()
    assert desk.state(bill) == "issued"
    desk.clock.advance(days=1)
    with pytest.raises(BillNotOpen):
        desk.pay(bill)
    jobs.expire_bills()
    assert desk.state(bill) == "expired"


def test_m11_a_bill_that_somebody_may_be_paying_expires_after_their_order(desk: Desk) -> None:
    bill = desk.bill()
    desk.clock.advance(days=30, hours=14, minutes=50)
    attempt = desk.pay(bill)
    desk.clock.advance(minutes=11)
    jobs.expire_bills()
    assert desk.state(bill) == "issued"
    desk.poll()
    assert desk.state(attempt) == "closed"
    jobs.expire_bills()
    assert desk.state(bill) == "expired"


def test_m11_too_late_to_begin(desk: Desk) -> None:
    bill = desk.bill()
    desk.clock.advance(days=30, hours=14, minutes=58)
    with pytest.raises(BillNotOpen):
        desk.pay(bill)


def test_m12_what_is_free_cannot_be_billed(desk: Desk) -> None:
    for lines in ((bills.Line("free"),), (bills.Line("copy-a"), bills.Line("free"))):
        with pytest.raises(queries.NothingToCharge):
            desk.bill(*lines)
    with pytest.raises(queries.NothingToCharge):
        desk.bill(bills.Line("copy-a", reduction_fen=12000), document="全免决定")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (bills.Line("copy-a"), bills.Line("elsewhere")),
        (bills.Line("copy-a"), FINE),
        (bills.Line("fine"),),
        (bills.Line("fine", decided_fen=0),),
        (bills.Line("copy-a", decided_fen=100),),
        (bills.Line("copy-a", quantity=0),),
        (bills.Line("copy-a", reduction_fen=-1),),
        (bills.Line("copy-a", quantity=9999), bills.Line("fine", decided_fen=1)),
        (bills.Line("fine", decided_fen=2_000_000_001),),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_written(desk: Desk, lines: tuple[bills.Line, ...]) -> None:
    order = bills.Order(
        region_code="350299",
        lines=lines,
        accepted_on=desk.clock.now.date(),
        payer=bills.Payer("张测试"),
        subject_type="case",
        subject_id="1",
        title=Text("x", "x"),
        document="某文",
    )
    with pytest.raises(BillRefused), db.transaction() as session:
        bills.issue(session, order, actor="staff:x")
    assert desk.rows("SELECT count(*) FROM bill") == [(0,)]


def test_the_units_own_codes_are_unique_and_fit_the_pattern(desk: Desk) -> None:
    codes = [desk.bill().pay_code for _ in range(20)]
    assert len(set(codes)) == 20
    assert all(code.startswith("3502992630") and pay_codes.cleaned(code, PATTERN) == code for code in codes)


def test_a_code_is_used_once_in_a_region(desk: Desk) -> None:
    desk.bill(pay_code="35029900000000000009")
    with pytest.raises(PayCodeTaken):
        desk.bill(pay_code="35029900000000000009")
    desk.bill(pay_code="35029900000000000009", region_code="350201")


@pytest.mark.parametrize(
    "typed",
    [
        "35029900000000000001",
        " 3502 9900 0000 0000 0001 ",
        "３５０２９９０００００００００００００１",
        "https://pay.example.test/n?code=35029900000000000001&x=1",
        "https://pay.example.test/35029900000000000001",
        "3502-9900-0000-0000-0001",
    ],
)
def test_codes_are_found_in_what_is_typed_or_scanned(typed: str) -> None:
    assert pay_codes.cleaned(typed, PATTERN) == "35029900000000000001"


@pytest.mark.parametrize(
    "typed", ["", "1", "3502990000000000000", "350299000000000000011", "x35029900000000000001", "https://x/1"]
)
def test_nothing_is_corrected(typed: str) -> None:
    with pytest.raises(PayCodeWrong):
        pay_codes.cleaned(typed, PATTERN)


def test_code_and_name_together_find_a_bill(desk: Desk, session: Session) -> None:
    bill, reader = desk.bill(), uuid4()
    for name in ("张测试", " 张 测试", "張測試"):
        if name == "張測試":
            with pytest.raises(BillNotFound), db.transaction() as opened:
                bills.look_up(opened, pay_code=bill.pay_code, payer_name=name, reader_id=reader)
        else:
            with db.transaction() as opened:
                found = bills.look_up(opened, pay_code=bill.pay_code, payer_name=name, reader_id=reader)
            assert found.id == bill.id
    with pytest.raises(BillNotFound), db.transaction() as opened:
        bills.look_up(opened, pay_code="35029999999999999999", payer_name="张测试", reader_id=reader)
    assert desk.rows("SELECT person_id FROM bill_reader") == [(reader,)]
    stored = desk.rows("SELECT payer_name FROM bill")[0][0]
    assert "张测试".encode() not in stored


def test_void_before_but_never_after_payment(desk: Desk) -> None:
    bill, paid = desk.bill(), desk.bill()
    attempt = desk.pay(paid)
    with pytest.raises(BillBusy), db.transaction() as session:
        bills.void(session, bill_id=paid.id, actor="staff:x", reason="错")
    desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    for _ in range(2):
        with db.transaction() as session:
            bills.void(session, bill_id=bill.id, actor="staff:x", reason="错")
    with pytest.raises(BillNotOpen), db.transaction() as session:
        bills.void(session, bill_id=paid.id, actor="staff:x", reason="错")
    assert (desk.state(bill), desk.state(paid)) == ("void", "paid")


def test_bills_follow_a_merged_person(desk: Desk) -> None:
    bill, kept = desk.bill(), uuid4()
    attempt = desk.pay(bill)
    with db.transaction() as session:
        bills.look_up(session, pay_code=bill.pay_code, payer_name="张测试", reader_id=(reader := uuid4()))
    with db.transaction() as session:
        bills.adopt(session, person_id=kept, former_id=desk.payer)
        bills.adopt(session, person_id=kept, former_id=reader)
    owners = desk.rows("SELECT b.person_id, a.payer_id, r.person_id FROM bill b, payment_attempt a, bill_reader r")
    assert owners == [(kept, kept, kept)]
    assert desk.attempt(attempt.id).payer_id == kept


def test_the_unit_is_the_income_items(desk: Desk) -> None:
    assert desk.bill().unit_code == UNIT
