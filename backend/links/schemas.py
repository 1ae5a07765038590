"""Requests and answers about links from other apps."""

from marshmallow import Schema, fields


class LinkVisitsQuerySchema(Schema):
    """Between which days, both included."""

    first = fields.Date(required=True)
    last = fields.Date(required=True)


class LinkVisitSchema(Schema):
    """Links of one kind opened from one app."""

    source = fields.String(required=True)
    kind = fields.String(required=True)
    count = fields.Integer(required=True)


class LinkVisitsSchema(Schema):
    """The most first."""

    visits = fields.List(fields.Nested(LinkVisitSchema), required=True)
