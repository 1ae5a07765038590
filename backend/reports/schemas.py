"""Shapes of reports: what is asked, figures with what they mean, the lists behind them, exports."""

from marshmallow import Schema, fields, validate

from backend.applications.states import CaseState
from backend.reports.indicators import INDICATORS
from backend.reports.queries import WATCHED
from backend.reports.states import ExportState

CODE = validate.Length(1, 64)
GROUPS = ("department", "division", "hall", "month")
SIDES = ("counted", "rest", "all")


class ReportScopeSchema(Schema):
    """A period of whole days in Xiamen, both included, and a part of the city. A hall's staff get their own hall."""

    first = fields.Date(required=True)
    last = fields.Date(required=True)
    department = fields.String(validate=CODE)
    division = fields.String(validate=CODE)
    hall = fields.String(validate=CODE)


class ReportFiguresQuerySchema(ReportScopeSchema):
    """How the figures are grouped; not at all without `by`."""

    by = fields.String(validate=validate.OneOf(GROUPS))


class ReportTableQuerySchema(ReportFiguresQuerySchema):
    """The same, for a spreadsheet."""

    format = fields.String(load_default="xlsx", validate=validate.OneOf(["csv", "xlsx"]))


class ReportProgressQuerySchema(ReportFiguresQuerySchema):
    """`baseline` is the day against which is counted; the day before the period when it is not given."""

    by = fields.String(load_default="department", validate=validate.OneOf(["department", "division", "hall"]))
    baseline = fields.Date()


class ReportCasesSchema(ReportScopeSchema):
    """Cases behind an indicator, on a list for inspection, or without either all that were done in the period.

    `side`: those that the indicator counts, the rest, or all it looks at.
    """

    item = fields.String(validate=CODE)
    indicator = fields.String(validate=validate.OneOf([c for c, one in INDICATORS.items() if one.kind == "cases"]))
    side = fields.String(load_default="counted", validate=validate.OneOf(SIDES))
    watch = fields.String(validate=validate.OneOf(list(WATCHED)))


class ReportCasesQuerySchema(ReportCasesSchema):
    """A page of them."""

    cursor = fields.String(validate=validate.Length(1, 300))


class ReportItemsQuerySchema(ReportScopeSchema):
    """Items behind an indicator of items, at the end of the period."""

    indicator = fields.String(
        required=True, validate=validate.OneOf([c for c, one in INDICATORS.items() if one.kind == "items"])
    )
    side = fields.String(load_default="counted", validate=validate.OneOf(SIDES))


class ReportChoiceSchema(Schema):
    """Something that can be chosen."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class IndicatorSchema(Schema):
    """What a figure means. `source` is a clause of the circular, or another paper's name."""

    code = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["cases", "items", "halls"]))
    unit = fields.String(required=True, validate=validate.OneOf(["percent", "days", "minutes"]))
    name = fields.String(required=True)
    formula = fields.String(required=True)
    source = fields.String(required=True)
    better = fields.String(required=True, validate=validate.OneOf(["more", "less"]))


class ReportChoicesSchema(Schema):
    """What can be chosen, and every indicator. `hall` is the only hall that may be looked at, where there is one.

    `numbered`: whether lists carry the numbers of cases.
    """

    hall = fields.String(required=True, allow_none=True)
    numbered = fields.Boolean(required=True)
    departments = fields.List(fields.Nested(ReportChoiceSchema), required=True)
    divisions = fields.List(fields.Nested(ReportChoiceSchema), required=True)
    halls = fields.List(fields.Nested(ReportChoiceSchema), required=True)
    indicators = fields.List(fields.Nested(IndicatorSchema), required=True)


class ReportFigureSchema(Schema):
    """`value` has one decimal, cut off; null when nothing was counted. Minutes count seconds in the numerator.

    `reached` compares exact fractions with `target_percent`; both are null where no target is set.
    """

    code = fields.String(required=True)
    numerator = fields.Integer(required=True)
    denominator = fields.Integer(required=True)
    value = fields.String(required=True, allow_none=True)
    target_percent = fields.Integer(required=True, allow_none=True)
    reached = fields.Boolean(required=True, allow_none=True)


