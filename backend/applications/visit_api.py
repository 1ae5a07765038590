"""Cases in the hall: what somebody who checked in or sits at the window has come with, opened in one press."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.applications import desk, staff_queries, staff_schemas, visits
from backend.applications.errors import CaseNotFound
from backend.applications.staff_api import here
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.queueing import calling, ticket_queries
from backend.queueing.ticket_schemas import CounterSchema

blueprint = ApiBlueprint("hall-cases", __name__, description="Cases of people in the hall")
blueprints = (blueprint,)


@blueprint.get("/staff/cases/<uuid:case_id>/visit")
@staff("cases.read")
@blueprint.response(200, staff_schemas.CaseAtHallSchema)
def show_at_hall(case_id: UUID) -> dict[str, Any]:
    """How the case stands that a visit is for: its state, and what is missing or still to be seen on paper."""
    with transaction() as session:
        case = desk.seen(session, case_id, here())
        language = request_language()
        return {"case": staff_queries.rows(session, [case], language)[0], **visits.at_hall(session, case, language)}


@blueprint.post("/staff/window/case")
@staff("queue.call")
@blueprint.arguments(staff_schemas.ScanCaseSchema)
@blueprint.response(200, CounterSchema)
def serve_case(body: dict[str, Any]) -> Response:
    """The number at my window is for this case, scanned or typed: somebody came without an appointment."""
    principal, by = current_staff(), here()

    def effect(session: Session) -> dict[str, Any]:
        case = staff_queries.find(session, body["code"], by) if "cases.read" in principal.permissions else None
        if case is None:
            raise CaseNotFound()
        calling.for_matter(session, staff_id=principal.id, matter_id=case.application_id)
        return ticket_queries.counter(
            session, hall_code=principal.hall, staff_id=principal.id, language=request_language()
        )

    return answer_once("window:case", body, effect, CounterSchema())
