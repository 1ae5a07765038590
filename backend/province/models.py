"""Rows on their way to the province's platform."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id

WAITING = "sent_at IS NULL"


class FeedRow(Base):
    """One thing that happened to a case. `position` counts 1, 2, 3, … within the case; `serial` names the row.

    A row leaves only after all before it have arrived. `payload` is sealed JSON.
    """

    __tablename__ = "province_feed"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_id: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[int] = mapped_column(SmallInteger)
    serial: Mapped[str] = mapped_column(Text, unique=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    happened_at: Mapped[datetime]
    next_try_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    failure: Mapped[str | None] = mapped_column(Text)
    receipt: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_province_feed_place", "subject_id", "position", unique=True),
        Index("ix_province_feed_due", "next_try_at", postgresql_where=text(WAITING)),
        Index("ix_province_feed_waiting", "subject_id", "position", postgresql_where=text(WAITING)),
        CheckConstraint("position > 0", name="position"),
        CheckConstraint("kind IN (10, 20, 22, 24, 30, 31, 36)", name="kind"),
        CheckConstraint("(position = 1) = (kind = 10)", name="case_first"),
        CheckConstraint("(sent_at IS NULL) = (receipt IS NULL)", name="receipt"),
    )
