"""Requests and answers about bills, payments and refunds. Money is integer fen, instants are UTC."""

from marshmallow import Schema, fields, validate

from payments.refunds import GROUNDS
from payments.registry import WAYS
from payments.states import AttemptState, BillState, RefundState

STATUSES = (
    "issued",
    "paying",
    "checking",
    "paid",
    "refunding",
    "part_refunded",
    "refunded",
    "void",
    "expired",
)
REASON = validate.Length(2, 200)
FEN = validate.Range(1, 2_000_000_000)


class PageQuerySchema(Schema):
    """Which page."""

    cursor = fields.String(validate=validate.Length(1, 300))


class LookUpSchema(Schema):
    """A notice in hand: its code, typed or scanned, and the payer's name on it."""

    pay_code = fields.String(required=True, validate=validate.Length(1, 300))
    payer_name = fields.String(required=True, validate=validate.Length(1, 100))


class BillRowSchema(Schema):
    """A bill in a list. `status` is what its page says, `state` how far it is at finance."""

    id = fields.UUID(required=True)
    pay_code = fields.String(required=True)
    title = fields.String(required=True)
    notice_type = fields.String(required=True, validate=validate.OneOf(["ordinary", "penalty", "postage"]))
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    state = fields.String(required=True, validate=validate.OneOf(list(BillState)))
    total_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True)
    due_on = fields.Date(required=True)
    created_at = fields.AwareDateTime(required=True)
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    unit_code = fields.String(required=True)


class BillItemSchema(Schema):
    """One charge: standard × quantity, what is added, what was remitted."""

    name = fields.String(required=True)
    unit = fields.String(required=True)
    standard_fen = fields.Integer(required=True)
    quantity = fields.Integer(required=True)
    overdue_fen = fields.Integer(required=True)
    penalty_fen = fields.Integer(required=True)
    reduction_fen = fields.Integer(required=True)
    fee_fen = fields.Integer(required=True)
    legal_basis = fields.String(required=True, allow_none=True)


class ReceiptSchema(Schema):
    """财政电子票据, or that it is being made."""

    state = fields.String(required=True, validate=validate.OneOf(["issuing", "issued", "red"]))
    code = fields.String(required=True, allow_none=True)
    number = fields.String(required=True, allow_none=True)
    check_code = fields.String(required=True, allow_none=True)
    url = fields.String(required=True, allow_none=True)
    issued_at = fields.AwareDateTime(required=True, allow_none=True)


class RefundSchema(Schema):
    """A refund as its payer sees it."""

    id = fields.UUID(required=True)
    bill_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(RefundState)))
    origin = fields.String(required=True, validate=validate.OneOf(["request", "automatic", "outside"]))
    amount_fen = fields.Integer(required=True)
    reason = fields.String(required=True)
    answer = fields.String(required=True, allow_none=True)
    due_on = fields.Date(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    refunded_at = fields.AwareDateTime(required=True, allow_none=True)


class ReliefSchema(Schema):
    """减免 or 缓缴 by a decision: the sum it took off, or the last day to pay that it set."""

    kind = fields.String(required=True, validate=validate.OneOf(["reduction", "deferral"]))
    document = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    due_on = fields.Date(required=True, allow_none=True)


class BillSchema(BillRowSchema):
    """A bill whole. `ways` are the ways to pay it; what the page offers first depends on where it runs.

    `may_refund` says whether the reader owes the bill or paid it, not whether anything is left to refund.
    """

    payer_name_masked = fields.String(required=True)
    items = fields.List(fields.Nested(BillItemSchema), required=True)
    reliefs = fields.List(fields.Nested(ReliefSchema), required=True)
    qr_url = fields.String(required=True, allow_none=True)
    paid_via = fields.String(required=True, allow_none=True)
    ways = fields.List(fields.String(validate=validate.OneOf(list(WAYS))), required=True)
    live_attempt_id = fields.UUID(required=True, allow_none=True)
    receipt = fields.Nested(ReceiptSchema, required=True, allow_none=True)
    refunds = fields.List(fields.Nested(RefundSchema), required=True)
    may_refund = fields.Boolean(required=True)


class BillsSchema(Schema):
    """A page of bills."""

    bills = fields.List(fields.Nested(BillRowSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PaySchema(Schema):
    """The way the payer chose."""

    way = fields.String(required=True, validate=validate.OneOf(list(WAYS)))


class LaunchSchema(Schema):
    """What the page does next: `parameters` for the WeChat bridge, a `url` to open, or a `qr` text to draw."""

    parameters = fields.Dict(keys=fields.String(), values=fields.String(), required=True, allow_none=True)
    url = fields.String(required=True, allow_none=True)
    qr = fields.String(required=True, allow_none=True)


class AttemptSchema(Schema):
    """One attempt to pay. `launch` is None when it cannot be paid (any more) or the channel has not answered yet."""

    id = fields.UUID(required=True)
    bill_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(AttemptState)))
    channel = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    expires_at = fields.AwareDateTime(required=True)
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    launch = fields.Nested(LaunchSchema, required=True, allow_none=True)


class AskRefundSchema(Schema):
    """How much should go back, and why."""

    amount_fen = fields.Integer(required=True, strict=True, validate=FEN)
    ground = fields.String(required=True, validate=validate.OneOf(GROUNDS))
    reason = fields.String(required=True, validate=REASON)
