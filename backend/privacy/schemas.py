"""Requests and answers about one's own data, and about legal holds."""

from marshmallow import Schema, fields, validate

from backend.core.hold_states import HoldState
from backend.core.holds import SUBJECTS
from backend.privacy.states import ErasureState, ExportState

REASON = validate.Length(2, 500)


class TextSchema(Schema):
    """Words in both languages."""

    zh = fields.String(required=True)
    en = fields.String(required=True)


class RetentionSchema(Schema):
    """How long one kind of record is kept. `days` is null for what goes with the account."""

    code = fields.String(required=True)
    name = fields.Nested(TextSchema, required=True)
    days = fields.Integer(required=True, allow_none=True)
    since = fields.Nested(TextSchema, required=True)
    after = fields.Nested(TextSchema, required=True)
    basis = fields.Nested(TextSchema, required=True)
    stays = fields.Boolean(
        required=True, metadata={"description": "kept until its days are over even when the account is closed"}
    )


class RetentionsSchema(Schema):
    """All kinds of records."""

    classes = fields.List(fields.Nested(RetentionSchema), required=True)


class DataExportSchema(Schema):
    """An export of one's data: `done` of `parts` have been read; `size` in bytes once it is ready."""

    id = fields.UUID(required=True)
    state = fields.Enum(ExportState, by_value=True, required=True)
    asked_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)
    done = fields.Integer(required=True)
    parts = fields.Integer(required=True)
    size = fields.Integer(required=True, allow_none=True)


class BlockerSchema(Schema):
    """Something that must end before the account can be closed, and the page of this app where it is ended."""

    kind = fields.String(required=True, metadata={"description": "case, visit, bill, payment or shipment"})
    words = fields.String(required=True)
    link = fields.String(required=True)


class ErasureSchema(Schema):
    """A closing that waits: it can be undone until `due_at`. `waits_for` is why it has not begun though it is due."""

    state = fields.Enum(ErasureState, by_value=True, required=True)
    asked_at = fields.DateTime(required=True)
    due_at = fields.DateTime(required=True)
    waits_for = fields.String(required=True, allow_none=True)


class MyDataSchema(Schema):
    """My export, my closing, and what stands against one."""

    export = fields.Nested(DataExportSchema, required=True, allow_none=True)
    erasure = fields.Nested(ErasureSchema, required=True, allow_none=True)
    held = fields.Boolean(required=True)
    blockers = fields.List(fields.Nested(BlockerSchema), required=True)


class CloseSchema(Schema):
    """The citizen has read what goes and what stays; coming appointments are cancelled."""

    understood = fields.Boolean(required=True, validate=validate.Equal(True))


class LegalHoldSchema(Schema):
    """A legal hold; a person is shown by a masked name. `may_answer`: you may agree to lift it, or keep it."""

    id = fields.UUID(required=True)
    state = fields.Enum(HoldState, by_value=True, required=True)
    subject_type = fields.String(required=True)
    subject = fields.String(required=True)
    reason = fields.String(required=True)
    placed_at = fields.DateTime(required=True)
    lift_reason = fields.String(required=True, allow_none=True)
    lifted_at = fields.DateTime(required=True, allow_none=True)
    may_answer = fields.Boolean(required=True)


class LegalHoldsSchema(Schema):
    """Holds in force first."""

    holds = fields.List(fields.Nested(LegalHoldSchema), required=True)


class PlaceHoldSchema(Schema):
    """Whom or what to keep: a person by id number, a case by its number, a bill by its pay code."""

    subject_type = fields.String(required=True, validate=validate.OneOf(SUBJECTS))
    number = fields.String(required=True, validate=validate.Length(1, 64))
    reason = fields.String(required=True, validate=REASON)


class LiftHoldSchema(Schema):
    """Why it is needed no more."""

    reason = fields.String(required=True, validate=REASON)


class AnswerLiftSchema(Schema):
    """The second person's answer."""

    agree = fields.Boolean(required=True)
