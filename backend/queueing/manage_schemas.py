"""Requests and answers of those who run a hall: its moment, its plan, its queue settings and its figures."""

from datetime import date, timedelta

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from backend.appointments.staff_schemas import RangeSchema
from backend.queueing.models import QUEUE_RANGES

DAYS = validate.Range(date(2018, 1, 1), date(2100, 1, 1))
REASON = validate.Length(2, 60)
LONGEST = timedelta(days=92)


class HallQueueSchema(Schema):
    """A queue now. `windows_planned` is null where no opening rule plans any."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    prefix = fields.String(required=True)
    waiting = fields.Integer(required=True)
    longest_minutes = fields.Integer(required=True, allow_none=True)
    windows_open = fields.Integer(required=True)
    windows_planned = fields.Integer(required=True, allow_none=True)


class OpenWindowSchema(Schema):
    """Who works at a window now, for which queues, with which number."""

    window = fields.Integer(required=True)
    staff = fields.String(required=True)
    categories = fields.List(fields.String(), required=True)
    opened_at = fields.AwareDateTime(required=True)
    paused = fields.Boolean(required=True)
    number = fields.String(required=True, allow_none=True)


class CallsOfHourSchema(Schema):
    """Numbers called for the first time in that hour."""

    hour = fields.Integer(required=True)
    calls = fields.Integer(required=True)


class SoFarSchema(Schema):
    """The day so far; `expected` are appointments still to come."""

    taken = fields.Integer(required=True)
    served = fields.Integer(required=True)
    left = fields.Integer(required=True)
    expected = fields.Integer(required=True)
    no_shows = fields.Integer(required=True)


class HallNowSchema(Schema):
    """My hall at this moment."""

    server_time = fields.AwareDateTime(required=True)
    opens = fields.AwareDateTime(required=True, allow_none=True)
    closes = fields.AwareDateTime(required=True, allow_none=True)
    queues = fields.List(fields.Nested(HallQueueSchema), required=True)
    windows = fields.List(fields.Nested(OpenWindowSchema), required=True)
    calls = fields.List(fields.Nested(CallsOfHourSchema), required=True)
    so_far = fields.Nested(SoFarSchema, required=True)


class DayQuerySchema(Schema):
    """Of which day."""

    day = fields.Date(required=True, validate=DAYS)


class PlannedHalfSchema(Schema):
    """A half-day as planned; not `open` on a holiday or a closed day."""

    half = fields.String(required=True, validate=validate.OneOf(["morning", "afternoon"]))
    start = fields.Time(data_key="from", required=True, format="%H:%M")
    end = fields.Time(data_key="to", required=True, format="%H:%M")
    windows = fields.Integer(required=True)
    capacity = fields.Integer(required=True)
    open = fields.Boolean(required=True)


class PlannedQueueSchema(Schema):
    """A queue's plan of the day, and how many windows work for it at this moment."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    prefix = fields.String(required=True)
    bookable = fields.Boolean(required=True)
    open_now = fields.Integer(required=True)
    halves = fields.List(fields.Nested(PlannedHalfSchema), required=True)


class WindowPlanSchema(Schema):
    """Windows planned for a day."""

    day = fields.Date(required=True)
    queues = fields.List(fields.Nested(PlannedQueueSchema), required=True)


QueueValuesSchema = Schema.from_dict(
    {
        name: fields.Integer(strict=True, allow_none=name == "capacity", validate=validate.Range(low, high))
        for name, (low, high) in QUEUE_RANGES.items()
    },
    name="QueueValuesSchema",
)


class QueuePolicySchema(Schema):
    """My hall's queue settings, with what each may be; a `capacity` of null sets no limit."""

    values = fields.Nested(QueueValuesSchema, required=True)
    ranges = fields.List(fields.Nested(RangeSchema), required=True)


class ChangeQueuePolicySchema(Schema):
    """The settings that change, and why."""

    values = fields.Nested(QueueValuesSchema, required=True)
    reason = fields.String(required=True, validate=REASON)


class QueueCountSchema(Schema):
    """Open numbers of one queue."""

    code = fields.String(required=True)
    tickets = fields.Integer(required=True)


class BeforeCarryOverSchema(Schema):
    """Open numbers of today, those at windows among them, and when the hall opens next; null: no day to move to."""

    tickets = fields.Integer(required=True)
    booked = fields.Integer(required=True)
    at_window = fields.Integer(required=True)
    queues = fields.List(fields.Nested(QueueCountSchema), required=True)
    windows = fields.Integer(required=True)
    opens = fields.AwareDateTime(required=True, allow_none=True)


class CarryOverSchema(Schema):
    """Why people are sent home."""

    reason = fields.String(required=True, validate=REASON)


class CarriedOverSchema(Schema):
    """How many numbers were moved, and to which day; null when there was none to move."""

    tickets = fields.Integer(required=True)
    day = fields.Date(required=True, allow_none=True)


class FiguresQuerySchema(Schema):
    """From which day to which, at most 92 days."""

    first = fields.Date(data_key="from", required=True, validate=DAYS)
    last = fields.Date(data_key="to", required=True, validate=DAYS)

    @validates_schema
    def in_order(self, values: dict[str, date], **_: object) -> None:
        if values["last"] < values["first"]:
            raise ValidationError("Must not be before the first day", "to")
        if values["last"] - values["first"] > LONGEST:
            raise ValidationError("At most 92 days", "to")


class FiguresSchema(Schema):
    """Tickets of one kind. Minutes are from arrival (booked: from the slot's start, if later) to the first call."""

    taken = fields.Integer(required=True)
    called = fields.Integer(required=True)
    served = fields.Integer(required=True)
    left = fields.Integer(required=True)
    average_minutes = fields.Float(required=True, allow_none=True)
    median_minutes = fields.Float(required=True, allow_none=True)
    p90_minutes = fields.Float(required=True, allow_none=True)
    longest_minutes = fields.Float(required=True, allow_none=True)


class BothSchema(Schema):
    """With and without an appointment, side by side (circular, clause 12)."""

    booked = fields.Nested(FiguresSchema, required=True)
    walk_in = fields.Nested(FiguresSchema, required=True)


class TotalSchema(BothSchema):
    """`expected`: appointments whose time came; `no_shows` of them were missed. Hours that windows were open."""

    expected = fields.Integer(required=True)
    no_shows = fields.Integer(required=True)
    window_hours = fields.Float(required=True)


class FiguresOfDaySchema(TotalSchema):
    """One day."""

    date = fields.Date(required=True)


class FiguresOfHourSchema(BothSchema):
    """One hour of arrival over all days."""

    hour = fields.Integer(required=True)


class FiguresOfQueueSchema(BothSchema):
    """One queue."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class PeriodFiguresSchema(Schema):
    """My hall's figures over some days."""

    total = fields.Nested(TotalSchema, required=True)
    days = fields.List(fields.Nested(FiguresOfDaySchema), required=True)
    hours = fields.List(fields.Nested(FiguresOfHourSchema), required=True)
    queues = fields.List(fields.Nested(FiguresOfQueueSchema), required=True)
