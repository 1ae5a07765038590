"""Approvers and the issuing desk: special steps, opinions, the decision, the result and its hand-over."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.applications import desk, issuing, review, staff_queries
from backend.applications import staff_schemas as schemas
from backend.applications.staff_api import here, stepped
from backend.core.auth import current_staff, request_language, staff
from backend.core.errors import FieldError, InvalidInput, Text
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.credit import service as credit

blueprint = ApiBlueprint("staff-decisions", __name__, description="Cases for staff: reviewing, deciding, issuing")
blueprints = (blueprint,)


@blueprint.post("/staff/cases/<uuid:case_id>/review")
@staff("cases.decide")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def take_up(body: dict[str, Any], case_id: UUID) -> Response:
    """承办: I begin to look at it."""
    return stepped(case_id, "review", body, review.take_up)


@blueprint.post("/staff/cases/<uuid:case_id>/special-step")
@staff("cases.decide")
@blueprint.arguments(schemas.BeginStepSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def begin_step(body: dict[str, Any], case_id: UUID) -> Response:
    """特别程序 from the published list: the clock stops for at most its days."""
    return stepped(case_id, "special", body, lambda session, case, by: review.begin_step(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/special-step/end")
@staff("cases.decide")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def end_step(body: dict[str, Any], case_id: UUID) -> Response:
    """The step is over."""
    return stepped(case_id, "special-end", body, review.end_step)


@blueprint.post("/staff/cases/<uuid:case_id>/credit")
@staff("cases.decide")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def ask_credit(body: dict[str, Any], case_id: UUID) -> Response:
    """Ask the credit platform again after it was away."""
    return stepped(
        case_id, "credit", body, lambda session, case, by: credit.ask_again(session, case.id, actor=by.actor)
    )


@blueprint.post("/staff/cases/<uuid:case_id>/extension")
@staff("cases.manage")
@blueprint.arguments(schemas.ExtendSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def extend(body: dict[str, Any], case_id: UUID) -> Response:
    """延长期限, once, by approval."""
    return stepped(case_id, "extension", body, lambda session, case, by: review.extend(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/parts/<uuid:part_id>/opinion")
@staff("cases.decide")
@blueprint.arguments(schemas.OpinionSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def give_opinion(body: dict[str, Any], case_id: UUID, part_id: UUID) -> Response:
    """并联: my department's answer."""
    principal, by = current_staff(), here()

    def effect(session: Session) -> dict[str, Any]:
        case = desk.locked(session, case_id, by)
        review.give_opinion(session, case, by, part_id=part_id, **body)
        return staff_queries.view(session, case, principal, request_language())

    return answer_once(f"case-opinion:{part_id}", body, effect, schemas.StaffCaseSchema())


@blueprint.post("/staff/cases/<uuid:case_id>/decision")
@staff("cases.decide")
@blueprint.arguments(schemas.DecideSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def decide(body: dict[str, Any], case_id: UUID) -> Response:
    """准予 or 不予, with the document's number."""
    if not body["grant"] and not body["reason"]:
        raise InvalidInput(errors=[FieldError("/reason", Text("请写明为什么不予", "Give the reason"))])
    return stepped(case_id, "decision", body, lambda session, case, by: review.decide(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/result")
@staff("cases.issue")
@blueprint.arguments(schemas.ConcludeSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def conclude(body: dict[str, Any], case_id: UUID) -> Response:
    """办结: the result is there."""
    return stepped(case_id, "result", body, lambda session, case, by: issuing.conclude(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/offer")
@staff("cases.issue")
@blueprint.arguments(schemas.OfferSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def offer(body: dict[str, Any], case_id: UUID) -> Response:
    """待领取 at a window."""
    return stepped(
        case_id, "offer", body, lambda session, case, by: issuing.offer(session, case, by, hall_code=body["hall"])
    )


@blueprint.post("/staff/cases/<uuid:case_id>/mail")
@staff("cases.issue")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def mail(body: dict[str, Any], case_id: UUID) -> Response:
    """已寄出."""
    return stepped(case_id, "mail", body, issuing.mail)


@blueprint.post("/staff/cases/<uuid:case_id>/come-back")
@staff("cases.issue")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def come_back(body: dict[str, Any], case_id: UUID) -> Response:
    """The courier brought it back."""
    return stepped(case_id, "come-back", body, issuing.come_back)


@blueprint.post("/staff/cases/<uuid:case_id>/hand-over")
@staff("cases.issue")
@blueprint.arguments(schemas.HandOverSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def hand_over(body: dict[str, Any], case_id: UUID) -> Response:
    """送达 at the window where it waits, to whoever showed their document."""
    principal, by = current_staff(), here()

    def effect(session: Session) -> dict[str, Any]:
        case = desk.locked(session, case_id, by)
        issuing.hand_over(session, case, by, signature_id=body["signature_id"], authorisation=body["authorisation"])
        return staff_queries.view(session, case, principal, request_language())

    return answer_once(f"case-hand-over:{case_id}", body, effect, schemas.StaffCaseSchema())
