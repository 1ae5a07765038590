"""Requests and answers of citizens about forms, applications and cases."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.applications.states import ApplicationState, CaseState
from backend.catalogue.schemas import Named as NamedSchema
from backend.credit.schemas import CreditCheckSchema

SLUG = validate.Length(1, 64)
CODE = validate.Length(1, 40)
WORDS = validate.Length(1, 1000)
REASON = validate.Length(2, 200)
WAYS = ["download", "mail", "window"]


class NamedItemSchema(Schema):
    """An item by name."""

    slug = fields.String(required=True)
    name = fields.String(required=True)


class ConditionSchema(Schema):
    """Shown only while the answer to `field` is one of `is`."""

    field = fields.String(required=True)
    is_ = fields.List(fields.Raw(), required=True, data_key="is", attribute="is")


class OptionSchema(Schema):
    """One choice."""

    value = fields.String(required=True)
    label = fields.String(required=True)


class InnerFieldSchema(Schema):
    """One question. `source` profile.… is answered by the profile, never by the page."""

    name = fields.String(required=True)
    kind = fields.String(
        required=True,
        validate=validate.OneOf(
            [
                *("text", "long", "number", "date", "phone", "id_number", "credit_code"),
                *("yes_no", "agree", "choice", "choices", "list"),
            ]
        ),
    )
    label = fields.String(required=True)
    hint = fields.String(required=True, allow_none=True)
    required = fields.Boolean(required=True)
    options = fields.List(fields.Nested(OptionSchema), required=True)
    show_if = fields.Nested(ConditionSchema, required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)
    min = fields.Integer(required=True, allow_none=True)
    max = fields.Integer(required=True, allow_none=True)


class FieldSchema(InnerFieldSchema):
    """One question; of a `list` the `fields` of each row."""

    fields_ = fields.List(fields.Nested(InnerFieldSchema), required=True, data_key="fields", attribute="fields")


class PageSchema(Schema):
    """One thing a page: a title and its questions."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    hint = fields.String(required=True, allow_none=True)
    fields_ = fields.List(fields.Nested(FieldSchema), required=True, data_key="fields", attribute="fields")


class GivenSchema(Schema):
    """One thing given for a material."""

    kind = fields.String(required=True, validate=validate.OneOf(["file", "licence", "paper"]))
    id = fields.UUID(required=True, allow_none=True)
    state = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    media_type = fields.String(required=True, allow_none=True)
    pages = fields.Integer(required=True, allow_none=True)


class RequirementSchema(Schema):
    """One material. `how` it is given: upload, fetch from a library, made from the answers, at the window, optional."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    note = fields.String(required=True, allow_none=True)
    source = fields.String(required=True)
    source_label = fields.String(required=True)
    how = fields.String(
        required=True,
        validate=validate.OneOf(["upload", "fetch", "generated", "window", "optional", "nothing"]),
    )
    required = fields.Boolean(required=True)
    exempt = fields.Boolean(required=True)
    original = fields.Integer(required=True)
    copies = fields.Integer(required=True)
    done = fields.Boolean(required=True)
    given = fields.List(fields.Nested(GivenSchema), required=True)


class FormSchema(Schema):
    """An item's form as it is today. `schema` is its JSON Schema (2020-12)."""

    item = fields.Nested(NamedItemSchema, required=True)
    mode = fields.String(required=True, validate=validate.OneOf(["guide", "link", "split", "full"]))
    url = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    level = fields.Integer(required=True)
    schema = fields.Dict(required=True)
    pages = fields.List(fields.Nested(PageSchema), required=True)
    materials = fields.List(fields.Nested(RequirementSchema), required=True)


class StartSchema(Schema):
    """What to file and for whom: oneself, a relative, or an organisation. `hall` for items of a district.

    `appointment_id`: a visit of mine that this is for.
    """

    item = fields.String(required=True, validate=SLUG)
    person_id = fields.UUID(load_default=None, allow_none=True)
    organisation_id = fields.UUID(load_default=None, allow_none=True)
    hall = fields.String(load_default=None, allow_none=True, validate=CODE)
    appointment_id = fields.UUID(load_default=None, allow_none=True)


