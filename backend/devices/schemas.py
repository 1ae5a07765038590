"""Requests and answers of devices: enrolment, keys, their own state, and the hall's list of them."""

from marshmallow import Schema, fields, validate

from backend.catalogue.schemas import Named as NamedSchema
from backend.devices.states import State

NAME = validate.Length(2, 40)
CODE = validate.Regexp(r"^[0-9]{10}$", error="Must be ten digits")
PUBLIC_KEY = validate.Regexp(r"^[0-9a-f]{64}$", error="Must be 64 hexadecimal digits")
PROOF = validate.Regexp(r"^[0-9a-f]{128}$", error="Must be 128 hexadecimal digits")


class NextKeySchema(Schema):
    """An Ed25519 public key in hexadecimal, and its signature of the proof that the page on devices describes."""

    public_key = fields.String(required=True, validate=PUBLIC_KEY)
    proof = fields.String(required=True, validate=PROOF)


class EnrolmentSchema(NextKeySchema):
    """The one-time code that staff read out, and the device's first key."""

    code = fields.String(required=True, validate=CODE)


class DevicePlaceSchema(NamedSchema):
    """Where a device stands: in a hall, or at a site outside the halls."""

    kind = fields.String(required=True, validate=validate.OneOf(["hall", "site"]))


class DeviceStateSchema(Schema):
    """A device as it sees itself. After `change_key_from` it should register its next key."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    place = fields.Nested(DevicePlaceSchema, required=True)
    change_key_from = fields.AwareDateTime(required=True)
    sandbox = fields.Boolean(required=True)
    server_time = fields.AwareDateTime(required=True)


class NewDeviceSchema(Schema):
    """What staff call it."""

    name = fields.String(required=True, validate=NAME)


class RevokeSchema(Schema):
    """Why it must not be trusted any longer."""

    reason = fields.String(required=True, validate=validate.Length(2, 200))


class DeviceSchema(Schema):
    """A device as the hall's lead sees it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    created_at = fields.AwareDateTime(required=True)
    last_seen_at = fields.AwareDateTime(required=True, allow_none=True)
    code_expires_at = fields.AwareDateTime(required=True, allow_none=True)


class DevicesSchema(Schema):
    """The devices of my hall, those in use first."""

    devices = fields.List(fields.Nested(DeviceSchema), required=True)


class EnrolmentCodeSchema(Schema):
    """An enrolment code, shown only now."""

    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
