"""Channels, subscriptions, preferences, copies, quotas and receipts of notices; the official account's callbacks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_notices"
down_revision = "20261125_manage"
branch_labels = None
depends_on = None

QUEUED = sa.text("state = 'queued'")


def upgrade() -> None:
    op.add_column("notification", sa.Column("importance", sa.SmallInteger(), nullable=True))
    op.execute("UPDATE notification SET importance = CASE WHEN urgent THEN 0 ELSE 2 END")
    op.alter_column("notification", "importance", nullable=False)
    op.create_check_constraint(op.f("ck_notification_importance"), "notification", "importance BETWEEN 0 AND 2")
    op.drop_column("notification", "urgent")
    op.add_column("notification", sa.Column("copy_of", sa.Uuid(), nullable=True))
    op.add_column("notification", sa.Column("route", postgresql.JSONB(), nullable=True))
    op.drop_index("ix_notification_due", "notification")
    op.create_index("ix_notification_due", "notification", ["importance", "next_attempt_at"], postgresql_where=QUEUED)
    op.create_index(
        "ix_notification_dead",
        "notification",
        ["created_at", "id"],
        postgresql_where=sa.text("state IN ('failed', 'unknown')"),
    )
    op.create_index("ix_delivery_started_at", "delivery", ["started_at"])
    op.add_column("contact", sa.Column("unreachable_since", sa.DateTime(timezone=True), nullable=True))
    _create_tables()


def _create_tables() -> None:
    op.create_table(
        "subscription",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("long_term", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('"left" >= 0', name=op.f("ck_subscription_left")),
        sa.PrimaryKeyConstraint("person_id", "template_id", name="pk_subscription"),
    )
    op.create_table(
        "notice_preference",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("opted_out", postgresql.JSONB(), nullable=False),
        sa.Column("channels", postgresql.JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_notice_preference"),
    )
    op.create_table(
        "notice_copy",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "agent_id", name="pk_notice_copy"),
    )
    op.create_table(
        "channel_day",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("channel", "day", name="pk_channel_day"),
    )
    op.create_table(
        "delivery_receipt",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("arrived", sa.Boolean(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "provider_id", name="pk_delivery_receipt"),
    )
    op.create_index("ix_delivery_receipt_at", "delivery_receipt", ["at"])
    op.create_table(
        "official_callback",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_official_callback"),
    )
    op.create_index("ix_official_callback_at", "official_callback", ["at"])


def downgrade() -> None:
    for table in (
        "official_callback",
        "delivery_receipt",
        "channel_day",
        "notice_copy",
        "notice_preference",
        "subscription",
    ):
        op.drop_table(table)
    op.drop_column("contact", "unreachable_since")
    op.drop_index("ix_delivery_started_at", "delivery")
    op.drop_index("ix_notification_dead", "notification")
    op.drop_index("ix_notification_due", "notification")
    op.create_index("ix_notification_due", "notification", ["next_attempt_at"], postgresql_where=QUEUED)
    op.drop_column("notification", "route")
    op.drop_column("notification", "copy_of")
    op.add_column("notification", sa.Column("urgent", sa.Boolean(), nullable=True))
    op.execute("UPDATE notification SET urgent = importance = 0")
    op.alter_column("notification", "urgent", nullable=False)
    op.drop_column("notification", "importance")
