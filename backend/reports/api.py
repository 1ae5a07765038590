"""Reports for leads of halls, the platform's operators and evaluators: figures, and the lists behind them."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core import pagination
from backend.core.auth import Principal, current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.core.sheets import sheet, workbook
from backend.reports import figures, item_queries, progress, queries, schemas, scope, views
from backend.reports.indicators import INDICATORS
from backend.reports.queries import Wanted
from backend.reports.scope import Scope

blueprint = ApiBlueprint(
    "reports", __name__, description="Figures of cases, items and halls, and the lists behind them"
)
blueprints = (blueprint,)

Body = dict[str, Any]
PAGE: Final = 50
TABLES: Final = {"csv": sheet, "xlsx": workbook}
PLACES: Final = ("department", "division", "hall", "item")


def own_hall(principal: Principal) -> str | None:
    """The only hall whose figures somebody may see; None for those who see the whole city."""
    return None if "reports.city" in principal.permissions else principal.hall


def is_numbered(principal: Principal) -> bool:
    """Whether somebody's lists carry the numbers of cases; an evaluator's do not (circular, clause 28)."""
    return "reports.numbers" in principal.permissions


def asked_scope(session: Session, query: Body) -> Scope:
    """The part of the city that is asked for, never more than the asker's. Raises InvalidInput."""
    places = {name: query.get(name) for name in PLACES}
    places["hall"] = own_hall(current_staff()) or places["hall"]
    asked = Scope(query["first"], query["last"], **places)
    scope.demand_known(session, asked)
    return asked


def asked_cases(session: Session, query: Body) -> Wanted:
    """The cases that are asked for. Raises InvalidInput."""
    return Wanted(asked_scope(session, query), query.get("indicator"), query["side"], query.get("watch"))


@blueprint.get("/staff/reports/choices")
@staff("reports.read")
@blueprint.response(200, schemas.ReportChoicesSchema)
def list_choices() -> Body:
    """What can be chosen, and what each indicator means."""
    language, principal = request_language(), current_staff()
    with transaction() as session:
        known = scope.names(session)
    return {
        "hall": own_hall(principal),
        "numbered": is_numbered(principal),
        **{
            f"{kind}s": [{"code": code, "name": name.in_language(language)} for code, name in found.items()]
            for kind, found in known.items()
        },
        "indicators": [views.indicator(one, language) for one in INDICATORS.values()],
    }


@blueprint.get("/staff/reports/figures")
@staff("reports.read")
@blueprint.arguments(schemas.ReportFiguresQuerySchema, location="query")
@blueprint.response(200, schemas.ReportFiguresSchema)
def show_figures(query: Body) -> Body:
    """Every indicator of a part of the city, in all and by group."""
    by, language = query.get("by"), request_language()
    with transaction() as session:
        asked = asked_scope(session, query)
        total, groups = figures.of(session, asked, by)
        return {
            **queries.behind(session),
            "total": views.figures(total, asked),
            "groups": views.groups(session, groups, asked, by, language),
        }


@blueprint.get("/staff/reports/figures/table")
@staff("reports.read")
@blueprint.arguments(schemas.ReportTableQuerySchema, location="query")
@blueprint.response(200, content_type="text/csv")
def download_figures(query: Body) -> Response:
    """The same for a spreadsheet: a line a group, three columns an indicator."""
    by, language = query.get("by"), request_language()
    with transaction() as session:
        header, lines = views.table(session, *figures.of(session, asked_scope(session, query), by), by, language)
    return TABLES[query["format"]]("reports", header, lines)


@blueprint.get("/staff/reports/cases")
@staff("reports.read")
@blueprint.arguments(schemas.ReportCasesQuerySchema, location="query")
@blueprint.response(200, schemas.LedgerPageSchema)
def list_cases(query: Body) -> Body:
    """The cases behind a figure, or on a list for inspection."""
    after = _position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        wanted = asked_cases(session, query)
        found = queries.page(session, wanted, after, PAGE + 1)
        shown = queries.rows(session, found[:PAGE], request_language(), numbered=is_numbered(current_staff()))
        total = queries.total(session, wanted)
    more = len(found) > PAGE
    return {
        "cases": shown,
        "total": total,
        "next_cursor": pagination.encode(*queries.position(found[PAGE - 1])) if more else None,
    }


@blueprint.get("/staff/reports/items")
@staff("reports.read")
@blueprint.arguments(schemas.ReportItemsQuerySchema, location="query")
@blueprint.response(200, schemas.ReportItemsSchema)
def list_items(query: Body) -> Body:
    """The items behind a figure."""
    with transaction() as session:
        asked = asked_scope(session, query)
        found = item_queries.behind_figure(session, asked, query["indicator"], query["side"], request_language())
        return {"items": found}


@blueprint.get("/staff/reports/visits")
@staff("reports.read")
@blueprint.arguments(schemas.ReportScopeSchema, location="query")
@blueprint.response(200, schemas.MoreVisitsSchema)
def list_more_visits(query: Body) -> Body:
    """Items whose cases took more visits than they declare."""
    with transaction() as session:
        return {"items": item_queries.more_visits(session, asked_scope(session, query), request_language())}


@blueprint.get("/staff/reports/progress")
@staff("reports.read")
@blueprint.arguments(schemas.ReportProgressQuerySchema, location="query")
@blueprint.response(200, schemas.ReportProgressSchema)
def show_progress(query: Body) -> Body:
    """Items all online, limits, materials and steps over time, against a baseline."""
    language, by = request_language(), query["by"]
    baseline = query.get("baseline") or query["first"] - timedelta(days=1)
    with transaction() as session:
        asked = asked_scope(session, query)
        names = scope.names(session)[by]
        groups = progress.by_place(session, asked, baseline, by)
        return {
            **progress.over_time(session, asked, baseline),
            "groups": [{**one, "name": queries.named(names, one["key"], language)["name"]} for one in groups],
        }


def _position(cursor: str) -> tuple[date, UUID]:
    day, case_id = pagination.decode(cursor, 2)
    try:
        return date.fromisoformat(day), UUID(case_id)
    except ValueError:
        raise pagination.wrong_cursor() from None
