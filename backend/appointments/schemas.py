"""Requests and answers of booking. Instants are UTC, dates are Xiamen's."""

from datetime import date

from marshmallow import Schema, fields, validate

from backend.appointments.states import State
from backend.catalogue.schemas import Hall as HallSchema
from backend.catalogue.schemas import Named as NamedSchema
from backend.core.schemas import Ready


class ItemRefSchema(Schema):
    """An item by its slug."""

    slug = fields.String(required=True)
    name = fields.String(required=True)


class SlotRefSchema(Schema):
    """A slot: half-open interval."""

    id = fields.UUID(required=True)
    start = fields.AwareDateTime(required=True)
    end = fields.AwareDateTime(required=True)


class SlotSchema(SlotRefSchema):
    """A slot with the online places that are left."""

    left = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["free", "full", "past"]))


class DaySchema(Schema):
    """One day of the picker."""

    date = fields.Date(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["open", "full", "closed", "not_released"]))
    note = fields.String(required=True, allow_none=True)
    left = fields.Integer(required=True)
    slots = fields.List(fields.Nested(SlotSchema), required=True)


class OpensSchema(Schema):
    """Until when slots are released, and when the next day follows."""

    released_until = fields.Date(required=True)
    next_release_at = fields.AwareDateTime(required=True)


class SlotDaysSchema(Schema):
    """The picker of one hall and category."""

    hall = Ready(HallSchema, required=True)
    category = Ready(NamedSchema, required=True)
    opens = fields.Nested(OpensSchema, required=True)
    days = fields.List(fields.Nested(DaySchema), required=True)


class SlotQuerySchema(Schema):
    """Which hall and items, and from which day."""

    hall = fields.String(required=True, validate=validate.Length(1, 20))
    items = fields.String(required=True, validate=validate.Length(1, 400))
    people = fields.Integer(load_default=1, validate=validate.Range(1, 20))
    first = fields.Date(data_key="from", validate=validate.Range(date(2018, 1, 1), date(2100, 1, 1)))
    days = fields.Integer(load_default=14, validate=validate.Range(1, 60))
    lang = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))


class PlaceQuerySchema(Schema):
    """Where the citizen is, when they say so: `near` is a name or address and counts more than coordinates."""

    lat = fields.Float(validate=validate.Range(-90, 90))
    lng = fields.Float(validate=validate.Range(-180, 180))
    near = fields.String(validate=validate.Length(max=100))
    people = fields.Integer(load_default=1, validate=validate.Range(1, 20))
    lang = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))


class EarliestQuerySchema(PlaceQuerySchema):
    """The earliest free times for these items."""

    items = fields.String(required=True, validate=validate.Length(1, 400))


class HallChoiceSchema(Schema):
    """A hall with its next free slot."""

    hall = Ready(HallSchema, required=True)
    distance_km = fields.Float(required=True, allow_none=True)
    next_free = fields.Nested(SlotRefSchema, required=True, allow_none=True)


class PlaceSchema(Schema):
    """What `near` was understood as."""

    name = fields.String(required=True)
    approximate = fields.Boolean(required=True)


class HallChoicesSchema(Schema):
    """Every hall that handles the item, nearest or earliest first; `place` is null when `near` is unknown."""

    place = fields.Nested(PlaceSchema, required=True, allow_none=True)

    halls = fields.List(fields.Nested(HallChoiceSchema), required=True)


class EarlySlotSchema(Schema):
    """A free slot and its hall."""

    slot = fields.Nested(SlotRefSchema, required=True)
    hall = Ready(HallSchema, required=True)
    distance_km = fields.Float(required=True, allow_none=True)


class EarlySlotsSchema(Schema):
    """Free slots, earliest first."""

    place = fields.Nested(PlaceSchema, required=True, allow_none=True)

    slots = fields.List(fields.Nested(EarlySlotSchema), required=True)


class HoldRequestSchema(Schema):
    """Keep a place. `application_id`: the visit is for this application, or for the case it became."""

    slot_id = fields.UUID(required=True)
    items = fields.List(fields.String(validate=validate.Length(1, 60)), required=True, validate=validate.Length(1, 5))
    people = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 20))
    for_person_id = fields.UUID(load_default=None, allow_none=True)
    application_id = fields.UUID(load_default=None, allow_none=True)


class ForPersonSchema(Schema):
    """Who is served."""

    id = fields.UUID(required=True)
    name_masked = fields.String(required=True, allow_none=True)
    is_me = fields.Boolean(required=True)


class VisitMatterSchema(Schema):
    """The case a visit is for; without a number it is still being filled in. `checked`: 材料已预审."""

    application_id = fields.UUID(required=True)
    case_id = fields.UUID(required=True, allow_none=True)
    number = fields.String(required=True, allow_none=True)
    checked = fields.Boolean(required=True)


class VisitSchema(Schema):
    """What a hold and an appointment have in common."""

    id = fields.UUID(required=True)
    hall = Ready(HallSchema, required=True)
    category = Ready(NamedSchema, required=True)
    items = fields.List(Ready(ItemRefSchema), required=True)
    people = fields.Integer(required=True)
    for_person = fields.Nested(ForPersonSchema, required=True)
    slot = fields.Nested(SlotRefSchema, required=True)
    check_in_from = fields.AwareDateTime(required=True)
    check_in_until = fields.AwareDateTime(required=True)
    cancel_until = fields.AwareDateTime(required=True)
    matter = fields.Nested(VisitMatterSchema, required=True, allow_none=True)
    server_time = fields.AwareDateTime(required=True)


class HoldSchema(VisitSchema):
    """占号: kept until `expires_at`."""

    expires_at = fields.AwareDateTime(required=True)


class HoldsSchema(Schema):
    """Live holds."""

    holds = fields.List(fields.Nested(HoldSchema), required=True)


class QueueNumberSchema(Schema):
    """The queue number given at check-in, and the secret end of its live page's address."""

    number = fields.String(required=True)
    link = fields.String(required=True)


class AppointmentSchema(VisitSchema):
    """预约: `code` is eight digits; `closed_why` the hall's words where the hall cancelled it."""

    code = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    can_cancel = fields.Boolean(required=True)
    can_reschedule = fields.Boolean(required=True)
    reschedules_left = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    ticket = fields.Nested(QueueNumberSchema, required=True, allow_none=True)
    rescheduled_to = fields.UUID(required=True, allow_none=True)
    closed_why = fields.String(required=True, allow_none=True)


class AppointmentQuerySchema(Schema):
    """Coming or past."""

    scope = fields.String(load_default="open", validate=validate.OneOf(["open", "past"]))
    cursor = fields.String()
    lang = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))


class AppointmentsSchema(Schema):
    """A page of appointments."""

    appointments = fields.List(fields.Nested(AppointmentSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RescheduleSchema(Schema):
    """The new time."""

    slot_id = fields.UUID(required=True)


class CancelSchema(Schema):
    """Why, if the citizen wants to say."""

    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))
