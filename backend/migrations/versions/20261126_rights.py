"""Exports, closings of accounts, legal holds; event rows that a purge may take"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_rights"
down_revision = "20261126_reports"
branch_labels = None
depends_on = None

PURGED = (
    "application_event",
    "appointment_event",
    "case_part_event",
    "case_transfer_event",
    "conduct_event",
    "follow_up_event",
    "service_case_event",
    "ticket_event",
    "window_handover",
)

REFUSE_CHANGE_BUT_PURGE = """
CREATE FUNCTION refuse_change_but_purge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' OR current_setting('weizheng.purging', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$
"""


def _refuse(table: str, function: str) -> None:
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    )


def upgrade() -> None:
    op.create_table(
        "erasure_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_event")),
    )
    op.create_index(op.f("ix_erasure_event_entity_id"), "erasure_event", ["entity_id"], unique=False)
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("active", "lifting", "lifted", name="holdstate", native_enum=False, length=10),
            nullable=False,
        ),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.Column("lift_asked_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(state = 'active') = (lift_asked_by IS NULL)", name=op.f("ck_legal_hold_lift_asked")),
        sa.CheckConstraint(
            "(state = 'lifted') = (lifted_by IS NOT NULL) AND (lifted_by IS NULL OR lifted_by <> lift_asked_by)",
            name=op.f("ck_legal_hold_second"),
        ),
        sa.CheckConstraint("subject_type IN ('person', 'case', 'bill')", name=op.f("ck_legal_hold_subject_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index(
        "uq_legal_hold_live",
        "legal_hold",
        ["subject_type", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'lifted'"),
    )
    op.create_table(
        "legal_hold_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold_event")),
    )
    op.create_index(op.f("ix_legal_hold_event_entity_id"), "legal_hold_event", ["entity_id"], unique=False)
    op.create_table(
        "personal_export_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_export_event")),
    )
    op.create_index(op.f("ix_personal_export_event_entity_id"), "personal_export_event", ["entity_id"], unique=False)
    op.create_table(
        "erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "cancelled", "closing", "erased", name="erasurestate", native_enum=False, length=10),
            nullable=False,
        ),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("empty_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('closing', 'erased')) = (empty_at IS NOT NULL)", name=op.f("ck_erasure_empty_at")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_erasure_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index(
        "ix_erasure_due",
        "erasure",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'closing')"),
    )
    op.create_index(
        "uq_erasure_live",
        "erasure",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'closing')"),
    )
    op.create_table(
        "personal_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("making", "ready", "failed", "gone", name="exportstate", native_enum=False, length=10),
            nullable=False,
        ),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("parts", sa.SmallInteger(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(next_try_at IS NOT NULL) = (state = 'making')", name=op.f("ck_personal_export_try_is_due")
        ),
        sa.CheckConstraint("(state = 'ready') = (size IS NOT NULL)", name=op.f("ck_personal_export_size")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_personal_export_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_export")),
    )
    op.create_index(
        "ix_personal_export_due",
        "personal_export",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.create_index(
        "ix_personal_export_expiring",
        "personal_export",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'gone'"),
    )
    op.create_index(
        op.f("ix_personal_export_person_id_asked_at"), "personal_export", ["person_id", "asked_at"], unique=False
    )
    op.create_index(
        "uq_personal_export_making",
        "personal_export",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("state = 'making'"),
    )
    op.add_column("person", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_person_erased",
        "person",
        ["erased_at"],
        unique=False,
        postgresql_where=sa.text("erased_at IS NOT NULL AND name IS NOT NULL"),
    )
    op.add_column("service_case", sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_service_case_ended",
        "service_case",
        ["state_at"],
        unique=False,
        postgresql_where=sa.text("emptied_at IS NULL"),
    )
    op.execute(REFUSE_CHANGE_BUT_PURGE)
    _refuse("legal_hold_event", "refuse_change")
    for table in ("erasure_event", "personal_export_event"):
        _refuse(table, "refuse_change_but_purge")
    for table in PURGED:
        op.execute(f"DROP TRIGGER append_only ON {table}")
        _refuse(table, "refuse_change_but_purge")


def downgrade() -> None:
    for table in PURGED:
        op.execute(f"DROP TRIGGER append_only ON {table}")
        _refuse(table, "refuse_change")
    op.drop_index("ix_service_case_ended", table_name="service_case", postgresql_where=sa.text("emptied_at IS NULL"))
    op.drop_column("service_case", "emptied_at")
    op.drop_index(
        "ix_person_erased", table_name="person", postgresql_where=sa.text("erased_at IS NOT NULL AND name IS NOT NULL")
    )
    op.drop_column("person", "erased_at")
    op.drop_index(
        "uq_personal_export_making", table_name="personal_export", postgresql_where=sa.text("state = 'making'")
    )
    op.drop_index(op.f("ix_personal_export_person_id_asked_at"), table_name="personal_export")
    op.drop_index(
        "ix_personal_export_expiring", table_name="personal_export", postgresql_where=sa.text("state <> 'gone'")
    )
    op.drop_index(
        "ix_personal_export_due", table_name="personal_export", postgresql_where=sa.text("next_try_at IS NOT NULL")
    )
    op.drop_table("personal_export")
    op.drop_index("uq_erasure_live", table_name="erasure", postgresql_where=sa.text("state IN ('waiting', 'closing')"))
    op.drop_index("ix_erasure_due", table_name="erasure", postgresql_where=sa.text("state IN ('waiting', 'closing')"))
    op.drop_table("erasure")
    op.drop_index(op.f("ix_personal_export_event_entity_id"), table_name="personal_export_event")
    op.drop_table("personal_export_event")
    op.drop_index(op.f("ix_legal_hold_event_entity_id"), table_name="legal_hold_event")
    op.drop_table("legal_hold_event")
    op.drop_index("uq_legal_hold_live", table_name="legal_hold", postgresql_where=sa.text("state <> 'lifted'"))
    op.drop_table("legal_hold")
    op.drop_index(op.f("ix_erasure_event_entity_id"), table_name="erasure_event")
    op.drop_table("erasure_event")
    op.execute("DROP FUNCTION refuse_change_but_purge()")
