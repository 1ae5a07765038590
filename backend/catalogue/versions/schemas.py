"""Shapes of managing items. Days are working days; texts stand in both languages."""

from typing import Any

from marshmallow import INCLUDE, Schema, fields, validate

from backend.catalogue.versions.states import VersionState

WORD = validate.Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*$")
CODE = validate.Length(max=40)
LINE = validate.Length(max=200)
LONG = validate.Length(max=2000)
MANY = validate.Length(max=60)
COUNT = validate.Range(0, 999)
REASON = validate.Length(2, 200)


class BothLanguagesSchema(Schema):
    """A text in both languages."""

    zh = fields.String(required=True, validate=LONG)
    en = fields.String(required=True, validate=LONG)


class _Part(Schema):
    class Meta:
        unknown = INCLUDE


def _text(**more: Any) -> fields.Nested:
    return fields.Nested(BothLanguagesSchema, **more)


class ItemMailSchema(_Part):
    """By courier in or out, and who pays."""

    inward = fields.Boolean(required=True, data_key="in", attribute="in")
    out = fields.Boolean(required=True)
    payer = fields.String(required=True, validate=validate.OneOf(["gov", "applicant", "none"]))


class ItemStepSchema(_Part):
    """One step of a guide."""

    title = _text(required=True)
    text = _text(required=True)


class ItemMaterialSchema(_Part):
    """A material; its `id` stays when it is renamed, because cases refer to it."""

    id = fields.String(required=True, validate=[CODE, WORD])
    name = _text(required=True)
    source = fields.String(required=True, validate=validate.OneOf(["applicant", "licence_library", "eproof", "none"]))
    original = fields.Integer(load_default=0, validate=COUNT)
    copies = fields.Integer(load_default=0, validate=COUNT)
    exempt = fields.Boolean(load_default=False)
    note = _text(load_default=None, allow_none=True)
    wording_document = fields.String(load_default=None, allow_none=True, validate=LINE)


class ItemFeeRefSchema(_Part):
    """An income item that may be charged."""

    code = fields.String(required=True, validate=CODE)
    note = _text(load_default=None, allow_none=True)


class ItemSpecialStepSchema(_Part):
    """特殊环节: a step whose time is not counted."""

    id = fields.String(required=True, validate=[CODE, WORD])
    name = _text(required=True)
    basis = fields.String(required=True, validate=LINE)
    condition = _text(required=True)
    days = fields.Integer(required=True, validate=validate.Range(1, 365))
    standard = _text(load_default=None, allow_none=True)


class ItemDistrictDaysSchema(_Part):
    """A district's own promise."""

    division = fields.String(required=True, validate=CODE)
    promise_days = fields.Integer(required=True, validate=COUNT)


class ItemBookingSchema(_Part):
    """Limits of one booking."""

    family = fields.String(required=True, validate=CODE)
    minutes = fields.Integer(required=True, validate=COUNT)
    extra_minutes = fields.Integer(required=True, validate=COUNT)
    max_items = fields.Integer(required=True, validate=COUNT)
    max_people = fields.Integer(required=True, validate=COUNT)
    level = fields.Integer(required=True, validate=COUNT)
    pre_check = fields.Boolean(load_default=False)


class OfflineFilingSchema(_Part):
    """Why a filing needs no online way; both documents or none (circular clause 3)."""

    reason = fields.String(required=True, validate=LINE)
    committee_document = fields.String(required=True, validate=LINE)
    reform_document = fields.String(required=True, validate=LINE)


class ItemEndingSchema(_Part):
    """The item ends when this version takes effect."""

    kind = fields.String(required=True, validate=validate.OneOf(["abolished", "merged"]))
    successor = fields.String(required=True, allow_none=True, validate=CODE)
    note = _text(load_default=None, allow_none=True)


