"""The monthly bill: read whole or not at all."""

from datetime import UTC, datetime

import pytest
import requests

from backend.core import clock
from express.carriers.base import BillDamaged, BillLine, Charge
from express.sandbox.ems.wire import beijing
from tests.express.carriers.ems_site import Site


def read(site: Site, text: str, encoding: str = "utf-8-sig") -> list[BillLine]:
    return list(site.carrier.bill(text.encode(encoding)))


TEXT = (
    "邮件号,客户订单号,备注,收寄时间,计费重量（克）,资费合计(元)\n"
    "1199000000001,XM1-O1,,2026-01-05 09:00:00,300,10.00\n"
    "1199000000002,XM2-O1,,2026-01-06 09:00:00,1200,32.5\n"
    "\n"
    "合计,2,,,,42.50\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_bill_is_read_by_the_names_of_its_columns(site: Site, encoding: str) -> None:
    assert read(site, TEXT, encoding) == [
        BillLine("1199000000001", "XM1-O1", datetime(2026, 1, 5, 1, tzinfo=UTC), 300, 1000),
        BillLine("1199000000002", "XM2-O1", datetime(2026, 1, 6, 1, tzinfo=UTC), 1200, 3250),
    ]


@pytest.mark.parametrize(
    ("before", "after", "row"),
    [
        ("计费重量（克）", "件数", 1),
        ("32.5\n", "32.555\n", 3),
        ("300", "三百", 2),
        ("1199000000002,", ",", 3),
        ("2026-01-06 09:00:00", "2026-01-06", 3),
        ("42.50", "42.51", 5),
        ("合计,2", "合计,3", 5),
        ("合计,2", "合计,", 5),
        ("合计,2,,,,42.50\n", "", 0),
        (",1200,32.5", "", 3),
    ],
)
def test_a_bill_that_cannot_be_trusted_names_its_row(site: Site, before: str, after: str, row: int) -> None:
    assert before in TEXT
    with pytest.raises(BillDamaged) as damaged:
        read(site, TEXT.replace(before, after))
    assert damaged.value.row == row


@pytest.mark.parametrize("file", [b"", b"\x00\xff\xfe\x81", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_refused(site: Site, file: bytes) -> None:
    with pytest.raises(BillDamaged):
        list(site.carrier.bill(file))


def bill(site: Site) -> list[BillLine]:
    month = beijing(clock.now().timestamp())[:7]
    answer = requests.get(f"{site.url}/ems/desk/bills/{month}.csv", timeout=5)
    return list(site.carrier.bill(answer.content))


def shipped(site: Site, count: int) -> list[str]:
    waybills = [site.carrier.place(site.order(f"XM2026010500{place:04d}-O1")).waybill for place in range(count)]
    for waybill in waybills:
        site.operator(f"shipments/{waybill}/next")
    return waybills


def test_the_bill_has_what_was_collected_on_our_account(site: Site) -> None:
    waybills = shipped(site, 2)
    collect = site.carrier.place(site.order("XM20260105000008-O1", charge=Charge.RECEIVER))
    site.operator(f"shipments/{collect.waybill}/next")
    site.carrier.place(site.order("XM20260105000009-O1"))
    lines = bill(site)
    assert [line.waybill for line in lines] == waybills
    assert [(line.weight_g, line.fen) for line in lines] == [(300, 1000)] * 2


def test_differences_are_planted_on_demand(site: Site) -> None:
    gone, dear, heavy, double = shipped(site, 4)
    for waybill, kind in ((gone, "missing"), (dear, "amount"), (heavy, "weight"), (double, "twice"), ("", "foreign")):
        site.operator("bill-differences", waybill=waybill, kind=kind)
    lines = bill(site)
    assert [line.waybill for line in lines] == [dear, heavy, double, double, "1199000000000"]
    assert [line.fen for line in lines[:2]] == [1100, 1000]
    assert lines[1].weight_g == 800
    site.operator("bill-differences", waybill="", kind="wrong_total")
    with pytest.raises(BillDamaged):
        bill(site)
