"""Exports of one's own data, and requests to close an account."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, Integer, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.privacy.states import ERASURE, EXPORT, ErasureState, ExportState


class ExportEventRow(EventRow, Base):
    """状态流水 of exports; append-only."""

    __tablename__ = "personal_export_event"


class PersonalExport(Base):
    """One archive of everything about a person, encrypted in the storage under `object_key`, gone after a week.

    `done` of `parts` features have been read. `next_try_at` is when the worker takes it up, or takes it up again.
    """

    __tablename__ = "personal_export"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[ExportState] = mapped_column(
        Enum(ExportState, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])
    )
    state_at: Mapped[datetime]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    done: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    parts: Mapped[int] = mapped_column(SmallInteger)
    object_key: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int | None] = mapped_column(Integer)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None]

    states: ClassVar[StateTable[Any, Any]] = EXPORT
    events: ClassVar[type[Any]] = ExportEventRow

    __table_args__ = (
        Index("uq_personal_export_making", "person_id", unique=True, postgresql_where=text("state = 'making'")),
        Index(None, "person_id", "asked_at"),
        Index("ix_personal_export_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        Index("ix_personal_export_expiring", "expires_at", postgresql_where=text("state <> 'gone'")),
        CheckConstraint("(state = 'ready') = (size IS NOT NULL)", name="size"),
        CheckConstraint("(next_try_at IS NOT NULL) = (state = 'making')", name="try_is_due"),
    )


class ErasureEventRow(EventRow, Base):
    """状态流水 of closings; append-only."""

    __tablename__ = "erasure_event"


class Erasure(Base):
    """注销: undone until `due_at`; then the ways in are shut, and after `empty_at` what the account held goes.

    `waits_for` says why a closing that is due has not begun: `hold`, or the kind of a blocker.
    """

    __tablename__ = "erasure"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[ErasureState] = mapped_column(
        Enum(ErasureState, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])
    )
    state_at: Mapped[datetime]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    empty_at: Mapped[datetime | None]
    waits_for: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = ERASURE
    events: ClassVar[type[Any]] = ErasureEventRow

    __table_args__ = (
        Index("uq_erasure_live", "person_id", unique=True, postgresql_where=text("state IN ('waiting', 'closing')")),
        Index("ix_erasure_due", "due_at", postgresql_where=text("state IN ('waiting', 'closing')")),
        CheckConstraint("(state IN ('closing', 'erased')) = (empty_at IS NOT NULL)", name="empty_at"),
    )
