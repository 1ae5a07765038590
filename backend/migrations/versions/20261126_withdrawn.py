"""Notices that no longer held before they were sent"""

from alembic import op

revision = "20261126_withdrawn"
down_revision = "20261125_notices"
branch_labels = None
depends_on = None

STATES = ("queued", "sent", "failed", "unknown", "inbox_only")


def upgrade() -> None:
    _allow(*STATES, "withdrawn")


def downgrade() -> None:
    op.execute("UPDATE notification SET state = 'inbox_only' WHERE state = 'withdrawn'")
    _allow(*STATES)


def _allow(*states: str) -> None:
    op.drop_constraint(op.f("ck_notification_state"), "notification", type_="check")
    op.create_check_constraint(op.f("ck_notification_state"), "notification", f"state IN {states}")
