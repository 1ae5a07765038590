"""Requests and answers of the hall entrance."""

from marshmallow import Schema, fields, validate

from backend.appointments.checkin import Verdict
from backend.appointments.schemas import VisitMatterSchema
from backend.catalogue.schemas import Named as NamedSchema


class CheckInRequestSchema(Schema):
    """A scanned text or eight typed digits; `identity_checked` after comparing the masked name and last four."""

    code = fields.String(required=True, validate=validate.Length(1, 400))
    identity_checked = fields.Boolean(load_default=False)


class PeriodSchema(Schema):
    """Half-open interval."""

    start = fields.AwareDateTime(required=True)
    end = fields.AwareDateTime(required=True)


class ExpectedSchema(Schema):
    """Whom the code is about, masked."""

    id = fields.UUID(required=True)
    name_masked = fields.String(required=True, allow_none=True)
    id_tail = fields.String(required=True, allow_none=True)
    items = fields.List(fields.String(), required=True)
    slot = fields.Nested(PeriodSchema, required=True)
    check_in_from = fields.AwareDateTime(required=True)
    people = fields.Integer(required=True)
    matter = fields.Nested(VisitMatterSchema, required=True, allow_none=True)


class GivenTicketSchema(Schema):
    """The number to wait with."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)


class ArrivalSchema(Schema):
    """The verdict on a code, with all that the entrance needs to say next."""

    verdict = fields.String(required=True, validate=validate.OneOf([verdict.value for verdict in Verdict]))
    accepted = fields.Boolean(required=True)
    check_in_id = fields.UUID(required=True, allow_none=True)
    undo_until = fields.AwareDateTime(required=True, allow_none=True)
    used_at = fields.AwareDateTime(required=True, allow_none=True)
    correct_hall = fields.Nested(NamedSchema, required=True, allow_none=True)
    appointment = fields.Nested(ExpectedSchema, required=True, allow_none=True)
    ticket = fields.Nested(GivenTicketSchema, required=True, allow_none=True)
    server_time = fields.AwareDateTime(required=True)


class UndoneSchema(Schema):
    """The check-in was taken back."""

    ok = fields.Boolean(required=True)


class CountsSchema(Schema):
    """Appointments of the day; `checked_in` includes `late`."""

    booked = fields.Integer(required=True)
    checked_in = fields.Integer(required=True)
    late = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)


class RecentSchema(Schema):
    """One arrival."""

    check_in_id = fields.UUID(required=True)
    at = fields.AwareDateTime(required=True)
    name_masked = fields.String(required=True, allow_none=True)
    number = fields.String(required=True)
    arrival = fields.String(required=True, data_key="class", validate=validate.OneOf(["on_time", "late"]))


class TodaySchema(Schema):
    """The day at one hall."""

    hall = fields.Nested(NamedSchema, required=True)
    date = fields.Date(required=True)
    counts = fields.Nested(CountsSchema, required=True)
    recent = fields.List(fields.Nested(RecentSchema), required=True)
