"""Requests and answers of staff about cases."""

from marshmallow import Schema, fields, validate

from backend.applications.clocks import Colour
from backend.applications.schemas import (
    ApplicationCommitmentSchema,
    AskedSchema,
    CaseDecisionSchema,
    CaseFeeSchema,
    CaseVisitSchema,
    DeliverySchema,
    NamedItemSchema,
    PageSchema,
    RequirementSchema,
)
from backend.applications.staff_queries import BOXES
from backend.applications.states import CaseState, PartState
from backend.catalogue.schemas import Named as NamedSchema
from backend.credit.schemas import CreditCheckSchema

REASON = validate.Length(2, 200)
DOCUMENT = validate.Length(2, 80)
CODE = validate.Length(1, 40)
MATERIAL = validate.Length(1, 120)
MOST_AT_ONCE = 50


class InboxQuerySchema(Schema):
    """Which of my hall's cases."""

    box = fields.String(load_default="front", validate=validate.OneOf([*BOXES, "incoming", "joint", "pickup", "asked"]))
    state = fields.String(validate=validate.OneOf(list(CaseState)))
    item = fields.String(validate=validate.Length(1, 64))
    colour = fields.String(validate=validate.OneOf(list(Colour)))
    number = fields.String(validate=validate.Length(0, 64))
    """A case number, or a part of one of at least four characters."""
    cursor = fields.String(validate=validate.Length(1, 300))


class StaffCaseRowSchema(Schema):
    """A row of the inbox. `owed_on`: by when staff owe the next thing."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    item = fields.Nested(NamedItemSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CaseState)))
    status = fields.String(required=True)
    instant = fields.Boolean(required=True)
    joint = fields.Boolean(required=True)
    channel = fields.String(required=True)
    applicant = fields.String(required=True, allow_none=True)
    submitted_at = fields.AwareDateTime(required=True)
    owed_on = fields.Date(required=True, allow_none=True)
    law_due_on = fields.Date(required=True, allow_none=True)
    colour = fields.String(required=True, allow_none=True, validate=validate.OneOf(list(Colour)))
    reply_by = fields.Date(required=True, allow_none=True)
    unread = fields.Integer(required=True)
    fee_state = fields.String(required=True)


class CaseCountsSchema(Schema):
    """How many cases are in each box, how many are overdue, and the items that my hall's cases are of."""

    boxes = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    overdue = fields.Integer(required=True)
    items_ = fields.List(fields.Nested(NamedItemSchema), required=True, data_key="items", attribute="items")


class StaffCasesSchema(Schema):
    """A page of the inbox."""

    cases = fields.List(fields.Nested(StaffCaseRowSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CitizenContactSchema(Schema):
    """Who filed, masked."""

    name_masked = fields.String(required=True, allow_none=True)
    phone_masked = fields.String(required=True, allow_none=True)


class CaseResultSchema(Schema):
    """The result: its file, digest, and the seal on it."""

    file_id = fields.UUID(required=True, allow_none=True)
    digest = fields.String(required=True, allow_none=True)
    seal = fields.String(required=True, allow_none=True)


class CaseToldSchema(Schema):
    """A correction that was told, or papers that were sent back."""

    kind = fields.String(required=True, validate=validate.OneOf(["return", "correct"]))
    words = fields.String(required=True)
    fields_ = fields.List(fields.Nested(AskedSchema), required=True, data_key="fields", attribute="fields")
    materials = fields.List(fields.Nested(AskedSchema), required=True)
    told_at = fields.AwareDateTime(required=True)
    answered_at = fields.AwareDateTime(required=True, allow_none=True)


class UnlistedMaterialSchema(Schema):
    """A paper that was asked for and is not on the item's list; `settled` is what a lead says became of it."""

    name = fields.String(required=True)
    place = fields.String(required=True, validate=validate.OneOf(["return", "correct", "message"]))
    told_at = fields.AwareDateTime(required=True)
    settled = fields.String(required=True, allow_none=True)


class CasePartSchema(Schema):
    """A department's part."""

    id = fields.UUID(required=True)
    department = fields.String(required=True)
    hall_code = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(PartState)))
    opinion = fields.String(required=True, allow_none=True)


class TakenStepSchema(Schema):
    """A special step of this case."""

    code = fields.String(required=True)
    days = fields.Integer(required=True)
    began_on = fields.Date(required=True)
    ends_by = fields.Date(required=True, allow_none=True)
    ended_on = fields.Date(required=True, allow_none=True)
    document = fields.String(required=True)


