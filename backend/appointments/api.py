"""Citizens' booking endpoints."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema
from sqlalchemy.orm import Session

from backend.appointments import queries, schemas, service, visits
from backend.appointments.calendar_file import calendar_file
from backend.appointments.models import Appointment
from backend.catalogue import places
from backend.catalogue import queries as catalogue
from backend.core import limits, pagination
from backend.core.auth import citizen, current_citizen, public, request_language
from backend.core.db import transaction
from backend.core.kept import kept_a_moment
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema

blueprint = ApiBlueprint("appointments", __name__, description="Slots, holds and appointments")
blueprints = (blueprint,)

PAGE = 20
_HOLD, _APPOINTMENT = schemas.HoldSchema(), schemas.AppointmentSchema()


@blueprint.get("/slots")
@public
@kept_a_moment
@blueprint.arguments(schemas.SlotQuerySchema, location="query")
@blueprint.response(200, schemas.SlotDaysSchema)
def list_slots(query: dict[str, Any]) -> dict[str, Any]:
    """The slots of one hall for these items, day by day."""
    with transaction() as session:
        return queries.picker(
            session,
            hall_code=query["hall"],
            slugs=query["items"].split(","),
            people=query["people"],
            first=query.get("first"),
            days=query["days"],
            language=query["lang"],
        )


@blueprint.get("/slots/earliest")
@public
@blueprint.arguments(schemas.EarliestQuerySchema, location="query")
@blueprint.response(200, schemas.EarlySlotsSchema)
def list_earliest(query: dict[str, Any]) -> dict[str, Any]:
    """The earliest free times over all halls that handle these items."""
    with transaction() as session:
        place, choices = _choices(session, query["items"].split(","), query, per_hall=3)
    slots = [
        {"slot": slot, "hall": choice["hall"], "distance_km": choice["distance_km"]}
        for choice in choices
        for slot in choice["free"]
    ]
    return {"place": place, "slots": sorted(slots, key=lambda found: found["slot"]["start"])[:6]}


@blueprint.get("/items/<slug>/halls")
@public
@blueprint.arguments(schemas.PlaceQuerySchema, location="query")
@blueprint.response(200, schemas.HallChoicesSchema)
def list_item_halls(query: dict[str, Any], slug: str) -> dict[str, Any]:
    """Where the item is handled, each with its next free time."""
    with transaction() as session:
        place, choices = _choices(session, [slug], query, per_hall=1)
    for choice in choices:
        choice["next_free"] = choice["free"][0] if choice["free"] else None
    return {"place": place, "halls": choices}


@blueprint.post("/holds")
@citizen(level=1)
@blueprint.arguments(schemas.HoldRequestSchema)
@blueprint.response(201, schemas.HoldSchema)
def hold(body: dict[str, Any]) -> Response:
    """Keep a place while the answers are checked."""
    principal = current_citizen()
    limits.spend(f"hold:{principal.id}", capacity=10, per_seconds=60)

    def effect(session: Session) -> Appointment:
        return service.hold(
            session,
            booker_id=principal.id,
            level=principal.level,
            slot_id=body["slot_id"],
            slugs=body["items"],
            people=body["people"],
            person_id=body["for_person_id"],
            matter_id=body["application_id"],
        )

    return _once("holds", body, effect, _HOLD, status=201)


@blueprint.get("/holds")
@citizen()
@blueprint.response(200, schemas.HoldsSchema)
def list_holds() -> dict[str, Any]:
    """My live holds."""
    language = request_language()
    with transaction() as session:
        return {"holds": [queries.view(session, row, language) for row in queries.holds(session, current_citizen().id)]}


@blueprint.delete("/holds/<uuid:appointment_id>")
@citizen()
@blueprint.response(204)
def release(appointment_id: UUID) -> None:
    """Give the place up at once."""
    with transaction() as session:
        service.release(session, booker_id=current_citizen().id, appointment_id=appointment_id)


@blueprint.post("/holds/<uuid:appointment_id>/confirm")
@citizen(level=1)
@blueprint.arguments(EmptySchema)
@blueprint.response(201, schemas.AppointmentSchema)
def confirm(body: dict[str, Any], appointment_id: UUID) -> Response:
    """The hold becomes an appointment."""
    booker = current_citizen().id

    def effect(session: Session) -> Appointment:
        return service.confirm(session, booker_id=booker, appointment_id=appointment_id)

    return _once(f"confirm:{appointment_id}", body, effect, _APPOINTMENT, status=201)


@blueprint.get("/appointments")
@citizen()
@blueprint.arguments(schemas.AppointmentQuerySchema, location="query")
@blueprint.response(200, schemas.AppointmentsSchema)
def list_appointments(query: dict[str, Any]) -> dict[str, Any]:
    """My appointments: coming, or past with paging."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        rows = queries.appointments(
            session, booker_id=current_citizen().id, scope=query["scope"], before=before, limit=PAGE
        )
        shown = [queries.view(session, row, query["lang"]) for row in rows]
    more = query["scope"] == "past" and len(rows) == PAGE
    return {
        "appointments": shown,
        "next_cursor": pagination.encode(rows[-1].start.isoformat(), rows[-1].id) if more else None,
    }