class ItemContentSchema(_Part):
    """Everything a version says. Unknown fields are kept under `extra`."""

    code = fields.String(required=True, validate=CODE)
    handling_code = fields.String(load_default=None, allow_none=True, validate=CODE)
    category = fields.String(required=True, validate=CODE)
    department = fields.String(required=True, validate=CODE)
    popularity = fields.Integer(load_default=0, validate=COUNT)
    name = _text(required=True)
    summary = _text(required=True)
    aliases = fields.List(fields.String(validate=LINE), load_default=list, validate=MANY)
    object = fields.String(load_default="person", validate=validate.OneOf(["person", "legal", "both"]))
    kind = fields.String(required=True, validate=validate.OneOf(["licence", "registration", "filing", "service"]))
    instant = fields.Boolean(load_default=False)
    law_days = fields.Integer(load_default=None, allow_none=True, validate=COUNT)
    promise_days = fields.Integer(load_default=None, allow_none=True, validate=COUNT)
    district_days = fields.List(fields.Nested(ItemDistrictDaysSchema), load_default=list, validate=MANY)
    visits = fields.Integer(required=True, validate=COUNT)
    visits_reason = _text(load_default=None, allow_none=True)
    depth = fields.Integer(required=True, validate=validate.Range(1, 5))
    handle_area = fields.String(load_default="city", validate=validate.OneOf(["city", "division", "hall"]))
    halls = fields.List(fields.String(validate=CODE), load_default=list, validate=MANY)
    self_service = fields.Boolean(load_default=False)
    partners = fields.List(
        fields.String(validate=validate.OneOf(["bank", "hospital", "school", "post_office", "community"])),
        load_default=list,
    )
    mail = fields.Nested(ItemMailSchema, required=True)
    online_url = fields.URL(load_default=None, allow_none=True, schemes={"https"})
    free = fields.Boolean(load_default=False)
    fees = fields.List(fields.Nested(ItemFeeRefSchema), load_default=list, validate=MANY)
    fee_borne_by = fields.String(load_default="applicant", validate=validate.OneOf(["applicant", "department"]))
    conditions = fields.List(_text(), load_default=list, validate=MANY)
    steps = fields.List(fields.Nested(ItemStepSchema), load_default=list, validate=MANY)
    materials = fields.List(fields.Nested(ItemMaterialSchema), load_default=list, validate=MANY)
    special_steps = fields.List(fields.Nested(ItemSpecialStepSchema), load_default=list, validate=MANY)
    commitment = fields.String(load_default=None, allow_none=True, validate=CODE)
    credit_check = fields.Boolean(load_default=False)
    offline_filing = fields.Nested(OfflineFilingSchema, load_default=None, allow_none=True)
    booking = fields.Nested(ItemBookingSchema, required=True)
    consult_phone = fields.String(load_default="12345", validate=validate.Length(max=30))
    verified = fields.Boolean(load_default=False)
    ended = fields.Nested(ItemEndingSchema, load_default=None, allow_none=True)
    extra = fields.Dict(load_default=dict)


class ItemFindingSchema(Schema):
    """What is wrong at one field of the content."""

    code = fields.String(required=True)
    pointer = fields.String(required=True)
    text = fields.String(required=True)


class ItemVersionHeadSchema(Schema):
    """A version without its words. `editors` and `reviewed_by` are ids of staff; the seed has none."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in VersionState]))
    note = fields.String(required=True, allow_none=True)
    answer = fields.String(required=True, allow_none=True)
    base_number = fields.Integer(required=True, allow_none=True)
    editors = fields.List(fields.String(), required=True)
    reviewed_by = fields.String(required=True, allow_none=True)
    effective_on = fields.Date(required=True, allow_none=True)
    saved_at = fields.DateTime(required=True)


class ManagedItemSchema(Schema):
    """An item as the operator's list shows it; one that was never in force has no `in_force`."""

    slug = fields.String(required=True)
    name = fields.String(required=True)
    code = fields.String(required=True)
    category = fields.String(required=True)
    kind = fields.String(required=True)
    ended = fields.Boolean(required=True)
    faults = fields.Integer(required=True, metadata={"description": "Findings of the version in force today"})
    in_force = fields.Nested(ItemVersionHeadSchema, required=True, allow_none=True)
    open = fields.Nested(ItemVersionHeadSchema, required=True, allow_none=True)


