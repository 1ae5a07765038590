"""Closed half-days, ranges of every booking setting, neighbourhoods"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_booking"
down_revision = "20261125_conduct"
branch_labels = None
depends_on = None

NEW_RANGES = {
    "same_day_lead_minutes": (0, 240),
    "open_total": (1, 10),
    "agent_principals": (1, 10),
    "reschedules": (0, 5),
    "cancel_hours": (0, 72),
    "early_minutes": (0, 120),
    "grace_minutes": (0, 120),
}


def upgrade() -> None:
    op.add_column(
        "booking_policy", sa.Column("agent_principals", sa.SmallInteger(), nullable=False, server_default="2")
    )
    op.alter_column("booking_policy", "agent_principals", server_default=None)
    for name, (low, high) in NEW_RANGES.items():
        op.create_check_constraint(
            op.f(f"ck_booking_policy_{name}"), "booking_policy", f"{name} BETWEEN {low} AND {high}"
        )

    op.add_column("day_override", sa.Column("half", sa.Text(), nullable=False, server_default="morning"))
    op.add_column("day_override", sa.Column("note_en", sa.Text(), nullable=True))
    op.add_column("day_override", sa.Column("set_by", sa.Text(), nullable=False, server_default="system"))
    op.drop_constraint("pk_day_override", "day_override")
    op.execute(
        "INSERT INTO day_override (hall_code, day, half, open, note) "
        "SELECT hall_code, day, 'afternoon', open, note FROM day_override"
    )
    op.create_primary_key("pk_day_override", "day_override", ["hall_code", "day", "half"])
    op.create_check_constraint(op.f("ck_day_override_half"), "day_override", "half IN ('morning', 'afternoon')")
    op.alter_column("day_override", "half", server_default=None)
    op.alter_column("day_override", "set_by", server_default=None)

    op.add_column("slot_quota", sa.Column("open", sa.Boolean(), nullable=False, server_default=sa.text("true")))
    op.execute("UPDATE slot_quota SET open = false FROM slot WHERE slot.id = slot_quota.slot_id AND NOT slot.open")
    op.create_index("ix_slot_closed", "slot", ["day"], postgresql_where=sa.text("NOT open"))

    op.create_table(
        "neighbourhood",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.JSONB(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lng", sa.Double(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_neighbourhood_division_code")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_neighbourhood")),
    )


def downgrade() -> None:
    op.drop_table("neighbourhood")
    op.drop_index("ix_slot_closed", table_name="slot")
    op.drop_column("slot_quota", "open")
    op.drop_constraint("pk_day_override", "day_override")
    op.execute(
        "DELETE FROM day_override d WHERE half = 'afternoon' AND EXISTS (SELECT 1 FROM day_override m "
        "WHERE m.hall_code = d.hall_code AND m.day = d.day AND m.half = 'morning')"
    )
    op.drop_column("day_override", "half")
    op.create_primary_key("pk_day_override", "day_override", ["hall_code", "day"])
    op.drop_column("day_override", "note_en")
    op.drop_column("day_override", "set_by")
    for name in NEW_RANGES:
        op.drop_constraint(f"ck_booking_policy_{name}", "booking_policy")
    op.drop_column("booking_policy", "agent_principals")
