"""Clocks of 行政许可法 (domain sheet §3.3). Pure: days are working days, and what counts as one is handed in.

Counting starts the day after acceptance. A special step 特别程序 stops the clock from the day after it began to the
day it ended, for at most the days that the published list gives it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

IsWorkday = Callable[[date], bool]

DECISION_DAYS: Final = 20
DECISION_EXTENSION: Final = 10
JOINT_DAYS: Final = 45
JOINT_EXTENSION: Final = 15
TELL_DAYS: Final = 5
"""Corrections are told within five days, or the case counts as accepted on the day its papers came (art. 32)."""
DELIVERY_DAYS: Final = 10

LONGEST_SEARCH: Final = timedelta(days=1500)
"""Far longer than any limit: only a calendar without a single working day gets here."""


class Colour(StrEnum):
    """How much of a limit is used: less than half, half, four fifths, all and more."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Pause:
    """A special step: the civil days it began and ended (None: goes on), and the most working days it may take."""

    began: date
    ended: date | None
    most: int


@dataclass(frozen=True, slots=True)
class Marks:
    """The last day of a limit, and the days on which half and four fifths of it are used."""

    half_on: date
    eighty_on: date
    due_on: date


def nth_workday(is_workday: IsWorkday, start: date, count: int) -> date:
    """The `count`-th working day after `start`; `start` itself for 0."""
    day = start
    for _ in range(count):
        day = next(_workdays(is_workday, day))
    return day


def marks(is_workday: IsWorkday, accepted_on: date, days: int, pauses: Iterable[Pause] = ()) -> Marks:
    """When half, four fifths and all of `days` are used. A step that goes on is taken to last as long as it may."""
    stopped = _stopped(is_workday, pauses, None)
    counted = (day for day in _workdays(is_workday, accepted_on) if day not in stopped)
    used = [accepted_on, *(next(counted) for _ in range(days))]
    return Marks(used[-(-days // 2)], used[-(-days * 4 // 5)], used[days])


def days_used(is_workday: IsWorkday, accepted_on: date, today: date, pauses: Iterable[Pause] = ()) -> int:
    """Working days after acceptance up to and with `today` on which the clock ran."""
    stopped = _stopped(is_workday, pauses, today)
    span = (accepted_on + timedelta(days=number) for number in range(1, (today - accepted_on).days + 1))
    return sum(1 for day in span if is_workday(day) and day not in stopped)


def colour(found: Marks, today: date) -> Colour:
    """The colour on a day. On its last day a limit is not yet overdue."""
    if today > found.due_on:
        return Colour.RED
    if today >= found.eighty_on:
        return Colour.ORANGE
    return Colour.YELLOW if today >= found.half_on else Colour.GREEN


def last_paused_day(is_workday: IsWorkday, pause: Pause) -> date:
    """The last day a step may stop the clock."""
    return nth_workday(is_workday, pause.began, pause.most)


def _stopped(is_workday: IsWorkday, pauses: Iterable[Pause], today: date | None) -> set[date]:
    days: set[date] = set()
    for pause in pauses:
        until = pause.ended or today
        for number, day in enumerate(_workdays(is_workday, pause.began)):
            if number == pause.most or (until is not None and day > until):
                break
            days.add(day)
    return days


def _workdays(is_workday: IsWorkday, start: date) -> Iterator[date]:
    day = start
    while day - start < LONGEST_SEARCH:
        day += timedelta(days=1)
        if is_workday(day):
            yield day
    raise ValueError("a calendar without working days")
