"""Times when payments stay shut because the database was set back to an earlier point."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id


class PaymentRecovery(Base):
    """One recovery: nothing new can be paid until `ended_at`. Attempts since `since` are asked again by then.

    `asked_at` is when the last of them had been asked.
    """

    __tablename__ = "payment_recovery"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    started_at: Mapped[datetime]
    since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_payment_recovery_open",
            text("(ended_at IS NULL)"),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
