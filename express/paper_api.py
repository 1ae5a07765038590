"""What the hall prints: labels in one document, and the sheet that the courier signs."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core import limits
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from express import labelling, offices, papers, queries, sheets
from express import staff_schemas as schemas
from express.api import couriers
from express.task_models import HandoverSheet

blueprint = ApiBlueprint("express-papers", __name__, description="Labels and hand-over sheets")
blueprints = (blueprint,)

PDF = "application/pdf"


@blueprint.post("/staff/shipments/labels")
@staff("express.desk")
@blueprint.arguments(schemas.ShipmentLabelsSchema)
@blueprint.response(200, content_type=PDF)
def print_labels(body: dict[str, Any]) -> Response:
    """The labels of these shipments as one PDF, a page each."""
    principal = current_staff()
    limits.spend(f"labels:{principal.id}", capacity=30, per_seconds=600)
    made = labelling.batch(couriers(), body["shipment_ids"], hall_code=principal.hall, actor=principal.actor)
    return _pdf(made, "labels")


@blueprint.get("/staff/handover-sheets")
@staff("express.desk")
@blueprint.response(200, schemas.HandoverSheetsSchema)
def list_sheets() -> dict[str, Any]:
    """My hall's sheets, newest first."""
    with transaction() as session:
        return {"sheets": sheets.listed(session, current_staff().hall)}


@blueprint.post("/staff/handover-sheets")
@staff("express.desk")
@blueprint.arguments(EmptySchema)
@blueprint.response(201, schemas.HandoverSheetSchema)
def begin_sheet(body: dict[str, Any]) -> Response:
    """A new sheet for the courier who has just come."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        return _shown(session, sheets.begin(session, hall_code=principal.hall, actor=principal.actor))

    return answer_once("handover-sheets", body, effect, schemas.HandoverSheetSchema(), status=201)


@blueprint.get("/staff/handover-sheets/<uuid:sheet_id>")
@staff("express.desk")
@blueprint.response(200, schemas.HandoverSheetSchema)
def show_sheet(sheet_id: UUID) -> dict[str, Any]:
    """One sheet with its shipments."""
    with transaction() as session:
        return _shown(session, sheets.of_hall(session, sheet_id, current_staff().hall))


@blueprint.post("/staff/handover-sheets/<uuid:sheet_id>/scan")
@staff("express.desk")
@blueprint.arguments(schemas.WaybillScanSchema)
@blueprint.response(200, schemas.HandoverSheetSchema)
def scan(body: dict[str, Any], sheet_id: UUID) -> dict[str, Any]:
    """A label was scanned; scanned twice it stands there once."""
    hall = current_staff().hall
    with transaction() as session:
        sheets.scan(session, sheet_id=sheet_id, hall_code=hall, waybill=body["waybill"].upper())
        return _shown(session, sheets.of_hall(session, sheet_id, hall))


@blueprint.post("/staff/handover-sheets/<uuid:sheet_id>/drop")
@staff("express.desk")
@blueprint.arguments(schemas.WaybillScanSchema)
@blueprint.response(200, schemas.HandoverSheetSchema)
def drop(body: dict[str, Any], sheet_id: UUID) -> dict[str, Any]:
    """Take one off again."""
    hall = current_staff().hall
    with transaction() as session:
        sheets.drop(session, sheet_id=sheet_id, hall_code=hall, waybill=body["waybill"].upper())
        return _shown(session, sheets.of_hall(session, sheet_id, hall))


@blueprint.post("/staff/handover-sheets/<uuid:sheet_id>/sign")
@staff("express.desk")
@blueprint.arguments(schemas.HandoverSignSchema)
@blueprint.response(200, schemas.HandoverSheetSchema)
def sign(body: dict[str, Any], sheet_id: UUID) -> Response:
    """The courier counted and signed the paper."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        signed = sheets.sign(session, sheet_id=sheet_id, hall_code=principal.hall, actor=principal.actor, **body)
        return _shown(session, signed)

    return answer_once(f"handover-sheets/sign:{sheet_id}", body, effect, schemas.HandoverSheetSchema())


@blueprint.get("/staff/handover-sheets/<uuid:sheet_id>/sheet.pdf")
@staff("express.desk")
@blueprint.response(200, content_type=PDF)
def print_sheet(sheet_id: UUID) -> Response:
    """The sheet to be signed."""
    hall = current_staff().hall
    with transaction() as session:
        sheet = sheets.of_hall(session, sheet_id, hall)
        office = offices.of_hall(session, hall)
        lines = sheets.lines(sheets.on(session, sheet_id))
    number = sheet.id.hex[-8:].upper()
    return _pdf(papers.sheet(f"{office.name}交寄清单", number, sheet.created_at, lines, sheet.courier), "handover")


def _shown(session: Session, sheet: HandoverSheet) -> dict[str, Any]:
    found = sheets.on(session, sheet.id)
    rows = [queries.staff_row(one, request_language()) for one in found]
    return {**sheets.head(sheet), "shipments": rows}


def _pdf(content: bytes, name: str) -> Response:
    answer = Response(content, content_type=PDF)
    answer.headers["Content-Disposition"] = f"inline; filename={name}.pdf"
    return answer
