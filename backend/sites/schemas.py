"""Requests and answers about sites."""

from marshmallow import Schema, fields, validate

from backend.catalogue.schemas import Hours as HoursSchema
from backend.catalogue.schemas import ItemSummary as ItemSummarySchema
from backend.catalogue.schemas import LanguageQuery
from backend.catalogue.schemas import Named as NamedSchema
from backend.sites.models import KINDS


class SitesQuerySchema(LanguageQuery):
    """Where from, and how many: `near` is a name or address and counts more than coordinates."""

    near = fields.String(load_default="", validate=validate.Length(max=100))
    lat = fields.Float(load_default=None, validate=validate.Range(-90, 90))
    lng = fields.Float(load_default=None, validate=validate.Range(-180, 180))
    kind = fields.String(load_default=None, validate=validate.OneOf(KINDS))
    n = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class SiteSchema(NamedSchema):
    """A self-service machine or a service point. What is not verified must be shown as unconfirmed."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    division = fields.Nested(NamedSchema, required=True)
    hall = fields.Nested(NamedSchema, required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    address_verified = fields.Boolean(required=True)
    lat = fields.Float(required=True, allow_none=True)
    lng = fields.Float(required=True, allow_none=True)
    location_verified = fields.Boolean(required=True)
    hours = fields.List(fields.Nested(HoursSchema), required=True)
    hours_verified = fields.Boolean(required=True)
    verified = fields.Boolean(required=True)
    distance_km = fields.Float(required=True, allow_none=True)


class SiteDetailSchema(SiteSchema):
    """A site with what its machine does."""

    items_ = fields.List(fields.Nested(ItemSummarySchema), required=True, data_key="items", attribute="items")


class UnderstoodSchema(Schema):
    """What `near` was understood as."""

    name = fields.String(required=True)
    approximate = fields.Boolean(required=True)


class SitesSchema(Schema):
    """Sites, nearest first when a place is known; `place` is null when `near` is empty or unknown."""

    place = fields.Nested(UnderstoodSchema, required=True, allow_none=True)
    sites = fields.List(fields.Nested(SiteSchema), required=True)
