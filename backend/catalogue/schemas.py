"""Shapes of the public catalogue. Times are UTC, dates Xiamen civil dates, money integer fen."""

from marshmallow import Schema, fields, validate

from backend.core.schemas import Ready

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"
TAGS = (
    "on-the-spot",
    "online",
    "nearby",
    "one-trip",
    "city-wide",
    "upfront",
    "fully-online",
    "self-service",
    "zero-trip",
)


class LanguageQuery(Schema):
    """The language of the texts; only the address decides it, so that answers can be cached."""

    lang = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))


class ItemsQuery(LanguageQuery):
    """Which items, and which page of them."""

    category = fields.String(validate=validate.Length(1, 40))
    tag = fields.String(validate=validate.OneOf(TAGS))
    popular = fields.Boolean(load_default=False)
    cursor = fields.String(validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class SearchQuery(LanguageQuery):
    """What a person typed: Chinese, pinyin, initials, an alias or English."""

    q = fields.String(required=True, validate=validate.Length(1, 80))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 50))


class ListQuery(LanguageQuery):
    """Which edition of a list; the newest without `version`."""

    version = fields.Integer(validate=validate.Range(1, 30_000))


class TableQuery(ListQuery):
    """Which edition, as which kind of file."""

    format = fields.String(load_default="csv", validate=validate.OneOf(["csv", "xlsx"]))


class Named(Schema):
    """A code with its name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class Category(Named):
    """Window category; `prefix` begins its ticket numbers."""

    prefix = fields.String(required=True)


class Categories(Schema):
    """Every window category."""

    categories = fields.List(fields.Nested(Category), required=True)


class Hours(Schema):
    """Wall-clock times in Xiamen on these weekdays, 1 = Monday."""

    weekdays = fields.List(fields.Integer(validate=validate.Range(1, 7)), required=True)
    # `from` is a Python keyword.
    start = fields.String(required=True, data_key="from")
    end = fields.String(required=True, data_key="to")


class Hall(Schema):
    """Service hall. What is not verified must be shown as unconfirmed; an address of null is unknown."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    short_name = fields.String(required=True)
    division = Ready(Named, required=True)
    address = fields.String(required=True, allow_none=True)
    address_verified = fields.Boolean(required=True)
    lat = fields.Float(required=True, allow_none=True)
    lng = fields.Float(required=True, allow_none=True)
    location_verified = fields.Boolean(
        required=True, metadata={"description": "If false the coordinates are rough: good for distance, not for a pin"}
    )
    hours = fields.List(Ready(Hours), required=True)
    hours_verified = fields.Boolean(required=True)
    phones = fields.List(fields.String(), required=True)
    categories = fields.List(Ready(Named), required=True)


class Halls(Schema):
    """Every hall, the city's first."""

    halls = fields.List(fields.Nested(Hall), required=True)


class ItemSummary(Schema):
    """An item in a list. `visits` is how often one must come, `depth` 5 is all online."""

    slug = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.Nested(Named, required=True)
    object = fields.String(required=True, validate=validate.OneOf(["person", "legal", "both"]))
    visits = fields.Integer(required=True)
    depth = fields.Integer(required=True)
    free = fields.Boolean(required=True)
    tags = fields.List(fields.String(validate=validate.OneOf(TAGS)), required=True)
    summary = fields.String(required=True)
    bookable = fields.Boolean(required=True)


class Items(Schema):
    """A page of items, most popular first."""

    items_ = fields.List(fields.Nested(ItemSummary), required=True, data_key="items", attribute="items")
    next_cursor = fields.String(required=True, allow_none=True)


class SearchHit(ItemSummary):
    """An item with the name or alias that matched."""

    matched = fields.String(required=True)


class SearchResult(Schema):
    """Items that match, best first."""

    items_ = fields.List(fields.Nested(SearchHit), required=True, data_key="items", attribute="items")
    query = fields.String(required=True)


class Step(Schema):
    """One step of a guide."""

    title = fields.String(required=True)
    text = fields.String(required=True)


class Material(Schema):
    """A material and where it comes from; an exempt one may not be asked for at a window."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    source = fields.String(required=True, validate=validate.OneOf(["applicant", "licence_library", "eproof", "none"]))
    source_label = fields.String(required=True)
    original = fields.Integer(required=True)
    copies = fields.Integer(required=True)
    exempt = fields.Boolean(required=True)
    note = fields.String(required=True, allow_none=True)


class ItemFee(Schema):
    """What is charged today. An amount of null is not confirmed; then the note says so."""

    name = fields.String(required=True)
    amount_fen = fields.Integer(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    basis = fields.String(required=True, allow_none=True)
    valid_from = fields.Date(required=True, allow_none=True)
    verified = fields.Boolean(required=True)
    note = fields.String(required=True, allow_none=True)


class Mail(Schema):
    """By courier in or out, and who pays."""

    inward = fields.Boolean(required=True, data_key="in")
    outward = fields.Boolean(required=True, data_key="out")
    payer = fields.String(required=True, validate=validate.OneOf(["gov", "applicant", "none"]))


class Booking(Schema):
    """Limits of one booking. Minutes for the first person, extra minutes for each further one.

    `pre_check` 先审后约: booked online once the papers were looked at; anybody may come without an appointment.
    """

    family = fields.String(required=True)
    minutes = fields.Integer(required=True)
    extra_minutes = fields.Integer(required=True)
    max_items = fields.Integer(required=True)
    max_people = fields.Integer(required=True)
    level = fields.Integer(required=True)
    pre_check = fields.Boolean(required=True)


class Department(Schema):
    """Who decides."""

    name = fields.String(required=True)


class DistrictDays(Schema):
    """A district whose promise differs from the city's, in working days."""

    division = fields.Nested(Named, required=True)
    promise_days = fields.Integer(required=True)


