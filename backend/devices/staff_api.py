"""The devices of a hall, for its lead. The hall is the one they are signed in to; everything is audited."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core.auth import current_staff, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.devices import queries, schemas, service

blueprint = ApiBlueprint("staff-devices", __name__, description="The devices of a hall")
blueprints = (blueprint,)


@blueprint.get("/staff/devices")
@staff("hall.manage")
@blueprint.response(200, schemas.DevicesSchema)
def list_devices() -> dict[str, Any]:
    """Every device of my hall."""
    with transaction() as session:
        return {"devices": [queries.view(found) for found in queries.of_hall(session, current_staff().hall)]}


@blueprint.post("/staff/devices")
@staff("hall.manage")
@blueprint.arguments(schemas.NewDeviceSchema)
@blueprint.response(201, schemas.DeviceSchema)
def add_device(body: dict[str, str]) -> Response:
    """A new device of my hall; it enrols with a code that is made next."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        return queries.view(service.add(session, name=body["name"], hall_code=principal.hall, actor=principal.actor))

    return answer_once("devices", body, effect, schemas.DeviceSchema(), status=201)


@blueprint.post("/staff/devices/<uuid:device_id>/code")
@staff("hall.manage")
@blueprint.response(201, schemas.EnrolmentCodeSchema)
def make_code(device_id: UUID) -> dict[str, Any]:
    """A one-time enrolment code, good for fifteen minutes; an earlier one ends."""
    principal = current_staff()
    with transaction() as session:
        found = service.of_hall(session, principal.hall, device_id)
        code, expires_at = service.new_code(session, found, actor=principal.actor)
        return {"code": code, "expires_at": expires_at}


@blueprint.patch("/staff/devices/<uuid:device_id>")
@staff("hall.manage")
@blueprint.arguments(schemas.NewDeviceSchema)
@blueprint.response(200, schemas.DeviceSchema)
def rename(body: dict[str, str], device_id: UUID) -> dict[str, Any]:
    """Another name."""
    principal = current_staff()
    with transaction() as session:
        found = service.of_hall(session, principal.hall, device_id)
        service.rename(session, found, name=body["name"], actor=principal.actor)
        return queries.view(found)


@blueprint.post("/staff/devices/<uuid:device_id>/revoke")
@staff("hall.manage")
@blueprint.arguments(schemas.RevokeSchema)
@blueprint.response(200, schemas.DeviceSchema)
def revoke(body: dict[str, str], device_id: UUID) -> dict[str, Any]:
    """Switch it off at once and for good; a repeat changes nothing."""
    principal = current_staff()
    with transaction() as session:
        found = service.of_hall(session, principal.hall, device_id)
        service.revoke(session, found, reason=body["reason"], actor=principal.actor)
        return queries.view(found)
