"""Shapes of the reconciliation. Money is fen, days are civil days in Xiamen."""

from marshmallow import Schema, fields, validate

from payments.reconciliation.states import DayState, DifferenceState

STATES = [state.value for state in DifferenceState]


class DaysQuery(Schema):
    """Which page: days before `before`."""

    before = fields.Date()
    limit = fields.Integer(load_default=31, validate=validate.Range(1, 100))


class BookSchema(Schema):
    """A channel's bill or finance's list of the day; `read_at` is null until it was read whole."""

    book = fields.String(required=True)
    merchant_id = fields.String(required=True)
    lines = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True)
    refund_fen = fields.Integer(required=True)
    fee_fen = fields.Integer(required=True)
    read_at = fields.AwareDateTime(required=True, allow_none=True)
    tries = fields.Integer(required=True)
    failure = fields.String(required=True, allow_none=True)


class DayFiguresSchema(Schema):
    """Counts and sums of the last comparison; differences by kind."""

    payments = fields.Integer(required=True)
    payments_fen = fields.Integer(required=True)
    refunds = fields.Integer(required=True)
    refunds_fen = fields.Integer(required=True)
    at_finance = fields.Integer(required=True)
    at_finance_fen = fields.Integer(required=True)
    matched = fields.Integer(required=True)
    day_shifted = fields.Integer(required=True)
    differences = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class StateCountsSchema(Schema):
    """How many differences are in which state."""

    open = fields.Integer(required=True)
    carried = fields.Integer(required=True)
    closed = fields.Integer(required=True)


class ReconDaySchema(Schema):
    """A day: its books, what the comparison came to, and how far it is."""

    day = fields.Date(required=True)
    state = fields.Enum(DayState, by_value=True, required=True)
    progress = fields.String(
        required=True, validate=validate.OneOf(["waiting", "reading", "comparing", "failed", "compared", "closed"])
    )
    failure = fields.String(required=True, allow_none=True)
    compared_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_by = fields.String(required=True, allow_none=True)
    figures = fields.Nested(DayFiguresSchema, required=True, allow_none=True)
    books = fields.List(fields.Nested(BookSchema), required=True)
    differences = fields.Nested(StateCountsSchema, required=True)


class ReconDaysSchema(Schema):
    """Days, newest first."""

    days = fields.List(fields.Nested(ReconDaySchema), required=True)


class DifferencesQuery(Schema):
    """Of one day, or without a day everything that is not closed; or in one state."""

    day = fields.Date()
    state = fields.String(validate=validate.OneOf(STATES))
    lang = fields.String(validate=validate.OneOf(["zh", "en"]))
    cursor = fields.String(validate=validate.Length(max=200))


class DifferenceSchema(Schema):
    """One difference. `next_try_at` is when the system tries itself; null means that a person has to look."""

    id = fields.UUID(required=True)
    day = fields.Date(required=True)
    state = fields.Enum(DifferenceState, by_value=True, required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    advice = fields.String(required=True)
    age_days = fields.Integer(required=True)
    pay_code = fields.String(required=True, allow_none=True)
    channel = fields.String(required=True, allow_none=True)
    number = fields.String(required=True, allow_none=True)
    refund_number = fields.String(required=True, allow_none=True)
    transaction_id = fields.String(required=True, allow_none=True)
    ours_fen = fields.Integer(required=True, allow_none=True)
    theirs_fen = fields.Integer(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True, allow_none=True)
    found_at = fields.AwareDateTime(required=True)
    owner = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    ended_by = fields.String(required=True, allow_none=True)
    failure = fields.String(required=True, allow_none=True)
    next_try_at = fields.AwareDateTime(required=True, allow_none=True)


class DifferencesSchema(Schema):
    """A page of differences, longest known first."""

    differences = fields.List(fields.Nested(DifferenceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DayBodySchema(Schema):
    """Which day."""

    day = fields.Date(required=True)


class DayStateSchema(Schema):
    """The day as it is now."""

    day = fields.Date(required=True)
    state = fields.Enum(DayState, by_value=True, required=True)


class AssignSchema(Schema):
    """True takes the difference on, false gives it back to everybody."""

    mine = fields.Boolean(required=True)


class DifferenceReasonSchema(Schema):
    """Why; it stays with the difference and in the audit trail."""

    reason = fields.String(required=True, validate=validate.Length(2, 200))
