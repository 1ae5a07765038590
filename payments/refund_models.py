"""Refunds, which are cases: asked for, approved twice, sent under one number until they are final."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Enum, ForeignKey, Index, Integer, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from payments.states import REFUND, RefundState

REFUND_STATE = Enum(
    RefundState, native_enum=False, length=20, values_callable=lambda kind: [member.value for member in kind]
)


class RefundEventRow(EventRow, Base):
    """状态流水 of refunds; append-only."""

    __tablename__ = "refund_event"


class Refund(Base):
    """Money on its way back to the account that paid, under our own `number` on every try.

    `origin` is `request` (a case with two approvals), `automatic` (a payment that no bill takes) or `outside` (the
    bank or finance did it). `by_channel` is False where the channel cannot do it any more. `due_on` is the day by
    which the present step must be done. `reddened_at` is when the e-bill was 冲红; money leaves only after that.
    """

    __tablename__ = "refund"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[RefundState] = mapped_column(REFUND_STATE)
    state_at: Mapped[datetime]
    number: Mapped[str] = mapped_column(Text, unique=True)
    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bill.id"), index=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"), index=True)
    origin: Mapped[str] = mapped_column(Text)
    by_channel: Mapped[bool]
    amount_fen: Mapped[int] = mapped_column(Integer)
    ground: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    unit_approver: Mapped[str | None] = mapped_column(Text)
    finance_approver: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    evidence: Mapped[str | None] = mapped_column(Text)
    evidence_by: Mapped[str | None] = mapped_column(Text)
    channel_refund_id: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    due_on: Mapped[date | None] = mapped_column(Date)
    reddened_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    refunded_at: Mapped[datetime | None]

    states: ClassVar[StateTable[Any, Any]] = REFUND
    events: ClassVar[type[Any]] = RefundEventRow

    __table_args__ = (
        Index("ix_refund_next_try", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        Index(
            "ix_refund_waiting",
            "due_on",
            postgresql_where=text("state IN ('requested', 'unit_approved', 'approved', 'abnormal')"),
        ),
        Index(
            "uq_refund_automatic",
            "attempt_id",
            unique=True,
            postgresql_where=text("origin = 'automatic' AND state <> 'closed'"),
        ),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("origin IN ('request', 'automatic', 'outside')", name="origin"),
        CheckConstraint("unit_approver <> finance_approver", name="two_people"),
        CheckConstraint("refunded_at IS NOT NULL OR state NOT IN ('success', 'manual_done')", name="refunded_at"),
    )
