"""Our EMS adapter against the simulated EMS: every call, and the three layers of failure."""

import re
import time
from typing import Any

import pytest

from backend.core import context
from backend.core.http import TransactionOpen
from express.carriers import base, ems
from express.carriers.base import NEUTRAL_CONTENTS, Charge, Party, Region
from express.carriers.ems_wire import EmsWire
from tests.express.carriers.ems_site import HALL, LI, ZHANG, Site

PLACE, POSTAGE = "020003", "050001"


def test_an_order_gets_a_waybill_and_the_same_one_again(site: Site) -> None:
    first = site.carrier.place(site.order())
    assert re.fullmatch(r"\d{13}", first.waybill)
    assert site.carrier.place(site.order()) == first
    site.plan(repeats="refused")
    assert site.carrier.place(site.order()) == first
    assert len(site.simulator.office.parcels) == 1


def test_another_order_under_a_used_number_is_refused(site: Site) -> None:
    site.carrier.place(site.order())
    with pytest.raises(base.Refused, match="B0104"):
        site.carrier.place(site.order(receiver=LI))


def test_what_the_carrier_is_told(site: Site) -> None:
    site.carrier.place(site.order(in_person=True, safety_code="7788"))
    site.carrier.place(site.order("XM20260105000002-O1", charge=Charge.RECEIVER, pickup=None))
    told, collect = (parcel.body for parcel in site.simulator.office.parcels.values())
    assert told["createdTime"] == "2026-01-05 09:00:00"
    assert (told["pickupPreBeginTime"], told["pickupPreEndTime"]) == ("2026-01-05 10:00:00", "2026-01-05 12:00:00")
    assert (told["bizProductNo"], told["paymentMode"]) == ("1", "1")
    assert (told["pickupType"], told["deliverType"]) == ("1", "2")
    assert told["pickupNotes"] == "受理号 1；请投递给收件人本人"
    assert told["receiverSafetyCode"] == "7788"
    assert (told["sender"]["phone"], told["receiver"]["mobile"]) == ("0592-7700000", "13800000001")
    assert [cargo["cargoName"] for cargo in told["cargos"]] == [NEUTRAL_CONTENTS]
    assert (collect["bizProductNo"], collect["paymentMode"], collect["pickupNotes"]) == ("3", "2", "")
    assert "pickupPreBeginTime" not in collect


@pytest.mark.parametrize(
    ("receiver", "kind"),
    [
        (Party("张测试", "13800000001", Region("台湾省", "台北市", "大安区"), "示例路1号"), base.OutOfRange),
        (Party("张测试", "13800000001", Region("福建省", "厦门市", "思明区"), "超范围测试路1号"), base.OutOfRange),
        (Party("张测试", "12345", Region("福建省", "厦门市", "思明区"), "示例路1号"), base.AddressRefused),
        (Party("", "13800000001", Region("福建省", "厦门市", "思明区"), "示例路1号"), base.AddressRefused),
        (Party("张测试", "13800000001", Region("福建省", "", "思明区"), "示例路1号"), base.AddressRefused),
    ],
)
def test_a_refusal_of_the_business_says_what_to_correct(site: Site, receiver: Party, kind: type[base.Refused]) -> None:
    with pytest.raises(kind) as refused:
        site.carrier.place(site.order(receiver=receiver))
    assert refused.value.message.startswith("收件人")
    assert not site.simulator.office.parcels


def test_a_refusal_that_no_word_fits_is_a_plain_one(site: Site) -> None:
    with pytest.raises(base.Refused) as refused:
        site.carrier.place(site.order("中文"))
    assert type(refused.value) is base.Refused
    assert refused.value.code == "B0001"


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "garbled"])
def test_a_lost_answer_leaves_the_outcome_unknown_and_the_order_is_found(site: Site, kind: str) -> None:
    site.faults({"endpoint": PLACE, "kind": kind})
    with pytest.raises(base.OutcomeUnknown):
        site.carrier.place(site.order())
    found = site.carrier.find(site.order())
    assert found == site.carrier.place(site.order())
    assert len(site.simulator.office.parcels) == 1


@pytest.mark.parametrize("kind", ["drop_before", "error", "page"])
def test_a_call_that_never_worked_is_found_to_be_none(site: Site, kind: str) -> None:
    site.faults({"endpoint": PLACE, "kind": kind})
    with pytest.raises(base.OutcomeUnknown):
        site.carrier.place(site.order())
    assert site.carrier.find(site.order()) is None
    assert not site.simulator.office.parcels


