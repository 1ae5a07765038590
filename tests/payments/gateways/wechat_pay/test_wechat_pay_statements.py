"""The bill of a day: asked for, checked, read."""

import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from payments.gateways.base import Channel, GatewayError, OutcomeUnknown, RefundOrder, StatementNotReady
from payments.gateways.wechat_pay_statement import TRADE_BILL, checked, fen, parsed
from tests.conftest import Clock
from tests.payments.gateways.wechat_pay.bank import Bank

DAY = date(2026, 11, 24)
NEXT_MORNING = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # 10:00 in Xiamen


@pytest.fixture
def busy_day(bank: Bank, clock: Clock) -> Bank:
    """Three payments, one of them late in the evening, and a partial refund."""
    bank.paid("B20261124-000001", coupon=850)
    clock.advance(minutes=5)
    bank.paid("B20261124-000002", amount_fen=1, description="考试费,第一科\n第二科")
    bank.gateway.refund(RefundOrder("R20261124-000001", "B20261124-000001", 5_000, 12_850, "重复缴费"))
    clock.set(datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC))
    bank.paid("B20261124-000003", amount_fen=100_000_00)
    clock.set(NEXT_MORNING)
    return bank


def test_the_lines_of_a_day(busy_day: Bank) -> None:
    lines = {line.refund_number or line.number: line for line in busy_day.gateway.statement(DAY)}
    assert set(lines) == {"B20261124-000001", "B20261124-000002", "B20261124-000003", "R20261124-000001"}
    first, refund = lines["B20261124-000001"], lines["R20261124-000001"]
    assert (first.amount_fen, first.status, first.refund_number, first.refund_fen) == (12_850, "SUCCESS", None, 0)
    assert first.transaction_id == busy_day.gateway.query("B20261124-000001").transaction_id
    assert first.at == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert (refund.number, refund.amount_fen, refund.refund_fen) == ("B20261124-000001", 0, 5_000)
    assert (refund.status, refund.refund_status) == ("REFUND", "SUCCESS")
    assert lines["B20261124-000003"].amount_fen == 10_000_000
    assert lines["B20261124-000003"].at.date() == date(2026, 11, 24)


def test_a_day_without_money_has_no_lines(bank: Bank, clock: Clock) -> None:
    clock.set(NEXT_MORNING)
    assert list(bank.gateway.statement(DAY)) == []


def test_p51_a_bill_that_is_being_made_is_asked_for_later(busy_day: Bank, clock: Clock) -> None:
    clock.set(NEXT_MORNING - timedelta(minutes=1))
    with pytest.raises(StatementNotReady):
        busy_day.gateway.statement(DAY)
    clock.set(NEXT_MORNING)
    busy_day.simulator.bills.plan.damage = "creating"
    with pytest.raises(StatementNotReady):
        busy_day.gateway.statement(DAY)


@pytest.mark.parametrize(
    ("damage", "code"),
    [("digest", "STATEMENT_DIGEST"), ("truncated", "STATEMENT_DIGEST"), ("totals", "STATEMENT_DAMAGED")],
)
def test_p51_a_damaged_bill_never_ends_well(busy_day: Bank, damage: str, code: str) -> None:
    busy_day.simulator.bills.plan.damage = damage
    lines: list[Any] = []
    with pytest.raises(OutcomeUnknown, match=code):
        lines.extend(busy_day.gateway.statement(DAY))
    assert len(lines) < 4


@pytest.mark.parametrize(
    ("kind", "error"),
    [("drop_before", OutcomeUnknown), ("error", OutcomeUnknown), ("busy", GatewayError), ("page", OutcomeUnknown)],
)
def test_p51_a_download_that_fails_is_tried_again(busy_day: Bank, kind: str, error: type[GatewayError]) -> None:
    busy_day.fault("download", kind)
    with pytest.raises(error):
        busy_day.gateway.statement(DAY)
    assert len(list(busy_day.gateway.statement(DAY))) == 4


def test_differences_that_somebody_planted_are_in_the_lines(busy_day: Bank) -> None:
    plan = busy_day.simulator.bills.plan
    plan.drop = ["B20261124-000002"]
    plan.amounts = {"B20261124-000003": 1_000_000, "R20261124-000001": 4_999}
    plan.add = [{"number": "STRANGER01", "fen": 777}]
    lines = {line.refund_number or line.number: line for line in busy_day.gateway.statement(DAY)}
    assert set(lines) == {"B20261124-000001", "B20261124-000003", "R20261124-000001", "STRANGER01"}
    assert lines["B20261124-000003"].amount_fen == 1_000_000
    assert lines["R20261124-000001"].refund_fen == 4_999
    assert lines["STRANGER01"].amount_fen == 777


