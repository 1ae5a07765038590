"""The audit trail of the hall that a lead is signed in to: pages, and a table for a spreadsheet."""

import json
from typing import Any

from flask import Response, current_app

from backend.core import clock, pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.core.sheets import sheet
from backend.identity import account_schemas as schemas
from backend.identity import trail

blueprint = ApiBlueprint("hall-trail", __name__, description="Who changed what in a hall")
blueprints = (blueprint,)

PAGE = 30
MOST_ROWS = 10_000
HEADER = {
    "zh": ("时间", "操作人", "操作", "对象", "编号", "原因", "改动"),
    "en": ("Time", "Who", "Action", "Kind", "Object", "Reason", "Changes"),
}


@blueprint.get("/staff/audit")
@staff("audit.hall")
@blueprint.arguments(schemas.TrailQuerySchema, location="query")
@blueprint.response(200, schemas.TrailSchema)
def list_events(query: dict[str, Any]) -> dict[str, Any]:
    """Who did what in my hall, newest first."""
    before = _position(query.pop("cursor")) if "cursor" in query else None
    with transaction() as session:
        found = trail.events(session, current_staff().hall, before_id=before, limit=PAGE + 1, **query)
        shown = trail.views(session, found[:PAGE], current_app.extensions["trail_names"])
    cursor = pagination.encode(shown[-1]["id"]) if len(found) > PAGE else None
    return {"events": shown, "next_cursor": cursor}


@blueprint.get("/staff/audit.csv")
@staff("audit.hall")
@blueprint.arguments(schemas.TrailFilterSchema, location="query")
@blueprint.response(200, content_type="text/csv")
def download_events(query: dict[str, Any]) -> Response:
    """The same as a table; at most ten thousand events, the newest."""
    with transaction() as session:
        found = trail.events(session, current_staff().hall, before_id=None, limit=MOST_ROWS, **query)
        shown = trail.views(session, found, current_app.extensions["trail_names"])
    rows = (
        (
            f"{clock.civil(event['at']):%Y-%m-%d %H:%M:%S}",
            event["actor"]["name"] or event["actor"]["kind"],
            event["action"],
            event["object_type"],
            event["object_name"] or event["object_id"],
            event["reason"],
            "; ".join(_said(change) for change in event["changes"]),
        )
        for event in shown
    )
    return sheet("audit", HEADER[request_language()], rows)


@blueprint.get("/staff/operators")
@staff("items.edit")
@blueprint.response(200, schemas.OperatorsSchema)
def list_operators() -> dict[str, Any]:
    """Names of the platform's operators, to show who wrote and who published an item."""
    with transaction() as session:
        return {"operators": trail.operators(session)}


def _said(change: dict[str, Any]) -> str:
    values = (json.dumps(change[name], ensure_ascii=False) for name in ("before", "after") if name in change)
    return f"{change['name']}: {' → '.join(values)}"


def _position(cursor: str) -> int:
    [text] = pagination.decode(cursor, 1)
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise pagination.wrong_cursor()
    return int(text)
