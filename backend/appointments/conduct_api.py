"""守约: a citizen's own marks and appeals, and the hall's answers."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from backend.appointments import conduct_queries, conduct_service
from backend.appointments.conduct import Kind
from backend.appointments.schemas import ItemRefSchema
from backend.catalogue.schemas import Named as NamedSchema
from backend.core import pagination
from backend.core.auth import citizen, current_citizen, current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint

blueprint = ApiBlueprint("conduct", __name__, description="Missed visits, and appeals against them")
blueprints = (blueprint,)

PAGE = 20


class AppealSchema(Schema):
    """An appeal and its answer."""

    state = fields.String(required=True, validate=validate.OneOf(["open", "accepted", "rejected"]))
    reason = fields.String(required=True)
    answer = fields.String(required=True, allow_none=True)
    made_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)


class MissedVisitSchema(Schema):
    """The visit a mark is about."""

    id = fields.UUID(required=True)
    items = fields.List(fields.Nested(ItemRefSchema), required=True)
    hall = fields.Nested(NamedSchema, required=True)
    start = fields.AwareDateTime(required=True)


class MarkSchema(Schema):
    """守约记录: one missed visit (1 point) or late cancellation (half a point)."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    points = fields.Float(required=True)
    at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    counts = fields.Boolean(required=True)
    cleared = fields.String(required=True, allow_none=True, validate=validate.OneOf(["appeal", "came_late", "hall"]))
    appointment = fields.Nested(MissedVisitSchema, required=True)
    appeal = fields.Nested(AppealSchema, required=True, allow_none=True)
    can_appeal = fields.Boolean(required=True)


class ConductSchema(Schema):
    """The rule in figures, how I stand, and my newest marks. Walk-in tickets are never affected."""

    blocked_until = fields.AwareDateTime(required=True, allow_none=True)
    points = fields.Float(required=True)
    window_days = fields.Integer(required=True)
    block_at_points = fields.Integer(required=True)
    block_days = fields.Integer(required=True)
    long_block_at_points = fields.Integer(required=True)
    long_block_days = fields.Integer(required=True)
    marks = fields.List(fields.Nested(MarkSchema), required=True)
    server_time = fields.AwareDateTime(required=True)


class AppealRequestSchema(Schema):
    """What happened, in the citizen's words."""

    reason = fields.String(required=True, validate=validate.Length(4, 300))


class AppellantSchema(Schema):
    """Who booked, masked."""

    name_masked = fields.String(required=True, allow_none=True)


class HallAppealSchema(MarkSchema):
    """A mark with an appeal, as the hall sees it."""

    person = fields.Nested(AppellantSchema, required=True)


class HallAppealsSchema(Schema):
    """A page of appeals."""

    appeals = fields.List(fields.Nested(HallAppealSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AppealQuerySchema(Schema):
    """Open ones, longest waiting first; or decided ones, newest first."""

    state = fields.String(load_default="open", validate=validate.OneOf(["open", "decided"]))
    cursor = fields.String()


class DecisionSchema(Schema):
    """The hall's answer, which the citizen reads."""

    decision = fields.String(required=True, validate=validate.OneOf(["accept", "reject"]))
    answer = fields.String(required=True, validate=validate.Length(2, 300))


@blueprint.get("/me/conduct")
@citizen()
@blueprint.response(200, ConductSchema)
def show_conduct() -> dict[str, Any]:
    """My missed visits, and whether online booking is paused."""
    with transaction() as session:
        return conduct_queries.my_conduct(session, current_citizen().id, request_language())


@blueprint.post("/me/conduct/<uuid:mark_id>/appeal")
@citizen()
@blueprint.arguments(AppealRequestSchema)
@blueprint.response(201, MarkSchema)
def appeal(body: dict[str, Any], mark_id: UUID) -> Response:
    """Say why a mark is wrong, once."""
    person_id, language = current_citizen().id, request_language()

    def effect(session: Session) -> dict[str, Any]:
        mark = conduct_service.appeal(session, person_id=person_id, mark_id=mark_id, reason=body["reason"])
        return conduct_queries.views(session, [mark], language)[0]

    return answer_once(f"appeal:{mark_id}", body, effect, MarkSchema(), status=201)


@blueprint.get("/staff/appeals")
@staff("conduct.decide")
@blueprint.arguments(AppealQuerySchema, location="query")
@blueprint.response(200, HallAppealsSchema)
def list_appeals(query: dict[str, Any]) -> dict[str, Any]:
    """Appeals of my hall."""
    position = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = conduct_queries.appeals(
            session, hall_code=current_staff().hall, state=query["state"], position=position, limit=PAGE + 1
        )
        page = found[:PAGE]
        shown = conduct_queries.views(session, page, request_language())
    last = page[-1] if len(found) > PAGE else None
    cursor = pagination.encode(last.appealed_at.isoformat(), last.id) if last and last.appealed_at else None
    return {"appeals": shown, "next_cursor": cursor}


@blueprint.post("/staff/appeals/<uuid:mark_id>/decision")
@staff("conduct.decide")
@blueprint.arguments(DecisionSchema)
@blueprint.response(200, HallAppealSchema)
def decide(body: dict[str, Any], mark_id: UUID) -> Response:
    """Accept or reject an appeal of my hall, with words the citizen reads."""
    principal, language = current_staff(), request_language()

    def effect(session: Session) -> dict[str, Any]:
        mark = conduct_service.decide(
            session,
            hall_code=principal.hall,
            mark_id=mark_id,
            accept=body["decision"] == "accept",
            answer=body["answer"],
            staff_actor=principal.actor,
        )
        return conduct_queries.views(session, [mark], language)[0]

    return answer_once(f"appeal-decision:{mark_id}", body, effect, HallAppealSchema())
