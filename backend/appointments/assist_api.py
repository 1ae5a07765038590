"""Booking for somebody at the desk or on the phone 代约. Numbers travel in bodies, never in addresses."""

from typing import Any
from uuid import UUID

from flask import Response, current_app
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy.orm import Session

from backend.appointments import assist, queries
from backend.appointments.models import Appointment
from backend.appointments.schemas import AppointmentSchema
from backend.core import clock, crypto, limits
from backend.core.auth import Principal, current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.identity import idnumber
from backend.identity.schemas import PHONE

blueprint = ApiBlueprint("assisted-booking", __name__, description="Booking for somebody at the desk or on the phone")
blueprints = (blueprint,)

REASON = validate.Length(2, 200)
LOOKUPS_PER_MINUTE = 30


class CallerSchema(Schema):
    """Id number and name, or the phone number the person logs in with."""

    id_number = fields.String(validate=validate.Length(15, 20))
    name = fields.String(validate=validate.Length(1, 60))
    phone = fields.String(validate=PHONE)

    @validates_schema
    def one_way(self, values: dict[str, str], **_: object) -> None:
        if ("id_number" in values) == ("phone" in values) or ("id_number" in values) != ("name" in values):
            raise ValidationError("Give id_number and name, or phone")


class AssistedBookingSchema(Schema):
    """Whom, when and for what."""

    caller = fields.Nested(CallerSchema, required=True)
    slot_id = fields.UUID(required=True)
    items = fields.List(fields.String(validate=validate.Length(1, 60)), required=True, validate=validate.Length(1, 5))
    people = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 20))


class FindSchema(Schema):
    """Whose appointments."""

    caller = fields.Nested(CallerSchema, required=True)


class AssistedCancelSchema(Schema):
    """Why the person gives it up."""

    reason = fields.String(required=True, validate=REASON)


class AssistedMoveSchema(AssistedCancelSchema):
    """Where to, and why."""

    slot_id = fields.UUID(required=True)


class AssistedSchema(Schema):
    """The appointment, whose code is read out, and whether a notice reaches the person."""

    appointment = fields.Nested(AppointmentSchema, required=True)
    channel = fields.String(required=True, validate=validate.OneOf(["staff", "online"]))
    reachable = fields.Boolean(required=True)


class FoundSchema(Schema):
    """The person, masked, and their coming appointments in my hall."""

    name_masked = fields.String(required=True, allow_none=True)
    reachable = fields.Boolean(required=True)
    appointments = fields.List(fields.Nested(AppointmentSchema), required=True)


@blueprint.post("/staff/assisted-bookings")
@staff("booking.assist")
@blueprint.arguments(AssistedBookingSchema)
@blueprint.response(201, AssistedSchema)
def book(body: dict[str, Any]) -> Response:
    """Book for this person, from the hall's own places."""
    principal, caller = _spend(), _caller(body["caller"])

    def effect(session: Session) -> dict[str, Any]:
        made = assist.book(
            session,
            caller=caller,
            hall_code=principal.hall,
            slot_id=body["slot_id"],
            slugs=body["items"],
            people_count=body["people"],
            actor=principal.actor,
        )
        return _shown(session, made)

    unreadable = {**body, "caller": _unreadable(caller)}
    return answer_once("assisted-bookings", unreadable, effect, AssistedSchema(), status=201)


@blueprint.post("/staff/assisted-bookings/find")
@staff("booking.assist")
@blueprint.arguments(FindSchema)
@blueprint.response(200, FoundSchema)
def find(body: dict[str, Any]) -> dict[str, Any]:
    """What this person has booked in my hall; every look is audited."""
    principal, caller = _spend(), _caller(body["caller"])
    with transaction() as session:
        person_id, found = assist.coming(session, caller=caller, hall_code=principal.hall, actor=principal.actor)
        return {
            "name_masked": assist.masked(session, person_id),
            "reachable": assist.is_reachable(session, person_id),
            "appointments": [queries.view(session, row, request_language()) for row in found],
        }


@blueprint.post("/staff/assisted-bookings/<uuid:appointment_id>/cancel")
@staff("booking.assist")
@blueprint.arguments(AssistedCancelSchema)
@blueprint.response(200, AssistedSchema)
def cancel(body: dict[str, Any], appointment_id: UUID) -> Response:
    """Cancel for them."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        return _shown(
            session,
            assist.cancel(
                session,
                hall_code=principal.hall,
                appointment_id=appointment_id,
                reason=body["reason"],
                actor=principal.actor,
            ),
        )

    return answer_once(f"assisted-cancel:{appointment_id}", body, effect, AssistedSchema())


@blueprint.post("/staff/assisted-bookings/<uuid:appointment_id>/reschedule")
@staff("booking.assist")
@blueprint.arguments(AssistedMoveSchema)
@blueprint.response(201, AssistedSchema)
def reschedule(body: dict[str, Any], appointment_id: UUID) -> Response:
    """Move it for them; the new code is read out."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        moved = assist.reschedule(
            session,
            hall_code=principal.hall,
            appointment_id=appointment_id,
            slot_id=body["slot_id"],
            reason=body["reason"],
            actor=principal.actor,
        )
        return _shown(session, moved)

    return answer_once(f"assisted-reschedule:{appointment_id}", body, effect, AssistedSchema(), status=201)


def _spend() -> Principal:
    """Looking people up is bounded, so that numbers cannot be tried one after the other."""
    principal = current_staff()
    limits.spend(f"assist:{principal.id}", capacity=LOOKUPS_PER_MINUTE, per_seconds=60)
    return principal


def _caller(given: dict[str, str]) -> assist.Caller:
    """Raises InvalidInput for a number whose check digit is wrong."""
    if "phone" in given:
        return assist.Caller(phone=given["phone"])
    settings: Settings = current_app.extensions["settings"]
    number = idnumber.checked(settings, given["id_number"], today=clock.today(), pointer="/caller/id_number")
    return assist.Caller(id_number=number, name=given["name"].strip())


def _unreadable(caller: assist.Caller) -> str:
    """What the stored digest of the request is made of instead of the number."""
    return crypto.blind_index(f"{caller.id_number}/{caller.name}/{caller.phone}", field="assist.caller").hex()


def _shown(session: Session, row: Appointment) -> dict[str, Any]:
    return {
        "appointment": queries.view(session, row, request_language()),
        "channel": row.channel,
        "reachable": assist.is_reachable(session, row.booker_id),
    }
