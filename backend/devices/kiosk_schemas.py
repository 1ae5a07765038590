"""Requests and answers of what people do at a device. Answers are masked."""

from marshmallow import Schema, fields, validate

from backend.appointments.checkin import Verdict
from backend.appointments.schemas import AppointmentSchema, SlotQuerySchema
from backend.catalogue.schemas import ItemSummary as ItemSummarySchema
from backend.catalogue.schemas import Named as NamedSchema
from backend.queueing.schemas import PeriodSchema
from backend.queueing.states import State
from backend.queueing.ticket_schemas import QueueHeadSchema, TicketSchema

PEOPLE = validate.Range(1, 20)
SLUG = validate.Length(1, 60)


class CardSchema(Schema):
    """What the reader gives of an id card."""

    id_number = fields.String(required=True, validate=validate.Length(18, 18))
    name = fields.String(required=True, validate=validate.Length(1, 60))


class WithCardSchema(Schema):
    """Whose."""

    card = fields.Nested(CardSchema, required=True)


class MatterSchema(Schema):
    """What can be done here: the items, and the queues that give numbers."""

    queues = fields.List(fields.Nested(QueueHeadSchema), required=True)
    items_ = fields.List(fields.Nested(ItemSummarySchema), required=True, data_key="items", attribute="items")


class DeviceSlotQuerySchema(SlotQuerySchema):
    """Which items, and from which day; a device outside the halls names the hall."""

    hall = fields.String(validate=validate.Length(1, 20))


class DeviceTicketSchema(Schema):
    """A number with the id card in the reader, or for anybody."""

    category = fields.String(required=True, validate=validate.Length(1, 40))
    items = fields.List(fields.String(validate=SLUG), load_default=list, validate=validate.Length(max=5))
    people = fields.Integer(load_default=1, strict=True, validate=PEOPLE)
    card = fields.Nested(CardSchema, load_default=None, allow_none=True)


class DeviceBookingSchema(WithCardSchema):
    """Whom, when and for what; a device outside the halls names the hall."""

    slot_id = fields.UUID(required=True)
    items = fields.List(fields.String(validate=SLUG), required=True, validate=validate.Length(1, 5))
    people = fields.Integer(load_default=1, strict=True, validate=PEOPLE)
    hall = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 20))


class DeviceCheckInSchema(Schema):
    """A scanned text or eight typed digits, with the id card when one is needed."""

    code = fields.String(required=True, validate=validate.Length(1, 400))
    card = fields.Nested(CardSchema, load_default=None, allow_none=True)


class NumberQuerySchema(Schema):
    """A printed number."""

    number = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z][0-9]{1,6}$"))


class SlipLineSchema(Schema):
    """One line, centred; `normal` takes 48 half-width characters, `large` 24, `huge` 12."""

    text = fields.String(required=True)
    size = fields.String(required=True, validate=validate.OneOf(["normal", "large", "huge"]))


class SlipSchema(Schema):
    """What to print on 80 mm paper: the lines, and below them a QR code of `qr`."""

    width_mm = fields.Integer(required=True)
    lines = fields.List(fields.Nested(SlipLineSchema), required=True)
    qr = fields.String(required=True)


class StandingSchema(Schema):
    """Where a number is now; `ahead` while it waits, `window` while it is called or served."""

    number = fields.String(required=True)
    category = fields.Nested(NamedSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    ahead = fields.Integer(required=True, allow_none=True)
    window = fields.Integer(required=True, allow_none=True)


class HeldTicketSchema(Schema):
    """A number with its place in line and its slip."""

    ticket = fields.Nested(TicketSchema, required=True)
    standing = fields.Nested(StandingSchema, required=True)
    slip = fields.Nested(SlipSchema, required=True)


class HeldTicketsSchema(Schema):
    """The numbers a card holds in this hall today."""

    tickets = fields.List(fields.Nested(HeldTicketSchema), required=True)


class MadeBookingSchema(Schema):
    """The appointment and its slip; `reachable` says whether a notice reaches the person."""

    appointment = fields.Nested(AppointmentSchema, required=True)
    slip = fields.Nested(SlipSchema, required=True)
    reachable = fields.Boolean(required=True)


class FoundBookingsSchema(Schema):
    """The person, masked, and their coming appointments, soonest first."""

    name_masked = fields.String(required=True, allow_none=True)
    bookings = fields.List(fields.Nested(MadeBookingSchema), required=True)


class DeviceArrivalSchema(Schema):
    """The verdict on a code. Whose it is, is shown to nobody; `check_identity` asks for the id card."""

    verdict = fields.String(required=True, validate=validate.OneOf([verdict.value for verdict in Verdict]))
    accepted = fields.Boolean(required=True)
    used_at = fields.AwareDateTime(required=True, allow_none=True)
    correct_hall = fields.Nested(NamedSchema, required=True, allow_none=True)
    check_in_from = fields.AwareDateTime(required=True, allow_none=True)
    slot = fields.Nested(PeriodSchema, required=True, allow_none=True)
    held = fields.Nested(HeldTicketSchema, required=True, allow_none=True)
    server_time = fields.AwareDateTime(required=True)
