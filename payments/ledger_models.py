"""The books: journals with their entries, append-only, and the seals of their hash chain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base


class Journal(Base):
    """分录: one thing that happened to money, once for each kind and source. Triggers refuse change."""

    __tablename__ = "journal"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    source_type: Mapped[str] = mapped_column(Text)
    source_id: Mapped[str] = mapped_column(Text)
    bill_id: Mapped[UUID | None] = mapped_column(index=True)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime]
    posted_at: Mapped[datetime]

    __table_args__ = (Index("uq_journal_source", "kind", "source_type", "source_id", unique=True),)


class Entry(Base):
    """One side of a journal, in fen. A trigger refuses entries of a journal that do not balance."""

    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"), index=True)
    account: Mapped[str] = mapped_column(Text, index=True)
    debit_fen: Mapped[int] = mapped_column(Integer)
    credit_fen: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint("debit_fen >= 0 AND credit_fen >= 0 AND (debit_fen = 0) <> (credit_fen = 0)", name="one_side"),
    )


class JournalSeal(Base):
    """One link of the chain: hash over the previous link, the journal and its entries."""

    __tablename__ = "journal_seal"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    journal_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
