"""Bills: what the simulated Alipay makes, a published one, and everything that is no whole bill."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import requests

from payments.gateways import alipay_statement
from payments.gateways.base import OutcomeUnknown, StatementLine, StatementNotReady
from tests.conftest import Clock
from tests.payments.gateways.alipay.alipay_site import Site

DAY = date(2026, 11, 24)
HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
    "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def pack(text: str, name: str = "20880211096256330156_20190916_业务明细.csv") -> io.BytesIO:
    """A bill file with this detail text."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20880211096256330156_20190916_业务明细(汇总).csv", "#支付宝业务汇总查询\n".encode("gbk"))
        archive.writestr(name, text.encode("gbk"))
    packed.seek(0)
    return packed


def row(number: str, kind: str, amount: str, fee: str = "0.00") -> str:
    """A line as Alipay pads it."""
    cells = [f"20190916220014{number[-14:]:0>14}\t", f"{number}\t", f"{kind}\t", "缴费"]
    cells += ["2019-09-16 10:55:16", "2019-09-16 10:55:23", *("\t",) * 5, amount, amount, *("0.00",) * 5, ""]
    return ",".join([*cells, "0.00\t", "0.00", "\t", fee, "0.00", ""])


PUBLISHED = (Path(__file__).parent / "published_bill.csv").read_text()
"""A day's bill as Alipay made it, from the public test `AlipayGeneralPaymentHandlerTest.alipayBill` of a payment
channel in Java (package com.payment.alipay, www.qdingnet.com); the column of payers is emptied."""


def test_a_published_bill_is_read() -> None:
    lines = list(alipay_statement.read(pack(PUBLISHED)))
    assert len(lines) == 10
    assert lines[0] == StatementLine(
        number="service_1568601259302",
        transaction_id="2019091622001458860515315453",
        at=datetime(2019, 9, 16, 2, 55, 23, tzinfo=UTC),
        amount_fen=1,
        status="SUCCESS",
    )
    assert (lines[1].refund_number, lines[1].refund_fen, lines[1].amount_fen) == ("re_test_1568602607356", 1, 0)
    assert sum(line.amount_fen for line in lines) - sum(line.refund_fen for line in lines) == 2


def test_columns_are_found_by_name_and_totals_in_both_wordings() -> None:
    reordered = HEADER.split(",")
    names = [name.replace("（", "(").replace("）", ")") for name in (*reordered[11:], *reordered[:11])]
    cells = row("20261124000001", "交易", "9.90", fee="-0.06").split(",")
    text = "\n".join(
        [
            "#支付宝业务明细查询",
            ",".join(names),
            ",".join([*cells[11:], *cells[:11]]),
            "#------业务明细列表结束------",
            "#交易合计：1笔，交易金额共9.90元，优惠金额共0.00元",
            "#退款合计：0笔，交易退款金额共0.00元，优惠退款金额共0.00元",
        ]
    )
    [line] = alipay_statement.read(pack(text))
    assert (line.amount_fen, line.fee_fen, line.refund_number) == (990, 6, None)


def test_money_of_other_kinds_is_left_out_and_an_empty_day_is_empty() -> None:
    other = PUBLISHED.replace("交易\t", "转账\t", 1).replace("6笔，商家实收共0.06", "5笔，商家实收共0.05")
    assert len(list(alipay_statement.read(pack(other)))) == 9
    empty = "\n".join(["#支付宝业务明细查询", HEADER, "#---业务明细列表结束---", "#交易合计：0笔，商家实收共0.00元，x"])
    assert list(alipay_statement.read(pack(empty))) == []


SPOILT: dict[str, Callable[[str], str]] = {
    "a line is missing": lambda text: "\n".join(text.split("\n")[:7] + text.split("\n")[8:]),
    "an amount is other": lambda text: text.replace("0.01,0.01", "0.02,0.02", 1),
    "the end is missing": lambda text: text.split("#-----------------------------------------业务明细列表结束")[0],
    "the mark of the end is missing": lambda text: text.replace("业务明细列表结束", "业务明细列表"),
    "the header is missing": lambda text: (
        text[text.index("#-----------------------------------------业务明细列表结束") :]
        .replace("6笔，商家实收共0.06", "0笔，商家实收共0.00")
        .replace("4笔，商家实收退款共-0.04", "0笔，商家实收退款共0.00")
    ),
    "the end is there alone": lambda text: text.split("#交易合计")[0],
    "a column is missing": lambda text: text.replace("商户订单号,", "", 1),
    "a cell is missing": lambda text: text.replace(",0.00,0.00,下单测试", ",0.00,下单测试", 1),
    "an amount is no amount": lambda text: text.replace("-0.01,-0.01", "-1e2,-1e2", 1),
    "a time is no time": lambda text: text.replace("2019-09-16 10:55:23", "2019-09-16", 1),
    "it is another file": lambda text: "<html>",
    "it is empty": lambda text: "",
}


