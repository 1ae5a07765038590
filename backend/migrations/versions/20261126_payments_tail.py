"""Bills that grow, collecting units by name, notices whose text is forgotten"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_payments_tail"
down_revision = "20261126_files"
branch_labels = None
depends_on = None

GROWS = """
    UPDATE bill SET grows = true WHERE source <> 'finance' AND (notice_type = 'penalty' OR EXISTS (
      SELECT 1 FROM bill_item i JOIN income_item c ON c.code = i.income_item_code
      WHERE i.bill_id = bill.id AND c.late_day_bp IS NOT NULL))
"""
UNITS = """
    INSERT INTO collecting_unit (code, name_zh, name_en)
    SELECT DISTINCT i.collecting_unit, coalesce(d.name_zh, i.collecting_unit), coalesce(d.name_en, i.collecting_unit)
    FROM income_item i LEFT JOIN department d ON d.collecting_unit = i.collecting_unit
    UNION SELECT collecting_unit, name_zh, name_en FROM department
"""
KEEP_AMOUNT = """
CREATE OR REPLACE FUNCTION keep_bill_amount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {dies} OR OLD.state <> 'issued' OR NEW.version <> OLD.version + 1 OR NEW.total_fen < OLD.total_fen THEN
    RAISE EXCEPTION 'the amount of a bill does not change' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""
DIES = "NOT OLD.grows OR NEW.grown_on IS NULL OR NEW.grown_on <= OLD.due_on"


def upgrade() -> None:
    op.add_column("bill", sa.Column("grows", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column("bill", "grows", server_default=None)
    op.add_column("bill", sa.Column("grown_on", sa.Date(), nullable=True))
    op.execute(GROWS)
    op.execute(KEEP_AMOUNT.format(dies=DIES))
    op.create_check_constraint(op.f("ck_bill_grown_on"), "bill", "grows OR grown_on IS NULL")
    op.create_table(
        "collecting_unit",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_collecting_unit")),
    )
    op.execute(UNITS)
    op.execute("UPDATE collecting_unit SET name_zh = '快递', name_en = 'Courier' WHERE code = 'express'")
    op.create_foreign_key(
        op.f("fk_income_item_collecting_unit"), "income_item", "collecting_unit", ["collecting_unit"], ["code"]
    )
    op.alter_column("channel_event", "raw", existing_type=sa.LargeBinary(), nullable=True)
    op.add_column("channel_event", sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_channel_event_raw", "channel_event", ["received_at"], postgresql_where=sa.text("raw IS NOT NULL")
    )
    op.create_check_constraint(op.f("ck_channel_event_raw"), "channel_event", "num_nulls(raw, digest) = 1")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_channel_event_raw"), "channel_event", type_="check")
    op.drop_index("ix_channel_event_raw", table_name="channel_event")
    op.execute("DELETE FROM channel_event WHERE raw IS NULL")
    op.drop_column("channel_event", "digest")
    op.alter_column("channel_event", "raw", existing_type=sa.LargeBinary(), nullable=False)
    op.drop_constraint(op.f("fk_income_item_collecting_unit"), "income_item", type_="foreignkey")
    op.drop_table("collecting_unit")
    op.execute(KEEP_AMOUNT.format(dies="OLD.notice_type <> 'penalty'"))
    op.drop_constraint(op.f("ck_bill_grown_on"), "bill", type_="check")
    op.drop_column("bill", "grown_on")
    op.drop_column("bill", "grows")
