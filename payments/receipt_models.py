"""How far finance has followed a bill: notice, confirmation, electronic bill."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base

OPEN_NOTICE = "registered_version IS NOT NULL AND withdrawn_at IS NULL AND confirmed_at IS NULL"
UNHEARD = 0
"""The version of a notice that finance has to hear again: its last day was put off 缓缴."""


class BillAtFinance(Base):
    """What finance has heard of a bill, and when we tell it again.

    `registered_version` is the bill's version that finance holds; `withdrawn_at` when a dead bill was taken back there.
    `checked_state` is what finance said of the electronic bill at `checked_at`, when its payer had it checked.
    `failure` is finance's last refusal, kept until a call succeeds; `alerted_at` when somebody was told of it.
    """

    __tablename__ = "bill_at_finance"

    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bill.id"), primary_key=True)
    registered_version: Mapped[int | None] = mapped_column(SmallInteger)
    withdrawn_at: Mapped[datetime | None]
    confirm_no: Mapped[str | None] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    checked_state: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)
    alerted_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_bill_at_finance_open", "bill_id", postgresql_where=text(OPEN_NOTICE)),
        Index("ix_bill_at_finance_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
    )
