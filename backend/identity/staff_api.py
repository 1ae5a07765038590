"""Staff: logging in, and reading a sealed value with a reason."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from backend.core import audit
from backend.core import auth as access
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.identity import browser, queries, schemas, sessions, staff
from backend.identity.session_view import session_state

blueprint = ApiBlueprint("staff-identity", __name__, description="Staff accounts")


class RevealSchema(Schema):
    """Which sealed value, and why it must be seen."""

    field = fields.String(required=True, validate=validate.OneOf(queries.SEALED_FIELDS))
    reason = fields.String(required=True, validate=validate.Length(4, 200))


class ValueSchema(Schema):
    """The full value."""

    value = fields.String(required=True, allow_none=True)


@blueprint.post("/staff/session")
@access.public
@blueprint.arguments(schemas.StaffLoginSchema)
@blueprint.response(200, schemas.SessionSchema)
def log_in(body: dict[str, str]) -> Any:
    """Password and one-time code; sets the session cookie."""
    staff.limit(body["username"], browser.source())
    with transaction() as session:
        attempt = staff.look_up(session, body["username"])
    fits = staff.password_fits(attempt, body["password"])
    with transaction() as session:
        admitted = fits and attempt.staff_id is not None and staff.use_code(session, attempt.staff_id, body["totp"])
        if attempt.staff_id is not None:
            (staff.succeeded if admitted else staff.failed)(session, attempt.staff_id)
        started = sessions.start(session, staff_id=attempt.staff_id, replacing=browser.replaced()) if admitted else None
    if started is None:
        raise staff.LoginRefused()
    cookie = browser.set_session(Response(), started).headers["Set-Cookie"]
    return session_state(sessions.load_principal(started.token)), 200, {"Set-Cookie": cookie}


@blueprint.post("/staff/persons/<uuid:person_id>/reveal")
@access.staff("person.reveal")
@blueprint.arguments(RevealSchema)
@blueprint.response(200, ValueSchema)
def reveal(body: dict[str, str], person_id: UUID) -> dict[str, str | None]:
    """A full name, number or phone: with a permission, a reason and an audit row (ARCHITECTURE §8)."""
    principal = access.current_staff()
    with transaction() as session:
        found = queries.person(session, person_id)
        audit.record(
            session,
            actor=principal.actor,
            action=f"person.revealed.{body['field']}",
            object_type="person",
            object_id=person_id,
            hall_code=principal.hall,
            reason=body["reason"],
        )
        return {"value": queries.unseal(found, body["field"])}
