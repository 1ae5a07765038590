"""标准执行跟踪 for a hall's lead and the city's operator: the list, its table, and settling what was asked too much."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.applications import demands, tracking
from backend.applications import tracking_schemas as schemas
from backend.applications.tracking import Scope
from backend.core import pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.core.sheets import sheet, workbook

blueprint = ApiBlueprint("standard-tracking", __name__, description="Where cases differ from the published standard")
blueprints = (blueprint,)

PAGE, MOST_ROWS = 50, 5000
CITY = "platform.manage"
TABLES = {"csv": sheet, "xlsx": workbook}
HEADER = {
    "zh": (
        "办件",
        "事项",
        "大厅",
        "提交",
        "办结",
        "承诺工作日",
        "用了",
        "公布步骤",
        "多出的步骤",
        "公布材料",
        "清单外材料",
        "处理",
    ),
    "en": (
        "Case",
        "Item",
        "Hall",
        "Handed in",
        "Decided",
        "Promised days",
        "Days used",
        "Published steps",
        "Steps beyond",
        "Published materials",
        "Materials beyond the list",
        "Settled",
    ),
}
STEPS = {
    "zh": {"return": "预审退回", "correct": "补正", "pause": "特别程序", "moved": "转办", "extended": "延长天数"},
    "en": {
        "return": "Sent back",
        "correct": "Correction",
        "pause": "Special step",
        "moved": "Moved to another hall",
        "extended": "Days of extension",
    },
}


@blueprint.get("/staff/standard-tracking")
@staff("cases.track")
@blueprint.arguments(schemas.TrackingQuerySchema, location="query")
@blueprint.response(200, schemas.TrackedCasesSchema)
def list_cases(query: dict[str, Any]) -> dict[str, Any]:
    """Cases that went otherwise than published, newest first."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    scope = _scope(query)
    with transaction() as session:
        found = tracking.cases(session, scope, query["kind"], before, PAGE)
        shown, counts = tracking.rows(session, found, request_language()), tracking.counts(session, scope)
    last = found[-1] if len(found) == PAGE else None
    cursor = pagination.encode(last.submitted_at.isoformat(), last.id) if last else None
    return {"cases": shown, "counts": counts, "next_cursor": cursor}


@blueprint.get("/staff/standard-tracking/table")
@staff("cases.track")
@blueprint.arguments(schemas.TrackingTableQuerySchema, location="query")
@blueprint.response(200, content_type="text/csv")
def download(query: dict[str, Any]) -> Response:
    """The same for a spreadsheet, at most 5,000 cases."""
    language = query["lang"]
    with transaction() as session:
        found = tracking.cases(session, _scope(query), query["kind"], None, MOST_ROWS)
        shown = tracking.rows(session, found, language)
    return TABLES[query["format"]]("standard-tracking", HEADER[language], [_cells(row, language) for row in shown])


@blueprint.post("/staff/material-demands/<uuid:demand_id>/settle")
@staff("cases.track")
@blueprint.arguments(schemas.SettleDemandSchema)
@blueprint.response(200, EmptySchema)
def settle(body: dict[str, Any], demand_id: UUID) -> Response:
    """I have looked at it; this became of it."""
    principal = current_staff()
    hall = None if CITY in principal.permissions else principal.hall

    def effect(session: Session) -> dict[str, Any]:
        demands.settle(session, demand_id, hall_code=hall, words=body["words"], actor=principal.actor)
        return {}

    return answer_once(f"demand-settle:{demand_id}", body, effect, EmptySchema())


def _scope(query: dict[str, Any]) -> Scope:
    """A lead sees their own hall, whatever the query says."""
    principal = current_staff()
    hall = query["hall"] if CITY in principal.permissions else principal.hall
    return Scope(query["first"], query["last"], hall)


def _cells(row: dict[str, Any], language: str) -> tuple[object, ...]:
    stop = "、" if language == "zh" else ", "
    steps = [f"{STEPS[language][one['step']]} {one['count']}" for one in row["extra_steps"]]
    return (
        row["number"],
        row["item"]["name"],
        row["hall"],
        row["submitted_on"].isoformat(),
        row["decided_on"].isoformat() if row["decided_on"] else None,
        row["promise_days"],
        row["days_used"],
        row["steps"],
        stop.join(steps),
        row["materials"],
        stop.join(one["name"] for one in row["unlisted"]),
        stop.join(one["settled_words"] for one in row["unlisted"] if one["settled_words"]),
    )
