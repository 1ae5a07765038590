"""The audit trail by hall"""

from alembic import op

revision = "20261125_manage"
down_revision = "20261125_devices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_audit_event_hall_code_id"), "audit_event", ["hall_code", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_event_hall_code_id"), table_name="audit_event")
