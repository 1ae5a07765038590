"""Versions of items: what was, is and will be in force, word for word."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.catalogue.versions.states import ITEM_VERSION, VersionState
from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable


class ItemVersionEvent(EventRow, Base):
    """状态流水 of versions; append-only."""

    __tablename__ = "item_version_event"


class ItemVersion(Base):
    """One version of an item. Only a draft's content changes; a trigger refuses every other change, and deletion.

    `content` is described in `versions/content.py`. `editors` are all who wrote it: none of them may publish it.
    `effective_at` is the instant from which it is in force.
    """

    __tablename__ = "item_version"
    __table_args__ = (
        UniqueConstraint("item_slug", "number"),
        Index(
            "uq_item_version_open",
            "item_slug",
            unique=True,
            postgresql_where=text("state IN ('draft', 'in_review', 'scheduled')"),
        ),
        Index("uq_item_version_in_force", "item_slug", unique=True, postgresql_where=text("state = 'in_force'")),
        Index("ix_item_version_due", "effective_at", postgresql_where=text("state = 'scheduled'")),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("NOT editors @> to_jsonb(reviewed_by)", name="four_eyes"),
        CheckConstraint(
            "state IN ('draft', 'in_review', 'discarded') OR (reviewed_by IS NOT NULL AND effective_at IS NOT NULL)",
            name="published",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    item_slug: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[VersionState] = mapped_column(
        Enum(VersionState, native_enum=False, length=10, values_callable=lambda states: [one.value for one in states])
    )
    state_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    note: Mapped[str | None] = mapped_column(Text)
    """What is new, in the words of whoever sends it to review."""
    answer: Mapped[str | None] = mapped_column(Text)
    """Why the reviewer gave it back."""
    base_number: Mapped[int | None] = mapped_column(SmallInteger)
    """The version it was made from."""
    revision: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    """Counts the savings of a draft, so that nobody overwrites another's words unseen."""
    editors: Mapped[list[str]]
    reviewed_by: Mapped[str | None] = mapped_column(Text)
    effective_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]

    states: ClassVar[StateTable[Any, Any]] = ITEM_VERSION
    events: ClassVar[type[Any]] = ItemVersionEvent
