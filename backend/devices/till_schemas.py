"""Requests and answers of paying at a device. Money is integer fen."""

from marshmallow import Schema, fields, validate

from backend.devices.kiosk_schemas import SlipSchema
from payments.schemas import STATUSES, BillItemSchema, ReceiptSchema


class NoticeSchema(Schema):
    """A notice in hand: its code, typed or scanned, and the payer's name on it or on the id card in the reader."""

    pay_code = fields.String(required=True, validate=validate.Length(1, 300))
    payer_name = fields.String(required=True, validate=validate.Length(1, 100))


class ScanCodeSchema(Schema):
    """The text of the code that WeChat scans, good until then."""

    qr = fields.String(required=True)
    until = fields.AwareDateTime(required=True)


class DeviceBillSchema(Schema):
    """A bill at a device. `scan` is there while its code can be paid; `on_phone` opens the bill on any phone.

    `can_scan` says whether a code can be asked for, `slip` is what to print once the money is there: never a receipt.
    """

    pay_code = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    total_fen = fields.Integer(required=True)
    due_on = fields.Date(required=True)
    payer_name_masked = fields.String(required=True)
    items_ = fields.List(fields.Nested(BillItemSchema), required=True, data_key="items", attribute="items")
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    paid_via = fields.String(required=True, allow_none=True)
    receipt = fields.Nested(ReceiptSchema, required=True, allow_none=True)
    can_scan = fields.Boolean(required=True)
    on_phone = fields.String(required=True)
    scan = fields.Nested(ScanCodeSchema, required=True, allow_none=True)
    slip = fields.Nested(SlipSchema, required=True, allow_none=True)
