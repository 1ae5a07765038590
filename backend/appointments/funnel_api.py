"""Steps of booking: a page tells how far it came, never for whom; leads and operators see where people stop."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy.orm import Session

from backend.appointments import funnel
from backend.appointments.funnel_models import STEPS
from backend.catalogue import queries as catalogue
from backend.core import limits
from backend.core.auth import current_staff, public, request_language, staff
from backend.core.db import transaction
from backend.core.errors import Text
from backend.core.problems import ApiBlueprint
from backend.core.sheets import sheet, workbook
from backend.identity import browser

blueprint = ApiBlueprint("booking-steps", __name__, description="How far bookings come")
blueprints = (blueprint,)

LONGEST: Final = timedelta(days=91)
DAYS = validate.Range(date(2018, 1, 1), date(2100, 1, 1))
HEADER: Final = {
    "zh": ("日期", "事项", "大厅", "步骤", "次数"),
    "en": ("Day", "Item", "Hall", "Step", "Count"),
}
NAMES: Final = {
    "item": Text("看了事项", "Opened the item"),
    "hall": Text("选大厅", "Choosing a hall"),
    "slots": Text("看时间", "Looking at times"),
    "who": Text("选谁去", "Who comes"),
    "check": Text("核对", "Checking answers"),
    "held": Text("占到号", "Place held"),
    "booked": Text("约上了", "Booked"),
}


class ReachedStepSchema(Schema):
    """A step of booking that was reached `count` times for an item, in a hall once one was chosen."""

    step = fields.String(required=True, validate=validate.OneOf(STEPS))
    item = fields.String(required=True, validate=validate.Length(1, 64))
    hall = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 20))
    count = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 5))


class ReachedStepsSchema(Schema):
    """What one page tells at once. There is nothing in it that names or follows a person."""

    steps = fields.List(fields.Nested(ReachedStepSchema), required=True, validate=validate.Length(1, 20))


class FunnelQuerySchema(Schema):
    """From which day to which, at most 92 days. `hall` is for the platform's operators; a lead sees their own."""

    first = fields.Date(data_key="from", required=True, validate=DAYS)
    last = fields.Date(data_key="to", required=True, validate=DAYS)
    hall = fields.String(load_default=None, validate=validate.Length(0, 20))

    @validates_schema
    def in_order(self, values: dict[str, Any], **_: object) -> None:
        if values["last"] < values["first"]:
            raise ValidationError("Must not be before the first day", "to")
        if values["last"] - values["first"] > LONGEST:
            raise ValidationError("At most 92 days", "to")


class FunnelTableQuerySchema(FunnelQuerySchema):
    """The same as a table."""

    format = fields.String(load_default="csv", validate=validate.OneOf(["csv", "xlsx"]))


class FunnelStepSchema(Schema):
    """How often a step was reached; `share` is percent of the step before, null for the first."""

    step = fields.String(required=True, validate=validate.OneOf(funnel.ALL_STEPS))
    count = fields.Integer(required=True)
    share = fields.Integer(required=True, allow_none=True)


class FunnelItemSchema(Schema):
    """The steps of one item."""

    slug = fields.String(required=True)
    name = fields.String(required=True)
    steps = fields.List(fields.Nested(FunnelStepSchema), required=True)


class FunnelSchema(Schema):
    """Steps in all and by item; steps before a hall is chosen are there only for the whole city."""

    steps = fields.List(fields.Nested(FunnelStepSchema), required=True)
    items_ = fields.List(fields.Nested(FunnelItemSchema), required=True, data_key="items", attribute="items")


@blueprint.post("/booking-steps")
@public
@blueprint.arguments(ReachedStepsSchema)
@blueprint.response(204)
def count_steps(body: dict[str, Any]) -> None:
    """Count steps that a page reached; a person's session is not looked at."""
    limits.spend(f"booking-steps:{browser.source()}", capacity=60, per_seconds=60)
    with transaction() as session:
        funnel.count(session, body["steps"])


@blueprint.get("/staff/booking-funnel")
@staff("booking.figures")
@blueprint.arguments(FunnelQuerySchema, location="query")
@blueprint.response(200, FunnelSchema)
def show_funnel(query: dict[str, Any]) -> dict[str, Any]:
    """How far bookings came, and where people stopped."""
    with transaction() as session:
        return funnel.figures(session, query["first"], query["last"], _hall(session, query), request_language())


@blueprint.get("/staff/booking-funnel/table")
@staff("booking.figures")
@blueprint.arguments(FunnelTableQuerySchema, location="query")
@blueprint.response(200, content_type="text/csv")
def download_funnel(query: dict[str, Any]) -> Response:
    """By day, item, hall and step, as a table."""
    language = request_language()
    with transaction() as session:
        found = funnel.reached(session, query["first"], query["last"], _hall(session, query))
        rows = list(_rows(session, found, language))
    write = workbook if query["format"] == "xlsx" else sheet
    return write("booking-steps", HEADER[language], rows)


def _rows(session: Session, found: Iterable[funnel.Reached], language: str) -> Iterable[list[object]]:
    for one in found:
        hall = catalogue.hall(session, one.hall_code).name.in_language(language) if one.hall_code else None
        item = catalogue.item(session, one.item_slug).name.in_language(language)
        yield [one.day, item, hall, NAMES[one.step].in_language(language), one.count]


def _hall(session: Session, query: dict[str, Any]) -> str | None:
    """A lead's own hall; of the platform, the one asked for or all. Raises HallNotFound."""
    principal = current_staff()
    if "platform.manage" not in principal.permissions:
        return principal.hall
    return catalogue.hall(session, query["hall"]).code if query["hall"] else None