@blueprint.get("/appointments/<uuid:appointment_id>")
@citizen()
@blueprint.response(200, schemas.AppointmentSchema)
def show_appointment(appointment_id: UUID) -> dict[str, Any]:
    """One of my appointments."""
    with transaction() as session:
        row = queries.appointment(session, booker_id=current_citizen().id, appointment_id=appointment_id)
        return queries.view(session, row, request_language())


@blueprint.get("/appointments/<uuid:appointment_id>/calendar.ics")
@citizen()
@blueprint.response(200, content_type="text/calendar")
def show_calendar_file(appointment_id: UUID) -> Response:
    """A calendar entry with a stable UID and a growing SEQUENCE."""
    with transaction() as session:
        row = queries.appointment(session, booker_id=current_citizen().id, appointment_id=appointment_id)
        shown = queries.view(session, row, request_language())
        sequence = queries.newest_change(session, appointment_id)
    answer = Response(calendar_file(shown, sequence), content_type="text/calendar; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=appointment.ics"
    return answer


@blueprint.post("/appointments/<uuid:appointment_id>/cancel")
@citizen()
@blueprint.arguments(schemas.CancelSchema)
@blueprint.response(200, schemas.AppointmentSchema)
def cancel(body: dict[str, Any], appointment_id: UUID) -> Response:
    """Give the appointment up."""
    booker = current_citizen().id

    def effect(session: Session) -> Appointment:
        return service.cancel(session, booker_id=booker, appointment_id=appointment_id, reason=body["reason"])

    return _once(f"cancel:{appointment_id}", body, effect, _APPOINTMENT, status=200)


@blueprint.post("/appointments/<uuid:appointment_id>/reschedule")
@citizen(level=1)
@blueprint.arguments(schemas.RescheduleSchema)
@blueprint.response(201, schemas.AppointmentSchema)
def reschedule(body: dict[str, Any], appointment_id: UUID) -> Response:
    """Move it: the new place is taken before the old one is given back."""
    booker = current_citizen().id

    def effect(session: Session) -> Appointment:
        return service.reschedule(session, booker_id=booker, appointment_id=appointment_id, slot_id=body["slot_id"])

    return _once(f"reschedule:{appointment_id}", body, effect, _APPOINTMENT, status=201)


def _once(
    route: str, body: dict[str, Any], effect: Callable[[Session], Appointment], schema: Schema, *, status: int
) -> Response:
    """The appointment that `effect` leaves, as its owner sees it."""
    language = request_language()
    return answer_once(
        route, body, lambda session: queries.view(session, effect(session), language), schema, status=status
    )


def _choices(
    session: Session, slugs: list[str], query: dict[str, Any], *, per_hall: int
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """What `near` means, and the halls that handle all the items with the starts that have room for the visit.

    Nearest first when a place is known, else earliest.
    """
    items = catalogue.items_for_booking(session, slugs)
    codes = set(items[0].hall_codes).intersection(*(item.hall_codes for item in items))
    ends = catalogue.first_to_end(session, slugs)
    near = query.get("near", "").strip()
    place = places.find(session, near) if near else None
    lat, lng = (place.lat, place.lng) if place else (query.get("lat"), query.get("lng"))
    free = queries.next_free(
        session,
        hall_codes=sorted(codes),
        category_code=items[0].category_code,
        minutes=visits.minutes_of(items, query["people"]),
        per_hall=per_hall,
        before=ends.ending.on if ends and ends.ending else None,
    )
    choices = [
        {
            "hall": queries.hall_view(hall, query["lang"]),
            "distance_km": places.distance_km(hall, lat, lng),
            "free": free[hall.code],
            "named": bool(near) and (near in hall.name.zh or near in hall.division_name.zh),
        }
        for hall in catalogue.halls(session)
        if hall.code in codes
    ]
    understood = {"name": place.name.in_language(query["lang"]), "approximate": True} if place else None
    return understood, sorted(choices, key=_nearest_then_earliest)


def _nearest_then_earliest(choice: dict[str, Any]) -> tuple[bool, float, bool, str]:
    distance = choice["distance_km"] if choice["distance_km"] is not None else 1e9
    first = choice["free"][0]["start"].isoformat() if choice["free"] else ""
    return (not choice["named"], distance, not first, first)
