"""Notices that no longer held before they were sent; the day's limit of a channel, and when its end came near"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_notice_watch"
down_revision = "20261125_notices"
branch_labels = None
depends_on = None

STATES = ("queued", "sent", "failed", "unknown", "inbox_only")


def upgrade() -> None:
    _allow(*STATES, "withdrawn")
    op.add_column("channel_day", sa.Column("daily_limit", sa.Integer(), nullable=True))
    op.add_column("channel_day", sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("channel_day", "warned_at")
    op.drop_column("channel_day", "daily_limit")
    op.execute("UPDATE notification SET state = 'inbox_only' WHERE state = 'withdrawn'")
    _allow(*STATES)


def _allow(*states: str) -> None:
    op.drop_constraint(op.f("ck_notification_state"), "notification", type_="check")
    op.create_check_constraint(op.f("ck_notification_state"), "notification", f"state IN {states}")
