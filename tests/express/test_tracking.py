"""Where a shipment is, from its events: the map of domain sheet §2.3, what is taken back, and any order of arrival."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.core import db
from express import following, tracking
from express.carriers.base import CallFailed, TrackEvent
from express.models import Payer, Shipment, TrackRow
from express.registry import Couriers
from express.states import ShipmentEvent
from express.tracking import Progress, state_of
from tests.express.conftest import Desk
from tests.express.fake_courier import after

BEGIN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SHUFFLES = 1000

JOURNEYS = {
    "in person": ("203 954 989 713 702 704+10", Progress.DELIVERED),
    "mail room": ("203 954 702 704+60", Progress.DELIVERED),
    "failed, then delivered": ("203 702 705+4 702 704+10", Progress.DELIVERED),
    "refused and returned": ("203 702 705+7 708 711", Progress.RETURNED),
    "undone and delivered again": ("203 702 704+10 743 704+10", Progress.DELIVERED),
    "undone": ("203 702 704+10 743", Progress.OUT),
    "failure undone": ("203 702 705+4 744", Progress.OUT),
    "out undone": ("203 713 702 742", Progress.AT_OFFICE),
    "collection undone": ("203 207", Progress.ORDERED),
    "collection undone, collected again": ("203 207 203 954", Progress.MOVING),
    "two deliveries undone, one stands": ("203 704+20 743 704+60 743 704+10", Progress.DELIVERED),
    "lost": ("203 954 987", Progress.LOST),
    "lost by a reason": ("203 702 705+13", Progress.LOST),
    "cancelled": ("801", Progress.CANCELLED),
    "locker": ("203 702 747 748", Progress.TAKEN),
    "counter": ("203 702 705+9 723", Progress.WAITING),
    "redirected": ("203 702 756 954 702 704+10", Progress.DELIVERED),
    "unknown codes": ("203 9A1 702 9A2", Progress.OUT),
    "unknown code first": ("9A1", Progress.MOVING),
}


IN_FULL = (
    "refused and returned",
    "undone and delivered again",
    "undone",
    "collection undone, collected again",
    "two deliveries undone, one stands",
    "lost by a reason",
    "unknown codes",
)
"""Those that go through the database too."""


@dataclass(frozen=True)
class Event:
    trace_no: str
    op_time: datetime
    op_code: str
    detail_code: str = ""


def events(journey: str, *, apart: timedelta = timedelta(hours=1)) -> list[Event]:
    """The journey's steps, an hour apart."""
    steps = [step.partition("+") for step in journey.split()]
    return [Event(f"T{n}", BEGIN + apart * n, code, detail) for n, (code, _, detail) in enumerate(steps, 1)]


@pytest.mark.parametrize(("journey", "expected"), JOURNEYS.values(), ids=list(JOURNEYS))
def test_journeys(journey: str, expected: Progress) -> None:
    assert state_of(events(journey)).progress == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("801", Progress.CANCELLED),
        ("203 208", Progress.COLLECTED),
        ("305 389 954 989", Progress.MOVING),
        ("713", Progress.AT_OFFICE),
        ("702 749", Progress.OUT),
        ("705", Progress.FAILED),
        ("723 747", Progress.WAITING),
        ("748", Progress.TAKEN),
        ("704", Progress.DELIVERED),
        ("708 741 750 312", Progress.RETURNING),
        ("711", Progress.RETURNED),
        ("756 802 803", Progress.REDIRECTED),
        ("013 993", Progress.INTERCEPTED),
        ("987 988", Progress.LOST),
    ],
)
def test_the_map_of_the_sheet(codes: str, expected: Progress) -> None:
    for code in codes.split():
        assert state_of(events(code)).progress == expected


