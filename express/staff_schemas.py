"""Shapes of the courier part for staff. Money is integer fen, weight grams, times UTC, days civil days in Xiamen."""

from marshmallow import Schema, fields, validate

from express.models import Direction, Payer
from express.schemas import AddressPartsSchema, ShipmentRowSchema, ShipmentSchema, ShipmentWishSchema
from express.states import SheetState, ShipmentState, StatementState, TaskState
from express.task_models import TaskKind
from express.tasks import OUTCOMES

REASON = validate.Length(2, 200)
CODE = validate.Length(1, 60)
FEN = validate.Range(1, 1_000_000_000)
MOST_LABELS = 100
VERDICTS = ("match", "differs", "unknown", "repeated", "not_ours", "not_sent")


class StaffShipmentQuerySchema(Schema):
    """Which of the hall's shipments; `search` is a waybill, our number or a case number."""

    state = fields.List(fields.String(validate=validate.OneOf(list(ShipmentState))), load_default=list)
    direction = fields.String(validate=validate.OneOf(list(Direction)))
    payer = fields.String(validate=validate.OneOf(list(Payer)))
    printed = fields.Boolean()
    search = fields.String(validate=validate.Length(4, 64))
    cursor = fields.String(validate=validate.Length(1, 300))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class StaffShipmentRowSchema(ShipmentRowSchema):
    """A row of the hall's list. `failure` is what the courier said, for staff only."""

    number = fields.String(required=True)
    budget_code = fields.String(required=True, allow_none=True)
    failure = fields.String(required=True, allow_none=True)
    printed_at = fields.AwareDateTime(required=True, allow_none=True)
    sheet_id = fields.UUID(required=True, allow_none=True)
    collected_at = fields.AwareDateTime(required=True, allow_none=True)
    weight_g = fields.Integer(required=True)
    applicant_masked = fields.String(required=True)


class StaffShipmentsSchema(Schema):
    """A page of the hall's shipments, newest first."""

    shipments = fields.List(fields.Nested(StaffShipmentRowSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ShipmentTaskSchema(Schema):
    """Something to decide by a working day. `new_address` is what the courier must be told."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(TaskState)))
    kind = fields.String(required=True, validate=validate.OneOf(list(TaskKind)))
    detail = fields.String(required=True)
    due_on = fields.Date(required=True, allow_none=True)
    opened_at = fields.AwareDateTime(required=True)
    outcome = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    shipment_id = fields.UUID(required=True)
    title = fields.String(required=True)
    waybill = fields.String(required=True, allow_none=True)
    new_address = fields.Nested(AddressPartsSchema, required=True, allow_none=True)
    outcomes = fields.List(fields.String(), required=True, metadata={"description": "How it may end, the usual first"})


class StaffShipmentSchema(StaffShipmentRowSchema, ShipmentSchema):
    """One shipment whole."""

    proof = fields.String(required=True, allow_none=True)
    tasks = fields.List(fields.Nested(ShipmentTaskSchema), required=True)


class ShipmentTaskQuerySchema(Schema):
    """Which open tasks."""

    kind = fields.String(validate=validate.OneOf(list(TaskKind)))
    cursor = fields.String(validate=validate.Length(1, 300))


class ShipmentTasksSchema(Schema):
    """A page of open tasks, longest waiting first."""

    tasks = fields.List(fields.Nested(ShipmentTaskSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ShipmentTaskFinishSchema(Schema):
    """What came of it; each kind of task has outcomes of its own."""

    outcome = fields.String(
        required=True, validate=validate.OneOf(sorted({one for ends in OUTCOMES.values() for one in ends}))
    )
    note = fields.String(load_default=None, allow_none=True, validate=REASON)


class WindowPostageQuoteSchema(ShipmentWishSchema):
    """Ordered at the window on behalf of an applicant, who has read the address and confirmed it."""

    applicant = fields.Nested(AddressPartsSchema, required=True)
    address_confirmed = fields.Boolean(required=True, validate=validate.Equal(True))


class ShipmentStaffCancelSchema(Schema):
    """Why."""

    reason = fields.String(required=True, validate=REASON)


class ShipmentWindowAddressSchema(Schema):
    """Another address, read to the applicant and confirmed."""

    applicant = fields.Nested(AddressPartsSchema, required=True)


class ShipmentPickUpSchema(Schema):
    """Handed over at the window: the document was compared, the receiver signed.

    `signature` is the drawn signature as a PNG in a data URL. An agent needs an authorisation.
    """

    name = fields.String(required=True, validate=validate.Length(2, 50))
    id_tail = fields.String(required=True, validate=validate.Regexp(r"^[0-9A-Z]{4}$"))
    document_checked = fields.Boolean(required=True, validate=validate.Equal(True))
    by_agent = fields.Boolean(load_default=False)
    authorisation = fields.String(load_default=None, allow_none=True, validate=validate.Length(2, 100))
    signature = fields.String(
        required=True,
        validate=[validate.Length(30, 200_000), validate.Regexp(r"^data:image/png;base64,[A-Za-z0-9+/=]+$")],
    )


class ShipmentLabelsSchema(Schema):
    """Whose labels, in this order."""

    shipment_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST_LABELS))


class HandoverSheetSchema(Schema):
    """A hand-over sheet with what was scanned so far."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(SheetState)))
    courier = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    shipments = fields.List(fields.Nested(StaffShipmentRowSchema), required=True)


class HandoverSheetRowSchema(Schema):
    """A sheet in a list."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(SheetState)))
    courier = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    count = fields.Integer(required=True)


class HandoverSheetsSchema(Schema):
    """The hall's sheets, newest first."""

    sheets = fields.List(fields.Nested(HandoverSheetRowSchema), required=True)


class WaybillScanSchema(Schema):
    """The barcode of a label."""

    waybill = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9]{8,30}$"))


class HandoverSignSchema(Schema):
    """The courier's name or staff number, as they sign."""

    courier = fields.String(required=True, validate=validate.Length(2, 50))


class PostagePolicyWriteSchema(Schema):
    """Who pays: for everything that is left out, every one. The lowest `priority` that fits wins."""

    priority = fields.Integer(required=True, strict=True, validate=validate.Range(1, 9999))
    name = fields.String(required=True, validate=validate.Length(2, 100))
    category_code = fields.String(load_default=None, allow_none=True, validate=CODE)
    item_slug = fields.String(load_default=None, allow_none=True, validate=CODE)
    division_code = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"^\d{6}$"))
    direction = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(list(Direction)))
    applicant_type = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(["person", "organisation"])
    )
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(load_default=None, allow_none=True)
    payer = fields.String(required=True, validate=validate.OneOf(list(Payer)))
    yearly_cap_fen = fields.Integer(load_default=None, allow_none=True, strict=True, validate=FEN)
    budget_code = fields.String(load_default=None, allow_none=True, validate=CODE)


