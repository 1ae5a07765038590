"""Times when payments stay shut because the database was set back to an earlier point."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id


class PaymentRecovery(Base):
    """One recovery: nothing new can be paid until `ended_at`. Attempts opened after `since` are asked about again."""

    __tablename__ = "payment_recovery"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    started_at: Mapped[datetime]
    since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_payment_recovery_open",
            text("(ended_at IS NULL)"),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class RecoveryQuestion(Base):
    """One attempt that a recovery asks about; `asked_at` once its channel has answered."""

    __tablename__ = "recovery_question"

    recovery_id: Mapped[UUID] = mapped_column(ForeignKey("payment_recovery.id"), primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"), primary_key=True)
    next_try_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_recovery_question_open", "next_try_at", postgresql_where=text("asked_at IS NULL")),)
