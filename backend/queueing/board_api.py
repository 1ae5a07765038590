"""What everybody may see: a hall's live queues, and one's own ticket by its link."""

from datetime import UTC, datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import limits
from backend.core.auth import citizen, current_citizen, current_staff, public, request_language, staff
from backend.core.db import reading, transaction
from backend.core.kept import kept_a_moment
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.identity import queries as identity
from backend.queueing import calling, live, place, ticket_queries, ticket_schemas, tickets
from backend.ratings import service as ratings
from backend.ratings.schemas import RateSchema, SupplementSchema

blueprint = ApiBlueprint("queues", __name__, description="Live queues of a hall, and one's own ticket")
blueprints = (blueprint,)


@blueprint.get("/halls/<code>/queue")
@public
@kept_a_moment
@blueprint.response(200, ticket_schemas.QueueDocumentSchema)
def show_queue(code: str) -> dict[str, Any]:
    """The hall's live queues, at most a second old. Send the ETag back: nothing new is a 304."""
    with reading() as session:
        return live.picture(session, code)


@blueprint.get("/tickets/<link>")
@public
@blueprint.response(200, ticket_schemas.TicketSchema)
def show_ticket(link: str) -> dict[str, Any]:
    """One's own ticket. Whoever has the link of the printed code may look."""
    with transaction() as session:
        return ticket_queries.ticket_view(session, tickets.by_link(session, link), request_language())


@blueprint.post("/tickets/<link>/cancel")
@public
@blueprint.response(200, ticket_schemas.TicketSchema)
def cancel_ticket(link: str) -> dict[str, Any]:
    """退号: I do not wait any longer."""
    with transaction() as session:
        ticket = tickets.by_link(session, link, lock=True)
        tickets.give_up(session, ticket, actor="ticket")
        return ticket_queries.ticket_view(session, ticket, request_language())


@blueprint.post("/tickets/<link>/return")
@public
@blueprint.response(200, ticket_schemas.TicketSchema)
def return_ticket(link: str) -> dict[str, Any]:
    """过号重排: I missed the call and am back."""
    with transaction() as session:
        ticket = calling.rejoin(session, tickets.by_link(session, link, lock=True), actor="ticket")
        return ticket_queries.ticket_view(session, ticket, request_language())


@blueprint.post("/tickets/<link>/rating")
@public
@blueprint.arguments(RateSchema)
@blueprint.response(201, ticket_schemas.TicketSchema)
def rate_visit(body: dict[str, Any], link: str) -> dict[str, Any]:
    """好差评 of a finished visit, once; the hall never sees who rated."""
    with transaction() as session:
        ticket = tickets.by_link(session, link)
        tickets.refuse_unfinished(ticket)
        ratings.rate(
            session,
            subject_type="ticket",
            subject_id=str(ticket.id),
            hall_code=ticket.hall_code,
            person_id=ticket.person_id,
            **body,
        )
        return ticket_queries.ticket_view(session, ticket, request_language())


@blueprint.post("/tickets/<link>/rating/supplement")
@public
@blueprint.arguments(SupplementSchema)
@blueprint.response(200, ticket_schemas.TicketSchema)
def supplement_rating(body: dict[str, Any], link: str) -> dict[str, Any]:
    """追评: more words, once."""
    with transaction() as session:
        ticket = tickets.by_link(session, link)
        ratings.supplement(session, subject_type="ticket", subject_id=str(ticket.id), words=body["words"])
        return ticket_queries.ticket_view(session, ticket, request_language())


@blueprint.get("/staff/place-code")
@staff("hall.today")
@blueprint.response(200, ticket_schemas.PlaceCodeSchema)
def show_place_code() -> dict[str, Any]:
    """The code for my hall's screen: phones that show it are in the hall."""
    step = place.current_step()
    changes_at = datetime.fromtimestamp((step + 1) * place.STEP_S, UTC)
    return {"code": place.code_at(current_staff().hall, step), "changes_at": changes_at}


@blueprint.post("/halls/<code>/tickets")
@citizen(level=1)
@blueprint.arguments(ticket_schemas.PhoneTicketSchema)
@blueprint.response(201, ticket_schemas.TicketSchema)
def take_ticket(body: dict[str, Any], code: str) -> Response:
    """现场取号 by phone in the hall: the board shows a code that changes, which proves that one is there."""
    principal, language = current_citizen(), request_language()
    limits.spend(f"ticket:{principal.id}", capacity=10, per_seconds=60)
    place.refuse_elsewhere(code, body["place"])

    def effect(session: Session) -> dict[str, Any]:
        catalogue.hall(session, code)
        person = identity.person(session, principal.id)
        ticket = tickets.take(
            session,
            hall_code=code,
            category_code=body["category"],
            slugs=body["items"],
            taker=tickets.Taker(
                holder=identity.holder(session, principal.id),
                person_id=principal.id,
                lane="elder" if identity.is_elder(person.born) else None,
            ),
            source="phone",
            actor=principal.actor,
        )
        return ticket_queries.ticket_view(session, ticket, language)

    return answer_once(f"ticket:{code}", body, effect, ticket_schemas.TicketSchema(), status=201)
