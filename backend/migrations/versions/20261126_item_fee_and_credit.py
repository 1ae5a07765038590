"""Who bears an item's fees and whether credit is looked up stand in the item's versions, where operators change them

Every kept version gets both words as they counted until now, so that a comparison names only what a person changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_item_fee_and_credit"
down_revision = "20261126_rights"
branch_labels = None
depends_on = None

TO_ITEMS = """
UPDATE item SET fee_borne_by = f.fee_borne_by, credit_check = f.credit_check
FROM item_filing f WHERE f.item_slug = item.slug
"""
TO_VERSIONS = """
UPDATE item_version v SET content = v.content || jsonb_build_object(
  'fee_borne_by', coalesce((SELECT f.fee_borne_by FROM item_filing f WHERE f.item_slug = v.item_slug), 'applicant'),
  'credit_check', coalesce((SELECT f.credit_check FROM item_filing f WHERE f.item_slug = v.item_slug), false))
"""
TO_FILING = """
UPDATE item_filing f SET fee_borne_by = item.fee_borne_by, credit_check = item.credit_check
FROM item WHERE item.slug = f.item_slug
"""


def upgrade() -> None:
    op.add_column("item", sa.Column("fee_borne_by", sa.Text(), server_default=sa.text("'applicant'"), nullable=False))
    op.add_column("item", sa.Column("credit_check", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_check_constraint(op.f("ck_item_fee_borne_by"), "item", "fee_borne_by IN ('applicant', 'department')")
    op.execute(TO_ITEMS)
    _rewrite_versions(TO_VERSIONS)
    op.drop_constraint(op.f("ck_item_filing_fee_borne_by"), "item_filing", type_="check")
    op.drop_column("item_filing", "fee_borne_by")
    op.drop_column("item_filing", "credit_check")


def downgrade() -> None:
    op.add_column(
        "item_filing", sa.Column("fee_borne_by", sa.Text(), server_default=sa.text("'applicant'"), nullable=False)
    )
    op.add_column(
        "item_filing", sa.Column("credit_check", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_item_filing_fee_borne_by"), "item_filing", "fee_borne_by IN ('applicant', 'department')"
    )
    op.execute(TO_FILING)
    _rewrite_versions("UPDATE item_version SET content = content - 'fee_borne_by' - 'credit_check'")
    op.drop_constraint(op.f("ck_item_fee_borne_by"), "item", type_="check")
    op.drop_column("item", "credit_check")
    op.drop_column("item", "fee_borne_by")


def _rewrite_versions(statement: str) -> None:
    op.execute("ALTER TABLE item_version DISABLE TRIGGER only_drafts_change")
    op.execute(statement)
    op.execute("ALTER TABLE item_version ENABLE TRIGGER only_drafts_change")
