"""Requests and answers about licences and proofs that are looked up."""

from marshmallow import Schema, fields, validate

from backend.files.schemas import FileSubjectSchema
from backend.licences.states import State

_SLUG = validate.Regexp(r"^[A-Za-z0-9._-]{1,120}$")


class LicenceOffersQuerySchema(Schema):
    """Which item."""

    item = fields.String(required=True, validate=_SLUG)


class LicenceOfferSchema(Schema):
    """A material that can be looked up, and the sentence its holder agrees to before that."""

    material = fields.String(required=True)
    name = fields.String(required=True)
    source = fields.String(required=True, validate=validate.OneOf(("licence_library", "eproof")))
    exempt = fields.Boolean(required=True, metadata={"description": "nobody may ask for it when it can be looked up"})
    available = fields.Boolean(required=True, metadata={"description": "its office is joined"})
    wording = fields.String(required=True, metadata={"description": "version of the sentence"})
    consent = fields.String(required=True)


class LicenceOffersSchema(Schema):
    """What can be looked up for an item."""

    offers = fields.List(fields.Nested(LicenceOfferSchema), required=True)


class LicenceFetchSchema(FileSubjectSchema):
    """Look up one material for one draft or case. `wording` is the version of the sentence that was agreed to."""

    item = fields.String(required=True, validate=_SLUG)
    material = fields.String(required=True, validate=_SLUG)
    wording = fields.String(required=True, validate=validate.Length(1, 40))


class LicenceLineSchema(Schema):
    """One line of what was found."""

    label = fields.String(required=True)
    value = fields.String(required=True)


class LicenceSchema(FileSubjectSchema):
    """What came of looking one material up. Unless it was found, the document is uploaded (`upload_instead`)."""

    id = fields.UUID(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    words = fields.String(required=True, metadata={"description": "the state, for the citizen"})
    upload_instead = fields.Boolean(required=True)
    item = fields.String(required=True)
    material = fields.String(required=True)
    kind = fields.String(required=True)
    purpose = fields.String(required=True)
    consented_at = fields.DateTime(required=True)
    identifier = fields.String(required=True, allow_none=True)
    issuer = fields.String(required=True, allow_none=True)
    level = fields.String(required=True, allow_none=True, metadata={"description": "trust level A to D of a licence"})
    valid_until = fields.Date(required=True, allow_none=True)
    lines = fields.List(fields.Nested(LicenceLineSchema), required=True)


class LicencesSchema(Schema):
    """What was looked up about me."""

    licences = fields.List(fields.Nested(LicenceSchema), required=True)