class PostagePolicySchema(PostagePolicyWriteSchema):
    """A policy with what this civil year has cost so far."""

    id = fields.UUID(required=True)
    spent_fen = fields.Integer(required=True)


class PostagePoliciesSchema(Schema):
    """Every policy in the order in which they are tried."""

    policies = fields.List(fields.Nested(PostagePolicySchema), required=True)


class PostagePolicyEndSchema(Schema):
    """The last day of a policy."""

    last_day = fields.Date(required=True)


class PostagePolicyPreviewSchema(Schema):
    """A shipment that might be; which policy would pay it on that day."""

    item_slug = fields.String(required=True, validate=CODE)
    category_code = fields.String(required=True, validate=CODE)
    division_code = fields.String(required=True, validate=validate.Regexp(r"^\d{6}$"))
    direction = fields.String(required=True, validate=validate.OneOf(list(Direction)))
    applicant_type = fields.String(load_default="person", validate=validate.OneOf(["person", "organisation"]))
    on = fields.Date(load_default=None, allow_none=True)
    cost_fen = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000))


class PostagePolicyDecisionSchema(Schema):
    """Who pays by which policy; `skipped` fitted before it but have spent their year's money."""

    payer = fields.String(required=True, validate=validate.OneOf(list(Payer)))
    policy = fields.Nested(PostagePolicySchema, required=True)
    skipped = fields.List(fields.Nested(PostagePolicySchema), required=True)


class ExpressOfficeWriteSchema(AddressPartsSchema):
    """Where a hall sends from and receives, and the division that bears its postage."""

    division_code = fields.String(required=True, validate=validate.Regexp(r"^\d{6}$"))


class ExpressOfficeSchema(Schema):
    """A hall's office; without a street it cannot mail."""

    hall_code = fields.String(required=True)
    division_code = fields.String(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True)
    province = fields.String(required=True)
    city = fields.String(required=True)
    county = fields.String(required=True)
    line = fields.String(required=True, allow_none=True)
    verified = fields.Boolean(required=True)


class ExpressOfficesSchema(Schema):
    """Every hall's office."""

    offices = fields.List(fields.Nested(ExpressOfficeSchema), required=True)