def test_an_order_that_was_called_off_is_found_so(site: Site) -> None:
    placed = site.carrier.place(site.order())
    site.carrier.cancel(placed.number, placed.waybill, "不寄了")
    assert site.carrier.find(site.order()) == base.Placed(placed.number, placed.waybill, cancelled=True)


def test_find_itself_may_stay_without_an_answer(site: Site) -> None:
    site.faults({"endpoint": POSTAGE, "kind": "drop_before"})
    with pytest.raises(base.OutcomeUnknown):
        site.carrier.find(site.order())


def test_a_slow_answer_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("express.carriers.forms.TIMEOUT_S", (3.0, 0.2))
    site.faults({"endpoint": PLACE, "kind": "slow", "seconds": 3})
    began = time.monotonic()
    with pytest.raises(base.OutcomeUnknown, match="TIMEOUT"):
        site.carrier.place(site.order())
    assert time.monotonic() - began < 2


def test_what_the_platform_does_not_take_is_another_layer(site: Site) -> None:
    site.faults({"endpoint": PLACE, "kind": "platform", "code": "B00009"})
    with pytest.raises(base.CallFailed) as failed:
        site.carrier.place(site.order())
    assert (failed.value.code, failed.value.message) == ("B00009", "系统繁忙，请稍后再试")


def test_a_carrier_that_is_busy_or_away_did_nothing(site: Site) -> None:
    site.faults({"endpoint": PLACE, "kind": "busy"})
    with pytest.raises(base.Busy, match="HTTP_429"):
        site.carrier.place(site.order())
    away = ems.EmsCarrier(EmsWire("http://127.0.0.1:9", "x", "x", "AAECAwQFBgcICQoLDA0ODw=="), site.carrier._contract)
    with pytest.raises(base.Busy, match="NOT_SENT"):
        away.place(site.order())


@pytest.mark.parametrize("name", ["sender_no", "_authorization", "sign_key"])
def test_wrong_credentials_are_the_platforms_refusal(site: Site, name: str) -> None:
    own = site.carrier._wire
    values = {"sender_no": own.sender_no, "_authorization": own._authorization, "sign_key": own.sign_key}
    values[name] = "AAECAwQFBgcICQoLDA0ODw=="
    stranger = ems.EmsCarrier(EmsWire(own._desk._base, *values.values()), site.carrier._contract)
    with pytest.raises(base.CallFailed):
        stranger.place(site.order())


def test_an_order_can_be_called_off_until_it_is_collected(site: Site) -> None:
    placed = site.carrier.place(site.order())
    site.carrier.cancel(placed.number, placed.waybill, "不寄了")
    site.carrier.cancel(placed.number, placed.waybill, "不寄了")
    assert [event.op_code for event in site.carrier.track(placed.waybill)] == ["801"]
    other = site.carrier.place(site.order("XM20260105000002-O1"))
    site.operator(f"shipments/{other.waybill}/next")
    with pytest.raises(base.TooLate):
        site.carrier.cancel(other.number, other.waybill, "不寄了")


def test_the_range_is_known_before_an_order(site: Site) -> None:
    assert site.carrier.reach(ZHANG) == base.Reach(served=True)
    away = Party("张测试", "13800000001", Region("海南省", "三沙市", "西沙群岛"), "示例路1号")
    assert site.carrier.reach(away) == base.Reach(served=False, why="超范围")
    vague = Party("张测试", "13800000001", Region("福建省", "厦门市", ""), "示例路1号")
    assert site.carrier.reach(vague) == base.Reach(served=False, why="精度未达到赋值要求")


def test_a_label_is_a_pdf_that_tells_little(site: Site) -> None:
    placed = site.carrier.place(site.order())
    document = site.carrier.label(placed.waybill)
    assert document.startswith(b"%PDF-")
    assert document.rstrip().endswith(b"%%EOF")
    shown = b"".join(bytes.fromhex(part.decode()) for part in re.findall(rb"<([0-9a-f]+)> Tj", document))
    text = shown.decode("utf-16-be")
    assert placed.waybill in text
    assert NEUTRAL_CONTENTS in text
    assert "张**" in text
    assert ZHANG.name not in text
    assert ZHANG.phone not in text


def test_a_label_that_is_still_made_is_asked_for_again(site: Site) -> None:
    placed = site.carrier.place(site.order())
    site.plan(late_labels=1)
    with pytest.raises(base.LabelNotReady):
        site.carrier.label(placed.waybill)
    assert site.carrier.label(placed.waybill)


