"""Requests and answers of the hall's own booking settings. Times of day are Xiamen wall-clock times."""

from datetime import date, time

from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from webargs.fields import DelimitedList

from backend.appointments.models import POLICY_RANGES
from backend.appointments.schemas import SlotRefSchema
from backend.appointments.slots import NOON
from backend.catalogue.schemas import Named as NamedSchema

DAYS = validate.Range(date(2018, 1, 1), date(2100, 1, 1))
REASON = validate.Length(2, 60)
PARTS = validate.OneOf(["day", "morning", "afternoon"])
CODE = validate.Length(1, 40)


class PeriodSchema(Schema):
    """From which day to which."""

    first = fields.Date(data_key="from", required=True, validate=DAYS)
    last = fields.Date(data_key="to", required=True, validate=DAYS)


class PartOfDaySchema(Schema):
    """A day of my hall, or half of it: the morning's slots start before 13:00."""

    day = fields.Date(required=True, validate=DAYS)
    part = fields.String(load_default="day", validate=PARTS)


class RemoveDaySchema(PartOfDaySchema):
    """Back to the calendar, and why."""

    reason = fields.String(required=True, validate=REASON)


class SetDaySchema(RemoveDaySchema):
    """Close or open. `reason` is what citizens read; `reason_en` in English."""

    open = fields.Boolean(required=True)
    reason_en = fields.String(load_default=None, allow_none=True, validate=validate.Length(2, 120))


HALLS = fields.List(fields.String(validate=CODE), load_default=None, allow_none=True, validate=validate.Length(1, 200))


class CityPartOfDaySchema(PartOfDaySchema):
    """The same of chosen halls (`halls=XM,SM`), or of every hall."""

    halls = DelimitedList(fields.String(validate=CODE))


class CitySetDaySchema(SetDaySchema):
    """Close or open chosen halls, or every hall when `halls` is null."""

    halls = HALLS


class CityRemoveDaySchema(RemoveDaySchema):
    """Chosen halls, or every hall, back to the calendar."""

    halls = HALLS


class DayOverrideSchema(Schema):
    """A day or half-day that differs from the calendar."""

    day = fields.Date(required=True)
    part = fields.String(required=True, validate=PARTS)
    open = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)
    reason_en = fields.String(required=True, allow_none=True)


class DayOverridesSchema(Schema):
    """In order of days."""

    overrides = fields.List(fields.Nested(DayOverrideSchema), required=True)


class AffectedSchema(Schema):
    """Slots still to come, and the appointments and live holds in them."""

    slots = fields.Integer(required=True)
    booked = fields.Integer(required=True)
    held = fields.Integer(required=True)


class AffectedVisitSchema(Schema):
    """An appointment that closing would cancel."""

    id = fields.UUID(required=True)
    start = fields.AwareDateTime(required=True)
    category = fields.Nested(NamedSchema, required=True)
    items = fields.List(fields.String(), required=True)
    name_masked = fields.String(required=True, allow_none=True)
    people = fields.Integer(required=True)


class AffectedVisitsSchema(Schema):
    """A page of them, soonest first."""

    appointments = fields.List(fields.Nested(AffectedVisitSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AffectedQuerySchema(PartOfDaySchema):
    """A page of what closing would cancel."""

    cursor = fields.String()


class DaySetSchema(DayOverridesSchema):
    """The day as it is now, and who was affected."""

    affected = fields.Nested(AffectedSchema, required=True)


class HallOverrideSchema(DayOverrideSchema):
    """Of which hall."""

    hall = fields.String(required=True)


class CityDayOverridesSchema(Schema):
    """In order of days, then halls."""

    overrides = fields.List(fields.Nested(HallOverrideSchema), required=True)


class CityDayRemovedSchema(Schema):
    """The halls that are back at the calendar; the others had no override."""

    halls = fields.List(fields.String(), required=True)


class CityDaySetSchema(Schema):
    """The halls whose day is set; who was affected in all."""

    halls = fields.List(fields.String(), required=True)
    affected = fields.Nested(AffectedSchema, required=True)


class CategoryQuerySchema(Schema):
    """Of which window category."""

    category = fields.String(required=True, validate=CODE)


class HalfDaySchema(Schema):
    """Hours of a half-day, its windows, and the places they have together."""

    start = fields.Time(data_key="from", required=True, format="%H:%M")
    end = fields.Time(data_key="to", required=True, format="%H:%M")
    windows = fields.Integer(required=True, strict=True, validate=validate.Range(1, 200))
    capacity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2000))

    @validates_schema
    def in_order(self, values: dict[str, time], **_: object) -> None:
        if values["start"] >= values["end"]:
            raise ValidationError("Must be later than the start", "to")


