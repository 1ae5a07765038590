"""Uploaded files, the parts they arrive in, and the consents by which an earlier scan is used again."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.files.states import FILE, State

STATE = Enum(State, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])


class FileEvent(EventRow, Base):
    """状态流水: what happened to a file; append-only."""

    __tablename__ = "file_event"


class File(Base):
    """材料文件: one row from the first byte on. Nobody sees its content until the checks have passed it.

    `subject_type` and `subject_id` say what it belongs to (a draft, a case), `material` which requirement it fills.
    `size` and `sha256` are what was announced, and of a ready file those of what is stored: pictures are written anew.
    `received` counts the bytes that have arrived; `object_key` names the stored content, of which copies share one.
    `next_check_at` is set while the checks are due; `refusal` is a code of `refusals.WORDS`.
    """

    __tablename__ = "file"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    material: Mapped[str | None] = mapped_column(Text)
    position: Mapped[int] = mapped_column(SmallInteger)
    person_id: Mapped[UUID | None]
    uploaded_by: Mapped[str] = mapped_column(Text)
    name: Mapped[bytes] = mapped_column(LargeBinary)
    media_type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    received: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    object_key: Mapped[str | None] = mapped_column(Text)
    pages: Mapped[int | None] = mapped_column(SmallInteger)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    refusal: Mapped[str | None] = mapped_column(Text)
    valid_until: Mapped[date | None]
    copied_from: Mapped[UUID | None] = mapped_column(ForeignKey("file.id"))
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    next_check_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    failure: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = FILE
    events: ClassVar[type[Any]] = FileEvent

    __table_args__ = (
        CheckConstraint("size > 0 AND received >= 0", name="bytes"),
        CheckConstraint("state <> 'receiving' OR received <= size", name="received"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("state <> 'ready' OR object_key IS NOT NULL", name="content"),
        CheckConstraint("next_check_at IS NULL OR state IN ('receiving', 'checking')", name="check_is_due"),
        CheckConstraint("state <> 'refused' OR refusal IS NOT NULL", name="refusal"),
        Index(None, "subject_type", "subject_id"),
        Index("ix_file_person", "person_id", "material", postgresql_where=text("state <> 'gone'")),
        Index("ix_file_uploader", "uploaded_by", postgresql_where=text("state <> 'gone'")),
        Index("ix_file_due", "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")),
        Index("ix_file_object", "object_key", postgresql_where=text("object_key IS NOT NULL")),
        Index("ix_file_touched", "touched_at", postgresql_where=text("state <> 'gone'")),
    )


class FilePart(Base):
    """A stretch of bytes that arrived. Its content lies in the storage under `object_key`, never changed."""

    __tablename__ = "file_part"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("file.id"), primary_key=True)
    offset: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(Integer)
    object_key: Mapped[str] = mapped_column(Text, unique=True)

    __table_args__ = (CheckConstraint('"offset" >= 0 AND size > 0', name="place"),)


class FileConsent(Base):
    """The holder agreed that an earlier scan is used for something else; kept as long as the copy."""

    __tablename__ = "file_consent"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("file.id"), primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("file.id"))
    person_id: Mapped[UUID]
    wording: Mapped[str] = mapped_column(Text)
    """Version of the sentence that was shown."""
    at: Mapped[datetime]
