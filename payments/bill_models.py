"""Bills 缴款书, their items, decisions that lower or defer them, who may read them, and e-bills 财政电子票据."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Enum, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from payments.states import BILL, BillState

BILL_STATE = Enum(
    BillState, native_enum=False, length=20, values_callable=lambda kind: [member.value for member in kind]
)


class BillEventRow(EventRow, Base):
    """状态流水 of bills; append-only."""

    __tablename__ = "bill_event"


class Bill(Base):
    """缴款书: what somebody owes a collecting unit for one thing (`subject_type` + `subject_id`).

    `pay_code` is finance's number, or the unit's own. `version` grows with the amount, which only a bill that `grows`
    does, once it is overdue; `grown_on` is the day of its figure. `person_id` is told about it; `hall_code` is the
    hall whose staff issued it. `paid_via` is a channel, or `other` for money that finance's list shows. A `postage`
    bill is no non-tax bill and finance never hears of it (money rule M5). Amounts are fen.
    """

    __tablename__ = "bill"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[BillState] = mapped_column(BILL_STATE)
    state_at: Mapped[datetime]
    region_code: Mapped[str] = mapped_column(Text)
    unit_code: Mapped[str] = mapped_column(Text)
    pay_code: Mapped[str] = mapped_column(Text)
    notice_type: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    hall_code: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[UUID | None]
    payer_type: Mapped[str] = mapped_column(Text)
    payer_name: Mapped[bytes] = mapped_column(LargeBinary)
    payer_name_index: Mapped[bytes] = mapped_column(LargeBinary)
    payer_id_number: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(SmallInteger)
    total_fen: Mapped[int] = mapped_column(Integer)
    accepted_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(Text)
    grows: Mapped[bool]
    grown_on: Mapped[date | None] = mapped_column(Date)
    qr_url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    paid_via: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = BILL
    events: ClassVar[type[Any]] = BillEventRow

    __table_args__ = (
        Index("uq_bill_pay_code", "region_code", "pay_code", unique=True),
        Index("ix_bill_subject", "subject_type", "subject_id"),
        Index(None, "person_id", "created_at"),
        Index("ix_bill_open_due", "due_on", postgresql_where=text("state = 'issued'")),
        Index("ix_bill_unreceipted", "paid_at", postgresql_where=text("state IN ('paid', 'confirmed')")),
        CheckConstraint("length(pay_code) BETWEEN 1 AND 40", name="pay_code"),
        CheckConstraint("notice_type IN ('ordinary', 'penalty', 'postage')", name="notice_type"),
        CheckConstraint("payer_type IN ('person', 'organisation')", name="payer_type"),
        CheckConstraint("source IN ('unit', 'finance')", name="source"),
        CheckConstraint("total_fen > 0", name="total"),
        CheckConstraint("grows OR grown_on IS NULL", name="grown_on"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("paid_at IS NOT NULL OR state IN ('issued', 'void', 'expired')", name="paid_at"),
        CheckConstraint("(paid_at IS NULL) = (paid_via IS NULL)", name="paid_via"),
    )


class BillItem(Base):
    """One income item of a bill, at the standard of the acceptance date. The CHECK is money rule M2."""

    __tablename__ = "bill_item"

    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bill.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    income_item_code: Mapped[str] = mapped_column(ForeignKey("income_item.code"))
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    standard_fen: Mapped[int] = mapped_column(Integer)
    quantity: Mapped[int] = mapped_column(SmallInteger)
    overdue_fen: Mapped[int] = mapped_column(Integer)
    penalty_fen: Mapped[int] = mapped_column(Integer)
    reduction_fen: Mapped[int] = mapped_column(Integer)
    fee_fen: Mapped[int] = mapped_column(Integer)
    legal_basis: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint(
            "fee_fen = standard_fen * quantity + overdue_fen + penalty_fen - reduction_fen AND fee_fen >= 0", name="fee"
        ),
        CheckConstraint(
            "standard_fen > 0 AND quantity > 0 AND overdue_fen >= 0 AND penalty_fen >= 0 AND reduction_fen >= 0",
            name="parts",
        ),
    )


class BillRelief(Base):
    """减免缓 : a decision with its document that lowers a bill or defers it (money rule M6); append-only."""

    __tablename__ = "bill_relief"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bill.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int] = mapped_column(Integer)
    due_on: Mapped[date | None] = mapped_column(Date)
    decided_by: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("kind IN ('reduction', 'deferral')", name="kind"),
        CheckConstraint("(kind = 'reduction') = (amount_fen > 0)", name="amount"),
        CheckConstraint("(kind = 'deferral') = (due_on IS NOT NULL)", name="due"),
    )


class BillReader(Base):
    """Somebody who proved that they hold the notice, by its code and the payer's name."""

    __tablename__ = "bill_reader"

    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bill.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    at: Mapped[datetime]


class EBill(Base):
    """财政电子票据: the legal receipt, 票据代码 + 票据号码 + 校验码. `red_at` is when it was 冲红."""

    __tablename__ = "ebill"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bill.id"))
    code: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    check_code: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    amount_fen: Mapped[int] = mapped_column(Integer)
    issued_at: Mapped[datetime]
    red_at: Mapped[datetime | None]
    red_code: Mapped[str | None] = mapped_column(Text)
    red_number: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("uq_ebill_number", "code", "number", unique=True),
        Index("uq_ebill_valid", "bill_id", unique=True, postgresql_where=text("red_at IS NULL")),
        Index(None, "bill_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )
