"""The hall a staff session works in; sources of failed staff logins"""

import sqlalchemy as sa
from alembic import op

revision = "20261125_staff_halls"
down_revision = "20261125_booking"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("login_session", sa.Column("hall_code", sa.Text(), nullable=True))
    op.execute(
        "UPDATE login_session s SET hall_code = (SELECT min(r.hall_code) FROM staff_role r"
        " WHERE r.staff_id = s.staff_id AND r.hall_code <> '*') WHERE s.staff_id IS NOT NULL"
    )
    op.create_table(
        "login_source",
        sa.Column("source_index", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("source_index", name=op.f("pk_login_source")),
    )
    op.create_index(op.f("ix_login_source_since"), "login_source", ["since"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_login_source_since"), table_name="login_source")
    op.drop_table("login_source")
    op.drop_column("login_session", "hall_code")
