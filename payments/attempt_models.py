"""Attempts to pay a bill, and the notifications that channels sent."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from payments.states import ATTEMPT, AttemptState

ATTEMPT_STATE = Enum(
    AttemptState, native_enum=False, length=20, values_callable=lambda kind: [member.value for member in kind]
)
LIVE_SQL = "state IN ('new', 'created', 'create_unknown', 'closing')"


class AttemptEventRow(EventRow, Base):
    """状态流水 of attempts; append-only."""

    __tablename__ = "payment_attempt_event"


class Attempt(Base):
    """One number at one channel, committed before the channel is called (R1).

    `order` and `launch` are sealed JSON: what the channel was asked, and what the payer's page needs. `paid_fen` is
    the verified sum that came, `reserved_fen` what refunds have asked for, `refunded_fen` what went back: the CHECK
    is the promise that never more goes back than came. `next_poll_at` is when the channel is asked again.
    """

    __tablename__ = "payment_attempt"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bill.id"), index=True)
    state: Mapped[AttemptState] = mapped_column(ATTEMPT_STATE)
    state_at: Mapped[datetime]
    number: Mapped[str] = mapped_column(Text, unique=True)
    channel: Mapped[str] = mapped_column(Text)
    scene: Mapped[str] = mapped_column(Text)
    app_id: Mapped[str] = mapped_column(Text)
    merchant_id: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(Text)
    bill_version: Mapped[int] = mapped_column(SmallInteger)
    payer_id: Mapped[UUID | None]
    order: Mapped[bytes] = mapped_column(LargeBinary)
    launch: Mapped[bytes | None] = mapped_column(LargeBinary)
    launched_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    next_poll_at: Mapped[datetime | None]
    polls: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    transaction_id: Mapped[str | None] = mapped_column(Text)
    paid_fen: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    payer_fen: Mapped[int | None] = mapped_column(Integer)
    paid_at: Mapped[datetime | None]
    refundable: Mapped[bool] = mapped_column(server_default=text("true"))
    reserved_fen: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    refunded_fen: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    refund_parts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_refund_at: Mapped[datetime | None]
    proposal: Mapped[str | None] = mapped_column(Text)
    proposed_by: Mapped[str | None] = mapped_column(Text)
    proposal_reason: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = ATTEMPT
    events: ClassVar[type[Any]] = AttemptEventRow

    __table_args__ = (
        Index("uq_payment_attempt_live", "bill_id", unique=True, postgresql_where=text(LIVE_SQL)),
        Index("uq_payment_attempt_paid", "bill_id", unique=True, postgresql_where=text("state = 'paid'")),
        Index(
            "uq_payment_attempt_transaction",
            "channel",
            "transaction_id",
            unique=True,
            postgresql_where=text("transaction_id IS NOT NULL"),
        ),
        Index("ix_payment_attempt_poll", "next_poll_at", postgresql_where=text("next_poll_at IS NOT NULL")),
        Index("ix_payment_attempt_cases", "state_at", postgresql_where=text("state IN ('suspense', 'refund_due')")),
        Index("ix_payment_attempt_paid_at", "channel", "paid_at"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint(
            "reserved_fen >= 0 AND refunded_fen >= 0 AND refunded_fen + reserved_fen <= paid_fen", name="refunds"
        ),
        CheckConstraint(
            "paid_at IS NOT NULL OR state NOT IN ('paid', 'paid_late', 'suspense', 'refund_due', 'returned')",
            name="paid_at",
        ),
        CheckConstraint("proposal IN ('settle', 'give_back')", name="proposal"),
        CheckConstraint("(proposal IS NULL) = (proposed_by IS NULL)", name="proposed_by"),
    )


class ChannelEvent(Base):
    """A verified notification, sealed as it came, stored with its effect or without one (R5, R6).

    After its time `raw` goes and the SHA-256 of what came stays. `verdict` says what became of it; `pending` and
    `unmatched` ones are tried again.
    """

    __tablename__ = "channel_event"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    refund_number: Mapped[str | None] = mapped_column(Text)
    transaction_id: Mapped[str | None] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    repeats: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime]
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("uq_channel_event", "channel", "event_id", unique=True),
        Index("ix_channel_event_number", "channel", "number"),
        Index("ix_channel_event_waiting", "received_at", postgresql_where=text("verdict IN ('pending', 'unmatched')")),
        Index("ix_channel_event_raw", "received_at", postgresql_where=text("raw IS NOT NULL")),
        CheckConstraint("kind IN ('payment', 'refund')", name="kind"),
        CheckConstraint("num_nulls(raw, digest) = 1", name="raw"),
    )
