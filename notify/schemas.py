"""Shapes of the inbox and of the JS-SDK configuration."""

from marshmallow import Schema, fields, validate

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


class InboxQuery(Schema):
    """Which page, in which language."""

    lang = fields.String(validate=validate.OneOf(["zh", "en"]))
    cursor = fields.String(validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class InboxMessage(Schema):
    """One message, in the reader's language. `link` is a path of the citizen app."""

    id = fields.UUID(required=True)
    template = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    link = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(format=UTC_SECONDS, required=True)
    read_at = fields.DateTime(format=UTC_SECONDS, required=True, allow_none=True)


class Inbox(Schema):
    """A page of messages, newest first."""

    messages = fields.List(fields.Nested(InboxMessage), required=True)
    unread = fields.Integer(required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Unread(Schema):
    """How many messages are not opened yet."""

    unread = fields.Integer(required=True)


class JsapiQuery(Schema):
    """The page that wants to use the JS-SDK."""

    url = fields.Url(required=True, schemes={"http", "https"}, require_tld=False, validate=validate.Length(max=2000))


class JsapiConfig(Schema):
    """What `wx.config` takes, and the notices a person may subscribe to. `timestamp` is in seconds."""

    app_id = fields.String(required=True)
    timestamp = fields.Integer(required=True)
    nonce_str = fields.String(required=True)
    signature = fields.String(required=True)
    subscribe_templates = fields.List(fields.String(), required=True)