def test_the_estimate_follows_distance_and_weight_and_the_postage_what_was_weighed(site: Site) -> None:
    assert site.carrier.estimate(HALL, ZHANG, 300) == base.Postage(1000, 300)
    assert site.carrier.estimate(HALL, LI, 1200) == base.Postage(3200, 1200)
    placed = site.carrier.place(site.order())
    with pytest.raises(base.PostageNotReady):
        site.carrier.postage(placed.number, placed.waybill)
    site.operator(f"shipments/{placed.waybill}/heavier", grams=400)
    site.operator(f"shipments/{placed.waybill}/next")
    assert site.carrier.postage(placed.number, placed.waybill) == base.Postage(1200, 700)


def test_the_carriers_own_parser_reads_a_whole_address(site: Site) -> None:
    parsed = site.carrier.parse_address("福建省厦门市思明区示例路1号2栋301室")
    assert (parsed.province, parsed.city, parsed.county, parsed.line) == (
        "福建省",
        "厦门市",
        "思明区",
        "示例路1号2栋301室",
    )
    with pytest.raises(base.AddressRefused):
        site.carrier.parse_address("没有地名")


def test_nothing_is_sent_inside_a_transaction(site: Site) -> None:
    mark = context.in_transaction.set(True)
    try:
        with pytest.raises(TransactionOpen):
            site.carrier.track("1199000000001")
    finally:
        context.in_transaction.reset(mark)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"retBody": "{}"}, "UNREADABLE"),
        ({"retCode": "00000", "retBody": "{}"}, "NO_WAYBILL"),
        ({"retCode": "00000", "retBody": "half a {"}, "NO_WAYBILL"),
        ({"retCode": "00000", "retBody": None}, "NO_WAYBILL"),
    ],
)
def test_an_answer_without_a_waybill_is_no_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], kind: str
) -> None:
    monkeypatch.setattr(EmsWire, "_ask", lambda *_: body)
    with pytest.raises(base.OutcomeUnknown, match=kind):
        site.carrier.place(site.order())


@pytest.mark.parametrize(
    "body",
    [
        {"retCode": "00000", "success": False, "retMsg": "收件人地址有误"},
        {"retCode": "00000", "retBody": '{"success": "F", "errorMsg": "收件人地址有误"}'},
        {"retCode": "00000", "retBody": '{"responseItems": [{"success": false, "reason": "收件人地址有误"}]}'},
        {"retCode": "00000", "retBody": '[{"errorCode": "S13", "errorDesc": "收件人地址有误"}]'},
    ],
)
def test_a_refusal_is_found_wherever_it_hides(
    site: Site, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    monkeypatch.setattr(EmsWire, "_ask", lambda *_: body)
    with pytest.raises(base.AddressRefused) as refused:
        site.carrier.place(site.order())
    assert refused.value.message == "收件人地址有误"


def test_many_orders_with_lost_answers_are_each_one_shipment(site: Site) -> None:
    """Three in ten calls end without an answer, half of them after they worked: find, then repeat."""
    lost = {"endpoint": PLACE, "times": 10_000, "ratio": 0.15}
    site.faults({**lost, "kind": "drop_after"}, {**lost, "kind": "drop_before"}, seed=6)
    orders = [site.order(f"XM2026010500{place:04d}-O1") for place in range(100)]
    waybills, unknown = {}, 0
    for order in orders:
        placed = None
        while placed is None:
            try:
                placed = site.carrier.place(order)
            except base.OutcomeUnknown:
                unknown += 1
                placed = site.carrier.find(order)
        waybills[order.number] = placed.waybill
    assert unknown > 15
    assert waybills == {one.number: one.waybill for one in site.simulator.office.parcels.values()}
    assert len(set(waybills.values())) == len(orders)


def test_a_weight_that_cannot_be_read_is_no_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for weight, grams in (("700", 700), ("700.00", 700)):
        answer = {"retCode": "00000", "retBody": f'{{"postageTotal": "12", "realWeight": "{weight}"}}'}
        monkeypatch.setattr(EmsWire, "_ask", lambda *_, body=answer: body)
        assert site.carrier.postage("XM1", "1199") == base.Postage(1200, grams)
    for weight in ("0.7", "", "七百"):
        answer = {"retCode": "00000", "retBody": f'{{"postageTotal": "12", "realWeight": "{weight}"}}'}
        monkeypatch.setattr(EmsWire, "_ask", lambda *_, body=answer: body)
        with pytest.raises(base.OutcomeUnknown):
            site.carrier.postage("XM1", "1199")