class ListedStepSchema(Schema):
    """A special step that this item may take."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    basis = fields.String(required=True)
    condition = fields.String(required=True)
    days = fields.Integer(required=True)


class CaseTransferSchema(Schema):
    """Papers on their way between two halls."""

    from_hall = fields.String(required=True)
    to_hall = fields.String(required=True)
    reason = fields.String(required=True)
    sent_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)
    overdue = fields.Boolean(required=True)


class CaseDoneSchema(Schema):
    """One step of the case, by whom."""

    at = fields.AwareDateTime(required=True)
    event = fields.String(required=True)
    words = fields.String(required=True)
    by = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class TakenNumberSchema(Schema):
    """A number somebody took for the case."""

    number = fields.String(required=True)
    day = fields.Date(required=True)
    hall = fields.Nested(NamedSchema, required=True)
    state = fields.String(required=True)


class CaseVisitsSchema(Schema):
    """Visits for the case: booked, numbers taken, and how many times somebody was served (actual visits)."""

    booked = fields.List(fields.Nested(CaseVisitSchema), required=True)
    numbers = fields.List(fields.Nested(TakenNumberSchema), required=True)
    served = fields.Integer(required=True)


class CaseAtHallSchema(Schema):
    """A case for whoever has its applicant before them: names of materials never given, and originals not seen."""

    case = fields.Nested(StaffCaseRowSchema, required=True)
    checked = fields.Boolean(required=True)
    missing = fields.List(fields.String(), required=True)
    to_see = fields.List(fields.String(), required=True)


class StaffCaseSchema(StaffCaseRowSchema):
    """A case whole. `may` names the steps that my role and hall allow now; `may_scan`: add pages of originals."""

    full_number = fields.String(required=True)
    application_id = fields.UUID(required=True)
    hall_code = fields.String(required=True)
    filed_hall = fields.String(required=True, allow_none=True)
    mode = fields.String(required=True)
    citizen = fields.Nested(CitizenContactSchema, required=True)
    accept_by = fields.Date(required=True, allow_none=True)
    accepted_on = fields.Date(required=True, allow_none=True)
    promise_days = fields.Integer(required=True)
    law_days = fields.Integer(required=True)
    extended_days = fields.Integer(required=True)
    promise_due_on = fields.Date(required=True, allow_none=True)
    days_used = fields.Integer(required=True, allow_none=True)
    deliver_by = fields.Date(required=True, allow_none=True)
    corrected_once = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)
    document = fields.String(required=True, allow_none=True, metadata={"description": "Number of the written decision"})
    decision = fields.Nested(CaseDecisionSchema, required=True, allow_none=True)
    fee = fields.Nested(CaseFeeSchema, required=True)
    delivery = fields.Nested(DeliverySchema, required=True)
    result = fields.Nested(CaseResultSchema, required=True)
    pages = fields.List(fields.Nested(PageSchema), required=True)
    answers = fields.Dict(required=True)
    materials = fields.List(fields.Nested(RequirementSchema), required=True)
    commitment = fields.Nested(ApplicationCommitmentSchema, required=True, allow_none=True)
    credit = fields.Nested(CreditCheckSchema, required=True, allow_none=True)
    corrections = fields.List(fields.Nested(CaseToldSchema), required=True)
    unlisted = fields.List(fields.Nested(UnlistedMaterialSchema), required=True)
    parts = fields.List(fields.Nested(CasePartSchema), required=True)
    specials = fields.List(fields.Nested(TakenStepSchema), required=True)
    steps = fields.List(fields.Nested(ListedStepSchema), required=True)
    to_halls = fields.List(fields.String(), required=True, metadata={"description": "Halls that may take it over"})
    transfer = fields.Nested(CaseTransferSchema, required=True, allow_none=True)
    visits = fields.Nested(CaseVisitsSchema, required=True)
    checked = fields.Boolean(required=True)
    may_scan = fields.Boolean(required=True)
    history = fields.List(fields.Nested(CaseDoneSchema), required=True)
    may = fields.List(fields.String(), required=True)


class ScanCaseSchema(Schema):
    """What the scanner read, or a number as typed."""

    code = fields.String(required=True, validate=validate.Length(1, 300))


class CaseTextSchema(Schema):
    """Words to choose from."""

    code = fields.String(required=True)
    purpose = fields.String(required=True)
    text = fields.String(required=True)
    text_en = fields.String(required=True)


class CaseTextsSchema(Schema):
    """All of them."""

    texts = fields.List(fields.Nested(CaseTextSchema), required=True)


class AskForSchema(Schema):
    """Everything that is missing or wrong, at once. `words` is what the citizen reads first."""

    words = fields.String(required=True, validate=REASON)
    fields_ = fields.List(
        fields.Nested(AskedSchema),
        load_default=[],
        data_key="fields",
        attribute="fields",
        validate=validate.Length(0, 60),
    )
    things = fields.List(
        fields.Nested(AskedSchema), load_default=[], data_key="materials", validate=validate.Length(0, 60)
    )


class PapersSchema(Schema):
    """Materials seen on paper."""

    papers = fields.List(fields.String(validate=MATERIAL), load_default=[], validate=validate.Length(0, 60))


class CaseReasonSchema(Schema):
    """Why; the citizen may read it."""

    reason = fields.String(required=True, validate=REASON)


class RefuseSchema(CaseReasonSchema):
    """Why not, and the number of the written notice."""

    document = fields.String(required=True, validate=DOCUMENT)


class SendOnSchema(CaseReasonSchema):
    """To which hall, and why."""

    to_hall = fields.String(required=True, validate=CODE)


class RevealedSchema(Schema):
    """The answers in full; the reading is in the audit trail."""

    answers = fields.Dict(required=True)


class CaseBatchSchema(Schema):
    """One step for several cases; each for itself, so that one refusal stops no other."""

    event = fields.String(required=True, validate=validate.OneOf(["receive", "pre_approve", "accept", "review"]))
    case_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST_AT_ONCE))


class CaseBatchRowSchema(Schema):
    """What became of one of them; `code` says why it was refused."""

    case_id = fields.UUID(required=True)
    done = fields.Boolean(required=True)
    code = fields.String(required=True, allow_none=True)
    title = fields.String(required=True, allow_none=True)


class CaseBatchDoneSchema(Schema):
    """In the order given."""

    results = fields.List(fields.Nested(CaseBatchRowSchema), required=True)


class BeginStepSchema(Schema):
    """A listed step, for at most its days, with the number of the written notice to the applicant."""

    code = fields.String(required=True, validate=CODE)
    days = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 120))
    document = fields.String(required=True, validate=DOCUMENT)


class ExtendSchema(RefuseSchema):
    """By how many working days, why, and by which approval."""

    days = fields.Integer(required=True, strict=True, validate=validate.Range(1, 15))


class OpinionSchema(Schema):
    """A department's answer."""

    agree = fields.Boolean(required=True)
    opinion = fields.String(required=True, validate=REASON)