class SpecialStep(Schema):
    """特殊环节: a step whose time is not counted, at most so many working days."""

    name = fields.String(required=True)
    basis = fields.String(required=True)
    condition = fields.String(required=True)
    days = fields.Integer(required=True)
    standard = fields.String(required=True, allow_none=True)


class Commitment(Schema):
    """The letter that an applicant signs; its version is kept with the signature."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)


class ItemName(Schema):
    """An item's address and name."""

    slug = fields.String(required=True)
    name = fields.String(required=True)


class Ended(Schema):
    """Since when an item is no longer done, and which one takes its place."""

    on = fields.Date(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["abolished", "merged"]))
    note = fields.String(required=True, allow_none=True)
    successor = fields.Nested(ItemName, required=True, allow_none=True)


class Item(ItemSummary):
    """An item with its guide. Days are working days; an unverified guide must be shown as unconfirmed."""

    code = fields.String(required=True)
    department = fields.Nested(Department, required=True)
    conditions = fields.List(fields.String(), required=True)
    steps = fields.List(fields.Nested(Step), required=True)
    materials = fields.List(fields.Nested(Material), required=True)
    fees = fields.List(fields.Nested(ItemFee), required=True)
    law_days = fields.Integer(required=True, allow_none=True)
    promise_days = fields.Integer(required=True, allow_none=True)
    instant = fields.Boolean(required=True)
    visits_reason = fields.String(required=True, allow_none=True)
    handle_area = fields.String(required=True, validate=validate.OneOf(["city", "division", "hall"]))
    hall_codes = fields.List(fields.String(), required=True)
    mail = fields.Nested(Mail, required=True)
    online_url = fields.String(required=True, allow_none=True)
    booking = fields.Nested(Booking, required=True)
    verified = fields.Boolean(required=True)
    updated_at = fields.DateTime(format=UTC_SECONDS, required=True)
    consult_phone = fields.String(required=True)
    version = fields.Integer(required=True)
    handling_code = fields.String(required=True, allow_none=True)
    district_days = fields.List(fields.Nested(DistrictDays), required=True)
    special_steps = fields.List(fields.Nested(SpecialStep), required=True)
    commitment = fields.Nested(Commitment, required=True, allow_none=True)
    ended = fields.Nested(Ended, required=True, allow_none=True)
    ending = fields.Nested(
        Ended, required=True, allow_none=True, metadata={"description": "Published, and begins on a later day"}
    )


class ItemSpecialSteps(ItemName):
    """The special steps of one item."""

    steps = fields.List(fields.Nested(SpecialStep), required=True)


class SpecialSteps(Schema):
    """Every special step that is published: the only ones that may stop a case's clock."""

    items_ = fields.List(fields.Nested(ItemSpecialSteps), required=True, data_key="items", attribute="items")
    count = fields.Integer(required=True)


class CancelledProof(Schema):
    """A proof that nobody may ask for any more; an unverified entry is shown as unconfirmed."""

    name = fields.String(required=True)
    basis = fields.String(required=True)
    instead = fields.String(required=True, allow_none=True)
    cancelled_on = fields.Date(required=True)
    verified = fields.Boolean(required=True)


class CancelledProofs(Schema):
    """Proofs that are cancelled today, the latest first."""

    proofs = fields.List(fields.Nested(CancelledProof), required=True)


class ListHead(Schema):
    """A published list: how many items, since when."""

    tag = fields.String(required=True)
    name = fields.String(required=True)
    count = fields.Integer(required=True)
    version = fields.Integer(required=True, allow_none=True)
    published_on = fields.Date(required=True, allow_none=True)


class Lists(Schema):
    """The nine lists of the circular."""

    lists = fields.List(fields.Nested(ListHead), required=True)


class Edition(Schema):
    """When a list was published, and how many items it had then."""

    version = fields.Integer(required=True)
    published_on = fields.Date(required=True)
    count = fields.Integer(required=True)


class ListedItem(ItemSummary):
    """An item on a list; `reason` says why it was added by hand, null when the list's rule names it."""

    reason = fields.String(required=True, allow_none=True)


class PublishedList(Schema):
    """One edition of a list, and the others, the newest first."""

    tag = fields.String(required=True)
    name = fields.String(required=True)
    published_on = fields.Date(required=True)
    version = fields.Integer(required=True)
    items_ = fields.List(fields.Nested(ListedItem), required=True, data_key="items", attribute="items")
    editions = fields.List(fields.Nested(Edition), required=True)
