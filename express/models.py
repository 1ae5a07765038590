"""Addresses, shipments 寄件, and what the carrier said of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from express.states import LIVE, SHIPMENT, ShipmentState


class Direction(StrEnum):
    """Which way it travels: papers to the hall, the result to the applicant, originals back to the applicant."""

    MATERIAL_IN = "material_in"
    RESULT_OUT = "result_out"
    ORIGINAL_BACK = "original_back"


class Payer(StrEnum):
    """Who pays the postage. RECEIVER_COD: the receiver pays the courier at the door 到付."""

    GOV = "gov"
    APPLICANT_PREPAID = "applicant_prepaid"
    RECEIVER_COD = "receiver_cod"


def one_of(column: str, values: type[StrEnum] | tuple[StrEnum, ...]) -> str:
    """SQL: the column holds one of these."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def state_column(kind: type[StrEnum], length: int = 20) -> Enum:
    """The column type of a state."""
    return Enum(kind, native_enum=False, length=length, values_callable=lambda states: [one.value for one in states])


class Address(Base):
    """An entry of somebody's address book 地址簿. `content` is sealed JSON: name, phone, place and street."""

    __tablename__ = "address"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    is_default: Mapped[bool]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "person_id", "created_at"),
        Index("uq_address_default", "person_id", unique=True, postgresql_where=text("is_default")),
    )


class ExpressOffice(Base):
    """Where a hall sends from and receives: its address for couriers, and the division that bears its postage.

    A hall without a row, or with no street, cannot mail.
    """

    __tablename__ = "express_office"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    division_code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    province: Mapped[str] = mapped_column(Text)
    city: Mapped[str] = mapped_column(Text)
    county: Mapped[str] = mapped_column(Text)
    line: Mapped[str | None] = mapped_column(Text)
    verified: Mapped[bool]


class PostageQuote(Base):
    """What a shipment would cost and who would pay, asked before it is ordered; good for half an hour.

    `content` is sealed JSON of everything that was asked.
    """

    __tablename__ = "postage_quote"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    payer: Mapped[str] = mapped_column(Text)
    estimate_fen: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (CheckConstraint("estimate_fen >= 0", name="estimate"),)


class ShipmentEventRow(EventRow, Base):
    """状态流水 of shipments; append-only."""

    __tablename__ = "shipment_event"


class Shipment(Base):
    """寄件: one thing on its way between a hall and an applicant (`subject_type` + `subject_id`).

    `number` is ours at the carrier; `attempt` grows with it when the shipment is ordered anew. `order` is sealed JSON
    of what the carrier is asked, the same on every try; `next_order` replaces it once the present one is called off.
    Both are emptied `RETENTION_DAYS` after the end. `title` and `item_slug` are the item's, `division_code` bears a
    postage that the government pays. Fen and grams. `next_try_at` is when the carrier is called, `next_track_at` when
    it is asked where the shipment is.
    """

    __tablename__ = "shipment"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[ShipmentState] = mapped_column(state_column(ShipmentState))
    state_at: Mapped[datetime]
    number: Mapped[str] = mapped_column(Text, unique=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    carrier: Mapped[str] = mapped_column(Text)
    waybill: Mapped[str | None] = mapped_column(Text, unique=True)
    direction: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    item_slug: Mapped[str] = mapped_column(Text)
    category_code: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    certificate: Mapped[bool]
    hall_code: Mapped[str] = mapped_column(Text)
    division_code: Mapped[str] = mapped_column(Text)
    applicant_type: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID | None]
    ordered_by: Mapped[str] = mapped_column(Text)
    order: Mapped[bytes | None] = mapped_column(LargeBinary)
    next_order: Mapped[bytes | None] = mapped_column(LargeBinary)
    payer: Mapped[str] = mapped_column(Text)
    policy_id: Mapped[UUID | None] = mapped_column(ForeignKey("payer_policy.id"), index=True)
    budget_code: Mapped[str | None] = mapped_column(Text)
    estimate_fen: Mapped[int] = mapped_column(Integer)
    actual_fen: Mapped[int | None] = mapped_column(Integer)
    list_fen: Mapped[int | None] = mapped_column(Integer)
    weight_g: Mapped[int] = mapped_column(Integer)
    actual_weight_g: Mapped[int | None] = mapped_column(Integer)
    bill_id: Mapped[UUID | None] = mapped_column(ForeignKey("bill.id"), unique=True)
    progress: Mapped[str | None] = mapped_column(Text)
    progress_at: Mapped[datetime | None]
    detail_code: Mapped[str] = mapped_column(Text, server_default=text("''"))
    collected_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    transit_days: Mapped[int] = mapped_column(SmallInteger)
    expected_at: Mapped[datetime | None]
    proof: Mapped[str | None] = mapped_column(Text)
    address_asked: Mapped[bool] = mapped_column(server_default=text("false"))
    failure: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    next_track_at: Mapped[datetime | None]
    postage_asked_at: Mapped[datetime | None]
    sheet_id: Mapped[UUID | None] = mapped_column(ForeignKey("handover_sheet.id"), index=True)
    printed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    states: ClassVar[StateTable[Any, Any]] = SHIPMENT
    events: ClassVar[type[Any]] = ShipmentEventRow

    __table_args__ = (
        Index(
            "uq_shipment_live",
            "subject_type",
            "subject_id",
            "direction",
            "person_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text(one_of("state", LIVE)),
        ),
        Index("ix_shipment_person", "person_id", "created_at"),
        Index("ix_shipment_hall", "hall_code", "created_at"),
        Index("ix_shipment_subject", "subject_type", "subject_id"),
        Index("ix_shipment_try", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        Index("ix_shipment_track", "next_track_at", postgresql_where=text("next_track_at IS NOT NULL")),
        Index("ix_shipment_unpaid", "created_at", postgresql_where=text("state = 'unpaid'")),
        Index("ix_shipment_collected", "collected_at"),
        CheckConstraint(one_of("direction", Direction), name="direction"),
        CheckConstraint(one_of("payer", Payer), name="payer"),
        CheckConstraint("applicant_type IN ('person', 'organisation')", name="applicant_type"),
        CheckConstraint("proof IN ('carrier', 'window', 'applicant', 'staff', 'remailed')", name="proof"),
        CheckConstraint("estimate_fen >= 0 AND weight_g > 0 AND coalesce(actual_fen, 0) >= 0", name="figures"),
        CheckConstraint("state <> 'unpaid' OR bill_id IS NOT NULL", name="bill"),
        CheckConstraint(
            "waybill IS NOT NULL OR state NOT IN ('ordered', 'under_way', 'delivered', 'returned', 'lost', 'held')",
            name="waybill",
        ),
        CheckConstraint("state <> 'closed' OR proof IS NOT NULL", name="proof_given"),
    )


class TrackRow(Base):
    """One event of the carrier, kept once; where it happened, never the courier's words, which may hold a phone.

    A `fallback` event was told by somebody else while the carrier did not answer; see `tracking.trusted`.
    """

    __tablename__ = "track_event"

    waybill: Mapped[str] = mapped_column(Text, primary_key=True)
    trace_no: Mapped[str] = mapped_column(Text, primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    op_time: Mapped[datetime]
    op_code: Mapped[str] = mapped_column(Text)
    op_name: Mapped[str] = mapped_column(Text)
    detail_code: Mapped[str] = mapped_column(Text)
    province: Mapped[str] = mapped_column(Text)
    city: Mapped[str] = mapped_column(Text)
    office: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("source IN ('push', 'pull', 'fallback')", name="source"),)
