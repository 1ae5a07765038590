"""Asking the hotline 12345 from a guide, a case or its result. The hotline stays the owner of the ticket."""

from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.core import limits
from backend.core.auth import citizen, current_citizen
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.hotline import errors, office, schemas, service
from backend.hotline.models import HotlineTicket
from backend.hotline.office import Hotline
from backend.hotline.service import Question

blueprint = ApiBlueprint("hotline", __name__, description="Questions to the hotline 12345")
blueprints = (blueprint,)


def hotline() -> Hotline:
    """The hotline of this application. Raises HotlineAway."""
    settings: Settings = current_app.extensions["settings"]
    found: Hotline | None = current_app.extensions.get("hotline") or office.from_settings(settings)
    if found is None:
        raise errors.HotlineAway()
    return found


@blueprint.get("/hotline/tickets")
@citizen()
@blueprint.response(200, schemas.HotlineTicketsSchema)
def list_tickets() -> dict[str, Any]:
    """My questions, newest first, as we last saw them."""
    with transaction() as session:
        return {"tickets": [_view(ticket) for ticket in service.mine(session, current_citizen().id)]}


@blueprint.post("/hotline/tickets")
@citizen(level=1)
@blueprint.arguments(schemas.AskHotlineSchema)
@blueprint.response(201, schemas.HotlineTicketSchema)
def ask(body: dict[str, Any]) -> Response:
    """Ask. The hotline gets it within seconds, or as soon as it answers again."""
    asker = current_citizen()
    limits.spend(f"hotline:{asker.id}", capacity=10, per_seconds=3600)
    hotline()

    def effect(session: Session) -> dict[str, Any]:
        return _view(service.ask(session, Question(**body), asker=asker))

    return answer_once("hotline", body, effect, schemas.HotlineTicketSchema(), status=201)


@blueprint.post("/hotline/tickets/<uuid:ticket_id>/look")
@citizen()
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.HotlineTicketSchema)
def look(body: dict[str, Any], ticket_id: UUID) -> dict[str, Any]:
    """Ask the hotline now how my question stands."""
    person_id = current_citizen().id
    with transaction() as session:
        number = service.number_of(service.own(session, ticket_id, person_id))
    if number is not None:
        limits.spend(f"hotline-look:{ticket_id}", capacity=5, per_seconds=60)
        standing = hotline().query(number)
        with transaction() as session:
            service.seen(session, ticket_id, standing)
    with transaction() as session:
        return _view(service.own(session, ticket_id, person_id))


def _view(ticket: HotlineTicket) -> dict[str, Any]:
    names = ("id", "state", "stage", "reference", "category", "serial", "status", "seen_at", "created_at")
    return {
        **{name: getattr(ticket, name) for name in names},
        "words": service.opened(ticket, "words"),
        "reply": service.opened(ticket, "reply") or None,
        "query_code": service.opened(ticket, "query_code"),
    }
