"""Who pays the postage, what a year has cost, and the carrier's monthly bills."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from express.models import Direction, Payer, one_of, state_column
from express.states import STATEMENT, StatementState


class PayerPolicy(Base):
    """邮费政策: who pays for what, where, which way, for whom and when; the lowest `priority` that fits wins.

    None means every one. An `item_slug` row names the item's category too. `yearly_cap_fen` ends a policy for the
    rest of a civil year. A row is never changed once shipments were paid by it: it is ended and a new one begins.
    """

    __tablename__ = "payer_policy"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    priority: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(Text)
    category_code: Mapped[str | None] = mapped_column(Text)
    item_slug: Mapped[str | None] = mapped_column(Text)
    division_code: Mapped[str | None] = mapped_column(Text)
    direction: Mapped[str | None] = mapped_column(Text)
    applicant_type: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    payer: Mapped[str] = mapped_column(Text)
    yearly_cap_fen: Mapped[int | None] = mapped_column(Integer)
    budget_code: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "priority"),
        CheckConstraint("priority > 0", name="priority"),
        CheckConstraint(one_of("payer", Payer), name="payer"),
        CheckConstraint(one_of("direction", Direction), name="direction"),
        CheckConstraint("applicant_type IN ('person', 'organisation')", name="applicant_type"),
        CheckConstraint("item_slug IS NULL OR category_code IS NOT NULL", name="scope"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
        CheckConstraint("yearly_cap_fen > 0 AND payer = 'gov' OR yearly_cap_fen IS NULL", name="cap"),
        CheckConstraint("payer <> 'gov' OR budget_code IS NOT NULL", name="budget"),
        CheckConstraint("payer <> 'receiver_cod' OR direction <> 'material_in'", name="receiver"),
    )


class PolicyYear(Base):
    """What a policy has cost in a civil year, in fen: estimates until the carrier's own figure is known.

    `alarmed_percent` is the highest share of the cap that somebody was told of.
    """

    __tablename__ = "payer_policy_year"

    policy_id: Mapped[UUID] = mapped_column(ForeignKey("payer_policy.id"), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    spent_fen: Mapped[int] = mapped_column(Integer)
    alarmed_percent: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class StatementEventRow(EventRow, Base):
    """状态流水 of carriers' bills; append-only."""

    __tablename__ = "carrier_statement_event"


class CarrierStatement(Base):
    """The carrier's bill of a civil month as it was handed over; `digest` is SHA-256 of the file."""

    __tablename__ = "carrier_statement"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[StatementState] = mapped_column(state_column(StatementState, 10))
    state_at: Mapped[datetime]
    carrier: Mapped[str] = mapped_column(Text)
    month: Mapped[date] = mapped_column(Date)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    read_by: Mapped[str] = mapped_column(Text)
    read_at: Mapped[datetime]
    settled_by: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = STATEMENT
    events: ClassVar[type[Any]] = StatementEventRow

    __table_args__ = (Index("uq_carrier_statement_month", "carrier", "month", unique=True),)


class StatementLine(Base):
    """One line of it, and what we say to it; only `match` lines are paid as they are.

    `verdict`: match, differs (another sum than the carrier told us for this shipment), unknown (not in our ledger),
    repeated, not_ours (the receiver paid), not_sent (called off, or of another month).
    """

    __tablename__ = "carrier_statement_line"

    statement_id: Mapped[UUID] = mapped_column(ForeignKey("carrier_statement.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    waybill: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    posted_at: Mapped[datetime]
    weight_g: Mapped[int] = mapped_column(Integer)
    fen: Mapped[int] = mapped_column(Integer)
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipment.id"), index=True)
    verdict: Mapped[str] = mapped_column(Text)
    ours_fen: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint(
            "verdict IN ('match', 'differs', 'unknown', 'repeated', 'not_ours', 'not_sent')", name="verdict"
        ),
        CheckConstraint("(shipment_id IS NULL) = (verdict = 'unknown')", name="shipment"),
    )


class MailReason(Base):
    """Why an item has neither a way to mail papers in nor one to mail the result out (circular clause 18)."""

    __tablename__ = "item_mail_reason"

    item_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    set_by: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("btrim(reason) <> ''", name="reason"),)
