"""Requests and answers of a window that collects."""

from marshmallow import Schema, fields, validate

from payments.registry import WINDOW_WAYS
from payments.schemas import BillSchema


class WindowLookUpSchema(Schema):
    """A notice that the payer shows: its code, typed or scanned."""

    pay_code = fields.String(required=True, validate=validate.Length(1, 300))


class WindowBillSchema(BillSchema):
    """A bill whole; `ways` are how a window can collect it."""

    ways = fields.List(fields.String(validate=validate.OneOf(list(WINDOW_WAYS))), required=True)


class CollectSchema(Schema):
    """The code on the payer's phone, or nothing: then a code is made that the payer scans."""

    auth_code = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"1[0-5]\d{16}\Z"))