class ManagedItemsSchema(Schema):
    """Every item, by its address name."""

    items_ = fields.List(fields.Nested(ManagedItemSchema), required=True, data_key="items", attribute="items")


class ItemVersionSchema(ItemVersionHeadSchema):
    """A version with its words, and what is wrong with them today."""

    slug = fields.String(required=True)
    revision = fields.Integer(required=True)
    content = fields.Nested(ItemContentSchema, required=True)
    findings = fields.List(fields.Nested(ItemFindingSchema), required=True)


class ItemHistorySchema(Schema):
    """An item's versions, the newest first."""

    slug = fields.String(required=True)
    versions = fields.List(fields.Nested(ItemVersionHeadSchema), required=True)


class VersionOnDaySchema(Schema):
    """Which version counted at the end of a day in Xiamen; today, the one in force now."""

    on = fields.Date(required=True)


class NewItemSchema(Schema):
    """A new item: its name in addresses, and its first words."""

    slug = fields.String(required=True, validate=[validate.Length(3, 60), WORD])
    content = fields.Nested(ItemContentSchema, required=True)


class BeginItemSchema(Schema):
    """A draft from the version in force, or from an earlier one."""

    of = fields.Integer(validate=validate.Range(1, 30_000))


class SaveItemSchema(Schema):
    """The whole content, with the revision it was made from."""

    content = fields.Nested(ItemContentSchema, required=True)
    revision = fields.Integer(required=True)


class SubmitItemSchema(Schema):
    """What is new in this version."""

    note = fields.String(required=True, validate=REASON)
    revision = fields.Integer(required=True)


class ExportQuerySchema(Schema):
    """Which kind of file."""

    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv", "xlsx"]))


class ImportItemsSchema(Schema):
    """A file of items: JSON or CSV as text, a workbook in base64."""

    format = fields.String(required=True, validate=validate.OneOf(["json", "csv", "xlsx"]))
    content = fields.String(required=True, validate=validate.Length(1, 1_000_000))


class TakenItemSchema(Schema):
    """What became of one item of a file; `open`: somebody is at work on it, `refused`: see `problems`."""

    slug = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(["unchanged", "draft", "new", "open", "refused"]))
    number = fields.Integer(required=True, allow_none=True)
    faults = fields.Integer(required=True)
    problems = fields.List(fields.String(), required=True)


class TakenItemsSchema(Schema):
    """Every item of a file, in its order."""

    items_ = fields.List(fields.Nested(TakenItemSchema), required=True, data_key="items", attribute="items")


class ItemReasonSchema(Schema):
    """Why."""

    reason = fields.String(required=True, validate=REASON)


class PublishItemSchema(Schema):
    """From which Xiamen day it counts; at once without one."""

    effective_on = fields.Date(load_default=None, allow_none=True)


class CompareQuerySchema(Schema):
    """Two versions of an item."""

    before = fields.Integer(required=True, validate=validate.Range(1, 30_000), data_key="from")
    after = fields.Integer(required=True, validate=validate.Range(1, 30_000), data_key="to")


class ItemDifferenceSchema(Schema):
    """One field in words, before and after; null where there was or is nothing."""

    pointer = fields.String(required=True)
    field = fields.String(required=True)
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True, allow_none=True)


class ItemComparisonSchema(Schema):
    """What differs between two versions."""

    lines = fields.List(fields.Nested(ItemDifferenceSchema), required=True)


class ItemOptionSchema(Schema):
    """A code with its name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class ItemOptionsSchema(Schema):
    """The codes an item may point at."""

    categories = fields.List(fields.Nested(ItemOptionSchema), required=True)
    departments = fields.List(fields.Nested(ItemOptionSchema), required=True)
    halls = fields.List(fields.Nested(ItemOptionSchema), required=True)
    districts = fields.List(fields.Nested(ItemOptionSchema), required=True)
    fees = fields.List(fields.Nested(ItemOptionSchema), required=True)
    letters = fields.List(fields.Nested(ItemOptionSchema), required=True)
    items_ = fields.List(fields.Nested(ItemOptionSchema), required=True, data_key="items", attribute="items")
