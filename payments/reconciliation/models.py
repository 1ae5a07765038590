"""Reconciled days, the books that were read for them, and the differences that were found."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from payments.reconciliation.states import RECON_DAY, RECON_DIFFERENCE, DayState, DifferenceState


def _column(kind: type[DayState] | type[DifferenceState]) -> Enum:
    return Enum(kind, native_enum=False, length=10, values_callable=lambda states: [one.value for one in states])


class ReconDayEvent(EventRow, Base):
    """状态流水 of reconciled days; append-only."""

    __tablename__ = "recon_day_event"


class ReconDay(Base):
    """A civil day in Xiamen whose books are compared. `figures` are counts and sums in fen of the last comparison.

    `compare_at` is when it must be compared again; `failure` is why the last comparison was not possible.
    """

    __tablename__ = "recon_day"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    day: Mapped[date] = mapped_column(Date, unique=True)
    state: Mapped[DayState] = mapped_column(_column(DayState))
    state_at: Mapped[datetime]
    compare_at: Mapped[datetime | None]
    compared_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)
    figures: Mapped[dict[str, Any] | None]
    closed_by: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = RECON_DAY
    events: ClassVar[type[Any]] = ReconDayEvent

    __table_args__ = (Index("ix_recon_day_due", "compare_at", postgresql_where=text("compare_at IS NOT NULL")),)


class ReconBook(Base):
    """A foreign book of a day: a channel's bill for one merchant account, or finance's list.

    `digest` is SHA-256 of its lines as we keep them; None until it was read whole. `next_try_at` is a lease while
    somebody reads it.
    """

    __tablename__ = "recon_book"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    day: Mapped[date] = mapped_column(ForeignKey("recon_day.day"))
    book: Mapped[str] = mapped_column(Text)
    merchant_id: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    lines: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    amount_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refund_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    fee_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    read_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    failure: Mapped[str | None] = mapped_column(Text)
    alerted_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_recon_book", "day", "book", "merchant_id", unique=True),
        Index("ix_recon_book_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        CheckConstraint("(digest IS NULL) = (read_at IS NULL)", name="read_at"),
    )


class ReconLine(Base):
    """A line of a foreign book as it came. A channel's line has a number; finance's has region and pay code."""

    __tablename__ = "recon_line"

    book_id: Mapped[UUID] = mapped_column(ForeignKey("recon_book.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    region_code: Mapped[str | None] = mapped_column(Text)
    pay_code: Mapped[str | None] = mapped_column(Text)
    number: Mapped[str | None] = mapped_column(Text)
    transaction_id: Mapped[str | None] = mapped_column(Text)
    refund_number: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    amount_fen: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        Index("ix_recon_line_refund", "refund_number", postgresql_where=text("refund_number IS NOT NULL")),
    )


class ReconDifferenceEvent(EventRow, Base):
    """状态流水 of differences; append-only."""

    __tablename__ = "recon_difference_event"


class ReconDifference(Base):
    """One thing in which the books of a day differ; `kind` and `object_key` name it within the day.

    `owner` is the member of staff who looks after it. `ended_by` is `staff`, `system` for what an effect put right, or
    `gone` for what a later comparison did not find any more; what `staff` ended never reappears. `next_try_at` is when
    we try ourselves to put it right, None where a person has to.
    """

    __tablename__ = "recon_difference"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    day: Mapped[date] = mapped_column(ForeignKey("recon_day.day"))
    state: Mapped[DifferenceState] = mapped_column(_column(DifferenceState))
    state_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    object_key: Mapped[str] = mapped_column(Text)
    bill_id: Mapped[UUID | None] = mapped_column(ForeignKey("bill.id"), index=True)
    attempt_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_attempt.id"), index=True)
    pay_code: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    number: Mapped[str | None] = mapped_column(Text)
    refund_number: Mapped[str | None] = mapped_column(Text)
    transaction_id: Mapped[str | None] = mapped_column(Text)
    ours_fen: Mapped[int | None] = mapped_column(Integer)
    theirs_fen: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[datetime | None]
    found_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    ended_by: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = RECON_DIFFERENCE
    events: ClassVar[type[Any]] = ReconDifferenceEvent

    __table_args__ = (
        Index("uq_recon_difference", "day", "kind", "object_key", unique=True),
        Index("ix_recon_difference_open", "found_at", postgresql_where=text("state <> 'closed'")),
        Index("ix_recon_difference_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        CheckConstraint("state = 'open' OR reason IS NOT NULL", name="reason"),
        CheckConstraint("state <> 'closed' OR ended_by IS NOT NULL", name="ended_by"),
        CheckConstraint("ended_by IN ('staff', 'system', 'gone')", name="who_ended"),
    )
