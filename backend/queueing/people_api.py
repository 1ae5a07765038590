"""Staff read a sealed value of somebody who comes to their hall, with a reason."""

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from backend.core import audit
from backend.core.auth import current_staff, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.identity import queries as identity
from backend.queueing import errors, queries

blueprint = ApiBlueprint("people", __name__, description="People who come to the hall")
blueprints = (blueprint,)


class RevealSchema(Schema):
    """Which sealed value, and why it must be seen."""

    field = fields.String(required=True, validate=validate.OneOf(identity.SEALED_FIELDS))
    reason = fields.String(required=True, validate=validate.Length(4, 200))


class ValueSchema(Schema):
    """The full value."""

    value = fields.String(required=True, allow_none=True)


@blueprint.post("/staff/persons/<uuid:person_id>/reveal")
@staff("person.reveal")
@blueprint.arguments(RevealSchema)
@blueprint.response(200, ValueSchema)
def reveal(body: dict[str, Any], person_id: UUID) -> dict[str, str | None]:
    """A full name, number or phone: with a permission, a reason and an audit row (ARCHITECTURE §8).

    Only of somebody who visits my hall within thirty days, back or ahead.
    """
    principal = current_staff()
    with transaction() as session:
        found = identity.person(session, person_id)
        if not queries.visits(session, principal.hall, person_id):
            raise errors.NotOfThisHall()
        audit.record(
            session,
            actor=principal.actor,
            action=f"person.revealed.{body['field']}",
            object_type="person",
            object_id=person_id,
            hall_code=principal.hall,
            reason=body["reason"],
        )
        return {"value": identity.unseal(found, body["field"])}
