"""法律保全: holds of the platform's operators."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core import limits
from backend.core.auth import current_staff, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.privacy import holds, schemas

blueprint = ApiBlueprint("legal-holds", __name__, description="Records that an authority asked us to keep")
blueprints = (blueprint,)


@blueprint.get("/staff/legal-holds")
@staff("holds.manage")
@blueprint.response(200, schemas.LegalHoldsSchema)
def list_holds() -> dict[str, Any]:
    """Holds in force, then those that were lifted."""
    asker = current_staff().id
    with transaction() as session:
        return {"holds": [holds.view(session, one, asker) for one in holds.listed(session)]}


@blueprint.post("/staff/legal-holds")
@staff("holds.manage")
@blueprint.arguments(schemas.PlaceHoldSchema)
@blueprint.response(201, schemas.LegalHoldSchema)
def place_hold(body: dict[str, Any]) -> Response:
    """Keep a person's records, a case or a bill: no purge and no closing of the account takes them."""
    asker = current_staff().id
    limits.spend(f"hold:{asker}", capacity=30, per_seconds=3600)

    def effect(session: Session) -> dict[str, Any]:
        return holds.view(session, holds.place(session, **body, staff_id=asker), asker)

    return answer_once("legal-holds", body, effect, schemas.LegalHoldSchema(), status=201)


@blueprint.post("/staff/legal-holds/<uuid:hold_id>/lift")
@staff("holds.manage")
@blueprint.arguments(schemas.LiftHoldSchema)
@blueprint.response(200, schemas.LegalHoldSchema)
def ask_lift(body: dict[str, Any], hold_id: UUID) -> dict[str, Any]:
    """Propose to lift it; another person answers."""
    asker = current_staff().id
    with transaction() as session:
        return holds.view(session, holds.ask_lift(session, hold_id, **body, staff_id=asker), asker)


@blueprint.post("/staff/legal-holds/<uuid:hold_id>/lift/answer")
@staff("holds.manage")
@blueprint.arguments(schemas.AnswerLiftSchema)
@blueprint.response(200, schemas.LegalHoldSchema)
def answer_lift(body: dict[str, Any], hold_id: UUID) -> dict[str, Any]:
    """As the second person: lift it, or keep it."""
    asker = current_staff().id
    with transaction() as session:
        return holds.view(session, holds.answer_lift(session, hold_id, **body, staff_id=asker), asker)