class SaveSchema(Schema):
    """Answers that changed, null takes one away. `revision` is the one these changes were made on.

    With `delivery` also how the result is to come; a download needs consent to electronic delivery.
    """

    revision = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000_000))
    answers = fields.Dict(keys=fields.String(validate=SLUG), values=fields.Raw(allow_none=True), required=True)
    delivery = fields.String(allow_none=True, validate=validate.OneOf(WAYS))
    delivery_consent = fields.Boolean(load_default=False)
    pickup_hall = fields.String(load_default=None, allow_none=True, validate=CODE)


def way_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """How the result is to come, if the body says so."""
    if "delivery" not in body:
        return None
    return {"way": body["delivery"], "consent": body["delivery_consent"], "pickup_hall": body["pickup_hall"]}


class ProblemAtSchema(Schema):
    """What is missing or wrong: RFC 6901 pointer into answers or materials."""

    pointer = fields.String(required=True)
    detail = fields.String(required=True)


class TaskSchema(Schema):
    """One line of the task list."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["not_started", "in_progress", "done", "cannot_start"])
    )


class AskedSchema(Schema):
    """One thing to put right: `name` is a field's name or a material's id."""

    name = fields.String(required=True, validate=validate.Length(1, 120))
    words = fields.String(required=True, validate=REASON)


class CorrectionSchema(Schema):
    """What staff asked for, everything at once."""

    words = fields.String(required=True)
    fields_ = fields.List(fields.Nested(AskedSchema), required=True, data_key="fields", attribute="fields")
    materials = fields.List(fields.Nested(AskedSchema), required=True)
    told_at = fields.AwareDateTime(required=True)
    reply_by = fields.Date(required=True, allow_none=True)


class ApplicationCommitmentSchema(Schema):
    """The letter that is signed with an application, by whom (masked) and when. `changed`: it has new words since."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    changed = fields.Boolean(required=True)
    signed_at = fields.AwareDateTime(required=True, allow_none=True)
    signed_by = fields.String(required=True, allow_none=True)
    on_paper = fields.Boolean(required=True)


class SignCommitmentSchema(Schema):
    """The version that was read, and that its signer agrees to it."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 30_000))
    agreed = fields.Boolean(required=True, validate=validate.Equal(True))


class DeliverySchema(Schema):
    """How the result reaches the applicant, and which ways there are."""

    way = fields.String(required=True, allow_none=True)
    ways = fields.List(fields.String(), required=True)
    consent_at = fields.AwareDateTime(required=True, allow_none=True)
    pickup_hall = fields.String(required=True, allow_none=True)
    delivered_at = fields.AwareDateTime(required=True, allow_none=True)


class ApplicationRowSchema(Schema):
    """One of my applications."""

    id = fields.UUID(required=True)
    item = fields.Nested(NamedItemSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(ApplicationState)))
    revision = fields.Integer(required=True)
    applicant = fields.String(required=True, allow_none=True)
    for_self = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    saved_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class ApplicationSchema(ApplicationRowSchema):
    """An application whole. `profile` is what we know, masked; `from_earlier` names answers of an earlier one."""

    mode = fields.String(required=True)
    form_version = fields.Integer(required=True)
    pages = fields.List(fields.Nested(PageSchema), required=True)
    schema = fields.Dict(required=True)
    answers = fields.Dict(required=True)
    profile = fields.Dict(required=True)
    from_earlier = fields.List(fields.String(), required=True)
    materials = fields.List(fields.Nested(RequirementSchema), required=True)
    tasks = fields.List(fields.Nested(TaskSchema), required=True)
    errors = fields.List(fields.Nested(ProblemAtSchema), required=True)
    commitment = fields.Nested(ApplicationCommitmentSchema, required=True, allow_none=True)
    delivery = fields.Nested(DeliverySchema, required=True)
    correction = fields.Nested(CorrectionSchema, required=True, allow_none=True)
    case_id = fields.UUID(required=True, allow_none=True)


class ApplicationsSchema(Schema):
    """What I have begun and not handed in, and what came back to me."""

    applications = fields.List(fields.Nested(ApplicationRowSchema), required=True)


class PageQuerySchema(Schema):
    """Which page."""

    cursor = fields.String(validate=validate.Length(1, 300))


class CaseRowSchema(Schema):
    """A case in a list. `status` and `next` are sentences for its page."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    item = fields.Nested(NamedItemSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CaseState)))
    status = fields.String(required=True)
    next = fields.String(required=True)
    applicant = fields.String(required=True, allow_none=True)
    submitted_at = fields.AwareDateTime(required=True)
    due_on = fields.Date(required=True, allow_none=True)
    reply_by = fields.Date(required=True, allow_none=True)
    unread = fields.Integer(required=True)


