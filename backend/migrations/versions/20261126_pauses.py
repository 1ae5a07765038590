"""Seconds a window was paused"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_pauses"
down_revision = "20261126_notice_watch"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("window_session", sa.Column("paused_s", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.drop_column("window_session", "paused_s")
