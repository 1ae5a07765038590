"""Requests and answers about how the published standard is kept."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from backend.applications.schemas import NamedItemSchema
from backend.applications.staff_schemas import CODE, REASON

KINDS = ("any", "materials", "days", "steps", "open")
MOST_DAYS = 366


class TrackingQuerySchema(Schema):
    """Cases handed in on these days, both included; a lead's own hall, or one hall of the city for an operator."""

    first = fields.Date(required=True)
    last = fields.Date(required=True)
    kind = fields.String(load_default="any", validate=validate.OneOf(KINDS))
    hall = fields.String(load_default=None, allow_none=True, validate=CODE)
    cursor = fields.String(validate=validate.Length(1, 300))

    @validates_schema
    def order(self, data: dict[str, object], **_: object) -> None:
        """The days are in order, and no more than a year."""
        first, last = data.get("first"), data.get("last")
        if first and last and not 0 <= (last - first).days < MOST_DAYS:  # type: ignore[operator]
            raise ValidationError("first must not be after last, at most 366 days", "last")


class TrackingTableQuerySchema(TrackingQuerySchema):
    """The same for a spreadsheet."""

    lang = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))
    format = fields.String(load_default="csv", validate=validate.OneOf(["csv", "xlsx"]))


class ExtraStepSchema(Schema):
    """A step no guide names; `count` of an extension is its working days."""

    step = fields.String(required=True, validate=validate.OneOf(["return", "correct", "pause", "moved", "extended"]))
    count = fields.Integer(required=True)


class DemandSchema(Schema):
    """A paper that is not on the list, where it was asked for, and what a lead says became of it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    place = fields.String(required=True, validate=validate.OneOf(["return", "correct", "message"]))
    told_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)
    settled_words = fields.String(required=True, allow_none=True)


class TrackedCaseSchema(Schema):
    """What was published for a case (`promise_days`, `steps`, `materials`), and what happened beyond it."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    item = fields.Nested(NamedItemSchema, required=True)
    hall = fields.String(required=True)
    submitted_on = fields.Date(required=True)
    decided_on = fields.Date(required=True, allow_none=True)
    promise_days = fields.Integer(required=True)
    days_used = fields.Integer(required=True, allow_none=True)
    late = fields.Boolean(required=True)
    steps = fields.Integer(required=True)
    extra_steps = fields.List(fields.Nested(ExtraStepSchema), required=True)
    materials = fields.Integer(required=True)
    unlisted = fields.List(fields.Nested(DemandSchema), required=True)


class TrackedCasesSchema(Schema):
    """A page of them, newest first, with how many cases there are in all and of each kind."""

    cases = fields.List(fields.Nested(TrackedCaseSchema), required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SettleDemandSchema(Schema):
    """What became of it, in a lead's words."""

    words = fields.String(required=True, validate=REASON)
