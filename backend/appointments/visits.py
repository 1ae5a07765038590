"""How long a visit takes, and from which starts there is room for it. Pure: the picker and the booking agree."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from backend.catalogue.values import BookableItem

Hours = tuple[datetime, datetime]

T = TypeVar("T")


def minutes_of(items: Sequence[BookableItem], people: int) -> int:
    """Length of a visit: each item takes its minutes, and its extra minutes for every further person."""
    return sum(item.minutes + item.extra_minutes * (people - 1) for item in items)


def run(slots: Sequence[T], at: int, minutes: int, hours: Callable[[T], Hours]) -> Sequence[T]:
    """The slots in a row from `slots[at]` that a visit of `minutes` fills; empty when they do not suffice.

    `slots` are in order of start and hold only those that may be used, so that a gap ends the row; `hours` reads
    the half-open interval of one.
    """
    start, until = hours(slots[at])
    for last in range(at, len(slots)):
        begins, ends = hours(slots[last])
        if last > at and begins != until:
            break
        until = ends
        if (until - start).total_seconds() >= minutes * 60:
            return slots[at : last + 1]
    return ()


def fit(days: Sequence[dict[str, Any]], minutes: int) -> None:
    """Of the days of a picker, leave free only those starts from which `minutes` of free slots follow.

    A start without enough room is full; what is left at a start is the least of the slots its visit fills.
    """
    for day in days:
        if not day["slots"]:
            continue
        free = [slot for slot in day["slots"] if slot["state"] == "free"]
        room = [run(free, at, minutes, hours_of) for at in range(len(free))]
        left = [min((slot["left"] for slot in row), default=0) for row in room]
        for slot, places in zip(free, left, strict=True):
            slot |= {"left": places, "state": "free" if places else "full"}
        day["left"] = sum(left)
        day["state"] = "open" if day["left"] else "full"


def hours_of(slot: dict[str, Any]) -> Hours:
    """The interval of a slot as the API shows it."""
    return slot["start"], slot["end"]
