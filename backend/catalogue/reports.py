"""What the circular wants counted about items: districts that promise different times, and special steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from fractions import Fraction

from sqlalchemy import JSON, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from backend.catalogue.values import Item
from backend.catalogue.versions.models import ItemVersion
from backend.catalogue.versions.queries import PUBLISHED
from backend.core import clock

CUT = Fraction(1, 10)
"""The circular wants a tenth of the special steps gone (clause 22)."""


@dataclass(frozen=True)
class TimeLimits:
    """One item's promises in working days: the city's, each district's, and how far they lie apart."""

    item: Item
    city: int | None
    districts: dict[str, int]
    spread: int


@dataclass(frozen=True)
class StepCount:
    """Special steps in force at the end of two days, and the share that is gone; None when there was none."""

    since: date
    on: date
    before: int
    now: int
    gone: Fraction | None

    @property
    def reached(self) -> bool:
        """Whether a tenth is gone, by exact fraction."""
        return self.gone is not None and self.gone >= CUT


def time_limits(items: Iterable[Item], districts: Iterable[str]) -> list[TimeLimits]:
    """Items whose promise differs between districts (circular clause 2), the widest spread first."""
    codes = list(districts)
    found = []
    for item in items:
        by_district = {code: days for code in codes if (days := item.promised_in(code)) is not None}
        if len(set(by_district.values())) > 1:
            spread = max(by_district.values()) - min(by_district.values())
            found.append(TimeLimits(item, item.promise_days, by_district, spread))
    return sorted(found, key=lambda one: (-one.spread, one.item.slug))


def special_steps(session: Session, *, since: date, on: date) -> StepCount:
    """How many special steps were in force on two days, counted from the versions themselves."""
    before, now = _steps_on(session, since), _steps_on(session, on)
    return StepCount(since, on, before, now, Fraction(before - now, before) if before else None)


def _steps_on(session: Session, day: date) -> int:
    newest = (
        select(
            func.jsonb_array_length(ItemVersion.content["special_steps"]).label("steps"),
            ItemVersion.content["ended"].label("ended"),
        )
        .ext(distinct_on(ItemVersion.item_slug))
        .where(
            ItemVersion.state.in_(PUBLISHED),
            ItemVersion.effective_at < clock.instant(day + timedelta(days=1), time.min),
        )
        .order_by(ItemVersion.item_slug, ItemVersion.effective_at.desc(), ItemVersion.number.desc())
        .subquery()
    )
    counted = select(func.coalesce(func.sum(newest.c.steps), 0)).where(newest.c.ended == JSON.NULL)
    return int(session.scalar(counted) or 0)
