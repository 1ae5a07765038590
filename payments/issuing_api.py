"""开缴款书: what may be charged on a day, what a bill would say, and issuing it. A client names items, never sums."""

from typing import Any

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.errors import Text
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from payments import bill_queries, bills, queries
from payments import staff_schemas as schemas
from payments.errors import BillRefused, DecisionNeeded

blueprint = ApiBlueprint("issuing", __name__, description="Issuing bills")
blueprints = (blueprint,)


@blueprint.get("/staff/chargeable")
@staff("bills.issue")
@blueprint.arguments(schemas.ChargeableQuerySchema, location="query")
@blueprint.response(200, schemas.ChargeableUnitsSchema)
def list_chargeable(query: dict[str, Any]) -> dict[str, Any]:
    """The collecting units with what they may charge on an acceptance date: confirmed standards only, and fines."""
    with transaction() as session:
        return {"units": queries.chargeable(session, query["on"])}


@blueprint.post("/staff/bills/preview")
@staff("bills.issue")
@blueprint.arguments(schemas.IssueSchema)
@blueprint.response(200, schemas.BillDraftSchema)
def preview(body: dict[str, Any]) -> dict[str, Any]:
    """What the bill would say. Nothing is stored; issuing computes it again."""
    with transaction() as session:
        return bill_queries.draft_view(session, bills.draft(session, _order(body)), request_language())


@blueprint.post("/staff/bills")
@staff("bills.issue")
@blueprint.arguments(schemas.IssueSchema)
@blueprint.response(201, schemas.StaffBillSchema)
def issue(body: dict[str, Any]) -> Response:
    """Issue a bill. Amounts come from the fee standards; lowering or deferring one needs finance's permission."""
    order, actor = _order(body), current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        return bill_queries.staff_row(session, bills.issue(session, order, actor=actor), request_language())

    return answer_once("staff-bills", body, effect, schemas.StaffBillSchema(), status=201)


def _order(body: dict[str, Any]) -> bills.Order:
    principal = current_staff()
    lines = [bills.Line(**line) for line in body["lines"]]
    if any(line.item == bills.POSTAGE for line in lines):
        raise BillRefused()
    relieves = body["document"] is not None or any(line.reduction_fen for line in lines)
    if relieves and "bills.reduce" not in principal.permissions:
        raise DecisionNeeded()
    settings: Settings = current_app.extensions["settings"]
    return bills.Order(
        region_code=settings.pay_region,
        lines=lines,
        accepted_on=body["accepted_on"],
        payer=bills.Payer(**body["payer"]),
        subject_type=body["subject_type"],
        subject_id=body["subject_id"],
        title=Text(body["title_zh"], body["title_en"]) if body["title_zh"] and body["title_en"] else None,
        hall_code=principal.hall,
        due_on=body["due_on"],
        document=body["document"],
    )
