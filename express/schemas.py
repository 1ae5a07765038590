"""Shapes of addresses, quotes and shipments for citizens. Money is integer fen, weight grams, times UTC."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from express.models import Direction, Payer
from express.states import ShipmentState
from express.tracking import Progress
from express.words import WHO_NEXT

PART = validate.Length(1, 120)
HELD = {"description": "Only what the owner may read"}


class AddressPartsSchema(Schema):
    """The parts of an address; provinces, cities and counties by their full names."""

    name = fields.String(required=True, validate=PART)
    phone = fields.String(required=True, validate=PART)
    province = fields.String(required=True, validate=PART)
    city = fields.String(required=True, validate=PART)
    county = fields.String(required=True, validate=PART)
    line = fields.String(required=True, validate=PART, metadata={"description": "Street and door"})


class AddressWriteSchema(AddressPartsSchema):
    """An address to keep."""

    is_default = fields.Boolean(load_default=False)


class AddressSchema(AddressPartsSchema):
    """An entry of the address book."""

    id = fields.UUID(required=True)
    is_default = fields.Boolean(required=True)


class AddressesSchema(Schema):
    """The whole address book, the default first."""

    addresses = fields.List(fields.Nested(AddressSchema), required=True)


class PastedSchema(Schema):
    """One line as people send it to each other."""

    text = fields.String(required=True, validate=validate.Length(1, 300))


class ReadAddressSchema(Schema):
    """What was read out of it; a part that was not found is empty and stands in `missing`."""

    name = fields.String(required=True)
    phone = fields.String(required=True)
    province = fields.String(required=True)
    city = fields.String(required=True)
    county = fields.String(required=True)
    line = fields.String(required=True)
    missing = fields.List(fields.String(), required=True)


class ShipmentWishSchema(Schema):
    """What is to be mailed: of an appointment or case of mine, or by another system's case number with item and hall.

    `subject_type` is `appointment`, `case_number`, or `case`.
    """

    direction = fields.String(required=True, validate=validate.OneOf(list(Direction)))
    subject_type = fields.String(required=True, validate=validate.Regexp(r"^[a-z_]{2,30}$"))
    subject_id = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9\-_]{4,64}$"))
    item = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 60))
    hall = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 20))
    weight_g = fields.Integer(load_default=300, strict=True, validate=validate.Range(1, 20_000))


class PostageQuoteAskSchema(ShipmentWishSchema):
    """A wish with the address it comes from or goes to."""

    address_id = fields.UUID(required=True)


class PostageQuoteSchema(Schema):
    """Who would pay and how much, good until `expires_at`. The courier charges what it weighs later."""

    id = fields.UUID(required=True)
    payer = fields.String(required=True, validate=validate.OneOf(list(Payer)))
    estimate_fen = fields.Integer(required=True)
    policy = fields.String(required=True, metadata={"description": "The rule that says who pays"})
    expires_at = fields.AwareDateTime(required=True)


class PickupWindowSchema(Schema):
    """When the courier should come."""

    begins_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)

    @validates_schema
    def in_order(self, data: dict[str, object], **_: object) -> None:
        """The window ends after it begins."""
        if data["begins_at"] >= data["ends_at"]:  # type: ignore[operator]
            raise ValidationError("must end after it begins", "ends_at")


class ShipmentOrderSchema(Schema):
    """Order what was quoted."""

    quote_id = fields.UUID(required=True)
    pickup = fields.Nested(PickupWindowSchema, load_default=None, allow_none=True)


class TrackStepSchema(Schema):
    """One thing that happened to it. `undone`: the courier took this back."""

    at = fields.AwareDateTime(required=True)
    text = fields.String(required=True)
    place = fields.String(required=True)
    progress = fields.String(required=True, allow_none=True, validate=validate.OneOf(list(Progress)))
    undone = fields.Boolean(required=True)


class ShipmentRowSchema(Schema):
    """A shipment in a list. `next` says who acts next; `bill_id` is the postage to pay, if any."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(ShipmentState)))
    direction = fields.String(required=True, validate=validate.OneOf(list(Direction)))
    subject_type = fields.String(required=True)
    subject_id = fields.String(required=True)
    title = fields.String(required=True)
    waybill = fields.String(required=True, allow_none=True)
    payer = fields.String(required=True, validate=validate.OneOf(list(Payer)))
    estimate_fen = fields.Integer(required=True)
    actual_fen = fields.Integer(required=True, allow_none=True)
    bill_id = fields.UUID(required=True, allow_none=True)
    certificate = fields.Boolean(required=True, metadata={"description": "Handed over to the receiver in person only"})
    progress = fields.String(required=True, allow_none=True, validate=validate.OneOf(list(Progress)))
    progress_text = fields.String(required=True, allow_none=True)
    progress_at = fields.AwareDateTime(required=True, allow_none=True)
    next = fields.String(required=True, validate=validate.OneOf(list(WHO_NEXT)))
    next_text = fields.String(required=True)
    expected_at = fields.AwareDateTime(required=True, allow_none=True)
    delivered_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class ShipmentsSchema(Schema):
    """A page of shipments."""

    shipments = fields.List(fields.Nested(ShipmentRowSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ShipmentSchema(ShipmentRowSchema):
    """One shipment with its timeline, newest first. `applicant` is empty once the address was deleted."""

    hall = fields.String(required=True)
    weight_g = fields.Integer(required=True)
    applicant = fields.Nested(AddressPartsSchema, required=True, allow_none=True)
    pickup = fields.Nested(PickupWindowSchema, required=True, allow_none=True)
    may_cancel = fields.Boolean(required=True)
    may_change_address = fields.Boolean(required=True)
    may_confirm = fields.Boolean(required=True)
    timeline = fields.List(fields.Nested(TrackStepSchema), required=True)


class ShipmentQuerySchema(Schema):
    """Which page."""

    cursor = fields.String(validate=validate.Length(1, 300))


class ShipmentCancelSchema(Schema):
    """Why, if somebody wants to say."""

    reason = fields.String(load_default="不寄了", validate=validate.Length(1, 100))


class ShipmentAddressSchema(Schema):
    """Another entry of the address book."""

    address_id = fields.UUID(required=True)
