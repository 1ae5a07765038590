"""Shapes of the lists and registers that the city's operators keep, and of the reports about items."""

from marshmallow import Schema, fields, validate

from backend.catalogue.schemas import TAGS, ItemName, LanguageQuery, Named
from backend.catalogue.versions.schemas import MANY, REASON, WORD, BothLanguagesSchema

NAME = validate.Length(1, 200)


class AdditionSchema(Schema):
    """An item put on a list by hand, or taken off, and why."""

    item = fields.String(required=True, validate=validate.Length(1, 60))
    reason = fields.String(required=True, validate=REASON)


class PublishedTagsSchema(Schema):
    """The lists of which a new edition was published."""

    published = fields.List(fields.String(validate=validate.OneOf(TAGS)), required=True)


class ProofNameSchema(BothLanguagesSchema):
    """The proof's name in both languages."""

    zh = fields.String(required=True, validate=NAME)
    en = fields.String(required=True, validate=NAME)


class CancelProofSchema(Schema):
    """A proof to cancel: its names, the decision it rests on, what serves instead, and from which day."""

    name = fields.Nested(ProofNameSchema, required=True)
    aliases = fields.List(fields.String(validate=NAME), load_default=list, validate=MANY)
    basis = fields.String(required=True, validate=NAME)
    instead = fields.Nested(BothLanguagesSchema, load_default=None, allow_none=True)
    cancelled_on = fields.Date(required=True)


class CorrectProofSchema(CancelProofSchema):
    """The whole entry as it should be, and why."""

    reason = fields.String(required=True, validate=REASON)


class StaffProofSchema(CancelProofSchema):
    """An entry of the list, and the items that still demand the proof."""

    id = fields.UUID(required=True)
    verified = fields.Boolean(required=True)
    demanded_by = fields.List(fields.Nested(ItemName), required=True)


class StaffProofsSchema(Schema):
    """Every cancelled proof, the latest first; some begin on a later day."""

    proofs = fields.List(fields.Nested(StaffProofSchema), required=True)


class LetterTextSchema(Schema):
    """The next version of a letter of commitment, from a day on."""

    title = fields.Nested(ProofNameSchema, required=True)
    text = fields.Nested(BothLanguagesSchema, required=True)
    valid_from = fields.Date(required=True)


class LetterCodeSchema(LetterTextSchema):
    """The same with the letter's code; an unknown code begins a new letter."""

    code = fields.String(required=True, validate=[validate.Length(2, 40), WORD])


class LetterVersionSchema(LetterCodeSchema):
    """A version of a letter, and whether it is the one signed today."""

    version = fields.Integer(required=True)
    valid = fields.Boolean(required=True)


class CommitmentLettersSchema(Schema):
    """Every version of every letter, the newest first."""

    letters = fields.List(fields.Nested(LetterVersionSchema), required=True)


class DistrictPromiseSchema(Schema):
    """A district's promise in working days."""

    division = fields.Nested(Named, required=True)
    promise_days = fields.Integer(required=True)


class TimeLimitsSchema(ItemName):
    """An item that districts promise differently."""

    city_days = fields.Integer(required=True, allow_none=True)
    law_days = fields.Integer(required=True, allow_none=True)
    spread = fields.Integer(required=True)
    districts = fields.List(fields.Nested(DistrictPromiseSchema), required=True)


class TimeLimitReportSchema(Schema):
    """Items with differences, the widest first, of how many items in all."""

    items_ = fields.List(fields.Nested(TimeLimitsSchema), required=True, data_key="items", attribute="items")
    total = fields.Integer(required=True)


class StepQuerySchema(LanguageQuery):
    """The day to compare with."""

    since = fields.Date(required=True)


class StepCountSchema(Schema):
    """Special steps on two days; `gone_percent` is cut off, never rounded up, and null when there was none."""

    since = fields.Date(required=True)
    on = fields.Date(required=True)
    before = fields.Integer(required=True)
    now = fields.Integer(required=True)
    gone_percent = fields.String(required=True, allow_none=True)
    reached = fields.Boolean(required=True)


class FormatQuerySchema(LanguageQuery):
    """Which kind of file."""

    format = fields.String(load_default="csv", validate=validate.OneOf(["csv", "xlsx"]))
