"""Requests and answers about tickets, windows and live queues."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from backend.appointments.schemas import ItemRefSchema, VisitMatterSchema
from backend.catalogue.schemas import Named as NamedSchema
from backend.queueing.states import State
from backend.ratings.schemas import RatedSchema

LANES = ["elder", "pregnant", "disabled", "soldier"]
OUTCOMES = ["done", "not_done", "materials_missing"]
SOURCES = ["appointment", "desk", "kiosk", "phone", "carried"]


class TicketSchema(Schema):
    """排队票: its number, queue and state. Its place in line is in the hall's live queues."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    link = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    hall = fields.Nested(NamedSchema, required=True)
    category = fields.Nested(NamedSchema, required=True)
    items = fields.List(fields.Nested(ItemRefSchema), required=True)
    day = fields.Date(required=True)
    source = fields.String(required=True, validate=validate.OneOf(SOURCES))
    booked = fields.Boolean(required=True)
    lane = fields.String(required=True, allow_none=True, validate=validate.OneOf(LANES))
    people = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)
    calls = fields.Integer(required=True)
    window = fields.Integer(required=True, allow_none=True)
    followed_by = fields.String(required=True, allow_none=True)
    can_cancel = fields.Boolean(required=True)
    can_return = fields.Boolean(required=True)
    can_rate = fields.Boolean(required=True)
    rating = fields.Nested(RatedSchema, required=True, allow_none=True)


class StaffTicketSchema(TicketSchema):
    """A ticket as the hall's staff see it: with the masked name, when the holder is known, and the case."""

    name_masked = fields.String(required=True, allow_none=True)
    matter = fields.Nested(VisitMatterSchema, required=True, allow_none=True)


class PhoneTicketSchema(Schema):
    """A number taken in the hall by phone; `place` is the code on the hall's screen."""

    category = fields.String(required=True, validate=validate.Length(1, 40))
    items = fields.List(
        fields.String(validate=validate.Length(1, 60)), load_default=list, validate=validate.Length(max=5)
    )
    place = fields.String(required=True, validate=validate.Length(1, 20))


class DeskTicketSchema(Schema):
    """A number given at the desk: by id card, by phone, or to anybody who asks."""

    category = fields.String(required=True, validate=validate.Length(1, 40))
    items = fields.List(
        fields.String(validate=validate.Length(1, 60)), load_default=list, validate=validate.Length(max=5)
    )
    id_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(15, 18))
    phone = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"^1\d{10}$"))
    lane = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(LANES))
    people = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 20))

    @validates_schema
    def one_way(self, values: dict[str, object], **_: object) -> None:
        if values["id_number"] and values["phone"]:
            raise ValidationError("Give id_number or phone, not both", "phone")


class SitDownSchema(Schema):
    """Which window, for which queues."""

    window = fields.Integer(required=True, strict=True, validate=validate.Range(1, 999))
    categories = fields.List(
        fields.String(validate=validate.Length(1, 40)), required=True, validate=validate.Length(1, 20)
    )
    take_over = fields.Boolean(load_default=False)


class PauseSchema(Schema):
    """Pause the window, or call again."""

    paused = fields.Boolean(required=True)


class NoteSchema(Schema):
    """A few words for whoever serves next."""

    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))


class ReasonSchema(Schema):
    """Why this number out of turn."""

    reason = fields.String(required=True, validate=validate.Length(2, 200))


class TransferSchema(Schema):
    """To which queue, and to one window of it if wanted."""

    category = fields.String(required=True, validate=validate.Length(1, 40))
    window = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 999))
    reason = fields.String(required=True, validate=validate.Length(2, 200))


class FinishSchema(Schema):
    """How it ended, and how many files were done."""

    outcome = fields.String(load_default="done", validate=validate.OneOf(OUTCOMES))
    count = fields.Integer(load_default=1, strict=True, validate=validate.Range(0, 99))
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))


class AddItemSchema(Schema):
    """One more item of this queue, while serving."""

    item = fields.String(required=True, validate=validate.Length(1, 60))


class QueueHeadSchema(NamedSchema):
    """A queue of the hall and how many wait in it."""

    prefix = fields.String(required=True)
    waiting = fields.Integer(required=True)
    windows = fields.Integer(required=True)


class SeatSchema(Schema):
    """A window of the hall and who works there."""

    window = fields.Integer(required=True)
    staff = fields.String(required=True, allow_none=True)
    categories = fields.List(fields.String(), required=True)


class SeatedSchema(Schema):
    """My window."""

    window = fields.Integer(required=True)
    categories = fields.List(fields.String(), required=True)
    opened_at = fields.AwareDateTime(required=True)
    paused = fields.Boolean(required=True)
    served_today = fields.Integer(required=True)


class CounterSchema(Schema):
    """上窗: all that one window's page shows."""

    hall = fields.Nested(NamedSchema, required=True)
    seated = fields.Nested(SeatedSchema, required=True, allow_none=True)
    current = fields.Nested(StaffTicketSchema, required=True, allow_none=True)
    serving_since = fields.AwareDateTime(required=True, allow_none=True)
    queues = fields.List(fields.Nested(QueueHeadSchema), required=True)
    seats = fields.List(fields.Nested(SeatSchema), required=True)
    passed = fields.List(fields.Nested(StaffTicketSchema), required=True)
    parked = fields.List(fields.Nested(StaffTicketSchema), required=True)
    calls_before_pass = fields.Integer(required=True)
    server_time = fields.AwareDateTime(required=True)


class LineQuerySchema(Schema):
    """Which queue's line; all of them without it."""

    category = fields.String(validate=validate.Length(1, 40))


class LineSchema(Schema):
    """Everybody who waits, in calling order; who missed a call; and how many wait in each queue of the hall."""

    tickets = fields.List(fields.Nested(StaffTicketSchema), required=True)
    passed = fields.List(fields.Nested(StaffTicketSchema), required=True)
    queues = fields.List(fields.Nested(QueueHeadSchema), required=True)


class PlaceCodeSchema(Schema):
    """The code the hall's screen shows, and when it changes."""

    code = fields.String(required=True)
    changes_at = fields.AwareDateTime(required=True)


class QueueLineSchema(Schema):
    """One queue: numbers in calling order, open windows, minutes a number takes (quick and slow quarter)."""

    code = fields.String(required=True)
    prefix = fields.String(required=True)
    line = fields.List(fields.String(), required=True)
    windows = fields.Integer(required=True)
    pace = fields.List(fields.Float(), required=True)
    coming = fields.Integer(required=True)


class WindowNowSchema(Schema):
    """A window that is open now."""

    window = fields.Integer(required=True)
    paused = fields.Boolean(required=True)
    number = fields.String(required=True, allow_none=True)
    serving = fields.Boolean(required=True)


class CalledSchema(Schema):
    """One of the last calls; `times` is how often this number was called."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    window = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    times = fields.Integer(required=True)


class QueueDocumentSchema(Schema):
    """The live picture of a hall: numbers only."""

    hall = fields.String(required=True)
    day = fields.Date(required=True)
    opens = fields.AwareDateTime(required=True, allow_none=True)
    closes = fields.AwareDateTime(required=True, allow_none=True)
    queues = fields.List(fields.Nested(QueueLineSchema), required=True)
    windows = fields.List(fields.Nested(WindowNowSchema), required=True)
    calls = fields.List(fields.Nested(CalledSchema), required=True)
    passed = fields.List(fields.String(), required=True)
    parked = fields.List(fields.String(), required=True)
