"""守约 as a pure rule: which missed visits count, and until when online booking pauses.

Walk-in tickets are never affected (circular clause 12). Figures: domain sheet §4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(days=30)
"""Marks count together when they lie within this time; each expires after it."""


class Kind(StrEnum):
    """What the mark is for."""

    NO_SHOW = "no_show"
    LATE_CANCEL = "late_cancel"


HALVES = {Kind.NO_SHOW: 2, Kind.LATE_CANCEL: 1}
"""Half-points: a cancellation after the cut-off weighs half a missed visit."""

PAUSES = ((4, timedelta(days=30)), (6, timedelta(days=90)))
"""Half-points within the window, and how long online booking pauses from the mark that reached them."""


@dataclass(frozen=True)
class Standing:
    """`halves` that count now, and until when online booking is paused (UTC), if it is."""

    halves: int
    blocked_until: datetime | None


def standing(marks: Sequence[tuple[datetime, Kind]], now: datetime) -> Standing:
    """Judge marks that were not cleared, in any order: (when the visit was missed or cancelled, kind)."""
    pauses = []
    for at, _ in marks:
        together = sum(HALVES[kind] for other, kind in marks if at - WINDOW < other <= at)
        pauses += [at + pause for halves, pause in PAUSES if together >= halves]
    until = max(pauses, default=now)
    return Standing(
        halves=sum(HALVES[kind] for at, kind in marks if now - WINDOW < at <= now),
        blocked_until=until if until > now else None,
    )


SILENCE = timedelta(minutes=15)
"""Scanners that said nothing for longer were not working: a miss then is the hall's."""


def was_scanning(beats: Sequence[datetime], first: datetime, last: datetime) -> bool:
    """Whether the hall scanned from `first` to `last` without a longer silence (reliability §3.6)."""
    moments = [first, *sorted(beat for beat in beats if first <= beat <= last), last]
    return all(after - before <= SILENCE for before, after in zip(moments, moments[1:], strict=False))
