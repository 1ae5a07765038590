"""The month's bill against our ledger: what matches is paid, everything else is named."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from backend.core import db
from express import policies, settlement
from express.carriers.base import BillDamaged, BillLine
from express.errors import DifferencesUnexplained, StatementDamaged, StatementNotFound, StatementSettled
from express.models import Payer, Shipment
from tests.express.conftest import Desk
from tests.express.fake_courier import after

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def month(desk: Desk) -> Desk:
    """Three that the city paid, one paid at the door, one that never left."""
    desk.policy(Payer.GOV)
    desk.policy(Payer.RECEIVER_COD, priority=1, category_code="vehicle", direction="result_out")
    return desk


def sent(desk: Desk, *, fen: int | None = 900, **changes: Any) -> Shipment:
    shipment = desk.order(**changes)
    desk.travel(shipment, "203")
    assert shipment.waybill
    with db.transaction() as session:
        mine = session.get_one(Shipment, shipment.id)
        if fen is not None and mine.payer != Payer.RECEIVER_COD:
            policies.adjust(session, mine, fen - mine.estimate_fen)
            mine.actual_fen, mine.list_fen = fen, 1500
    return desk.now(shipment)


def line(shipment: Shipment | str, fen: int = 900) -> BillLine:
    waybill = shipment if isinstance(shipment, str) else shipment.waybill or ""
    return BillLine(waybill, "N", after(2), 300, fen)


def read(desk: Desk, *lines: BillLine) -> dict[str, Any]:
    desk.courier.bill_lines = list(lines)
    found = settlement.read(desk.courier, b"file")
    with db.transaction() as session:
        settlement.store(session, carrier="ems", month=NOVEMBER, file=b"file", lines=found, actor="staff:1")
        return settlement.summary(session, carrier="ems", month=NOVEMBER, language="zh")


def settle(desk: Desk, reason: str | None = None) -> str:
    with db.transaction() as session:
        return str(settlement.settle(session, carrier="ems", month=NOVEMBER, actor="staff:1", reason=reason).state)


def verdicts(summary: dict[str, Any]) -> dict[str, int]:
    return {row["verdict"]: row["count"] for row in summary["verdicts"]}


def test_every_line_has_a_verdict(month: Desk) -> None:
    good, dear, twice = (sent(month) for _ in range(3))
    at_the_door = sent(month, category_code="vehicle")
    never = month.order()
    missing = sent(month)
    found = read(
        month,
        line(good),
        line(dear, 1400),
        line(twice),
        line(twice),
        line(at_the_door),
        line(never),
        line("EV999999999CN"),
    )
    assert verdicts(found) == {
        "match": 2,
        "differs": 1,
        "repeated": 1,
        "not_ours": 1,
        "not_sent": 1,
        "unknown": 1,
    }
    assert (found["payable_fen"], found["unbilled"]) == (1800, 1)
    assert missing.waybill
    [row] = found["rows"]
    assert (row["count"], row["ours_fen"], row["theirs_fen"], row["difference_fen"]) == (4, 3600, 3200, -400)
    assert (row["list_fen"], row["budget_code"], row["division_code"]) == (6000, "ZF-1", "350200")
    with pytest.raises(DifferencesUnexplained):
        settle(month)
    assert settle(month, "差异已和邮政核对") == "settled"
    with pytest.raises(StatementSettled):
        read(month, line(good))


def test_a_clean_month_needs_no_reason(month: Desk) -> None:
    one = sent(month)
    assert verdicts(read(month, line(one))) == {"match": 1}
    assert settle(month) == settle(month) == "settled"


def test_read_again_it_replaces_what_was_read(month: Desk) -> None:
    one = sent(month)
    assert verdicts(read(month, line(one), line("EV1X"))) == {"match": 1, "unknown": 1}
    assert verdicts(read(month, line(one))) == {"match": 1}


def test_without_a_bill_the_month_is_ours_alone(month: Desk) -> None:
    sent(month)
    with db.transaction() as session:
        found = settlement.summary(session, carrier="ems", month=NOVEMBER, language="en")
        assert (found["state"], found["rows"][0]["count"], found["rows"][0]["difference_fen"]) == (None, 1, 0)
        assert settlement.summary(session, carrier="ems", month=date(2026, 12, 1), language="en")["rows"] == []
    with pytest.raises(StatementNotFound):
        settle(month)


def test_a_damaged_bill_names_its_row(month: Desk) -> None:
    class Damaged:
        def bill(self, file: bytes) -> Iterator[BillLine]:
            raise BillDamaged(3, "金额不是数字")

    with pytest.raises(StatementDamaged) as refusal:
        settlement.read(Damaged(), b"")
    assert refusal.value.extension == {"row": 3}


def test_december_ends_with_the_year() -> None:
    begin, end = settlement.bounds(date(2026, 12, 1))
    assert (begin.isoformat(), end.isoformat()) == ("2026-11-30T16:00:00+00:00", "2026-12-31T16:00:00+00:00")


def test_what_it_has_cost_against_the_public_price(month: Desk) -> None:
    sent(month)
    sent(month, category_code="vehicle")
    with db.transaction() as session:
        rows = settlement.costs(session, date(2026, 11, 1), date(2026, 11, 30))
    found = [(row["policy"], row["fen"], row["saved_fen"]) for row in rows]
    assert found == [("gov", 900, 600), ("receiver_cod", 1200, 0)]
