"""Requests and answers about the accounts of a hall's staff, and about the audit trail."""

from datetime import date

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from backend.identity.accounts import GIVEN_BY_OPERATORS

ROLE = validate.OneOf(sorted(GIVEN_BY_OPERATORS))
REASON = validate.Length(2, 60)
DAYS = validate.Range(date(2018, 1, 1), date(2100, 1, 1))
GROUPS = [
    "hall",
    "staff",
    "window",
    "ticket",
    "appointment",
    "case",
    "bill",
    "device",
    "conduct",
    "rating",
    "report",
    "person",
]
"""Parts of an action before its first full stop, in the order of the page's list."""


class WhySchema(Schema):
    """Why, for the audit trail."""

    reason = fields.String(required=True, validate=REASON)


class RolesSchema(WhySchema):
    """The roles an account has in my hall from now on."""

    roles = fields.List(fields.String(validate=ROLE), required=True, validate=validate.Length(1, 3))


class NewAccountSchema(RolesSchema):
    """A new member of staff of my hall."""

    username = fields.String(required=True, validate=validate.Regexp(r"^[a-z][a-z0-9._-]{2,39}$"))
    display_name = fields.String(required=True, validate=[validate.Length(2, 20), validate.Regexp(r"^\S(.*\S)?$")])


class ActiveSchema(WhySchema):
    """停用 or 启用."""

    active = fields.Boolean(required=True)


class ResetSchema(WhySchema):
    """What is made anew: the password, the secret of one-time codes, or both."""

    password = fields.Boolean(required=True)
    totp = fields.Boolean(required=True)

    @validates_schema
    def something(self, values: dict[str, object], **_: object) -> None:
        if not (values["password"] or values["totp"]):
            raise ValidationError("Choose what to reset", "password")


class AccountSchema(Schema):
    """A member of staff of my hall. `elsewhere`: also has roles in another hall. `sessions` are live ones."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    display_name = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    elsewhere = fields.Boolean(required=True)
    active = fields.Boolean(required=True)
    locked_until = fields.AwareDateTime(required=True, allow_none=True)
    sessions = fields.Integer(required=True)
    seen_at = fields.AwareDateTime(required=True, allow_none=True)
    manageable = fields.Boolean(required=True)


class AccountsSchema(Schema):
    """By user name, and the roles I may give."""

    accounts = fields.List(fields.Nested(AccountSchema), required=True)
    gives = fields.List(fields.String(), required=True)


class OperatorSchema(Schema):
    """An operator's id and name."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


class OperatorsSchema(Schema):
    """Whoever edits and publishes items, now or earlier."""

    operators = fields.List(fields.Nested(OperatorSchema), required=True)


class HandedOverSchema(Schema):
    """The account, and what is shown this once: nobody can read it again."""

    account = fields.Nested(AccountSchema, required=True)
    password = fields.String(required=True, allow_none=True)
    totp_secret = fields.String(required=True, allow_none=True)
    totp_uri = fields.String(required=True, allow_none=True, metadata={"description": "For an authenticator's QR code"})


class TrailFilterSchema(Schema):
    """Which events of my hall: of days, of a group of actions, by a member of staff, about one thing."""

    first = fields.Date(data_key="from", validate=DAYS)
    last = fields.Date(data_key="to", validate=DAYS)
    group = fields.String(validate=validate.OneOf(GROUPS))
    actor = fields.UUID()
    object_type = fields.String(validate=validate.Length(1, 40))
    object_id = fields.String(validate=validate.Length(1, 80))


class TrailQuerySchema(TrailFilterSchema):
    """A page of them, newest first."""

    cursor = fields.String()


class ActorSchema(Schema):
    """A member of staff by name; citizens and the system have none."""

    kind = fields.String(required=True, validate=validate.OneOf(["staff", "person", "system"]))
    id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)


class ChangeSchema(Schema):
    """One setting before and after; a fact that had no value before has no `before`.

    Of a list with the name `items`: what is gone, and what is new.
    """

    name = fields.String(required=True)
    before = fields.Raw(allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class EventSchema(Schema):
    """Who did what to which thing, and why."""

    id = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    actor = fields.Nested(ActorSchema, required=True)
    action = fields.String(required=True)
    object_type = fields.String(required=True)
    object_id = fields.String(required=True)
    object_name = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)


class TrailSchema(Schema):
    """A page of events."""

    events = fields.List(fields.Nested(EventSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