class CasesSchema(Schema):
    """A page of my cases."""

    cases = fields.List(fields.Nested(CaseRowSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CaseDecisionSchema(Schema):
    """The decision: granted or not, on which day, number of its document, and why not."""

    granted = fields.Boolean(required=True)
    on = fields.Date(required=True)
    document = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class CaseBillSchema(Schema):
    """A bill of the case; its own page is `/bills/{id}`."""

    id = fields.UUID(required=True)
    pay_code = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True)
    total_fen = fields.Integer(required=True)
    due_on = fields.Date(required=True)


class CaseFeeSchema(Schema):
    """The fee step. `blocks`: what waits for the payment: review, result, or nothing."""

    state = fields.String(required=True, validate=validate.OneOf(["none", "later", "due", "paid"]))
    blocks = fields.String(required=True, validate=validate.OneOf(["review", "result", "nothing"]))
    bills = fields.List(fields.Nested(CaseBillSchema), required=True)


class HappenedSchema(Schema):
    """One line of the timeline."""

    at = fields.AwareDateTime(required=True)
    event = fields.String(required=True)
    words = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)


class ResultFileSchema(Schema):
    """The result that came electronically; its content by `POST /cases/{id}/result`, then `POST /files/{id}/link`."""

    file_id = fields.UUID(required=True)
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)


class WantedVisitSchema(Schema):
    """The applicant has to come: to bring papers, or to collect the result."""

    why = fields.String(required=True, validate=validate.OneOf(["papers", "collect"]))
    hall = fields.Nested(NamedSchema, required=True)


class CaseVisitSchema(Schema):
    """A booked visit for the case; its own page is `/appointments/{id}`."""

    id = fields.UUID(required=True)
    state = fields.String(required=True)
    hall = fields.Nested(NamedSchema, required=True)
    start = fields.AwareDateTime(required=True)
    end = fields.AwareDateTime(required=True)


class CasePersonSchema(Schema):
    """Whose matter it is; a visit for it serves this person."""

    id = fields.UUID(required=True)
    is_me = fields.Boolean(required=True)


class ReceivedMaterialSchema(Schema):
    """A material that is there: `pages` of its files, and originals and copies where paper was seen."""

    name = fields.String(required=True)
    pages = fields.Integer(required=True)
    original = fields.Integer(required=True)
    copies = fields.Integer(required=True)
    looked_up = fields.Boolean(required=True, metadata={"description": "Found in the licence library or as an e-proof"})
    generated = fields.Boolean(required=True, metadata={"description": "Made from the answers"})


class AcceptanceReceiptSchema(Schema):
    """受理回执. Days are working days; a date beyond the published calendar is null; applicants are masked."""

    number = fields.String(required=True)
    full_number = fields.String(required=True)
    item = fields.String(required=True)
    department = fields.String(required=True)
    hall = fields.String(required=True)
    address = fields.String(required=True)
    applicant = fields.String(required=True, allow_none=True)
    id_number = fields.String(required=True, allow_none=True)
    accepted_on = fields.Date(required=True)
    instant = fields.Boolean(required=True)
    promise_days = fields.Integer(required=True)
    promise_due_on = fields.Date(required=True, allow_none=True)
    law_days = fields.Integer(required=True)
    law_due_on = fields.Date(required=True, allow_none=True)
    received = fields.List(fields.Nested(ReceivedMaterialSchema), required=True)
    owed = fields.List(fields.String(), required=True)
    consult_phone = fields.String(required=True)


