"""What people do at a device. The hall is the device's own; id numbers travel in bodies and are never answered."""

from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.appointments import assist
from backend.appointments import queries as appointments
from backend.appointments.checkin import Verdict
from backend.appointments.passes import PREFIX, PassKeys
from backend.appointments.schemas import SlotDaysSchema
from backend.core import clock, crypto, limits
from backend.core.auth import Principal, current_device, device, request_language
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.devices import kiosk, queries
from backend.devices import kiosk_schemas as schemas
from backend.devices.kiosk import Card
from backend.identity import idnumber
from backend.queueing import ticket_queries

blueprint = ApiBlueprint("kiosk", __name__, description="Terminals and kiosks: what people do there")
blueprints = (blueprint,)

CARDS_PER_MINUTE = 30
MISSES = {Verdict.UNKNOWN, Verdict.FORGED}
MISSES_PER_MINUTE = 10


@blueprint.get("/device/items")
@device("device.state")
@blueprint.response(200, schemas.MatterSchema)
def list_items() -> dict[str, Any]:
    """What can be done here."""
    with transaction() as session:
        return queries.matters(session, current_device().hall_code, request_language())


@blueprint.get("/device/slots")
@device("device.book")
@blueprint.arguments(schemas.DeviceSlotQuerySchema, location="query")
@blueprint.response(200, SlotDaysSchema)
def list_slots(query: dict[str, Any]) -> dict[str, Any]:
    """The free times for these items, day by day: the places that phones see."""
    hall_code = kiosk.hall_for(current_device().hall_code, query.get("hall"))
    with transaction() as session:
        return appointments.picker(
            session,
            hall_code=hall_code,
            slugs=query["items"].split(","),
            people=query["people"],
            first=query.get("first"),
            days=query["days"],
            language=query["lang"],
        )


@blueprint.post("/device/tickets")
@device("device.ticket")
@blueprint.arguments(schemas.DeviceTicketSchema)
@blueprint.response(201, schemas.HeldTicketSchema)
def take_ticket(body: dict[str, Any]) -> Response:
    """现场取号 by id card, or for anybody. The same card gets the same number."""
    principal, card = current_device(), _card(body["card"])

    def effect(session: Session) -> dict[str, Any]:
        ticket = kiosk.take_ticket(
            session,
            hall_code=principal.hall,
            category_code=body["category"],
            slugs=body["items"],
            card=card,
            people=body["people"],
            actor=principal.actor,
        )
        return queries.held(session, ticket, _address(), request_language())

    return answer_once(
        "device-tickets", {**body, "card": _unreadable(card)}, effect, schemas.HeldTicketSchema(), status=201
    )


@blueprint.post("/device/tickets/find")
@device("device.ticket")
@blueprint.arguments(schemas.WithCardSchema)
@blueprint.response(200, schemas.HeldTicketsSchema)
def find_tickets(body: dict[str, Any]) -> dict[str, Any]:
    """The numbers this card holds in the hall today, to look up or to print again."""
    principal, card = current_device(), _read(body["card"])
    with transaction() as session:
        found = kiosk.open_tickets(session, hall_code=principal.hall, card=card)
        return {"tickets": [queries.held(session, ticket, _address(), request_language()) for ticket in found]}


@blueprint.get("/device/standing")
@device("device.ticket")
@blueprint.arguments(schemas.NumberQuerySchema, location="query")
@blueprint.response(200, schemas.StandingSchema)
def show_standing(query: dict[str, Any]) -> dict[str, Any]:
    """Where a printed number is now: what the hall's screen shows, and nothing of its holder."""
    with transaction() as session:
        ticket = kiosk.by_number(session, hall_code=current_device().hall, number=query["number"])
        return ticket_queries.standing(session, ticket, request_language())