class DecideSchema(Schema):
    """The decision with its document number; a refusal needs its reason."""

    grant = fields.Boolean(required=True)
    document = fields.String(required=True, validate=DOCUMENT)
    reason = fields.String(load_default=None, allow_none=True, validate=REASON)


class ConcludeSchema(Schema):
    """The result: a file uploaded for this case, or paper; with the name of its seal."""

    file_id = fields.UUID(load_default=None, allow_none=True)
    paper = fields.Boolean(load_default=False)
    seal = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 60))


class OfferSchema(Schema):
    """Where it can be collected; the applicant's own choice comes first."""

    hall = fields.String(load_default=None, allow_none=True, validate=CODE)


class HandOverSchema(Schema):
    """The receiver's identity was checked. `signature_id`: what they signed, a file of the case; an agent's paper."""

    identity_checked = fields.Boolean(required=True, validate=validate.Equal(True))
    signature_id = fields.UUID(required=True)
    authorisation = fields.String(load_default=None, allow_none=True, validate=validate.Length(2, 100))


class CitizenCardSchema(Schema):
    """The citizen's card as read at the counter."""

    name = fields.String(required=True, validate=validate.Length(1, 60))
    id_number = fields.String(required=True, validate=validate.Length(15, 30))


class CounterStartSchema(Schema):
    """What is filed for the citizen who stands there."""

    item = fields.String(required=True, validate=validate.Length(1, 64))
    citizen = fields.Nested(CitizenCardSchema, required=True)


class ConfirmCodeSchema(Schema):
    """The six digits that the citizen reads out."""

    code = fields.String(required=True, validate=validate.Regexp(r"^\d{6}$"))


class FiledSchema(Schema):
    """The case that a counter has filed: its number, nothing else of it."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CaseState)))