class PostageMonthQuerySchema(Schema):
    """A civil month, `2026-11`."""

    month = fields.String(required=True, validate=validate.Regexp(r"^20\d\d-(0[1-9]|1[0-2])$"))


class PostageSettlementRowSchema(Schema):
    """What a division and a policy owe for a month: our figures and the courier's. Fen."""

    division_code = fields.String(required=True)
    policy_id = fields.UUID(required=True, allow_none=True)
    policy = fields.String(required=True)
    budget_code = fields.String(required=True, allow_none=True)
    payer = fields.String(required=True, validate=validate.OneOf(list(Payer)))
    count = fields.Integer(required=True)
    weight_g = fields.Integer(required=True)
    estimate_fen = fields.Integer(required=True)
    ours_fen = fields.Integer(required=True)
    theirs_fen = fields.Integer(required=True)
    difference_fen = fields.Integer(required=True)
    list_fen = fields.Integer(required=True)


class BillVerdictSchema(Schema):
    """How many lines of the courier's bill have a verdict, and their sum."""

    verdict = fields.String(required=True)
    count = fields.Integer(required=True)
    fen = fields.Integer(required=True)


class PostageSettlementSchema(Schema):
    """A month: rows by division and policy, verdicts on the courier's bill, and shipments it does not name."""

    month = fields.String(required=True)
    state = fields.String(required=True, allow_none=True, validate=validate.OneOf(list(StatementState)))
    settled_by = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    rows = fields.List(fields.Nested(PostageSettlementRowSchema), required=True)
    verdicts = fields.List(fields.Nested(BillVerdictSchema), required=True)
    unbilled = fields.Integer(required=True)
    payable_fen = fields.Integer(required=True)


class PostageSettleSchema(Schema):
    """Settle a month; with differences only for a reason."""

    month = fields.String(required=True, validate=validate.Regexp(r"^20\d\d-(0[1-9]|1[0-2])$"))
    reason = fields.String(load_default=None, allow_none=True, validate=REASON)


class CarrierLineSchema(Schema):
    """A line of the courier's bill with our verdict."""

    position = fields.Integer(required=True)
    waybill = fields.String(required=True)
    number = fields.String(required=True)
    posted_at = fields.AwareDateTime(required=True)
    weight_g = fields.Integer(required=True)
    fen = fields.Integer(required=True)
    ours_fen = fields.Integer(required=True, allow_none=True)
    verdict = fields.String(required=True)


class CarrierLinesQuerySchema(PostageMonthQuerySchema):
    """Which lines."""

    verdict = fields.String(validate=validate.OneOf(VERDICTS))
    after = fields.Integer(load_default=0)


class CarrierLinesSchema(Schema):
    """A page of lines; ask for the rest with `after`."""

    lines = fields.List(fields.Nested(CarrierLineSchema), required=True)
    next_after = fields.Integer(required=True, allow_none=True)


class ExpressPeriodSchema(Schema):
    """Civil days in Xiamen, both included."""

    first = fields.Date(required=True)
    last = fields.Date(required=True)


class ShipmentExceptionsSchema(Schema):
    """Tasks of a kind in a hall."""

    hall_code = fields.String(required=True)
    kind = fields.String(required=True)
    opened = fields.Integer(required=True)
    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


class PostageCostSchema(Schema):
    """What shipments of a division by a policy have cost. `saved_fen` is against the public price."""

    division_code = fields.String(required=True)
    policy = fields.String(required=True)
    payer = fields.String(required=True)
    count = fields.Integer(required=True)
    fen = fields.Integer(required=True)
    list_fen = fields.Integer(required=True)
    saved_fen = fields.Integer(required=True)


class ExpressReportSchema(Schema):
    """Cost by policy and division, and exceptions."""

    costs = fields.List(fields.Nested(PostageCostSchema), required=True)
    exceptions = fields.List(fields.Nested(ShipmentExceptionsSchema), required=True)


class MailGapSchema(Schema):
    """An item that is mailed neither way. Without a reason it breaks the circular's clause 18."""

    item = fields.String(required=True)
    name = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)


class MailGapsSchema(Schema):
    """Every item without a way to mail, those without a reason first."""

    items = fields.List(fields.Nested(MailGapSchema), required=True)
    missing = fields.Integer(required=True)
    total = fields.Integer(required=True)


class MailReasonSchema(Schema):
    """Why this item is not mailed."""

    reason = fields.String(required=True, validate=REASON)
