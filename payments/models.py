"""What may be charged: income items and their fee standards with the time each is in force."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id


class CollectingUnit(Base):
    """执收单位: who may charge by law, under the name that payers and channels are told."""

    __tablename__ = "collecting_unit"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)


class IncomeItem(Base):
    """Income item 收入项目 that finance has given a collecting unit.

    `finance_code` is finance's own number, NULL until finance assigns it. A `service_price` (notary) is no
    non-tax income; a `penalty` has no standard, its amount stands in the decision. `postage` is the courier's, never
    finance's, and stands in a bill of its own (money rule M5). Only where a law says so is
    something added for each day of delay: `late_day_bp` hundredths of a percent, up to `late_cap_percent` of the fee.
    """

    __tablename__ = "income_item"
    __table_args__ = (
        CheckConstraint("kind IN ('non_tax', 'service_price', 'penalty', 'postage')", name="kind"),
        CheckConstraint("num_nulls(late_day_bp, late_cap_percent, late_basis) IN (0, 3)", name="late"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    collecting_unit: Mapped[str] = mapped_column(ForeignKey("collecting_unit.code"))
    finance_code: Mapped[str | None] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    late_day_bp: Mapped[int | None] = mapped_column(SmallInteger)
    late_cap_percent: Mapped[int | None] = mapped_column(SmallInteger)
    late_basis: Mapped[str | None] = mapped_column(Text)


class FeeStandard(Base):
    """Fee standard 收费标准: an amount in fen from a day to a day, both included, on a legal basis.

    Periods of one income item never overlap; `payments.fees` keeps that under a lock on the income item.
    """

    __tablename__ = "fee_standard"
    __table_args__ = (
        UniqueConstraint("income_item_code", "valid_from"),
        CheckConstraint("amount_fen >= 0", name="amount"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
        CheckConstraint("unit IN ('case', 'copy', 'note', 'set')", name="unit"),
        CheckConstraint("NOT verified OR legal_basis IS NOT NULL", name="basis"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    income_item_code: Mapped[str] = mapped_column(ForeignKey("income_item.code"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    amount_fen: Mapped[int] = mapped_column(Integer)
    unit: Mapped[str] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    verified: Mapped[bool]
