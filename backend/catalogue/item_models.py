"""What can be done: items with their guides, materials, fees and halls, and the published lists."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.catalogue.values import EndKind, FeeBearer, HandleArea, ItemKind, ItemObject, MailPayer, MaterialSource
from backend.core.db import Base


class Item(Base):
    """Item 办理项: what a citizen comes for, with its guide 办事指南 and its booking rules, as it is in force now.

    `slug` is the stable public name, `code` the 31 characters of GB/T 39554.1-2020. Days are working days. The row is
    written when a version of the item takes effect (`versions/projection.py`), and by nobody else.
    """

    __tablename__ = "item"
    __table_args__ = (
        CheckConstraint("length(code) = 31", name="code"),
        CheckConstraint("object IN ('person', 'legal', 'both')", name="object"),
        CheckConstraint("kind IN ('licence', 'registration', 'filing', 'service')", name="kind"),
        CheckConstraint("visits >= 0", name="visits"),
        CheckConstraint("depth BETWEEN 1 AND 5", name="depth"),
        CheckConstraint("handle_area IN ('city', 'division', 'hall')", name="handle_area"),
        CheckConstraint("fee_borne_by IN ('applicant', 'department')", name="fee_borne_by"),
        CheckConstraint("mail_payer IN ('gov', 'applicant', 'none')", name="mail_payer"),
        CheckConstraint("minutes BETWEEN 5 AND 240 AND extra_minutes BETWEEN 0 AND 120", name="minutes"),
        CheckConstraint("max_items BETWEEN 1 AND 10 AND max_people BETWEEN 1 AND 10", name="booking_limits"),
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        CheckConstraint("length(handling_code) = 33 AND starts_with(handling_code, code)", name="handling_code"),
        CheckConstraint("ended_kind IN ('abolished', 'merged')", name="ended_kind"),
        CheckConstraint("(ended_kind IS NULL) = (ended_on IS NULL)", name="ended"),
        CheckConstraint("ended_kind IS DISTINCT FROM 'merged' OR successor_slug IS NOT NULL", name="successor"),
        Index(None, "category_code"),
    )

    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("window_category.code"))
    department_code: Mapped[str] = mapped_column(ForeignKey("department.code"))
    popularity: Mapped[int] = mapped_column(SmallInteger)
    """1 is asked for most often; 0 is not counted among the popular ones."""
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    summary_zh: Mapped[str] = mapped_column(Text)
    summary_en: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]]
    object: Mapped[ItemObject] = mapped_column(Text)
    kind: Mapped[ItemKind] = mapped_column(Text)
    instant: Mapped[bool]
    law_days: Mapped[int | None] = mapped_column(SmallInteger)
    promise_days: Mapped[int | None] = mapped_column(SmallInteger)
    visits: Mapped[int] = mapped_column(SmallInteger)
    visits_reason_zh: Mapped[str | None] = mapped_column(Text)
    visits_reason_en: Mapped[str | None] = mapped_column(Text)
    depth: Mapped[int] = mapped_column(SmallInteger)
    """1 to 5, after Fujian's star grades: 5 is all online, result mailed or picked up."""
    handle_area: Mapped[HandleArea] = mapped_column(Text)
    self_service: Mapped[bool]
    partners: Mapped[list[str]]
    """Places outside the halls that take it: bank, hospital, school, post_office, community (clause 5)."""
    mail_in: Mapped[bool]
    mail_out: Mapped[bool]
    mail_payer: Mapped[MailPayer] = mapped_column(Text)
    online_url: Mapped[str | None] = mapped_column(Text)
    free: Mapped[bool]
    conditions: Mapped[list[dict[str, Any]]]
    """`[{"zh": …, "en": …}]`."""
    steps: Mapped[list[dict[str, Any]]]
    """`[{"title": {"zh": …, "en": …}, "text": {"zh": …, "en": …}}]`."""
    family: Mapped[str] = mapped_column(Text)
    """Items of one family cannot be booked twice by one person on one day."""
    minutes: Mapped[int] = mapped_column(SmallInteger)
    extra_minutes: Mapped[int] = mapped_column(SmallInteger)
    max_items: Mapped[int] = mapped_column(SmallInteger)
    max_people: Mapped[int] = mapped_column(SmallInteger)
    level: Mapped[int] = mapped_column(SmallInteger)
    pre_check: Mapped[bool] = mapped_column(server_default=text("false"))
    """先审后约: online booking only after the papers were looked at."""
    consult_phone: Mapped[str] = mapped_column(Text)
    verified: Mapped[bool]
    """Whether the department has checked this guide; if not, it is shown as unconfirmed."""
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(SmallInteger)
    """Number of the version in force."""
    handling_code: Mapped[str | None] = mapped_column(Text)
    """业务办理项编码: the item code and two more digits, where the city uses one."""
    district_days: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))
    """Promises of districts that differ from the city's: `[{"division": "350203", "promise_days": 3}]`."""
    special_steps: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))
    """特殊环节, as in the version."""
    commitment: Mapped[str | None] = mapped_column(ForeignKey("commitment_letter.code"))
    """信用承诺: the letter an applicant signs."""
    fee_borne_by: Mapped[FeeBearer] = mapped_column(Text, server_default=text("'applicant'"))
    """A fee that the department bears is never billed (circular clause 21)."""
    credit_check: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the city's credit platform is asked at acceptance (circular clause 24)."""
    offline_filing: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Why a filing 备案 needs no online way, with the documents of both approvals (circular clause 3)."""
    ended_on: Mapped[date | None]
    ended_kind: Mapped[EndKind | None] = mapped_column(Text)
    successor_slug: Mapped[str | None] = mapped_column(ForeignKey("item.slug"))
    ended_note_zh: Mapped[str | None] = mapped_column(Text)
    ended_note_en: Mapped[str | None] = mapped_column(Text)


class ItemHall(Base):
    """A hall whose windows take an item."""

    __tablename__ = "item_hall"
    __table_args__ = (Index(None, "hall_code"),)

    item_slug: Mapped[str] = mapped_column(ForeignKey("item.slug"), primary_key=True)
    hall_code: Mapped[str] = mapped_column(ForeignKey("hall.code"), primary_key=True)


class ItemMaterial(Base):
    """Material 申请材料 and where it comes from. `exempt` means 免提交: no one may ask for it at a window."""

    __tablename__ = "item_material"
    __table_args__ = (
        CheckConstraint("source IN ('applicant', 'licence_library', 'eproof', 'none')", name="source"),
        CheckConstraint("original >= 0 AND copies >= 0", name="counts"),
        Index(None, "item_slug"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    """`item-slug.name`, stable, because cases refer to it."""
    item_slug: Mapped[str] = mapped_column(ForeignKey("item.slug"))
    position: Mapped[int] = mapped_column(SmallInteger)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    source: Mapped[MaterialSource] = mapped_column(Text)
    original: Mapped[int] = mapped_column(SmallInteger)
    copies: Mapped[int] = mapped_column(SmallInteger)
    exempt: Mapped[bool]
    note_zh: Mapped[str | None] = mapped_column(Text)
    note_en: Mapped[str | None] = mapped_column(Text)
    wording_document: Mapped[str | None] = mapped_column(Text)
    """Document that allows a catch-all name, for the safety of state or public only (clause 19)."""


class ItemFee(Base):
    """An income item that an item may charge; the amount stands in payments' fee standards."""

    __tablename__ = "item_fee"
    __table_args__ = (Index(None, "income_item_code"),)

    item_slug: Mapped[str] = mapped_column(ForeignKey("item.slug"), primary_key=True)
    income_item_code: Mapped[str] = mapped_column(ForeignKey("income_item.code"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    note_zh: Mapped[str | None] = mapped_column(Text)
    note_en: Mapped[str | None] = mapped_column(Text)


class PublishedList(Base):
    """One of the nine lists of the circular (clause 26 and section 八); its rule is code, by `tag`."""

    __tablename__ = "published_list"

    tag: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)


class ListAddition(Base):
    """An item put on a list by hand although the rule does not name it; it needs a reason."""

    __tablename__ = "list_addition"
    __table_args__ = (CheckConstraint("btrim(reason) <> ''", name="reason"),)

    tag: Mapped[str] = mapped_column(ForeignKey("published_list.tag"), primary_key=True)
    item_slug: Mapped[str] = mapped_column(ForeignKey("item.slug"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)


class ListEdition(Base):
    """A dated version of a list as it was published; never changed afterwards."""

    __tablename__ = "list_edition"

    tag: Mapped[str] = mapped_column(ForeignKey("published_list.tag"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    published_on: Mapped[date]


class ListEntry(Base):
    """An item on a published edition."""

    __tablename__ = "list_entry"
    __table_args__ = (ForeignKeyConstraint(["tag", "version"], ["list_edition.tag", "list_edition.version"]),)

    tag: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    item_slug: Mapped[str] = mapped_column(ForeignKey("item.slug"), primary_key=True)
    reason: Mapped[str | None] = mapped_column(Text)
    """Set for an entry that was added by hand."""