def test_what_is_read_besides() -> None:
    found = state_of(events("203 954 702 705+4 705+6 702 704+60 9A1"))
    assert found.collected_at == BEGIN + timedelta(hours=1)
    assert (found.failures, found.detail, found.unknown) == (2, "60", frozenset({"9A1"}))
    assert found.since == BEGIN + timedelta(hours=7), "an unknown code after the delivery changes nothing"
    assert state_of([]).progress == Progress.ORDERED


def test_what_takes_back_counts_after_what_it_takes_back_even_in_the_same_second() -> None:
    assert state_of(events("203 702 704+10 743", apart=timedelta(0))).progress == Progress.OUT


def test_taking_back_what_never_was_changes_nothing() -> None:
    assert state_of(events("203 743 702")).progress == Progress.OUT


def test_every_progress_leads_to_a_step_of_the_state_table() -> None:
    for progress in Progress:
        assert tracking.Standing(progress).event in ShipmentEvent


def test_a_thousand_shuffles_with_repeats_come_to_the_same() -> None:
    draw = random.Random(2026)
    journeys = [journey for journey, _ in JOURNEYS.values()]
    for _ in range(SHUFFLES):
        known = events(draw.choice(journeys))
        expected = state_of(known)
        arriving = known + draw.choices(known, k=draw.randrange(1, 2 * len(known) + 1))
        draw.shuffle(arriving)
        seen: list[Event] = []
        for event in arriving:
            seen.append(event)
            state_of(seen)
        assert state_of(seen) == expected


def test_pushed_in_any_order_and_pulled_at_once_end_alike(desk: Desk) -> None:
    """The whole of it: rows, state, proof and standing, each shipment fed in another order, with repeats."""
    desk.policy(Payer.GOV)
    draw, ends = random.Random(7), dict[Any, Any]()
    for name in IN_FULL:
        journey = JOURNEYS[name][0]
        for way in ("in order", "pulled", "shuffled"):
            sent = desk.order()
            assert sent.waybill
            told = [
                desk.courier.happen(sent.waybill, step.op_code, after(place), step.detail_code)
                for place, step in enumerate(events(journey))
            ]
            if way.startswith("shuffled"):
                told += draw.choices(told, k=len(told))
                draw.shuffle(told)
            if way == "pulled":
                desk.pull(sent)
            else:
                for event in told:
                    following.take(sent.waybill, [event], source="push")
            desk.pull(sent)
            ends.setdefault(name, set()).add(_end(desk.now(sent)))
            with db.transaction() as session:
                kept = session.scalars(select(TrackRow).where(TrackRow.shipment_id == sent.id)).all()
            assert len(kept) == len(journey.split())
    assert ends.keys() == set(IN_FULL)
    assert {name: found for name, found in ends.items() if len(found) > 1} == {}


def _end(shipment: Shipment) -> tuple[object, ...]:
    names = ("state", "progress", "progress_at", "detail_code", "collected_at", "delivered_at", "proof", "expected_at")
    return tuple(getattr(shipment, name) for name in names)


def test_what_somebody_else_told_gives_way_to_the_carrier(desk: Desk) -> None:
    """The carrier is silent, an aggregator says delivered; later the carrier tells it and takes it back."""
    desk.policy(Payer.GOV)
    sent = desk.order()
    desk.travel(sent, "203", "702")
    assert sent.waybill
    told = TrackEvent(sent.waybill, "other-1", after(2.5), "704", detail_code="10")

    class Aggregator:
        def track(self, waybill: str) -> list[TrackEvent]:
            return [told]

    desk.courier.fail("track", CallFailed("A1"))
    following.pull(Couriers({"ems": desk.courier}, Aggregator()), sent.id)
    assert desk.now(sent).progress == "delivered"
    desk.travel(sent, "704+10", "743")
    assert (desk.now(sent).progress, str(desk.now(sent).state)) == ("out", "under_way")
    desk.courier.fail("track", CallFailed("A1"))
    desk.pull(sent)
    assert desk.now(sent).progress == "out", "nobody else is asked where none is set up"
