"""The ledger of cases, what of it is due, and exports"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_reports"
down_revision = "20261126_visits"
branch_labels = None
depends_on = None

DUE_OF = {
    "case": "SELECT NEW.id::text",
    "case_special": "SELECT NEW.case_id::text",
    "subject": "SELECT NEW.subject_id WHERE NEW.subject_type = 'case'",
    "follow_up": "SELECT subject_id FROM rating WHERE id = NEW.rating_id AND subject_type = 'case'",
    "check_in": """
      SELECT m.case_id::text FROM appointment a JOIN visit_matter m ON m.id = a.matter_id
      WHERE a.id = NEW.appointment_id AND m.case_id IS NOT NULL""",
    "ticket": "SELECT case_id::text FROM visit_matter WHERE id = NEW.matter_id AND case_id IS NOT NULL",
}
"""What changed → the cases whose row of the ledger is due. Rows are added, never merged: nobody waits for another."""

TRIGGERS = (
    ("service_case", "case", "INSERT OR UPDATE"),
    ("case_special", "case_special", "INSERT OR UPDATE"),
    ("rating", "subject", "INSERT OR UPDATE OF grade, invalid_at"),
    ("follow_up", "follow_up", "INSERT OR UPDATE OF state, due_on"),
    ("bill", "subject", "UPDATE OF paid_at"),
    ("shipment", "subject", "UPDATE OF delivered_at"),
    ("check_in", "check_in", "INSERT OR UPDATE OF undone_at"),
    ("ticket", "ticket", "INSERT OR UPDATE OF state, matter_id"),
)


def upgrade() -> None:
    op.create_table(
        "case_ledger",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("department_code", sa.Text(), nullable=False),
        sa.Column("hall_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("submitted_on", sa.Date(), nullable=False),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("owed_on", sa.Date(), nullable=True),
        sa.Column("promise_due_on", sa.Date(), nullable=True),
        sa.Column("law_due_on", sa.Date(), nullable=True),
        sa.Column("promise_days", sa.SmallInteger(), nullable=False),
        sa.Column("law_days", sa.SmallInteger(), nullable=False),
        sa.Column("days_used", sa.SmallInteger(), nullable=True),
        sa.Column("declared_visits", sa.SmallInteger(), nullable=False),
        sa.Column("visits", sa.SmallInteger(), nullable=False),
        sa.Column("mailed_in", sa.Boolean(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("paid", sa.Text(), nullable=True),
        sa.Column("returned", sa.SmallInteger(), nullable=False),
        sa.Column("grade", sa.SmallInteger(), nullable=True),
        sa.Column("bad_answered", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('granted', 'denied', 'not_accepted', 'withdrawn', 'terminated')",
            name=op.f("ck_case_ledger_outcome"),
        ),
        sa.CheckConstraint("channel IN ('online', 'window', 'partner')", name=op.f("ck_case_ledger_channel")),
        sa.CheckConstraint("delivery IN ('download', 'mail', 'window')", name=op.f("ck_case_ledger_delivery")),
        sa.CheckConstraint("paid IN ('online', 'window', 'other')", name=op.f("ck_case_ledger_paid")),
        sa.CheckConstraint("grade BETWEEN 1 AND 5", name=op.f("ck_case_ledger_grade")),
        sa.CheckConstraint("visits >= 0 AND returned >= 0", name=op.f("ck_case_ledger_counts")),
        sa.ForeignKeyConstraint(["case_id"], ["service_case.id"], name=op.f("fk_case_ledger_case_id_service_case")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_ledger")),
    )
    op.create_index("ix_case_ledger_closed", "case_ledger", ["closed_on", "case_id"])
    op.create_index("ix_case_ledger_hall", "case_ledger", ["hall_code", "closed_on", "case_id"])
    op.create_index("ix_case_ledger_owed", "case_ledger", ["owed_on"], postgresql_where=sa.text("closed_on IS NULL"))
    op.create_table(
        "case_ledger_due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_ledger_due")),
    )
    _exports()
    for name, query in DUE_OF.items():
        op.execute(
            f"CREATE FUNCTION case_ledger_due_of_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO case_ledger_due (case_id) {query}; RETURN NULL; END $$"
        )
    for table, name, change in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER case_ledger_due AFTER {change} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION case_ledger_due_of_{name}()"
        )
    op.execute("INSERT INTO case_ledger_due (case_id) SELECT id::text FROM service_case")


def _exports() -> None:
    op.create_table(
        "report_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "done",
                "cancelled",
                "failed",
                "expired",
                name="exportstate",
                native_enum=False,
                length=10,
            ),
            nullable=False,
        ),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("wanted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("numbered", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'done') = (content IS NOT NULL)", name=op.f("ck_report_export_content")),
        sa.CheckConstraint("done BETWEEN 0 AND total", name=op.f("ck_report_export_progress")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_report_export_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_export")),
    )
    op.create_index("ix_report_export_staff", "report_export", ["staff_id", "created_at"])
    op.create_index("ix_report_export_expires", "report_export", ["expires_at"])
    op.create_table(
        "report_export_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_export_event")),
    )
    op.create_index(op.f("ix_report_export_event_entity_id"), "report_export_event", ["entity_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON report_export_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table, _, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER case_ledger_due ON {table}")
    for name in DUE_OF:
        op.execute(f"DROP FUNCTION case_ledger_due_of_{name}()")
    for table in ("report_export_event", "report_export", "case_ledger_due", "case_ledger"):
        op.drop_table(table)
