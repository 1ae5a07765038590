"""Who pays, and the month's settlement: policies and offices for the operator, the carrier's bill for finance."""

from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.sheets import XLSX, workbook
from express import offices, policies, reports, settlement
from express import staff_schemas as schemas
from express.api import couriers
from express.models import Direction
from express.policies import Case

blueprint = ApiBlueprint("express-money", __name__, description="Who pays postage, and the courier's monthly bill")
blueprints = (blueprint,)

HEADER = {
    "zh": (
        "区划",
        "政策",
        "预算编号",
        "付费方",
        "件数",
        "重量（克）",
        "预估（分）",
        "实际（分）",
        "对账单（分）",
        "差额（分）",
        "公布价（分）",
    ),
    "en": (
        "Division",
        "Policy",
        "Budget",
        "Payer",
        "Count",
        "Weight (g)",
        "Estimated (fen)",
        "Actual (fen)",
        "Billed (fen)",
        "Difference (fen)",
        "Public price (fen)",
    ),
}
COLUMNS = (
    "division_code",
    "policy",
    "budget_code",
    "payer",
    "count",
    "weight_g",
    "estimate_fen",
    "ours_fen",
    "theirs_fen",
    "difference_fen",
    "list_fen",
)


@blueprint.get("/staff/postage-policies")
@staff("express.policies")
@blueprint.response(200, schemas.PostagePoliciesSchema)
def list_policies() -> dict[str, Any]:
    """Every policy in the order in which they are tried."""
    with transaction() as session:
        return {"policies": policies.listed(session)}


@blueprint.post("/staff/postage-policies")
@staff("express.policies")
@blueprint.arguments(schemas.PostagePolicyWriteSchema)
@blueprint.response(201, schemas.PostagePolicySchema)
def add_policy(body: dict[str, Any]) -> Response:
    """A new policy; one that ties with another of its priority is refused."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        return policies.shown(policies.save(session, actor=actor, **body), 0)

    return answer_once("postage-policies", body, effect, schemas.PostagePolicySchema(), status=201)


@blueprint.post("/staff/postage-policies/preview")
@staff("express.policies")
@blueprint.arguments(schemas.PostagePolicyPreviewSchema)
@blueprint.response(200, schemas.PostagePolicyDecisionSchema)
def preview_policy(body: dict[str, Any]) -> dict[str, Any]:
    """Which policy would pay such a shipment."""
    cost, on = body.pop("cost_fen"), body.pop("on") or clock.today()
    asked = Case(**{**body, "direction": Direction(body["direction"])}, on=on)
    with transaction() as session:
        found = policies.decide(session, asked, cost)
        year = on.year
        return {
            "payer": found.payer,
            "policy": policies.shown(found.policy, policies.spent(session, found.policy.id, year)),
            "skipped": [policies.shown(one, policies.spent(session, one.id, year)) for one in found.skipped],
        }


@blueprint.post("/staff/postage-policies/<uuid:policy_id>/end")
@staff("express.policies")
@blueprint.arguments(schemas.PostagePolicyEndSchema)
@blueprint.response(200, schemas.PostagePolicySchema)
def end_policy(body: dict[str, Any], policy_id: UUID) -> dict[str, Any]:
    """The last day of a policy."""
    with transaction() as session:
        ended = policies.end(session, policy_id=policy_id, last_day=body["last_day"], actor=current_staff().actor)
        return policies.shown(ended, policies.spent(session, ended.id, clock.today().year))


@blueprint.get("/staff/express-offices")
@staff("express.policies")
@blueprint.response(200, schemas.ExpressOfficesSchema)
def list_offices() -> dict[str, Any]:
    """Where halls send from and receive."""
    with transaction() as session:
        return {"offices": offices.listed(session)}


@blueprint.put("/staff/express-offices/<hall_code>")
@staff("express.policies")
@blueprint.arguments(schemas.ExpressOfficeWriteSchema)
@blueprint.response(200, schemas.ExpressOfficesSchema)
def set_office(body: dict[str, Any], hall_code: str) -> dict[str, Any]:
    """A hall's address for couriers, and the division that bears its postage."""
    with transaction() as session:
        offices.set_office(session, hall_code=hall_code[:20], actor=current_staff().actor, **body)
        return {"offices": offices.listed(session)}


