"""The reception desk's endpoints: numbers for people who come without a phone, and each queue's line."""

from typing import Any

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.core import clock, crypto, limits
from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.identity import idnumber, people
from backend.identity import queries as identity
from backend.identity import service as identities
from backend.queueing import ticket_queries, ticket_schemas, tickets

blueprint = ApiBlueprint("desk", __name__, description="Numbers given at the reception desk")
blueprints = (blueprint,)

LOOKUPS_PER_MINUTE = 30


@blueprint.post("/staff/tickets")
@staff("queue.ticket")
@blueprint.arguments(ticket_schemas.DeskTicketSchema)
@blueprint.response(201, ticket_schemas.StaffTicketSchema)
def give_ticket(body: dict[str, Any]) -> Response:
    """现场取号 at the desk: by id card, by phone, or for anybody. The id number is never stored nor answered."""
    principal, language = current_staff(), request_language()
    number, phone = body["id_number"], body["phone"]
    if number or phone:
        limits.spend(f"desk-ticket:{principal.id}", capacity=LOOKUPS_PER_MINUTE, per_seconds=60)
    if number:
        settings: Settings = current_app.extensions["settings"]
        number = idnumber.checked(settings, number, today=clock.today())

    def effect(session: Session) -> dict[str, Any]:
        ticket = tickets.take(
            session,
            hall_code=principal.hall,
            category_code=body["category"],
            slugs=body["items"],
            taker=_taker(session, number, phone, body["lane"], body["people"]),
            source="desk",
            actor=principal.actor,
        )
        return ticket_queries.staff_view(session, ticket, language)

    unreadable = {**body, "id_number": None, "phone": None, "holder": (_holder(number, phone) or b"").hex()}
    return answer_once("desk-tickets", unreadable, effect, ticket_schemas.StaffTicketSchema(), status=201)


@blueprint.get("/staff/tickets")
@staff("queue.ticket")
@blueprint.arguments(ticket_schemas.LineQuerySchema, location="query")
@blueprint.response(200, ticket_schemas.LineSchema)
def show_line(query: dict[str, Any]) -> dict[str, Any]:
    """Who waits in my hall, in calling order, and who missed a call."""
    with transaction() as session:
        return ticket_queries.line(session, current_staff().hall, query.get("category"), request_language())


def _taker(session: Session, number: str | None, phone: str | None, lane: str | None, count: int) -> tickets.Taker:
    """Somebody known by phone holds tickets under their document, as when they take one themselves."""
    if number:
        return tickets.taker_of_card(session, number, lane=lane, count=count)
    holder, person_id = _holder(None, phone), None
    if phone:
        person_id = people.by_phone(session, phone)
        holder = identity.holder(session, person_id) if person_id else holder
    return tickets.Taker(holder=holder, person_id=person_id, lane=lane, people=count)


def _holder(number: str | None, phone: str | None) -> bytes | None:
    if number:
        return identities.document_index(number)
    return crypto.blind_index(phone, field="login.phone") if phone else None
