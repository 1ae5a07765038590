"""What items promised on a day, counted from their published versions: 20, 93 and 85 %, all online, limits, papers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from backend.catalogue.versions.models import ItemVersion
from backend.catalogue.versions.queries import PUBLISHED
from backend.core import clock
from backend.reports.indicators import Figure
from backend.reports.scope import Scope

ALL_ONLINE_DEPTH: Final = 5


@dataclass(frozen=True)
class ItemOn:
    """A version as far as reports look at it. Days are working days."""

    slug: str
    name: Mapping[str, str]
    since: date
    department: str
    visits: int
    depth: int
    law_days: int | None
    promise_days: int | None
    districts: Mapping[str, int]
    materials: int
    steps: int
    halls: frozenset[str]
    ended: bool

    @property
    def all_online(self) -> bool:
        """全程网办, by the rule of the published list."""
        return self.depth == ALL_ONLINE_DEPTH and self.visits == 0

    def limits(self, division: str | None) -> tuple[int, int] | None:
        """Days by law and days promised there; None without either."""
        promised = self.districts.get(division or "", self.promise_days)
        return (self.law_days, promised) if self.law_days is not None and promised is not None else None


Versions = Mapping[str, Sequence[ItemOn]]


def versions(session: Session) -> Versions:
    """Every published version of every item, the oldest first."""
    content = ItemVersion.content
    rows = session.execute(
        select(
            ItemVersion.item_slug,
            ItemVersion.effective_at,
            content["name"].label("name"),
            content["department"].astext.label("department"),
            *(cast(content[one].astext, Integer).label(one) for one in ("visits", "depth", "law_days", "promise_days")),
            *(func.jsonb_array_length(content[one]).label(one) for one in ("materials", "steps")),
            content["district_days"].label("districts"),
            content["halls"].label("halls"),
            (content["ended"].astext.is_not(None)).label("ended"),
        )
        .where(ItemVersion.state.in_(PUBLISHED))
        .order_by(ItemVersion.effective_at, ItemVersion.number)
    )
    found: dict[str, list[ItemOn]] = {}
    for row in rows:
        found.setdefault(row.item_slug, []).append(
            ItemOn(
                slug=row.item_slug,
                name=row.name,
                since=clock.civil(row.effective_at).date(),
                department=row.department,
                visits=row.visits,
                depth=row.depth,
                law_days=row.law_days,
                promise_days=row.promise_days,
                districts={one["division"]: one["promise_days"] for one in row.districts},
                materials=row.materials,
                steps=row.steps,
                halls=frozenset(row.halls),
                ended=row.ended,
            )
        )
    return found


def on(known: Versions, day: date) -> list[ItemOn]:
    """The items in force at the end of a day, without those that have ended."""
    newest = (next((one for one in reversed(rows) if one.since <= day), None) for rows in known.values())
    return [one for one in newest if one is not None and not one.ended]


def within(session: Session, items: Iterable[ItemOn], scope: Scope) -> list[ItemOn]:
    """Those of the scope's department that some hall of the scope takes."""
    halls = scope.halls(session) if scope.division or scope.hall else None
    return [
        one
        for one in items
        if scope.department in (None, one.department)
        and scope.item in (None, one.slug)
        and (halls is None or not one.halls.isdisjoint(halls))
    ]


COUNTED: Final[Mapping[str, Callable[[ItemOn], bool]]] = {
    "items_zero": lambda item: item.visits == 0,
    "items_one": lambda item: item.visits <= 1,
    "items_online": lambda item: item.all_online,
}


def figures(items: Sequence[ItemOn], division: str | None = None) -> dict[str, Figure]:
    """The indicators of items; the promise is that of the division."""
    limits = [found for one in items if (found := one.limits(division))]
    law = sum(days for days, _ in limits)
    return {
        **{code: Figure(sum(map(counted, items)), len(items)) for code, counted in COUNTED.items()},
        "promise_cut": Figure(law - sum(days for _, days in limits), law),
    }