@blueprint.get("/staff/express-settlement")
@staff("express.settle")
@blueprint.arguments(schemas.PostageMonthQuerySchema, location="query")
@blueprint.response(200, schemas.PostageSettlementSchema)
def show_month(query: dict[str, Any]) -> dict[str, Any]:
    """A month by division and policy, with the carrier's bill when it has been read."""
    with transaction() as session:
        return _month(session, query["month"])


@blueprint.get("/staff/express-settlement.xlsx")
@staff("express.settle")
@blueprint.arguments(schemas.PostageMonthQuerySchema, location="query")
@blueprint.response(200, content_type=XLSX)
def download_month(query: dict[str, Any]) -> Response:
    """The same as a workbook, for the finance bureau."""
    with transaction() as session:
        found = _month(session, query["month"])["rows"]
    rows = [tuple(row[name] for name in COLUMNS) for row in found]
    return workbook(f"postage-{query['month']}", HEADER[request_language()], rows)


@blueprint.post("/staff/express-settlement/bill")
@staff("express.settle")
@blueprint.arguments(schemas.PostageMonthQuerySchema, location="query")
@blueprint.response(200, schemas.PostageSettlementSchema)
def read_bill(query: dict[str, Any]) -> dict[str, Any]:
    """The carrier's bill as a file in the body, CSV or XLSX. Read again it replaces what was read before."""
    file = request.get_data(cache=False)
    code = couriers().default
    lines = settlement.read(couriers().carrier(code), file)
    month = settlement.month_of(query["month"])
    with transaction() as session:
        settlement.store(session, carrier=code, month=month, file=file, lines=lines, actor=current_staff().actor)
        return _month(session, query["month"])


@blueprint.get("/staff/express-settlement/lines")
@staff("express.settle")
@blueprint.arguments(schemas.CarrierLinesQuerySchema, location="query")
@blueprint.response(200, schemas.CarrierLinesSchema)
def list_lines(query: dict[str, Any]) -> dict[str, Any]:
    """The lines of the carrier's bill with our verdicts."""
    with transaction() as session:
        found = settlement.lines_of(
            session,
            carrier=couriers().default,
            month=settlement.month_of(query["month"]),
            verdict=query.get("verdict"),
            after=query["after"],
            limit=settlement.PAGE,
        )
        return {"lines": found, "next_after": found[-1].position if len(found) == settlement.PAGE else None}


@blueprint.post("/staff/express-settlement/settle")
@staff("express.settle")
@blueprint.arguments(schemas.PostageSettleSchema)
@blueprint.response(200, schemas.PostageSettlementSchema)
def settle(body: dict[str, Any]) -> Response:
    """月结: accept the month; with differences only for a reason."""
    actor, code = current_staff().actor, couriers().default

    def effect(session: Session) -> dict[str, Any]:
        month = settlement.month_of(body["month"])
        settlement.settle(session, carrier=code, month=month, actor=actor, reason=body["reason"])
        return _month(session, body["month"])

    return answer_once("express-settle", body, effect, schemas.PostageSettlementSchema())


@blueprint.get("/staff/express-reports")
@staff("express.settle")
@blueprint.arguments(schemas.ExpressPeriodSchema, location="query")
@blueprint.response(200, schemas.ExpressReportSchema)
def report(query: dict[str, Any]) -> dict[str, Any]:
    """Cost by policy and division, and exceptions by hall."""
    with transaction() as session:
        return {"costs": settlement.costs(session, **query), "exceptions": reports.exceptions(session, **query)}


def _month(session: Session, month: str) -> dict[str, Any]:
    return settlement.summary(
        session, carrier=couriers().default, month=settlement.month_of(month), language=request_language()
    )
