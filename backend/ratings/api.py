"""Public shares, and the hall's follow-ups of bad ratings. Rating itself belongs to the visit's or case's own page."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import pagination
from backend.core.auth import current_staff, public, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.ratings import queries, schemas, service
from backend.ratings.models import Rating
from backend.ratings.states import State

blueprint = ApiBlueprint("ratings", __name__, description="Ratings of visits and cases")
blueprints = (blueprint,)

PAGE = 20


@blueprint.get("/halls/<code>/ratings")
@public
@blueprint.response(200, schemas.SharesSchema)
def show_shares(code: str) -> dict[str, Any]:
    """How citizens rated this hall in the last ninety days."""
    with transaction() as session:
        catalogue.hall(session, code)
        return queries.shares(session, code)


@blueprint.get("/staff/ratings")
@staff("ratings.read")
@blueprint.arguments(schemas.FollowUpQuerySchema, location="query")
@blueprint.response(200, schemas.FollowUpsSchema)
def list_follow_ups(query: dict[str, Any]) -> dict[str, Any]:
    """Bad ratings of my hall, the one due first in front."""
    after = None
    if "cursor" in query:
        due, last = pagination.decode(query["cursor"], 2)
        after = _position(due, last)
    with transaction() as session:
        found = queries.follow_ups(
            session, hall_code=current_staff().hall, state=State(query["state"]), after=after, limit=PAGE + 1
        )
        shown = [queries.view(task, rating) for task, rating in found[:PAGE]]
    last_task = found[PAGE - 1][0] if len(found) > PAGE else None
    cursor = pagination.encode(last_task.due_on.isoformat(), last_task.id) if last_task else None
    return {"follow_ups": shown, "next_cursor": cursor}


@blueprint.post("/staff/ratings/<uuid:follow_up_id>/answer")
@staff("ratings.answer")
@blueprint.arguments(schemas.AnswerSchema)
@blueprint.response(200, schemas.FollowUpSchema)
def answer(body: dict[str, Any], follow_up_id: UUID) -> Response:
    """Say what was done about a bad rating of my hall."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        task = service.answer(
            session,
            follow_up_id=follow_up_id,
            hall_code=principal.hall,
            staff_actor=principal.actor,
            words=body["answer"],
        )
        return queries.view(task, session.get_one(Rating, task.rating_id))

    return answer_once(f"rating-answer:{follow_up_id}", body, effect, schemas.FollowUpSchema())


@blueprint.post("/staff/ratings/<uuid:rating_id>/set-aside")
@staff("ratings.review")
@blueprint.arguments(schemas.SetAsideSchema)
@blueprint.response(200, schemas.SetAsideDoneSchema)
def set_aside(body: dict[str, Any], rating_id: UUID) -> Response:
    """After review: a rating that is not about the service counts no more."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        rating = service.set_aside(session, rating_id=rating_id, staff_actor=principal.actor, reason=body["reason"])
        return {"rating_id": rating.id, "invalid_at": rating.invalid_at}

    return answer_once(f"rating-aside:{rating_id}", body, effect, schemas.SetAsideDoneSchema())


def _position(due: str, last: str) -> tuple[date, UUID]:
    try:
        return date.fromisoformat(due), UUID(last)
    except ValueError:
        raise pagination.wrong_cursor() from None
