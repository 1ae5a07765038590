"""A device's own affairs: enrolling with a one-time code, its state, its next key."""

from typing import Any
from uuid import UUID

from flask import current_app, request
from sqlalchemy.orm import Session

from backend.core import limits, signed
from backend.core.auth import current_device, device, public, request_language
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.devices import errors, queries, schemas, service
from backend.identity import browser

blueprint = ApiBlueprint("devices", __name__, description="Terminals and kiosks: enrolment and keys")
blueprints = (blueprint,)

TRIES = 10
TRIES_PER_SECONDS = 300


@blueprint.post("/device/enrolment")
@public
@blueprint.arguments(schemas.EnrolmentSchema)
@blueprint.response(201, schemas.DeviceStateSchema)
def enrol(body: dict[str, str]) -> dict[str, Any]:
    """Enrol with the code that staff made: once, and within fifteen minutes."""
    limits.spend(f"enrol:{browser.source()}", capacity=TRIES, per_seconds=TRIES_PER_SECONDS)
    with transaction() as session:
        found = service.enrol(
            session,
            code=body["code"],
            public_key=bytes.fromhex(body["public_key"]),
            proof=bytes.fromhex(body["proof"]),
        )
        return _state(session, found.id)


@blueprint.get("/device")
@device("device.state")
@blueprint.response(200, schemas.DeviceStateSchema)
def show_state() -> dict[str, Any]:
    """What the hall calls me, where I stand, and when my key is due for a change."""
    with transaction() as session:
        return _state(session, current_device().id)


@blueprint.post("/device/keys")
@device("device.state")
@blueprint.arguments(schemas.NextKeySchema)
@blueprint.response(200, schemas.DeviceStateSchema)
def change_key(body: dict[str, str]) -> dict[str, Any]:
    """Register my next key, signing with the current one, which stays good for 24 hours."""
    given = signed.read(request)
    if given is None:
        raise errors.DeviceRefused()
    with transaction() as session:
        service.rotate(
            session,
            given,
            public_key=bytes.fromhex(body["public_key"]),
            proof=bytes.fromhex(body["proof"]),
        )
        return _state(session, current_device().id)


def _state(session: Session, device_id: UUID) -> dict[str, Any]:
    settings: Settings = current_app.extensions["settings"]
    return {**queries.state_view(session, device_id, request_language()), "sandbox": bool(settings.sandbox_url)}
