"""Requests and answers about ratings. Grade 5 is the best."""

from marshmallow import Schema, fields, validate

from backend.ratings.states import State

GRADE = validate.Range(1, 5)


class RateSchema(Schema):
    """评价: the words are optional, the grade is not."""

    grade = fields.Integer(required=True, strict=True, validate=GRADE)
    words = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))


class SupplementSchema(Schema):
    """追评."""

    words = fields.String(required=True, validate=validate.Length(2, 500))


class RatedSchema(Schema):
    """One's own rating."""

    grade = fields.Integer(required=True)
    words = fields.String(required=True, allow_none=True)
    supplement = fields.String(required=True, allow_none=True)
    can_supplement = fields.Boolean(required=True)


class GradeCountSchema(Schema):
    """How many gave this grade."""

    grade = fields.Integer(required=True)
    count = fields.Integer(required=True)


class SharesSchema(Schema):
    """Public figures of one hall; `satisfied_percent` counts grades 3 to 5."""

    days = fields.Integer(required=True)
    total = fields.Integer(required=True)
    grades = fields.List(fields.Nested(GradeCountSchema), required=True)
    satisfied_percent = fields.Float(required=True, allow_none=True)


class FollowUpSchema(Schema):
    """A bad rating and what the hall does about it. Who rated is never shown."""

    id = fields.UUID(required=True)
    rating_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    grade = fields.Integer(required=True)
    words = fields.String(required=True, allow_none=True)
    supplement = fields.String(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True)
    due_on = fields.Date(required=True)
    overdue = fields.Boolean(required=True)
    answer = fields.String(required=True, allow_none=True)


class FollowUpsSchema(Schema):
    """A page of follow-ups."""

    follow_ups = fields.List(fields.Nested(FollowUpSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class FollowUpQuerySchema(Schema):
    """Open or answered."""

    state = fields.String(load_default="open", validate=validate.OneOf([state.value for state in State]))
    cursor = fields.String()


class AnswerSchema(Schema):
    """What was done, in words the citizen reads."""

    answer = fields.String(required=True, validate=validate.Length(4, 500))


class SetAsideSchema(Schema):
    """Why the rating is not about the service."""

    reason = fields.String(required=True, validate=validate.Length(4, 300))


class SetAsideDoneSchema(Schema):
    """The rating counts no more."""

    rating_id = fields.UUID(required=True)
    invalid_at = fields.AwareDateTime(required=True)
