"""Items as lists: those behind a figure of items, and those that cost more visits than they declare."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core.errors import Text
from backend.reports import items, scope
from backend.reports.items import COUNTED, ItemOn
from backend.reports.measures import DONE
from backend.reports.models import CaseLedger
from backend.reports.queries import Side, named
from backend.reports.scope import Scope

Body = dict[str, Any]
L = CaseLedger


def behind_figure(session: Session, part: Scope, indicator: str, side: Side, language: str) -> list[Body]:
    """The items that an indicator counts, the rest, or all, at the end of the period, by slug."""
    departments = scope.names(session)["department"]
    found = items.within(session, items.on(items.versions(session), part.last), part)
    return [
        _row(one, part.division, departments, language)
        for one in sorted(found, key=lambda one: one.slug)
        if side == "all" or _counts(one, indicator, part.division) == (side == "counted")
    ]


def more_visits(session: Session, part: Scope, language: str) -> list[Body]:
    """Items that took more visits than they declare, the most cases first: whose department must act (clause 10)."""
    more = func.count().filter(L.visits > L.declared_visits)
    found = session.execute(
        select(L.item_slug, L.department_code, L.declared_visits)
        .add_columns(func.count().label("cases"), more.label("more"))
        .add_columns(func.sum(L.visits).label("visits"), func.max(L.visits).label("most"))
        .where(DONE, L.closed_on.between(part.first, part.last), *part.of(session))
        .group_by(L.item_slug, L.department_code, L.declared_visits)
        .having(more > 0)
        .order_by(more.desc(), L.item_slug, L.declared_visits)
    )
    departments = scope.names(session)["department"]
    return [
        {
            **one._asdict(),
            "item": {
                "code": one.item_slug,
                "name": catalogue.item(session, one.item_slug).name.in_language(language),
            },
            "department": named(departments, one.department_code, language),
        }
        for one in found
    ]


def _counts(one: ItemOn, indicator: str, division: str | None) -> bool:
    """Whether an item is in the numerator; of the shortened promise, whether its own is shorter than the law."""
    if indicator in COUNTED:
        return COUNTED[indicator](one)
    limits = one.limits(division)
    return limits is not None and limits[1] < limits[0]


def _row(one: ItemOn, division: str | None, departments: Mapping[str, Text], language: str) -> Body:
    return {
        "item": {"code": one.slug, "name": one.name[language]},
        "department": named(departments, one.department, language),
        "declared_visits": one.visits,
        "depth": one.depth,
        "all_online": one.all_online,
        "law_days": one.law_days,
        "promise_days": one.districts.get(division or "", one.promise_days),
        "materials": one.materials,
        "steps": one.steps,
    }
