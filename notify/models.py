"""Notices, their deliveries, and where a person can be reached."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core import db


class Dispatch(StrEnum):
    """How far a notice has come on its way out. The inbox shows it in every state."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INBOX_ONLY = "inbox_only"


class DeliveryState(StrEnum):
    """What became of one attempt on one channel."""

    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


def _one_of(column: str, states: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(state)) for state in states)})"


class Notification(db.Base):
    """An inbox message (站内消息) and at the same time the thing to send: one row, written with its cause.

    `params` holds no id number and no full name. `attempts` numbers the claims: who records an outcome must
    hold the latest one.
    """

    __tablename__ = "notification"
    __table_args__ = (
        CheckConstraint(_one_of("state", Dispatch), name="state"),
        UniqueConstraint("dedupe_key"),
        Index("ix_notification_due", "next_attempt_at", postgresql_where=text("state = 'queued'")),
        Index("ix_notification_inbox", "person_id", "created_at", "id"),
        Index("ix_notification_unread", "person_id", postgresql_where=text("read_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    template: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]]
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    link: Mapped[str | None] = mapped_column(Text)
    dedupe_key: Mapped[str] = mapped_column(Text)
    urgent: Mapped[bool]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    useless_after: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text)
    next_attempt_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger)


class Delivery(db.Base):
    """One attempt on one channel: what was tried, when, and what the provider said."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(_one_of("state", DeliveryState), name="state"),
        UniqueConstraint("notification_id", "attempt"),
        Index("ix_delivery_provider_id", "channel", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    notification_id: Mapped[UUID] = mapped_column(ForeignKey("notification.id", ondelete="CASCADE"))
    attempt: Mapped[int] = mapped_column(SmallInteger)
    channel: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    provider_id: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Contact(db.Base):
    """An address (openid or phone) at which a person is reached on one channel."""

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint("channel IN ('wechat_official', 'wechat_mini', 'phone')", name="channel"),
        CheckConstraint("language IN ('zh', 'en')", name="language"),
    )

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    address: Mapped[bytes] = mapped_column(LargeBinary)
    language: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]
