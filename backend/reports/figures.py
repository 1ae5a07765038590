"""The figures of a scope, in all and by department, division, hall or month. Sums add up: the total is their sum."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.appointments.models import Appointment
from backend.appointments.states import State as Visit
from backend.queueing.figures import CAME
from backend.queueing.models import QueueHour
from backend.queueing.ordering import Kind
from backend.reports import items
from backend.reports.indicators import NOTHING, Figure
from backend.reports.items import ItemOn
from backend.reports.measures import DONE, MEASURES
from backend.reports.models import CaseLedger
from backend.reports.scope import By, Scope, month_ends

Figures = dict[str, Figure]
Grouped = dict[Any, Figures]
WAITS: Final = {Kind.WALK_IN: "walk_in_wait", Kind.BOOKED: "booked_wait"}


def of(session: Session, scope: Scope, by: By | None) -> tuple[Figures, Grouped]:
    """Every figure of the scope, and of each group. Groups of months are named by their first day."""
    total: Figures = {}
    groups: Grouped = defaultdict(dict)
    for counted in (cases(session, scope, by), halls(session, scope, by)):
        for key, found in counted.items():
            groups[key] |= found
            for code, figure in found.items():
                total[code] = total.get(code, NOTHING) + figure
    known = items.versions(session)
    total |= items.figures(items.within(session, items.on(known, scope.last), scope), scope.division)
    for key, figures in items_by(session, known, scope, by).items():
        groups[key] |= figures
    groups.pop(None, None)
    return total, groups


def cases(session: Session, scope: Scope, by: By | None, codes: Iterable[str] = MEASURES) -> Grouped:
    """Figures of the cases that were done in the period: one statement, whatever is asked."""
    key, named = _groups(session, scope, by, CaseLedger.hall_code, CaseLedger.closed_on, CaseLedger.department_code)
    sums = {code: MEASURES[code].sums() for code in codes}
    columns = [part.label(f"{code}_{n}") for code, parts in sums.items() for n, part in enumerate(parts)]
    query = select(key.label("key"), *columns).group_by(key)
    query = query.where(DONE, CaseLedger.closed_on.between(scope.first, scope.last), *scope.of(session))
    found: Grouped = defaultdict(dict)
    for row in session.execute(query).mappings():
        for code in sums:
            _add(found[named(row["key"])], code, Figure(int(row[f"{code}_0"]), int(row[f"{code}_1"])))
    return found


def halls(session: Session, scope: Scope, by: By | None) -> Grouped:
    """Waits from the closed days' ledger, and missed appointments; they belong to no department and no item."""
    if scope.department is not None or scope.item is not None:
        return {}
    where = scope.halls(session)
    found: Grouped = defaultdict(dict)
    key, named = _groups(session, scope, by, QueueHour.hall_code, QueueHour.day)
    for row in session.execute(
        select(key.label("key"), QueueHour.kind)
        .add_columns(func.sum(QueueHour.wait_s).label("waited"), func.sum(QueueHour.called).label("called"))
        .where(QueueHour.hall_code.in_(where), QueueHour.day.between(scope.first, scope.last))
        .group_by(key, QueueHour.kind)
    ):
        _add(found[named(row.key)], WAITS[row.kind], Figure(int(row.waited), int(row.called)))
    key, named = _groups(session, scope, by, Appointment.hall_code, Appointment.day)
    missed = Appointment.state == Visit.NO_SHOW
    for row in session.execute(
        select(key.label("key"), func.count().filter(missed).label("missed"), func.count().label("due"))
        .where(Appointment.hall_code.in_(where), Appointment.day.between(scope.first, scope.last))
        .where(missed | Appointment.state.in_(CAME))
        .group_by(key)
    ):
        _add(found[named(row.key)], "no_show", Figure(row.missed, row.due))
    return found


def _groups(
    session: Session, scope: Scope, by: By | None, hall: Any, day: Any, department: Any = None
) -> tuple[Any, Callable[[Any], Any]]:
    """The column that rows are grouped by, and the group of each of its values; None is the group of all.

    Days are put together to months here: PostgreSQL would convert each row's day through a time zone.
    """
    if by == "month":
        return day, lambda found: found.replace(day=1)
    if by == "division":
        divisions = scope.halls(session)
        return hall, lambda found: divisions.get(found)
    if by == "hall":
        return hall, lambda found: found
    if by == "department" and department is not None:
        return department, lambda found: found
    return hall, lambda found: None


def items_by(session: Session, known: items.Versions, scope: Scope, by: By | None) -> Grouped:
    """Items at the end of each month, or at the end of the period by who is responsible or takes them."""
    if by == "month":
        return {
            month: items.figures(items.within(session, items.on(known, last), scope), scope.division)
            for month, last in month_ends(scope)
        }
    grouped: dict[str, dict[str, ItemOn]] = defaultdict(dict)
    divisions = scope.halls(session)
    for one in items.within(session, items.on(known, scope.last), scope):
        taken_at = [code for code in one.halls if code in divisions]
        keys = {
            "department": [one.department],
            "division": [divisions[code] for code in taken_at],
            "hall": taken_at,
        }
        for key in keys[by] if by else ():
            grouped[key][one.slug] = one
    promised_in = {**divisions, **{code: code for code in divisions.values()}}
    return {
        key: items.figures(list(part.values()), promised_in.get(key, scope.division)) for key, part in grouped.items()
    }


def _add(figures: Figures, code: str, figure: Figure) -> None:
    figures[code] = figures.get(code, NOTHING) + figure
