"""Notices, deliveries, contacts, and the shared store of provider tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_notify"
down_revision = "20261124_catalogue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_token",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unchanged_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetches", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_provider_token"),
    )
    op.create_table(
        "contact",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel IN ('wechat_official', 'wechat_mini', 'phone')", name=op.f("ck_contact_channel")),
        sa.CheckConstraint("language IN ('zh', 'en')", name=op.f("ck_contact_language")),
        sa.PrimaryKeyConstraint("person_id", "channel", name="pk_contact"),
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("useless_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'failed', 'unknown', 'inbox_only')", name=op.f("ck_notification_state")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
        sa.UniqueConstraint("dedupe_key", name="uq_notification_dedupe_key"),
    )
    op.create_index(
        "ix_notification_due", "notification", ["next_attempt_at"], postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index("ix_notification_inbox", "notification", ["person_id", "created_at", "id"])
    op.create_index(
        "ix_notification_unread", "notification", ["person_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('sending', 'sent', 'delivered', 'failed', 'unknown')", name=op.f("ck_delivery_state")
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"], ["notification.id"], name="fk_delivery_notification_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("notification_id", "attempt", name="uq_delivery_notification_id_attempt"),
    )
    op.create_index(
        "ix_delivery_provider_id",
        "delivery",
        ["channel", "provider_id"],
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )


def downgrade() -> None:
    for table in ("delivery", "notification", "contact", "provider_token"):
        op.drop_table(table)
