"""Notices, their deliveries, and where a person can be reached."""

from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.core import db


class Dispatch(StrEnum):
    """How far a notice has come on its way out. The inbox shows it in every state.

    WITHDRAWN: what it says no longer held before it was sent.
    """

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INBOX_ONLY = "inbox_only"
    WITHDRAWN = "withdrawn"


class Importance(IntEnum):
    """The lower goes first when the day's messages run short. ORDINARY waits for the morning."""

    CRITICAL = 0
    ANSWER = 1
    ORDINARY = 2


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
    hold the latest one. `route` are the channels still to be tried, NULL before the first claim. `copy_of` is the
    notice of a relative whose agent gets this copy.
    """

    __tablename__ = "notification"
    __table_args__ = (
        CheckConstraint(_one_of("state", Dispatch), name="state"),
        UniqueConstraint("dedupe_key"),
        CheckConstraint("importance BETWEEN 0 AND 2", name="importance"),
        Index("ix_notification_due", "importance", "next_attempt_at", postgresql_where=text("state = 'queued'")),
        Index(
            "ix_notification_dead",
            "created_at",
            "id",
            postgresql_where=text("state IN ('failed', 'unknown')"),
        ),
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
    importance: Mapped[int] = mapped_column(SmallInteger)
    copy_of: Mapped[UUID | None]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    useless_after: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text)
    next_attempt_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger)
    route: Mapped[list[str] | None]


class Delivery(db.Base):
    """One attempt on one channel: what was tried, when, and what the provider said."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(_one_of("state", DeliveryState), name="state"),
        UniqueConstraint("notification_id", "attempt"),
        Index("ix_delivery_provider_id", "channel", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
        Index(None, "started_at"),
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
    """An address (openid or phone) at which a person is reached on one channel.

    `unreachable_since`: the provider said that this person takes no messages there (43004, an unfollow).
    """

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
    unreachable_since: Mapped[datetime | None]


class Subscription(db.Base):
    """What a person has agreed to at the mini-program: `left` single messages of one template, or all of them."""

    __tablename__ = "subscription"
    __table_args__ = (CheckConstraint('"left" >= 0', name="left"),)

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    template_id: Mapped[str] = mapped_column(Text, primary_key=True)
    left: Mapped[int] = mapped_column(Integer)
    long_term: Mapped[bool]
    updated_at: Mapped[datetime]


class NoticePreference(db.Base):
    """Kinds of notices a person does not want sent, and the channels in the order they prefer."""

    __tablename__ = "notice_preference"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    opted_out: Mapped[list[str]]
    channels: Mapped[list[str]]
    updated_at: Mapped[datetime]


class NoticeCopy(db.Base):
    """From `since` on, `agent_id` gets a copy of what is sent to `person_id`: the family agent of an elder."""

    __tablename__ = "notice_copy"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[date] = mapped_column(Date)


class ChannelDay(db.Base):
    """Messages of one channel on one day in Xiamen, the limit of that day, and until when the provider takes no more.

    `warned_at`: the operators were told that the day's messages run short.
    """

    __tablename__ = "channel_day"

    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    used: Mapped[int] = mapped_column(Integer)
    daily_limit: Mapped[int | None] = mapped_column(Integer)
    warned_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]


class DeliveryReceipt(db.Base):
    """What the provider reported later about one message; kept until its delivery is known, and a week longer."""

    __tablename__ = "delivery_receipt"

    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    provider_id: Mapped[str] = mapped_column(Text, primary_key=True)
    arrived: Mapped[bool]
    code: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(index=True)
    settled: Mapped[bool]