class ChangeRulesSchema(CategoryQuerySchema):
    """Hours and places from `valid_from` on, on these weekdays; a half-day of null is not opened.

    Weekend days that are open follow Friday.
    """

    valid_from = fields.Date(required=True, validate=DAYS)
    weekdays = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, 5)), required=True, validate=validate.Length(1, 5)
    )
    morning = fields.Nested(HalfDaySchema, required=True, allow_none=True)
    afternoon = fields.Nested(HalfDaySchema, required=True, allow_none=True)
    reason = fields.String(required=True, validate=REASON)

    @validates_schema
    def in_their_halves(self, values: dict[str, dict[str, time] | None], **_: object) -> None:
        morning, afternoon = values["morning"], values["afternoon"]
        if morning and morning["end"] > NOON:
            raise ValidationError("Must end at 13:00 or before", "morning")
        if afternoon and afternoon["start"] < NOON:
            raise ValidationError("Must start at 13:00 or later", "afternoon")


class EndRuleSchema(Schema):
    """The first day on which the half-day is not opened any more."""

    ends = fields.Date(required=True, validate=DAYS)
    reason = fields.String(required=True, validate=REASON)


class RestoreRulesSchema(Schema):
    """The audit event of the change that is undone."""

    event_id = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**62))
    reason = fields.String(required=True, validate=REASON)


class RuleSchema(HalfDaySchema):
    """A rule as it is kept."""

    id = fields.UUID(required=True)
    weekday = fields.Integer(required=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(required=True, allow_none=True)


class RulesSchema(Schema):
    """Rules of today and later."""

    rules = fields.List(fields.Nested(RuleSchema), required=True)


class RulesChangedSchema(RulesSchema):
    """The rules as they are now; how many slots were made and how many have other places."""

    made = fields.Integer(required=True)
    changed = fields.Integer(required=True)


class ReshapedSchema(Schema):
    """How many slots would be made and how many would have other places."""

    made = fields.Integer(required=True)
    changed = fields.Integer(required=True)


class SlotsOfDayQuerySchema(CategoryQuerySchema):
    """Of which category and day."""

    day = fields.Date(required=True, validate=DAYS)


class PlacesSchema(Schema):
    """Places of one channel."""

    channel = fields.String(required=True, validate=validate.OneOf(["online", "staff", "onsite"]))
    capacity = fields.Integer(required=True)
    held = fields.Integer(required=True)
    booked = fields.Integer(required=True)


class StaffSlotSchema(SlotRefSchema):
    """A slot with all its places."""

    open = fields.Boolean(required=True)
    places = fields.List(fields.Nested(PlacesSchema), required=True)


class StaffSlotsSchema(Schema):
    """Slots in order of start."""

    slots = fields.List(fields.Nested(StaffSlotSchema), required=True)


class ChangeSlotSchema(Schema):
    """The places of one slot over all channels."""

    capacity = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2000))
    reason = fields.String(required=True, validate=REASON)


class SlotPlacesSchema(Schema):
    """Capacity by channel after the change."""

    onsite = fields.Integer(required=True)
    staff = fields.Integer(required=True)
    online = fields.Integer(required=True)


PolicyValuesSchema = Schema.from_dict(
    {
        **{
            name: fields.Integer(strict=True, validate=validate.Range(low, high))
            for name, (low, high) in POLICY_RANGES.items()
        },
        "release_at": fields.Time(format="%H:%M"),
        "same_day": fields.Boolean(),
    },
    name="PolicyValuesSchema",
)


class RangeSchema(Schema):
    """What may be chosen, both ends included."""

    name = fields.String(required=True)
    min = fields.Integer(required=True)
    max = fields.Integer(required=True)


class PolicySchema(Schema):
    """A hall's booking settings of one category, with what each may be."""

    category = fields.String(required=True)
    is_default = fields.Boolean(required=True)
    values = fields.Nested(PolicyValuesSchema, required=True)
    ranges = fields.List(fields.Nested(RangeSchema), required=True)


class ChangePolicySchema(CategoryQuerySchema):
    """The settings that change, and why."""

    values = fields.Nested(PolicyValuesSchema, required=True)
    reason = fields.String(required=True, validate=REASON)