class CaseSchema(CaseRowSchema):
    """A case whole, as its applicant sees it. `visit`: what they come to a hall for next; `checked`: 材料已预审.

    `shipment_id` is the courier's shipment of its result, once ordered.
    """

    full_number = fields.String(required=True)
    application_id = fields.UUID(required=True)
    hall = fields.Nested(NamedSchema, required=True)
    instant = fields.Boolean(required=True)
    joint = fields.Boolean(required=True)
    accept_by = fields.Date(required=True, allow_none=True)
    accepted_on = fields.Date(required=True, allow_none=True)
    promise_days = fields.Integer(required=True)
    law_days = fields.Integer(required=True)
    law_due_on = fields.Date(required=True, allow_none=True)
    days_used = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    document = fields.String(required=True, allow_none=True, metadata={"description": "Number of the written decision"})
    decision = fields.Nested(CaseDecisionSchema, required=True, allow_none=True)
    correction = fields.Nested(CorrectionSchema, required=True, allow_none=True)
    fee = fields.Nested(CaseFeeSchema, required=True)
    delivery = fields.Nested(DeliverySchema, required=True)
    shipment_id = fields.UUID(required=True, allow_none=True)
    result = fields.Nested(ResultFileSchema, required=True, allow_none=True)
    person = fields.Nested(CasePersonSchema, required=True)
    visit = fields.Nested(WantedVisitSchema, required=True, allow_none=True)
    visits = fields.List(fields.Nested(CaseVisitSchema), required=True)
    checked = fields.Boolean(required=True)
    rated = fields.Boolean(required=True)
    can_withdraw = fields.Boolean(required=True)
    can_edit = fields.Boolean(required=True)
    pages = fields.List(fields.Nested(PageSchema), required=True)
    answers = fields.Dict(required=True)
    materials = fields.List(fields.Nested(RequirementSchema), required=True)
    commitment = fields.Nested(ApplicationCommitmentSchema, required=True, allow_none=True)
    credit = fields.Nested(CreditCheckSchema, required=True, allow_none=True)
    timeline = fields.List(fields.Nested(HappenedSchema), required=True)


class WithdrawSchema(Schema):
    """Why, if the applicant wants to say."""

    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 200))


class ChooseDeliverySchema(Schema):
    """How the result is to come. A download needs the applicant's consent to electronic delivery."""

    way = fields.String(required=True, validate=validate.OneOf(WAYS))
    consent = fields.Boolean(load_default=False)
    pickup_hall = fields.String(load_default=None, allow_none=True, validate=CODE)


class SayMessageSchema(Schema):
    """One message, with files that were uploaded for this case."""

    words = fields.String(required=True, validate=WORDS)
    file_ids = fields.List(fields.UUID(), load_default=[], validate=validate.Length(0, 9))


class MessageSchema(Schema):
    """One message of the thread."""

    id = fields.UUID(required=True)
    side = fields.String(required=True, validate=validate.OneOf(["citizen", "staff"]))
    words = fields.String(required=True)
    file_ids = fields.List(fields.UUID(), required=True)
    at = fields.AwareDateTime(required=True)
    reply_by = fields.Date(required=True, allow_none=True)
    read = fields.Boolean(required=True)


class MessagesSchema(Schema):
    """The thread, oldest first."""

    messages = fields.List(fields.Nested(MessageSchema), required=True)


class FilingCodeSchema(Schema):
    """Six digits to read out to a partner point or village staff, for ten minutes."""

    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


class ResultSchema(Schema):
    """The result's file, and the SHA-256 of its content."""

    file_id = fields.UUID(required=True)
    digest = fields.String(required=True)


class CaseRatingSchema(Schema):
    """How it was: 5 is best."""

    grade = fields.Integer(required=True, strict=True, validate=validate.Range(1, 5))
    words = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 500))
