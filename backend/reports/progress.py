"""What items became over time, against a day before: all online (clause 3), limits, materials and steps (clause 11)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from backend.reports import figures, items
from backend.reports.indicators import NOTHING, Figure
from backend.reports.items import ItemOn
from backend.reports.scope import By, Scope, month_ends

Body = dict[str, Any]
MORE_ALL_ONLINE: Final = 50
ALL_ONLINE: Final = 300
"""Circular, clause 3: fifty more items all online, and more than three hundred in all."""


def over_time(session: Session, scope: Scope, baseline: date) -> Body:
    """The scope at the baseline and at the end of each month; `days` are those of the cases done in that month."""
    known = items.versions(session)
    before = state_of(items.within(session, items.on(known, baseline), scope), scope.division, baseline, NOTHING)
    used = figures.cases(session, scope, "month", ["days"])
    months = [
        state_of(
            items.within(session, items.on(known, last), scope),
            scope.division,
            last,
            used.get(month, {}).get("days", NOTHING),
        )
        for month, last in month_ends(scope)
    ]
    last = months[-1]["all_online"]
    return {
        "baseline": before,
        "months": months,
        "all_online": {
            "more": last - before["all_online"],
            "more_wanted": MORE_ALL_ONLINE,
            "wanted": ALL_ONLINE,
            "reached": last - before["all_online"] >= MORE_ALL_ONLINE and last > ALL_ONLINE,
        },
    }


def by_place(session: Session, scope: Scope, baseline: date, by: By) -> list[Body]:
    """Items all online in each department, division or hall, at the baseline and at the end of the period."""
    known = items.versions(session)
    before = figures.items_by(session, known, replace(scope, first=baseline, last=baseline), by)
    now = figures.items_by(session, known, scope, by)

    def count(found: figures.Grouped, key: str) -> int:
        return found.get(key, {}).get("items_online", NOTHING).numerator

    return [{"key": key, "before": count(before, key), "now": count(now, key)} for key in sorted({*before, *now})]


def state_of(found: Sequence[ItemOn], division: str | None, on: date, used: Figure) -> Body:
    """One line: how many items, and what they ask and promise in all."""
    limits = [one for item in found if (one := item.limits(division))]
    cut = items.figures(found, division)["promise_cut"]
    return {
        "on": on,
        "items": len(found),
        "zero_visits": sum(one.visits == 0 for one in found),
        "one_visit": sum(one.visits <= 1 for one in found),
        "all_online": sum(one.all_online for one in found),
        "law_days": sum(law for law, _ in limits),
        "promise_days": sum(promised for _, promised in limits),
        "cut_percent": cut.shown("percent"),
        "materials": sum(one.materials for one in found),
        "steps": sum(one.steps for one in found),
        "average_days": used.shown("days"),
    }
