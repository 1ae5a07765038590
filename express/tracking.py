"""Where a shipment is, read from the whole list of the carrier's events. Pure: no database, no clock, no network.

Events repeat, arrive late and out of order, by push and by pull; some take an earlier one back. The answer depends on
nothing but the set of events (domain sheet §2.3).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from express.states import ShipmentEvent


class Progress(StrEnum):
    """The steps that a citizen is shown."""

    ORDERED = "ordered"
    CANCELLED = "cancelled"
    COLLECTED = "collected"
    MOVING = "moving"
    AT_OFFICE = "at_office"
    OUT = "out"
    FAILED = "failed"
    WAITING = "waiting"
    TAKEN = "taken"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    REDIRECTED = "redirected"
    INTERCEPTED = "intercepted"
    LOST = "lost"


P = Progress

CODES: dict[str, Progress] = {
    "801": P.CANCELLED,
    **dict.fromkeys(("203", "208"), P.COLLECTED),
    **dict.fromkeys(("305", "389", "954", "989"), P.MOVING),
    "713": P.AT_OFFICE,
    **dict.fromkeys(("702", "749"), P.OUT),
    "705": P.FAILED,
    **dict.fromkeys(("723", "747"), P.WAITING),
    "748": P.TAKEN,
    "704": P.DELIVERED,
    **dict.fromkeys(("708", "741", "750", "312"), P.RETURNING),
    "711": P.RETURNED,
    **dict.fromkeys(("756", "802", "803"), P.REDIRECTED),
    **dict.fromkeys(("013", "993"), P.INTERCEPTED),
    **dict.fromkeys(("987", "988"), P.LOST),
}
UNDO: dict[str, frozenset[str]] = {
    "207": frozenset({"203"}),
    "212": frozenset({"203", "208"}),
    "304": frozenset({"305", "389", "954", "989"}),
    "742": frozenset({"702"}),
    "743": frozenset({"704"}),
    "744": frozenset({"705"}),
}
"""Code → what it takes back: the newest of these before it. For 212 and 304 the sheet names no target; they stand
among the codes of collecting and of the centres."""

FALLBACK = "fallback"
LOST_REASON = "13"
"""A failed attempt with this reason means that the shipment is lost."""

SHOWS: dict[Progress, ShipmentEvent] = {
    P.ORDERED: ShipmentEvent.SHOW_ORDERED,
    P.CANCELLED: ShipmentEvent.SHOW_CANCELLED,
    P.DELIVERED: ShipmentEvent.SHOW_DELIVERED,
    P.RETURNED: ShipmentEvent.SHOW_RETURNED,
    P.LOST: ShipmentEvent.SHOW_LOST,
}
"""Every other progress is on the way."""


class Event(Protocol):
    """What is needed of one event of the carrier."""

    @property
    def trace_no(self) -> str: ...
    @property
    def op_time(self) -> datetime: ...
    @property
    def op_code(self) -> str: ...
    @property
    def detail_code(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the shipment is, since when, and the sign code of a delivery or the reason of a failed attempt.

    `failures` counts the attempts that stand. `collected_at` is when the courier took it, the day that counts for
    the delivery of a result. `unknown` are codes nobody has told us the meaning of.
    """

    progress: Progress
    since: datetime | None = None
    detail: str = ""
    failures: int = 0
    collected_at: datetime | None = None
    unknown: frozenset[str] = frozenset()

    @property
    def event(self) -> ShipmentEvent:
        """What the state table is told."""
        return SHOWS.get(self.progress, ShipmentEvent.SHOW_UNDER_WAY)


class Sourced(Event, Protocol):
    """An event that also says who told it."""

    @property
    def source(self) -> str: ...


E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Sourced)


def trusted(events: Iterable[F]) -> list[F]:
    """The carrier's own events, and what somebody else told of the time after the newest of them.

    The same happening has other numbers there, so once the carrier tells it the other's word must not count twice.
    """
    known = list(events)
    newest = max((event.op_time for event in known if event.source != FALLBACK), default=None)
    return [event for event in known if event.source != FALLBACK or newest is None or event.op_time > newest]


def in_order(events: Iterable[E]) -> list[E]:
    """Each trace number once, by the time at which it happened; what takes back stands after what it takes back."""
    once = {event.trace_no: event for event in events}
    return sorted(
        once.values(),
        key=lambda event: (event.op_time, event.op_code in UNDO, len(event.trace_no), event.trace_no),
    )


def effective(events: Iterable[E]) -> list[E]:
    """The events that stand, in order."""
    standing: list[E] = []
    for event in in_order(events):
        targets = UNDO.get(event.op_code)
        if targets is None:
            standing.append(event)
            continue
        for place in range(len(standing) - 1, -1, -1):
            if standing[place].op_code in targets:
                del standing[place]
                break
    return standing


def state_of(events: Iterable[Event]) -> Standing:
    """The standing that all events together give."""
    progress, since, detail, failures, collected_at = P.ORDERED, None, "", 0, None
    unknown: set[str] = set()
    for event in effective(events):
        meant = CODES.get(event.op_code)
        if meant is None:
            unknown.add(event.op_code)
            if progress not in (P.ORDERED, P.COLLECTED):
                continue
            meant = P.MOVING
        if meant == P.FAILED and event.detail_code == LOST_REASON:
            meant = P.LOST
        failures += meant == P.FAILED
        if meant == P.COLLECTED and collected_at is None:
            collected_at = event.op_time
        progress, since, detail = meant, event.op_time, event.detail_code
    return Standing(progress, since, detail, failures, collected_at, frozenset(unknown))
