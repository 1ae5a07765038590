"""A courier in memory that keeps the port's promises and fails on demand."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from backend.core import http
from express.carriers.base import (
    BillLine,
    CarrierError,
    OutcomeUnknown,
    ParsedAddress,
    Party,
    Placed,
    Postage,
    PostageNotReady,
    Push,
    Reach,
    ShipmentOrder,
    TooLate,
    TrackEvent,
)
from tests.express.pdfs import a_label

FEN = 1200


class FakeCourier:
    """Orders by our number. `failures` are raised one after another, each before (`refused`) or after its effect."""

    code = "ems"

    def __init__(self) -> None:
        self.orders: dict[str, ShipmentOrder] = {}
        self.waybills: dict[str, str] = {}
        self.cancelled: set[str] = set()
        self.collected: set[str] = set()
        self.events: dict[str, list[TrackEvent]] = {}
        self.charges: dict[str, Postage] = {}
        self.bill_lines: list[BillLine] = []
        self.failures: dict[str, deque[tuple[CarrierError, bool]]] = {}
        self.calls: list[str] = []

    def fail(self, call: str, error: CarrierError, *, after: bool = False) -> None:
        """The next call of this name fails; `after` its effect has happened."""
        self.failures.setdefault(call, deque()).append((error, after))

    def happen(self, waybill: str, code: str, at: datetime, detail: str = "") -> TrackEvent:
        """Something happens to a shipment; given back as a push would hold it."""
        known = self.events.setdefault(waybill, [])
        event = TrackEvent(waybill, f"T{len(known) + 1}", at, code, code, detail, "福建省", "厦门市", "测试站")
        known.append(event)
        if code == "203":
            self.collected.add(waybill)
        return event

    def place(self, order: ShipmentOrder) -> Placed:
        self._call("place")
        placed = self._place(order)
        self._after("place")
        return placed

    def find(self, order: ShipmentOrder) -> Placed | None:
        self._call("find")
        if order.number not in self.waybills:
            return None
        return Placed(order.number, self.waybills[order.number], order.number in self.cancelled)

    def cancel(self, number: str, waybill: str, reason: str) -> None:
        self._call("cancel")
        assert self.waybills[number] == waybill
        if waybill in self.collected:
            raise TooLate("collected", "已揽收")
        self.cancelled.add(number)
        self._after("cancel")

    def reach(self, place: Party) -> Reach:
        self._call("reach")
        return Reach(served="西沙" not in place.region.county, why="不在服务范围")

    def label(self, waybill: str) -> bytes:
        self._call("label")
        return a_label(waybill)

    def track(self, waybill: str) -> Sequence[TrackEvent]:
        self._call("track")
        return list(self.events.get(waybill, []))

    def read_push(self, headers: Mapping[str, str], body: bytes) -> Push:
        raise NotImplementedError

    def estimate(self, sender: Party, receiver: Party, weight_g: int) -> Postage:
        self._call("estimate")
        return Postage(FEN if sender.region.province == receiver.region.province else 2 * FEN, weight_g)

    def postage(self, number: str, waybill: str) -> Postage:
        self._call("postage")
        if waybill not in self.charges:
            raise PostageNotReady("not_weighed")
        return self.charges[waybill]

    def parse_address(self, text: str) -> ParsedAddress:
        raise NotImplementedError

    def bill(self, file: bytes) -> Iterator[BillLine]:
        yield from self.bill_lines

    def _place(self, order: ShipmentOrder) -> Placed:
        known = self.orders.setdefault(order.number, order)
        assert known == order, "the same number with another order"
        waybill = self.waybills.setdefault(order.number, f"EV{len(self.waybills) + 1:09d}CN")
        return Placed(order.number, waybill, order.number in self.cancelled)

    def _call(self, name: str) -> None:
        http.refuse_inside_transaction()
        self.calls.append(name)
        waiting = self.failures.get(name)
        if waiting and not waiting[0][1]:
            raise waiting.popleft()[0]

    def _after(self, name: str) -> None:
        waiting = self.failures.get(name)
        if waiting and waiting[0][1]:
            raise waiting.popleft()[0]


LOST = OutcomeUnknown("timeout")
BEGIN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def after(hours: float) -> datetime:
    """An instant on the tests' first morning or later."""
    return BEGIN + timedelta(hours=hours)
