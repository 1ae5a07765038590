"""Requests and answers of staff: issuing bills, deciding refunds and suspense."""

from marshmallow import Schema, fields, validate

from payments.schemas import FEN, REASON, BillItemSchema, BillRowSchema, PageQuerySchema, RefundSchema
from payments.states import AttemptState, BillState

DOCUMENT = validate.Length(2, 80)


class BillLineSchema(Schema):
    """One income item. `decided_fen` is a fine's sum; every other amount comes from the standard in force."""

    item = fields.String(required=True, validate=validate.Length(1, 64))
    quantity = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 9999))
    decided_fen = fields.Integer(load_default=None, allow_none=True, strict=True, validate=FEN)
    reduction_fen = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 2_000_000_000))


class PayerSchema(Schema):
    """Who owes."""

    name = fields.String(required=True, validate=validate.Length(1, 100))
    kind = fields.String(load_default="person", validate=validate.OneOf(["person", "organisation"]))
    id_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(4, 30))


class IssueSchema(Schema):
    """A bill to be issued for one thing. Items name it without titles. `due_on` missing is the ordinary time.

    `document` is the decision behind a reduction, or a last day to pay after the ordinary one, which the law sets for
    a fine.
    """

    lines = fields.List(fields.Nested(BillLineSchema), required=True, validate=validate.Length(1, 20))
    accepted_on = fields.Date(required=True)
    payer = fields.Nested(PayerSchema, required=True)
    subject_type = fields.String(required=True, validate=validate.OneOf(["case", "appointment", "decision", "counter"]))
    subject_id = fields.String(required=True, validate=validate.Length(1, 64))
    title_zh = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 60))
    title_en = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 120))
    due_on = fields.Date(load_default=None, allow_none=True)
    document = fields.String(load_default=None, allow_none=True, validate=DOCUMENT)


class ChargeableQuerySchema(Schema):
    """The day on which the matter was accepted: its standards apply (money rule M10)."""

    on = fields.Date(required=True)


class BothNamesSchema(Schema):
    """A name in both languages: a bill keeps both."""

    zh = fields.String(required=True)
    en = fields.String(required=True)


class ChargeableItemSchema(Schema):
    """An income item that may be charged; a fine's sum stands in its decision."""

    code = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["non_tax", "penalty"]))
    name = fields.Nested(BothNamesSchema, required=True)
    amount_fen = fields.Integer(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    legal_basis = fields.String(required=True, allow_none=True)


class ChargeableUnitSchema(Schema):
    """A collecting unit with its items."""

    code = fields.String(required=True)
    name = fields.Nested(BothNamesSchema, required=True)
    items_ = fields.List(fields.Nested(ChargeableItemSchema), required=True, data_key="items", attribute="items")


class ChargeableUnitsSchema(Schema):
    """Every unit that may charge something on that day."""

    units = fields.List(fields.Nested(ChargeableUnitSchema), required=True)


class BillDraftSchema(Schema):
    """What a bill would say. One that `grows` costs more each day after its due date; another dies then."""

    unit_name = fields.String(required=True)
    notice_type = fields.String(required=True, validate=validate.OneOf(["ordinary", "penalty"]))
    grows = fields.Boolean(required=True)
    items_ = fields.List(fields.Nested(BillItemSchema), required=True, data_key="items", attribute="items")
    total_fen = fields.Integer(required=True)
    due_on = fields.Date(required=True)


class WindowLookUpSchema(Schema):
    """A notice that the payer shows: its code, typed or scanned."""

    pay_code = fields.String(required=True, validate=validate.Length(1, 300))


class StaffBillSchema(BillRowSchema):
    """A bill as staff see it."""

    payer_name_masked = fields.String(required=True)


class StaffBillsSchema(Schema):
    """A page of a hall's bills."""

    bills = fields.List(fields.Nested(StaffBillSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class StaffBillQuerySchema(PageQuerySchema):
    """Which of the hall's bills."""

    state = fields.String(validate=validate.OneOf(list(BillState)))


class VoidSchema(Schema):
    """Why; the audit trail keeps it."""

    reason = fields.String(required=True, validate=REASON)


class DeferSchema(Schema):
    """缓缴: until when, and by which decision."""

    due_on = fields.Date(required=True)
    document = fields.String(required=True, validate=DOCUMENT)


class RefundRefusalSchema(Schema):
    """Why not; the citizen reads it."""

    answer = fields.String(required=True, validate=REASON)


class UnitRefundSchema(Schema):
    """The unit found the error itself."""

    amount_fen = fields.Integer(required=True, strict=True, validate=FEN)
    ground = fields.String(required=True, validate=validate.OneOf(["over_collected", "technical_error"]))
    reason = fields.String(required=True, validate=REASON)


class RefundCaseSchema(RefundSchema):
    """A refund as staff see it. `by_channel` False is done by hand."""

    pay_code = fields.String(required=True)
    title = fields.String(required=True)
    payer_name_masked = fields.String(required=True)
    total_fen = fields.Integer(required=True)
    ground = fields.String(required=True)
    by_channel = fields.Boolean(required=True)
    failure = fields.String(required=True, allow_none=True)
    evidence = fields.String(required=True, allow_none=True)


class RefundCasesSchema(Schema):
    """A page of refunds."""

    refunds = fields.List(fields.Nested(RefundCaseSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RefundQuerySchema(PageQuerySchema):
    """Only what waits for somebody, or all."""

    scope = fields.String(load_default="open", validate=validate.OneOf(["open", "all"]))


class EvidenceSchema(Schema):
    """How finance paid it: the treasury's document."""

    evidence = fields.String(required=True, validate=validate.Length(4, 200))


class ProposalSchema(Schema):
    """What is to become of money in suspense."""

    proposal = fields.String(required=True, validate=validate.OneOf(["settle", "give_back"]))
    reason = fields.String(required=True, validate=REASON)


class ConfirmationSchema(Schema):
    """The second person agrees with exactly this."""

    proposal = fields.String(required=True, validate=validate.OneOf(["settle", "give_back"]))


class SuspenseSchema(Schema):
    """Money that came and does not fit. Unless it `can_settle` its bill after all, it can only go back."""

    id = fields.UUID(required=True)
    bill_id = fields.UUID(required=True)
    pay_code = fields.String(required=True)
    bill_state = fields.String(required=True, validate=validate.OneOf(list(BillState)))
    can_settle = fields.Boolean(required=True)
    channel = fields.String(required=True)
    number = fields.String(required=True)
    asked_fen = fields.Integer(required=True)
    paid_fen = fields.Integer(required=True)
    currency = fields.String(required=True)
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(list(AttemptState)))
    proposal = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class SuspenseListSchema(Schema):
    """All of it, oldest first."""

    cases = fields.List(fields.Nested(SuspenseSchema), required=True)