@pytest.mark.parametrize("how", SPOILT)
def test_p51_a_bill_that_is_not_whole_is_never_given_whole(how: str) -> None:
    """Lines may have been given before the fault is known, the last one never."""
    lines = alipay_statement.read(pack(SPOILT[how](PUBLISHED)))
    seen: list[StatementLine] = []
    with pytest.raises(OutcomeUnknown):
        seen.extend(lines)
    assert len(seen) < 10


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"\x00" * 100, pack(PUBLISHED).getvalue()[:-40], pack(PUBLISHED, "x汇总.csv").getvalue()],
    ids=["empty", "short", "zeros", "cut", "summary only"],
)
def test_p51_a_file_that_is_no_bill_is_refused(content: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        list(alipay_statement.read(io.BytesIO(content)))


def test_p51_a_flipped_byte_anywhere_in_the_texts_is_found() -> None:
    good = pack(PUBLISHED).getvalue()
    start = good.index(b"PK\x03\x04", 4) + 80
    for at in range(start, start + 300, 7):
        spoilt = good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :]
        with pytest.raises(OutcomeUnknown):
            list(alipay_statement.read(io.BytesIO(spoilt)))


@pytest.fixture
def traded(site: Site, clock: Clock) -> Site:
    """Three payments of one day and two refunds, one of them of the next day; then it is the day after that."""
    for index, fen in enumerate((12_345, 100, 20_000), start=1):
        site.pay(site.order(f"A2026112400000{index}", fen), **({"coupon": "1"} if index == 1 else {}))
    site.gateway.refund(site.refund("R1", 2_345))
    clock.set(datetime(2026, 11, 24, 16, 0, tzinfo=UTC))  # midnight in Xiamen
    site.gateway.refund(site.refund("R2", 100, "A20261124000002"))
    clock.set(datetime(2026, 11, 26, 2, 0, tzinfo=UTC))
    return site


def test_the_bill_of_a_day_is_downloaded_and_holds_what_happened(traded: Site) -> None:
    lines = list(traded.gateway.statement(DAY))
    assert {(line.number, line.amount_fen, line.refund_number, line.refund_fen, line.fee_fen) for line in lines} == {
        ("A20261124000001", 12_345, None, 0, 75),
        ("A20261124000002", 100, None, 0, 1),
        ("A20261124000003", 20_000, None, 0, 120),
        ("A20261124000001", 0, "R1", 2_345, -14),
    }
    known = {line.number: line.transaction_id for line in lines}
    assert known["A20261124000001"] == traded.gateway.query("A20261124000001").transaction_id
    assert [line.refund_number for line in traded.gateway.statement(date(2026, 11, 25))] == ["R2"]
    assert list(traded.gateway.statement(date(2026, 11, 1))) == []


def test_the_bill_shows_the_differences_that_the_operator_plants(traded: Site) -> None:
    for difference in (
        {"kind": "missing", "number": "A20261124000002"},
        {"kind": "amount", "number": "A20261124000003", "cents": 19_999},
        {"kind": "extra", "number": "A20261124000099", "cents": 500},
        {"kind": "missing", "number": "R1"},
    ):
        body = {"day": DAY.isoformat(), **difference}
        requests.post(f"{traded.url}/operator/api/differences", json=body, timeout=5).raise_for_status()
    assert {line.number: line.amount_fen for line in traded.gateway.statement(DAY)} == {
        "A20261124000001": 12_345,
        "A20261124000003": 19_999,
        "A20261124000099": 500,
    }


def test_p51_a_bill_that_is_not_there_yet_is_waited_for(traded: Site, clock: Clock) -> None:
    with pytest.raises(StatementNotReady):
        list(traded.gateway.statement(date(2026, 11, 26)))
    traded.sandbox.switch({"bills": "late"})
    with pytest.raises(StatementNotReady):
        list(traded.gateway.statement(DAY))


@pytest.mark.parametrize("mode", ["cut", "damaged", "wrong_totals"])
def test_p51_a_bill_that_arrives_broken_is_refused(traded: Site, mode: str) -> None:
    traded.sandbox.switch({"bills": mode})
    with pytest.raises(OutcomeUnknown):
        list(traded.gateway.statement(DAY))


def test_the_address_of_a_bill_lasts_thirty_seconds(traded: Site, clock: Clock) -> None:
    token = traded.sandbox.bills.link(DAY.isoformat())["token"]
    assert requests.get(f"{traded.url}/bills/{token}", timeout=5).status_code == 200
    clock.advance(seconds=31)
    assert requests.get(f"{traded.url}/bills/{token}", timeout=5).status_code == 403


def test_a_large_bill_is_read_line_by_line() -> None:
    """The text of 20,000 lines is 4 MB; what is held at any time is one line."""
    count = 20_000
    body = "\n".join(row(f"N{index:013d}", "交易", "0.01") for index in range(count))
    end = f"#---业务明细列表结束---\n#交易合计：{count}笔，商家实收共{count // 100}.00元，商家优惠共0.00元"
    file = pack(f"#支付宝业务明细查询\n{HEADER}\n{body}\n{end}\n")
    lines = alipay_statement.read(file)
    assert next(lines).number == "N0000000000000"
    assert file.tell() < len(file.getvalue())
    assert sum(1 for _ in lines) == count - 1
