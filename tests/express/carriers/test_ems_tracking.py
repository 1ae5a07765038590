"""Tracking by pull and by push: the same events, whatever gets lost, comes twice or comes late."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from express.carriers.base import CallFailed, PushRefused, TrackEvent
from express.carriers.ems_wire import EmsWire, seal
from express.sandbox.ems.journeys import JOURNEYS
from tests.conftest import make_settings
from tests.express.carriers.ems_site import Site, wait_until

CODES = {
    "in_person": "203 954 989 713 702 704+10",
    "mail_room": "203 954 989 713 702 704+60",
    "failed_then_delivered": "203 954 989 713 702 705+4 702 704+10",
    "refused_and_returned": "203 954 989 713 702 705+7 708 711",
    "delivered_then_undone": "203 954 989 713 702 704+10 743 704+10",
    "lost": "203 954 987",
}
"""The journeys of the seed map C7; the cancelled one is not played."""


def written(events: list[TrackEvent]) -> str:
    return " ".join(event.op_code + (f"+{event.detail_code}" if event.detail_code else "") for event in events)


def shipment(site: Site, journey: str, number: str = "XM20260105000001-O1") -> str:
    waybill = site.carrier.place(site.order(number)).waybill
    site.travel(waybill, journey)
    return waybill


def all_pushed(site: Site, count: int) -> list[TrackEvent]:
    wait_until(lambda: len(site.pushed) >= count)
    return [event for body in site.pushed for event in site.carrier.read_push({}, body).events]


@pytest.mark.parametrize("journey", sorted(CODES))
def test_a_journey_is_told_the_same_by_pull_and_by_push(site: Site, journey: str) -> None:
    waybill = shipment(site, journey)
    pulled = list(site.carrier.track(waybill))
    assert written(pulled) == CODES[journey]
    assert len({(event.waybill, event.trace_no) for event in pulled}) == len(pulled)
    assert [event.op_time for event in pulled] == sorted(event.op_time for event in pulled)
    pushed = all_pushed(site, len(pulled))
    assert sorted(pushed, key=lambda event: event.op_time) == pulled


def test_every_journey_of_the_desk_can_be_played(site: Site) -> None:
    for place, journey in enumerate(JOURNEYS):
        waybill = shipment(site, journey, f"XM2026010500{place:04d}-O1")
        assert len(site.carrier.track(waybill)) == len(JOURNEYS[journey][1])


def test_a_shipment_moves_one_step_at_a_time(site: Site) -> None:
    waybill = site.carrier.place(site.order()).waybill
    assert list(site.carrier.track(waybill)) == []
    for steps in (1, 2):
        site.operator(f"shipments/{waybill}/next")
        assert len(site.carrier.track(waybill)) == steps


def test_an_unknown_waybill_has_no_events(site: Site) -> None:
    assert list(site.carrier.track("1199000000000")) == []


def test_tracking_may_fail_like_every_call(site: Site) -> None:
    site.faults({"endpoint": "040001", "kind": "platform"})
    with pytest.raises(CallFailed):
        site.carrier.track("1199000000000")


def test_pushes_are_repeated_until_they_are_taken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("express.sandbox.ems.pushes.GAPS_S", (0.05, 0.05))
    site.answers[:] = [None, "S00001", "00000"]
    waybill = site.carrier.place(site.order()).waybill
    site.operator(f"shipments/{waybill}/next")
    events = all_pushed(site, 3)
    assert len(set(events)) == 1
    wait_until(lambda: site.simulator.pushes.kept[0].done)


@pytest.mark.parametrize(("mode", "deliveries"), [("lost", 0), ("twice", 12), ("held", 6)])
def test_pushes_go_wrong_as_the_operator_wants(site: Site, mode: str, deliveries: int) -> None:
    site.plan(pushes=mode)
    waybill = shipment(site, "in_person")
    if mode == "held":
        assert not site.pushed
        site.operator("pushes/shuffled", seed=3)
    events = all_pushed(site, deliveries)
    assert len(events) == deliveries
    if deliveries:
        assert set(events) == set(site.carrier.track(waybill))
    if mode == "held":
        assert events != sorted(events, key=lambda event: event.op_time)


def test_a_push_is_answered_in_the_carriers_words(site: Site) -> None:
    shipment(site, "lost")
    all_pushed(site, 3)
    push = site.carrier.read_push({}, site.pushed[0])
    assert push.serial == json.loads(site.pushed[0])["serialNo"]
    assert push.receipt == {"serialNo": push.serial, "code": "00000", "codeMessage": "", "senderNo": "sandbox-ems"}
    assert push.failure["code"] == "S00001"


KEY = make_settings("postgresql://x/x").ems_sign_key
FORGED: list[tuple[str, dict[str, str]]] = [
    ("recipient", {"senderNo": "another"}),
    ("recipient", {"method": "020003"}),
    ("seal", {"logitcsInterface": ""}),
    ("seal", {"logitcsInterface": '{"opCode": "704"}'}),
    ("seal", {"logitcsInterface": seal('{"opCode": "704"}', "AAECAwQFBgcICQoLDA0ODw==")}),
    ("seal", {"logitcsInterface": seal("no json", KEY)}),
    ("content", {"logitcsInterface": seal("[]", KEY)}),
    ("content", {"logitcsInterface": seal("7", KEY)}),
    ("content", {"logitcsInterface": seal('{"opCode": "704"}', KEY)}),
]


@pytest.mark.parametrize("why_and_changes", FORGED, ids=range(len(FORGED)))
def test_a_push_that_is_not_the_carriers_has_no_effect(site: Site, why_and_changes: tuple[str, Any]) -> None:
    why, changes = why_and_changes
    shipment(site, "lost")
    all_pushed(site, 1)
    forged = json.dumps(json.loads(site.pushed[0]) | changes).encode()
    with pytest.raises(PushRefused) as refused:
        site.carrier.read_push({}, forged)
    assert refused.value.why == why
    assert refused.value.receipt["code"] == "S00001"


@pytest.mark.parametrize("body", [b"\xff<xml/>", b"[]", b"{}", b""])
def test_bytes_that_are_no_push_are_refused(site: Site, body: bytes) -> None:
    with pytest.raises(PushRefused):
        site.carrier.read_push({}, body)


def pushed_items(site: Site, *items: dict[str, Any]) -> list[TrackEvent]:
    sealed = seal(json.dumps(items, ensure_ascii=False), KEY)
    return list(site.carrier.read_push({}, json.dumps({"logitcsInterface": sealed}).encode()).events)


def test_a_batch_is_read_with_the_key_behind_it(site: Site) -> None:
    first = {"waybillNo": "1199", "traceNo": "7", "opTime": "2026-01-05 09:00:00", "opCode": "203", "opDesc": "已收寄"}
    second = {"waybillNo": "1199", "traceNo": "8", "opTime": 1767574800000, "opCode": "NEW1", "deliverCode": None}
    at = datetime(2026, 1, 5, 1, tzinfo=UTC)
    assert pushed_items(site, first, second) == [
        TrackEvent("1199", "7", at, "203", text="已收寄"),
        TrackEvent("1199", "8", at, "NEW1"),
    ]


def test_a_waybill_in_the_place_of_the_trace_number_does_not_hide_events(site: Site) -> None:
    one = {
        "waybillNo": "1199",
        "traceNo": "1199",
        "opTime": "2026-01-05 09:00:00",
        "opCode": "704",
        "deliverCode": "10",
    }
    other = one | {"opTime": "2026-01-05 10:00:00", "opCode": "743", "deliverCode": ""}
    events = pushed_items(site, one, other, one)
    assert len({event.trace_no for event in events}) == 2
    assert events[0] == events[2]


def test_one_unreadable_event_does_not_hide_the_others(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    good = {"waybillNo": "1199", "traceNo": "7", "opTime": "2026-01-05 09:00:00", "opCode": "203"}
    bad = [good | {"opTime": "yesterday"}, good | {"opCode": ""}, good | {"waybillNo": None}, good | {"opTime": None}]
    with caplog.at_level(logging.WARNING):
        events = pushed_items(site, *bad, good)
    assert len(events) == 1
    assert [record.message for record in caplog.records] == ["ems_track_item_unreadable"] * 4


def test_no_track_text_is_printed_by_accident(site: Site) -> None:
    event = TrackEvent("1199", "7", datetime(2026, 1, 5, tzinfo=UTC), "203", text="电话：13800000001")
    assert "13800000001" not in repr(event)
    assert "13800000001" not in repr(site.order())
    assert "ems-authorization" not in repr(EmsWire("https://x", "1", "ems-authorization", "key"))