class ReportGroupSchema(Schema):
    """The figures of a department, division, hall or month (its first day)."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    figures = fields.List(fields.Nested(ReportFigureSchema), required=True)


class ReportFiguresSchema(Schema):
    """Figures of a scope. `as_of`: everything that happened before is in them; `waiting` changes are not yet."""

    as_of = fields.AwareDateTime(required=True)
    waiting = fields.Integer(required=True)
    total = fields.List(fields.Nested(ReportFigureSchema), required=True)
    groups = fields.List(fields.Nested(ReportGroupSchema), required=True)


class LedgerRowSchema(Schema):
    """台账: a case without anything about a person. `id` and `number` are null for those who may not look cases up.

    Days are working days; `visits` are days on which somebody came to a hall.
    """

    id = fields.UUID(required=True, allow_none=True)
    number = fields.String(required=True, allow_none=True)
    item = fields.Nested(ReportChoiceSchema, required=True)
    department = fields.Nested(ReportChoiceSchema, required=True)
    division = fields.Nested(ReportChoiceSchema, required=True)
    hall = fields.Nested(ReportChoiceSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CaseState)))
    status = fields.String(required=True)
    outcome = fields.String(required=True, allow_none=True)
    channel = fields.String(required=True)
    submitted_on = fields.Date(required=True)
    accepted_on = fields.Date(required=True, allow_none=True)
    decided_on = fields.Date(required=True, allow_none=True)
    closed_on = fields.Date(required=True, allow_none=True)
    owed_on = fields.Date(required=True, allow_none=True)
    promise_due_on = fields.Date(required=True, allow_none=True)
    law_due_on = fields.Date(required=True, allow_none=True)
    promise_days = fields.Integer(required=True)
    law_days = fields.Integer(required=True)
    days_used = fields.Integer(required=True, allow_none=True)
    declared_visits = fields.Integer(required=True)
    visits = fields.Integer(required=True)
    mailed_in = fields.Boolean(required=True)
    delivery = fields.String(required=True, allow_none=True)
    paid = fields.String(required=True, allow_none=True)
    returned = fields.Integer(required=True)
    grade = fields.Integer(required=True, allow_none=True)
    bad_answered = fields.Boolean(required=True, allow_none=True)


class LedgerPageSchema(Schema):
    """A page of the ledger, open cases first, then the newest; `total` is how many there are."""

    cases = fields.List(fields.Nested(LedgerRowSchema), required=True)
    total = fields.Integer(required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ReportItemSchema(Schema):
    """An item as its version in force at the end of the period has it."""

    item = fields.Nested(ReportChoiceSchema, required=True)
    department = fields.Nested(ReportChoiceSchema, required=True)
    declared_visits = fields.Integer(required=True)
    depth = fields.Integer(required=True)
    all_online = fields.Boolean(required=True)
    law_days = fields.Integer(required=True, allow_none=True)
    promise_days = fields.Integer(required=True, allow_none=True)
    materials = fields.Integer(required=True)
    steps = fields.Integer(required=True)


class ReportItemsSchema(Schema):
    """Items behind a figure."""

    items = fields.List(fields.Nested(ReportItemSchema), required=True)


class MoreVisitsRowSchema(Schema):
    """An item of which `more` of `cases` cases took more visits than it declares; `most` is the worst of them."""

    item = fields.Nested(ReportChoiceSchema, required=True)
    department = fields.Nested(ReportChoiceSchema, required=True)
    declared_visits = fields.Integer(required=True)
    cases = fields.Integer(required=True)
    more = fields.Integer(required=True)
    visits = fields.Integer(required=True)
    most = fields.Integer(required=True)


class MoreVisitsSchema(Schema):
    """申报和实际不一致的事项, and whose department must act."""

    items = fields.List(fields.Nested(MoreVisitsRowSchema), required=True)


class ItemsOnSchema(Schema):
    """What items asked and promised on a day, in all. `average_days` is of the cases done in that month."""

    on = fields.Date(required=True)
    items = fields.Integer(required=True)
    zero_visits = fields.Integer(required=True)
    one_visit = fields.Integer(required=True)
    all_online = fields.Integer(required=True)
    law_days = fields.Integer(required=True)
    promise_days = fields.Integer(required=True)
    cut_percent = fields.String(required=True, allow_none=True)
    materials = fields.Integer(required=True)
    steps = fields.Integer(required=True)
    average_days = fields.String(required=True, allow_none=True)


class AllOnlineSchema(Schema):
    """Items all online against the circular's clause 3: so many more, and more than so many in all."""

    more = fields.Integer(required=True)
    more_wanted = fields.Integer(required=True)
    wanted = fields.Integer(required=True)
    reached = fields.Boolean(required=True)


class AllOnlineGroupSchema(Schema):
    """Items all online in one department, division or hall."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    before = fields.Integer(required=True)
    now = fields.Integer(required=True)


class ReportProgressSchema(Schema):
    """Items at the baseline, at the end of each month, and by place."""

    baseline = fields.Nested(ItemsOnSchema, required=True)
    months = fields.List(fields.Nested(ItemsOnSchema), required=True)
    all_online = fields.Nested(AllOnlineSchema, required=True)
    groups = fields.List(fields.Nested(AllOnlineGroupSchema), required=True)


class ReportExportSchema(Schema):
    """An export: `done` of `total` rows are written; the file can be had while `state` is done."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(ExportState)))
    first = fields.Date(required=True)
    last = fields.Date(required=True)
    indicator = fields.String(required=True, allow_none=True)
    watch = fields.String(required=True, allow_none=True)
    total = fields.Integer(required=True)
    done = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class ReportExportsSchema(Schema):
    """One's own exports of the last days, the newest first."""

    exports = fields.List(fields.Nested(ReportExportSchema), required=True)
