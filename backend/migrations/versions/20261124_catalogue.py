"""Catalogue: divisions, departments, halls, windows, items, published lists; income items and fee standards; seed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_catalogue"
down_revision = "20261124_core"
branch_labels = None
depends_on = None

TABLES = (
    "seed_record",
    "service_window",
    "list_entry",
    "list_addition",
    "item_material",
    "item_hall",
    "item_fee",
    "list_edition",
    "item",
    "hall",
    "fee_standard",
    "window_category",
    "published_list",
    "income_item",
    "division",
    "department",
    "catalogue_version",
)
"""In the order in which nothing that is left points at what is dropped."""


def upgrade() -> None:
    op.create_table(
        "catalogue_version",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_catalogue_version_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_catalogue_version"),
    )
    op.create_table(
        "department",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("credit_code", sa.Text(), nullable=False),
        sa.Column("collecting_unit", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("successor_code", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="ck_department_validity"
        ),
        sa.ForeignKeyConstraint(["successor_code"], ["department.code"], name="fk_department_successor_code"),
        sa.PrimaryKeyConstraint("code", name="pk_department"),
        sa.UniqueConstraint("collecting_unit", name="uq_department_collecting_unit"),
        sa.UniqueConstraint("credit_code", name="uq_department_credit_code"),
    )
    op.create_table(
        "division",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["parent_code"], ["division.code"], name="fk_division_parent_code"),
        sa.PrimaryKeyConstraint("code", name="pk_division"),
    )
    op.create_table(
        "income_item",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("collecting_unit", sa.Text(), nullable=False),
        sa.Column("finance_code", sa.Text(), nullable=True),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('non_tax', 'service_price', 'penalty')", name="ck_income_item_kind"),
        sa.PrimaryKeyConstraint("code", name="pk_income_item"),
    )
    op.create_table(
        "published_list",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tag", name="pk_published_list"),
    )
    op.create_table(
        "window_category",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("walk_in_only", sa.Boolean(), nullable=False),
        sa.CheckConstraint("prefix ~ '^[A-Z]$'", name="ck_window_category_prefix"),
        sa.PrimaryKeyConstraint("code", name="pk_window_category"),
        sa.UniqueConstraint("prefix", name="uq_window_category_prefix"),
    )
    op.create_table(
        "fee_standard",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("income_item_code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.CheckConstraint("unit IN ('case', 'copy', 'note', 'set')", name="ck_fee_standard_unit"),
        sa.CheckConstraint("NOT verified OR legal_basis IS NOT NULL", name="ck_fee_standard_basis"),
        sa.CheckConstraint("amount_fen >= 0", name="ck_fee_standard_amount"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ck_fee_standard_validity"),
        sa.ForeignKeyConstraint(["income_item_code"], ["income_item.code"], name="fk_fee_standard_income_item_code"),
        sa.PrimaryKeyConstraint("id", name="pk_fee_standard"),
        sa.UniqueConstraint("income_item_code", "valid_from", name="uq_fee_standard_income_item_code_valid_from"),
    )
    op.create_table(
        "hall",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("short_name_zh", sa.Text(), nullable=False),
        sa.Column("short_name_en", sa.Text(), nullable=False),
        sa.Column("address_zh", sa.Text(), nullable=True),
        sa.Column("address_en", sa.Text(), nullable=True),
        sa.Column("address_verified", sa.Boolean(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lng", sa.Double(), nullable=True),
        sa.Column("location_verified", sa.Boolean(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("hours_verified", sa.Boolean(), nullable=False),
        sa.Column("phones", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name="fk_hall_division_code"),
        sa.PrimaryKeyConstraint("code", name="pk_hall"),
    )
    op.create_table(
        "item",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("department_code", sa.Text(), nullable=False),
        sa.Column("popularity", sa.SmallInteger(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("summary_zh", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.JSONB(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("instant", sa.Boolean(), nullable=False),
        sa.Column("law_days", sa.SmallInteger(), nullable=True),
        sa.Column("promise_days", sa.SmallInteger(), nullable=True),
        sa.Column("visits", sa.SmallInteger(), nullable=False),
        sa.Column("visits_reason_zh", sa.Text(), nullable=True),
        sa.Column("visits_reason_en", sa.Text(), nullable=True),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("handle_area", sa.Text(), nullable=False),
        sa.Column("self_service", sa.Boolean(), nullable=False),
        sa.Column("partners", postgresql.JSONB(), nullable=False),
        sa.Column("mail_in", sa.Boolean(), nullable=False),
        sa.Column("mail_out", sa.Boolean(), nullable=False),
        sa.Column("mail_payer", sa.Text(), nullable=False),
        sa.Column("online_url", sa.Text(), nullable=True),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("conditions", postgresql.JSONB(), nullable=False),
        sa.Column("steps", postgresql.JSONB(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("minutes", sa.SmallInteger(), nullable=False),
        sa.Column("extra_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("max_items", sa.SmallInteger(), nullable=False),
        sa.Column("max_people", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("consult_phone", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("handle_area IN ('city', 'division', 'hall')", name="ck_item_handle_area"),
        sa.CheckConstraint("kind IN ('licence', 'registration', 'filing', 'service')", name="ck_item_kind"),
        sa.CheckConstraint("mail_payer IN ('gov', 'applicant', 'none')", name="ck_item_mail_payer"),
        sa.CheckConstraint("object IN ('person', 'legal', 'both')", name="ck_item_object"),
        sa.CheckConstraint("depth BETWEEN 1 AND 5", name="ck_item_depth"),
        sa.CheckConstraint("length(code) = 31", name="ck_item_code"),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name="ck_item_level"),
        sa.CheckConstraint("max_items BETWEEN 1 AND 10 AND max_people BETWEEN 1 AND 10", name="ck_item_booking_limits"),
        sa.CheckConstraint("minutes BETWEEN 5 AND 240 AND extra_minutes BETWEEN 0 AND 120", name="ck_item_minutes"),
        sa.CheckConstraint("visits >= 0", name="ck_item_visits"),
        sa.ForeignKeyConstraint(["category_code"], ["window_category.code"], name="fk_item_category_code"),
        sa.ForeignKeyConstraint(["department_code"], ["department.code"], name="fk_item_department_code"),
        sa.PrimaryKeyConstraint("slug", name="pk_item"),
        sa.UniqueConstraint("code", name="uq_item_code"),
    )
    op.create_index("ix_item_category_code", "item", ["category_code"])
    op.create_table(
        "list_edition",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["tag"], ["published_list.tag"], name="fk_list_edition_tag"),
        sa.PrimaryKeyConstraint("tag", "version", name="pk_list_edition"),
    )
    op.create_table(
        "item_fee",
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("income_item_code", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("note_zh", sa.Text(), nullable=True),
        sa.Column("note_en", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["income_item_code"], ["income_item.code"], name="fk_item_fee_income_item_code"),
        sa.ForeignKeyConstraint(["item_slug"], ["item.slug"], name="fk_item_fee_item_slug"),
        sa.PrimaryKeyConstraint("item_slug", "income_item_code", name="pk_item_fee"),
    )
    op.create_index("ix_item_fee_income_item_code", "item_fee", ["income_item_code"])
    op.create_table(
        "item_hall",
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("hall_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["hall_code"], ["hall.code"], name="fk_item_hall_hall_code"),
        sa.ForeignKeyConstraint(["item_slug"], ["item.slug"], name="fk_item_hall_item_slug"),
        sa.PrimaryKeyConstraint("item_slug", "hall_code", name="pk_item_hall"),
    )
    op.create_index("ix_item_hall_hall_code", "item_hall", ["hall_code"])
    op.create_table(
        "item_material",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("original", sa.SmallInteger(), nullable=False),
        sa.Column("copies", sa.SmallInteger(), nullable=False),
        sa.Column("exempt", sa.Boolean(), nullable=False),
        sa.Column("note_zh", sa.Text(), nullable=True),
        sa.Column("note_en", sa.Text(), nullable=True),
        sa.Column("wording_document", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "source IN ('applicant', 'licence_library', 'eproof', 'none')", name="ck_item_material_source"
        ),
        sa.CheckConstraint("original >= 0 AND copies >= 0", name="ck_item_material_counts"),
        sa.ForeignKeyConstraint(["item_slug"], ["item.slug"], name="fk_item_material_item_slug"),
        sa.PrimaryKeyConstraint("id", name="pk_item_material"),
    )
    op.create_index("ix_item_material_item_slug", "item_material", ["item_slug"])
    op.create_table(
        "list_addition",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("btrim(reason) <> ''", name="ck_list_addition_reason"),
        sa.ForeignKeyConstraint(["item_slug"], ["item.slug"], name="fk_list_addition_item_slug"),
        sa.ForeignKeyConstraint(["tag"], ["published_list.tag"], name="fk_list_addition_tag"),
        sa.PrimaryKeyConstraint("tag", "item_slug", name="pk_list_addition"),
    )
    op.create_table(
        "list_entry",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("item_slug", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["item_slug"], ["item.slug"], name="fk_list_entry_item_slug"),
        sa.ForeignKeyConstraint(
            ["tag", "version"], ["list_edition.tag", "list_edition.version"], name="fk_list_entry_tag_version"
        ),
        sa.PrimaryKeyConstraint("tag", "version", "item_slug", name="pk_list_entry"),
    )
    op.create_table(
        "service_window",
        sa.Column("hall_code", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["category_code"], ["window_category.code"], name="fk_service_window_category_code"),
        sa.ForeignKeyConstraint(["hall_code"], ["hall.code"], name="fk_service_window_hall_code"),
        sa.PrimaryKeyConstraint("hall_code", "number", name="pk_service_window"),
    )
    op.create_index("ix_service_window_category_code", "service_window", ["category_code"])
    op.create_table(
        "seed_record",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_seed_record"),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
