"""What is asked: forms 表单 by version, how an item is filed, and words that staff choose from."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base

GENERAL = "*"
"""The form of every item that has none of its own."""


class ServiceForm(Base):
    """One version of an item's form; never changed once it is in force, so that running cases keep theirs.

    `schema` is JSON Schema 2020-12, made from `pages`. `pages`: `[{"key", "title", "hint", "fields": [{"name", "kind",
    "label", "hint", "required", "options", "show_if", "source", …}]}]` with texts `{"zh", "en"}`. The kind `agree` is
    the applicant's word, and not asked for where a letter of commitment is signed. `materials` says of catalogue
    materials how they are given: `{id: {"how": "upload|generated|window|optional", "when": {…}}}`.
    """

    __tablename__ = "service_form"
    __table_args__ = (CheckConstraint("version > 0", name="version"),)

    item_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    schema: Mapped[dict[str, Any]]
    pages: Mapped[list[dict[str, Any]]]
    materials: Mapped[dict[str, Any]]
    fees: Mapped[dict[str, Any]]
    """Which of the item's fees is due: `{income item: {"when": {…}, "quantity": field}}`."""
    valid_from: Mapped[date]
    created_at: Mapped[datetime]


class ItemFiling(Base):
    """How an item is filed; an item without a row follows its depth (domain sheet §3.2).

    `departments` asked side by side make it a joint handling (45 working days, 15 more by approval). `owner_hall`
    decides; other halls hand over to it.
    """

    __tablename__ = "item_filing"
    __table_args__ = (
        CheckConstraint("mode IN ('guide', 'link', 'split', 'full')", name="mode"),
        CheckConstraint("fee_blocks IN ('review', 'result', 'nothing')", name="fee_blocks"),
    )

    item_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    mode: Mapped[str] = mapped_column(Text)
    fee_blocks: Mapped[str] = mapped_column(Text, server_default=text("'result'"))
    owner_hall: Mapped[str | None] = mapped_column(Text)
    departments: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))


class CaseText(Base):
    """常用语: words that staff choose for a correction, a refusal or a decision."""

    __tablename__ = "case_text"
    __table_args__ = (
        CheckConstraint("purpose IN ('correct', 'not_accept', 'deny', 'grant', 'return')", name="purpose"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    purpose: Mapped[str] = mapped_column(Text)
    text_zh: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
