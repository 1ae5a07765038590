"""Exports of the ledger: asked for, watched, stopped and fetched by whoever asked."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.core.sheets import XLSX
from backend.reports import exports, schemas
from backend.reports.api import asked_cases, is_numbered
from backend.reports.models import ReportExport

blueprint = ApiBlueprint("report-exports", __name__, description="The ledger as a workbook, written in the background")
blueprints = (blueprint,)

Body = dict[str, Any]


@blueprint.post("/staff/report-exports")
@staff("reports.read")
@blueprint.arguments(schemas.ReportCasesSchema)
@blueprint.response(201, schemas.ReportExportSchema)
def ask(body: Body) -> Response:
    """Have the cases of a figure, of a list or of a period written into a workbook."""
    principal, language = current_staff(), request_language()

    def effect(session: Session) -> Body:
        wanted = asked_cases(session, body)
        made = exports.ask(session, principal, wanted, numbered=is_numbered(principal), language=language)
        return _view(made)

    plain = {name: str(value) for name, value in body.items()}
    return answer_once("report-exports", plain, effect, schemas.ReportExportSchema(), status=201)


@blueprint.get("/staff/report-exports")
@staff("reports.read")
@blueprint.response(200, schemas.ReportExportsSchema)
def list_exports() -> Body:
    """My exports of the last days."""
    with transaction() as session:
        return {"exports": [_view(one) for one in exports.mine(session, current_staff().id)]}


@blueprint.get("/staff/report-exports/<uuid:export_id>")
@staff("reports.read")
@blueprint.response(200, schemas.ReportExportSchema)
def show(export_id: UUID) -> Body:
    """How far one of mine is."""
    with transaction() as session:
        return _view(exports.own(session, export_id, current_staff().id))


@blueprint.post("/staff/report-exports/<uuid:export_id>/cancel")
@staff("reports.read")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.ReportExportSchema)
def cancel(_: Body, export_id: UUID) -> Body:
    """Stop one of mine that is not finished."""
    with transaction() as session:
        return _view(exports.cancel(session, export_id, current_staff()))


@blueprint.get("/staff/report-exports/<uuid:export_id>/file")
@staff("reports.read")
@blueprint.response(200, content_type=XLSX)
def download(export_id: UUID) -> Response:
    """The workbook of one of mine."""
    with transaction() as session:
        content = exports.file_of(session, export_id, current_staff())
    answer = Response(content, content_type=XLSX)
    answer.headers["Content-Disposition"] = "attachment; filename=cases.xlsx"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _view(made: ReportExport) -> Body:
    wanted = exports.wanted_of(made)
    return {
        "id": made.id,
        "state": made.state,
        "first": wanted.scope.first,
        "last": wanted.scope.last,
        "indicator": wanted.indicator,
        "watch": wanted.watch,
        "total": made.total,
        "done": made.done,
        "created_at": made.created_at,
        "expires_at": made.expires_at,
    }
