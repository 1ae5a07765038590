"""Public figures of a hall: how long people waited, and how busy the next hours will be."""

from datetime import date
from typing import Any

from marshmallow import Schema, fields, validate

from backend.appointments.schemas import HallChoiceSchema
from backend.catalogue import queries as catalogue
from backend.catalogue.schemas import Hall as HallSchema
from backend.catalogue.schemas import Named as NamedSchema
from backend.core import clock
from backend.core.auth import public, request_language
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.queueing import load, waits

blueprint = ApiBlueprint("hall-load", __name__, description="Waits and expected load of a hall")
blueprints = (blueprint,)


class WaitSchema(Schema):
    """Tickets of one kind; waits in minutes from arrival (booked: from the slot's start, if later) to the call."""

    taken = fields.Integer(required=True)
    served = fields.Integer(required=True)
    left = fields.Integer(required=True)
    average_minutes = fields.Float(required=True, allow_none=True)
    longest_minutes = fields.Float(required=True)


class WaitHourSchema(Schema):
    """One hour of arrival."""

    hour = fields.Integer(required=True)
    booked = fields.Nested(WaitSchema, required=True)
    walk_in = fields.Nested(WaitSchema, required=True)


class WaitsSchema(Schema):
    """With and without an appointment, side by side (circular clause 12)."""

    hall = fields.Nested(NamedSchema, required=True)
    date = fields.Date(required=True)
    booked = fields.Nested(WaitSchema, required=True)
    walk_in = fields.Nested(WaitSchema, required=True)
    hours = fields.List(fields.Nested(WaitHourSchema), required=True)


class WaitsQuerySchema(Schema):
    """Which day; today without it."""

    day = fields.Date(validate=validate.Range(date(2018, 1, 1), date(2100, 1, 1)))


class LoadHourSchema(Schema):
    """One coming hour: nothing is said where nothing is known."""

    hour = fields.Integer(required=True)
    level = fields.String(required=True, allow_none=True, validate=validate.OneOf(["quiet", "normal", "busy"]))
    expected = fields.Integer(required=True, allow_none=True)
    wait_minutes = fields.Float(required=True, allow_none=True)


class LoadSchema(Schema):
    """The next hours; `weeks` past days stand behind them. And where else there is a free time soon."""

    hall = fields.Nested(HallSchema, required=True)
    category = fields.Nested(NamedSchema, required=True)
    hours = fields.List(fields.Nested(LoadHourSchema), required=True)
    weeks = fields.Integer(required=True)
    elsewhere = fields.List(fields.Nested(HallChoiceSchema), required=True)


class LoadQuerySchema(Schema):
    """Which queue."""

    category = fields.String(required=True, validate=validate.Length(1, 40))


@blueprint.get("/halls/<code>/waits")
@public
@blueprint.arguments(WaitsQuerySchema, location="query")
@blueprint.response(200, WaitsSchema)
def show_waits(query: dict[str, Any], code: str) -> dict[str, Any]:
    """How long people waited that day, with and without an appointment."""
    language = request_language()
    with transaction() as session:
        hall = catalogue.hall(session, code)
        found = waits.summary(session, code, query.get("day") or clock.today())
    return {"hall": {"code": code, "name": hall.name.in_language(language)}, **found}


@blueprint.get("/halls/<code>/load")
@public
@blueprint.arguments(LoadQuerySchema, location="query")
@blueprint.response(200, LoadSchema)
def show_load(query: dict[str, Any], code: str) -> dict[str, Any]:
    """How busy the rest of today will be at one queue, and the soonest free times elsewhere."""
    with transaction() as session:
        return load.forecast(session, code, query["category"], request_language())
