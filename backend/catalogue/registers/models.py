"""What the items lean on: proofs that were cancelled, and the letters of commitment that applicants sign."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id


class CancelledProof(Base):
    """A proof nobody may ask for any more 取消的证明 (circular clause 20), from a date on."""

    __tablename__ = "cancelled_proof"
    __table_args__ = (CheckConstraint("btrim(basis) <> ''", name="basis"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name_zh: Mapped[str] = mapped_column(Text, unique=True)
    name_en: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]]
    """Other names under which it was asked for."""
    basis: Mapped[str] = mapped_column(Text)
    instead_zh: Mapped[str | None] = mapped_column(Text)
    instead_en: Mapped[str | None] = mapped_column(Text)
    cancelled_on: Mapped[date]
    verified: Mapped[bool]


class CommitmentLetter(Base):
    """信用承诺书: its code; the words stand in its versions."""

    __tablename__ = "commitment_letter"

    code: Mapped[str] = mapped_column(Text, primary_key=True)


class CommitmentText(Base):
    """One version of a letter's words; never changed, because people have signed it."""

    __tablename__ = "commitment_text"
    __table_args__ = (CheckConstraint("version > 0", name="version"),)

    code: Mapped[str] = mapped_column(ForeignKey("commitment_letter.code"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    text_zh: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
