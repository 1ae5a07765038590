"""Visits and cases joined: what a visit is for, items that are checked before a visit, the steps of booking"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_visits"
down_revision = "20261126_circular_map"
branch_labels = None
depends_on = None

CASES_SO_FAR = """
INSERT INTO visit_matter (id, case_id, number, item_slug, person_id, filer_id, checked_at, open)
SELECT application_id, id, short_number, item_slug, person_id, filer_id,
  CASE WHEN state IN ('pre_approved', 'accepted', 'awaiting_fee', 'reviewing', 'special', 'granted', 'denied',
    'concluded', 'ready', 'mailed', 'delivered') THEN state_at END,
  state NOT IN ('not_accepted', 'delivered', 'withdrawn', 'terminated')
FROM service_case
"""


def upgrade() -> None:
    op.add_column("item", sa.Column("pre_check", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "visit_matter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("filer_id", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("(case_id IS NULL) = (number IS NULL)", name=op.f("ck_visit_matter_numbered")),
        sa.CheckConstraint("checked_at IS NULL OR case_id IS NOT NULL", name=op.f("ck_visit_matter_checked_case")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_visit_matter_person_id")),
        sa.ForeignKeyConstraint(["filer_id"], ["person.id"], name=op.f("fk_visit_matter_filer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_matter")),
        sa.UniqueConstraint("case_id", name=op.f("uq_visit_matter_case_id")),
    )
    op.create_index(
        "ix_visit_matter_checked",
        "visit_matter",
        ["person_id", "item_slug"],
        postgresql_where=sa.text("checked_at IS NOT NULL"),
    )
    op.execute(CASES_SO_FAR)
    for table in ("appointment", "ticket"):
        op.add_column(table, sa.Column("matter_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"fk_{table}_matter_id"), table, "visit_matter", ["matter_id"], ["id"])
        op.create_index(f"ix_{table}_matter", table, ["matter_id"], postgresql_where=sa.text("matter_id IS NOT NULL"))
    op.create_index(
        "uq_appointment_matter",
        "appointment",
        ["matter_id"],
        unique=True,
        postgresql_where=sa.text("state = 'booked' AND matter_id IS NOT NULL"),
    )
    op.create_table(
        "booking_step",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("hall_code", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_booking_step_count")),
        sa.CheckConstraint("step IN ('item', 'hall', 'slots', 'who', 'check')", name=op.f("ck_booking_step_step")),
        sa.PrimaryKeyConstraint("day", "item_slug", "hall_code", "step", "shard", name=op.f("pk_booking_step")),
    )


def downgrade() -> None:
    op.drop_table("booking_step")
    op.drop_index("uq_appointment_matter", table_name="appointment")
    for table in ("ticket", "appointment"):
        op.drop_index(f"ix_{table}_matter", table_name=table)
        op.drop_constraint(op.f(f"fk_{table}_matter_id"), table, type_="foreignkey")
        op.drop_column(table, "matter_id")
    op.drop_index("ix_visit_matter_checked", table_name="visit_matter")
    op.drop_table("visit_matter")
    op.drop_column("item", "pre_check")
