"""Requests and answers about questions to the hotline 12345."""

from marshmallow import Schema, fields, validate

from backend.hotline.states import State

STAGES = ("guide", "case", "result")
CATEGORIES = ("consult", "complain", "suggest", "help")


class AskHotlineSchema(Schema):
    """A question. `reference` is an item's slug at the stage `guide`, a case's id at the others."""

    stage = fields.String(required=True, validate=validate.OneOf(STAGES))
    reference = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9._-]{1,80}$"))
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    words = fields.String(required=True, validate=validate.Length(5, 1000))


class HotlineTicketSchema(Schema):
    """A question as we know it; the hotline's own page shows it by `serial` and `query_code` too."""

    id = fields.UUID(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    stage = fields.String(required=True)
    reference = fields.String(required=True)
    category = fields.String(required=True)
    words = fields.String(required=True)
    serial = fields.String(required=True, allow_none=True)
    query_code = fields.String(required=True, allow_none=True)
    status = fields.String(
        required=True, allow_none=True, metadata={"description": "accepted, assigned, answered or closed"}
    )
    reply = fields.String(required=True, allow_none=True)
    seen_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class HotlineTicketsSchema(Schema):
    """My questions."""

    tickets = fields.List(fields.Nested(HotlineTicketSchema), required=True)