def test_a_link_to_somebody_else_is_not_followed(busy_day: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bills = busy_day.simulator.bills
    ask = bills.ask
    monkeypatch.setattr(bills, "ask", lambda kind, query, base: ask(kind, query, "https://api.mch.weixin.qq.com.evil"))
    with pytest.raises(OutcomeUnknown, match="BODY"):
        busy_day.gateway.statement(DAY)
    assert busy_day.simulator.faults.calls["download"] == 0


def test_a_day_out_of_reach_is_a_refusal(bank: Bank, clock: Clock) -> None:
    for day in (DAY, DAY - timedelta(days=200)):
        with pytest.raises(GatewayError, match="INVALID_REQUEST"):
            bank.gateway.statement(day)


HEADER = "交易时间,微信订单号,商户订单号,交易状态,商户退款单号,退款状态,手续费,订单金额,申请退款金额"
ROW = "`2026-11-24 09:00:00,`4200001,`B20261124-000001,`SUCCESS,`0,`,`0.00600,`1.10,`0.00"
TOTALS = "总交易单数,订单总金额,申请退款总金额"


def text(*rows: str) -> bytes:
    return "\r\n".join(rows).encode()


def test_columns_are_found_by_name_in_any_order(bank: Bank) -> None:
    header, values = HEADER.split(","), ROW[1:].split(",`")
    shuffled = ",".join(reversed(header)), ",".join(f"`{value}" for value in reversed(values))
    plain = list(parsed(text(HEADER, ROW, TOTALS, "`1,`1.10,`0.00"), TRADE_BILL))
    assert plain == list(parsed(text(*shuffled, TOTALS, "`1.0,`1.1,`0"), TRADE_BILL))
    assert (plain[0].amount_fen, plain[0].fee_fen) == (110, 1)
    bom = b"\xef\xbb\xbf" + text(HEADER, ROW, TOTALS, "`1,`1.10,`0.00")
    assert list(parsed(bom, TRADE_BILL)) == plain


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (HEADER,),
        (HEADER, ROW),
        (HEADER, ROW, TOTALS),
        (HEADER, ROW, TOTALS, "`2,`1.10,`0.00"),
        (HEADER, ROW, TOTALS, "`1,`1.11,`0.00"),
        (HEADER, ROW, TOTALS, "`1,`1.10,`0.01"),
        (HEADER, ROW, TOTALS, "`1,`1.10"),
        (HEADER, ROW, TOTALS, "`1,`1.10,`0.00", ROW),
        (HEADER.replace("订单金额", "金额"), ROW, TOTALS, "`1,`1.10,`0.00"),
        (HEADER, ROW.replace("`1.10", "`1.105"), TOTALS, "`1,`1.105,`0.00"),
        (HEADER, ROW.replace("`1.10", "`NaN"), TOTALS, "`1,`NaN,`0.00"),
        (HEADER, ROW.replace("`1.10", "`"), TOTALS, "`1,`,`0.00"),
        (HEADER, ROW + ",`more", TOTALS, "`1,`1.10,`0.00"),
        (HEADER, ROW.replace("09:00:00", "09:00"), "", "nothing"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(rows: tuple[str, ...]) -> None:
    with pytest.raises(OutcomeUnknown, match="STATEMENT_DAMAGED"):
        list(parsed(text(*rows), TRADE_BILL))


def test_the_last_line_comes_after_the_totals(bank: Bank) -> None:
    second = ROW.replace("000001", "000002")
    lines = parsed(text(HEADER, ROW, second, TOTALS, "`3,`2.20,`0.00"), TRADE_BILL)
    assert next(lines).number == "B20261124-000001"
    with pytest.raises(OutcomeUnknown):
        next(lines)


def test_an_archive_cut_short_is_refused() -> None:
    packed = gzip.compress(text(HEADER, ROW, TOTALS, "`1,`1.10,`0.00"))
    for raw in (packed[:-4], packed[:20], packed[:12] + b"\x00" + packed[13:]):
        with pytest.raises(OutcomeUnknown, match="STATEMENT_ARCHIVE"):
            list(checked(raw, "0" * 40, TRADE_BILL))


def test_errors_name_the_channel_of_the_file() -> None:
    other = replace(TRADE_BILL, channel=Channel.WECHAT_NONTAX)
    with pytest.raises(OutcomeUnknown) as raised:
        list(parsed(b"", other))
    assert raised.value.channel is Channel.WECHAT_NONTAX


@pytest.mark.parametrize(
    ("yuan", "expected"), [("0.01", 1), ("1", 100), ("45.0", 4_500), ("0.10000", 10), ("-0.01", -1)]
)
def test_yuan_become_fen_exactly(yuan: str, expected: int) -> None:
    assert fen(yuan) == expected


@pytest.mark.parametrize("yuan", ["0.001", "Infinity", "0.005"])
def test_parts_of_a_fen_are_no_amount(yuan: Any) -> None:
    with pytest.raises(ValueError, match=yuan):
        fen(yuan)
