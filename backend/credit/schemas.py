"""Answers about questions to the credit platform."""

from marshmallow import Schema, fields

from backend.credit.states import State


class CreditRecordSchema(Schema):
    """One record: why, since when, who holds it, and where to object to it."""

    kind = fields.String(required=True)
    issuer = fields.String(required=True)
    reason = fields.String(required=True)
    since = fields.Date(required=True)
    appeal = fields.String(required=True)


class CreditCheckSchema(Schema):
    """What the credit platform said of the applicant: advice that decides nothing. `failure` says why it did not."""

    state = fields.Enum(State, by_value=True, required=True)
    asked_at = fields.AwareDateTime(required=True)
    failure = fields.String(required=True, allow_none=True)
    records = fields.List(fields.Nested(CreditRecordSchema), required=True)
