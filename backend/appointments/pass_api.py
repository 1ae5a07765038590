"""The pass a phone keeps, so that its code can be shown without network."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from marshmallow import Schema, fields

from backend.appointments import errors, passes, queries
from backend.appointments.checkin import EXPECTED
from backend.appointments.states import State
from backend.core import clock
from backend.core.auth import citizen, current_citizen
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint

blueprint = ApiBlueprint("passes", __name__, description="Codes shown at the entrance")
blueprints = (blueprint,)


class PassSchema(Schema):
    """The signed part, the secret of the rotating part, and the eight digits to read out."""

    static = fields.String(required=True)
    secret = fields.String(required=True)
    step_seconds = fields.Integer(required=True)
    code = fields.String(required=True)
    server_time = fields.AwareDateTime(required=True)
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)


@blueprint.get("/appointments/<uuid:appointment_id>/pass")
@citizen()
@blueprint.response(200, PassSchema)
def show_pass(appointment_id: UUID) -> dict[str, Any]:
    """The pass of one of my appointments, good until the end of its day."""
    with transaction() as session:
        row = queries.appointment(session, booker_id=current_citizen().id, appointment_id=appointment_id)
    if row.state not in EXPECTED | {State.CHECKED_IN}:
        raise errors.NoPass()
    until = clock.instant(row.day + timedelta(days=1), time.min)
    issued = passes.issue(
        passes.PassKeys.from_settings(current_app.extensions["settings"]),
        appointment_id=row.id,
        hall_code=row.hall_code,
        not_before=row.check_in_from,
        not_after=until,
    )
    return {
        "static": issued.static,
        "secret": issued.secret,
        "step_seconds": passes.STEP_SECONDS,
        "code": row.code,
        "server_time": clock.now(),
        "valid_from": row.check_in_from,
        "valid_until": until,
    }
