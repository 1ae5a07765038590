"""The entrance's endpoints. The hall is the one staff are signed in to, never one from the request."""

from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.appointments import conduct_service
from backend.appointments.checkin import Verdict
from backend.appointments.passes import PREFIX, PassKeys
from backend.core import limits
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.queueing import queries, schemas, service

blueprint = ApiBlueprint("entrance", __name__, description="Check-ins at the hall entrance")
blueprints = (blueprint,)

MISSES = {Verdict.UNKNOWN, Verdict.FORGED}
MISSES_PER_MINUTE = 10


@blueprint.post("/staff/check-ins")
@staff("check_in.scan")
@blueprint.arguments(schemas.CheckInRequestSchema)
@blueprint.response(200, schemas.ArrivalSchema)
def check_in(body: dict[str, Any]) -> Response:
    """Judge a code; an accepted one gets a ticket. Digits are refused for a while after ten misses in a minute."""
    principal, language = current_staff(), request_language()
    misses = f"check-in-miss:{principal.id}"
    if not body["code"].strip().startswith(PREFIX):
        limits.demand(misses, capacity=MISSES_PER_MINUTE, per_seconds=60)
    keys = PassKeys.from_settings(current_app.extensions["settings"])

    def effect(session: Session) -> dict[str, Any]:
        conduct_service.beat(session, principal.hall)
        arrival = service.check_in(
            session,
            text=body["code"],
            hall_code=principal.hall,
            staff_id=principal.id,
            identified=body["identity_checked"],
            keys=keys,
        )
        return queries.arrival_view(session, arrival, language)

    response = answer_once("check-ins", body, effect, schemas.ArrivalSchema())
    missed = response.get_json()["verdict"] in MISSES
    if missed and "Idempotent-Replayed" not in response.headers:
        limits.spend(misses, capacity=MISSES_PER_MINUTE, per_seconds=60)
    return response


@blueprint.post("/staff/scanner-beats")
@staff("check_in.scan")
@blueprint.arguments(EmptySchema)
@blueprint.response(204)
def beat(body: dict[str, Any]) -> None:
    """The scan page is open: visits missed now are not the hall's fault. Sent once a minute."""
    with transaction() as session:
        conduct_service.beat(session, current_staff().hall)


@blueprint.post("/staff/check-ins/<uuid:check_in_id>/undo")
@staff("check_in.undo")
@blueprint.response(200, schemas.UndoneSchema)
def undo(check_in_id: UUID) -> dict[str, bool]:
    """Take a check-in back within ten seconds."""
    principal = current_staff()
    with transaction() as session:
        service.undo(session, check_in_id=check_in_id, hall_code=principal.hall, staff_id=principal.id)
    return {"ok": True}


@blueprint.get("/staff/today")
@staff("hall.today")
@blueprint.response(200, schemas.TodaySchema)
def show_today() -> dict[str, Any]:
    """The day at my hall."""
    with transaction() as session:
        return queries.today(session, hall_code=current_staff().hall, language=request_language())