@blueprint.post("/device/bookings")
@device("device.book")
@blueprint.arguments(schemas.DeviceBookingSchema)
@blueprint.response(201, schemas.MadeBookingSchema)
def book(body: dict[str, Any]) -> Response:
    """Book for the holder of the card, from the places that phones take too."""
    principal, card = current_device(), _read(body["card"])
    hall_code = kiosk.hall_for(principal.hall_code, body["hall"])

    def effect(session: Session) -> dict[str, Any]:
        made = kiosk.book(
            session,
            card=card,
            hall_code=hall_code,
            slot_id=body["slot_id"],
            slugs=body["items"],
            people=body["people"],
            actor=principal.actor,
        )
        return queries.booking(session, made, request_language())

    return answer_once(
        "device-bookings", {**body, "card": _unreadable(card)}, effect, schemas.MadeBookingSchema(), status=201
    )


@blueprint.post("/device/bookings/find")
@device("device.book")
@blueprint.arguments(schemas.WithCardSchema)
@blueprint.response(200, schemas.FoundBookingsSchema)
def find_bookings(body: dict[str, Any]) -> dict[str, Any]:
    """What the holder of the card has booked, in this hall or, outside the halls, everywhere; audited."""
    principal, card = current_device(), _read(body["card"])
    with transaction() as session:
        person_id, found = kiosk.coming(session, card=card, hall_code=principal.hall_code, actor=principal.actor)
        return {
            "name_masked": assist.masked(session, person_id),
            "bookings": [queries.booking(session, row, request_language()) for row in found],
        }


@blueprint.post("/device/bookings/<uuid:appointment_id>/cancel")
@device("device.book")
@blueprint.arguments(schemas.WithCardSchema)
@blueprint.response(200, schemas.MadeBookingSchema)
def cancel(body: dict[str, Any], appointment_id: UUID) -> Response:
    """Cancel one's own appointment with one's own card."""
    principal, card = current_device(), _read(body["card"])

    def effect(session: Session) -> dict[str, Any]:
        row = kiosk.cancel(
            session,
            card=card,
            hall_code=principal.hall_code,
            appointment_id=appointment_id,
            actor=principal.actor,
        )
        return queries.booking(session, row, request_language())

    unreadable = {"card": _unreadable(card)}
    return answer_once(f"device-cancel:{appointment_id}", unreadable, effect, schemas.MadeBookingSchema())


@blueprint.post("/device/check-ins")
@device("device.ticket")
@blueprint.arguments(schemas.DeviceCheckInSchema)
@blueprint.response(200, schemas.DeviceArrivalSchema)
def check_in(body: dict[str, Any]) -> Response:
    """签到 by the code on the phone or paper; an accepted one gets a number. Ten misses in a minute and digits rest."""
    principal, card = current_device(), _card(body["card"])
    misses = f"device-miss:{principal.id}"
    if not body["code"].strip().startswith(PREFIX):
        limits.demand(misses, capacity=MISSES_PER_MINUTE, per_seconds=60)
    keys = PassKeys.from_settings(_settings())

    def effect(session: Session) -> dict[str, Any]:
        arrived = kiosk.check_in(
            session, text=body["code"], hall_code=principal.hall, device_id=principal.id, card=card, keys=keys
        )
        return queries.arrival(session, arrived, _address(), request_language())

    answer = answer_once("device-check-ins", {**body, "card": _unreadable(card)}, effect, schemas.DeviceArrivalSchema())
    if answer.get_json()["verdict"] in MISSES and "Idempotent-Replayed" not in answer.headers:
        limits.spend(misses, capacity=MISSES_PER_MINUTE, per_seconds=60)
    return answer


def _card(given: dict[str, str] | None) -> Card | None:
    return _read(given) if given else None


def _read(given: dict[str, str]) -> Card:
    """The card with its number checked. Bounded, so that numbers cannot be tried one after the other."""
    principal: Principal = current_device()
    limits.spend(f"device-card:{principal.id}", capacity=CARDS_PER_MINUTE, per_seconds=60)
    number = idnumber.checked(_settings(), given["id_number"], today=clock.today(), pointer="/card/id_number")
    return Card(number, given["name"].strip())


def _unreadable(card: Card | None) -> str | None:
    """What the stored digest of the request is made of instead of the card."""
    return crypto.blind_index(f"{card.id_number}/{card.name}", field="device.card").hex() if card else None


def _address() -> str:
    return _settings().public_url


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
