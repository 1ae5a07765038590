"""Cases 办件 and what happens in them."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.applications.states import CASE, PART, TRANSFER, CaseState, PartState, TransferState
from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable


class CaseEventRow(EventRow, Base):
    """状态流水: what happened to a case; append-only."""

    __tablename__ = "service_case_event"


class Case(Base):
    """办件: one matter from its submission to the handed-over result. All dates are Xiamen's civil days.

    `number` is the 43 characters of the standard (31 item code, day, serial), `short_number` what people read out.
    `hall_code` is in charge now; `filed_hall` took it, NULL online. The three hands are never one person (circular,
    clause 7): the CHECK decides. A due date is NULL until the calendar of its year is published.
    """

    __tablename__ = "service_case"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[CaseState] = mapped_column(
        Enum(CaseState, native_enum=False, length=14, values_callable=lambda kind: [member.value for member in kind])
    )
    state_at: Mapped[datetime]
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id"), unique=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    short_number: Mapped[str] = mapped_column(Text, unique=True)
    item_slug: Mapped[str] = mapped_column(Text)
    item_version: Mapped[int] = mapped_column(SmallInteger)
    """The version of the item that was in force at the submission; a newer one changes nothing for this case."""
    instant: Mapped[bool]
    joint: Mapped[bool]
    law_days: Mapped[int] = mapped_column(SmallInteger)
    promise_days: Mapped[int] = mapped_column(SmallInteger)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    filer_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    channel: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    hall_code: Mapped[str] = mapped_column(Text)
    filed_hall: Mapped[str | None] = mapped_column(Text)
    submitted_at: Mapped[datetime]
    received_on: Mapped[date | None]
    accept_by: Mapped[date | None]
    corrected_once: Mapped[bool] = mapped_column(server_default=text("false"))
    reply_by: Mapped[date | None]
    """Until when the applicant may send what was asked for, or bring the papers."""
    accepted_on: Mapped[date | None]
    extended_days: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    half_on: Mapped[date | None]
    eighty_on: Mapped[date | None]
    promise_due_on: Mapped[date | None]
    law_due_on: Mapped[date | None]
    owed_on: Mapped[date | None]
    """The day by which staff owe the next thing: telling about acceptance, the decision, the result."""
    decided_on: Mapped[date | None]
    decision_document: Mapped[str | None] = mapped_column(Text)
    """Number of the written decision 文号."""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why not accepted, refused, returned or ended, in the staff's words."""
    deliver_by: Mapped[date | None]
    result_file_id: Mapped[UUID | None]
    result_digest: Mapped[str | None] = mapped_column(Text)
    result_seal: Mapped[str | None] = mapped_column(Text)
    """Name of the seal on the result, such as 镇(街道)审批专用章 (seed-map 2.3)."""
    delivery: Mapped[str | None] = mapped_column(Text)
    delivery_consent_at: Mapped[datetime | None]
    pickup_hall: Mapped[str | None] = mapped_column(Text)
    delivered_at: Mapped[datetime | None]
    fee_state: Mapped[str] = mapped_column(Text)
    fee_blocks: Mapped[str] = mapped_column(Text)
    paid_on: Mapped[date | None]
    accepted_by: Mapped[UUID | None]
    decided_by: Mapped[UUID | None]
    issued_by: Mapped[UUID | None]
    emptied_at: Mapped[datetime | None]
    """When its retention was over, and what the applicant gave and was told was deleted."""

    states: ClassVar[StateTable[Any, Any]] = CASE
    events: ClassVar[type[Any]] = CaseEventRow

    __table_args__ = (
        CheckConstraint(
            "accepted_by IS DISTINCT FROM decided_by AND decided_by IS DISTINCT FROM issued_by"
            " AND accepted_by IS DISTINCT FROM issued_by OR num_nonnulls(accepted_by, decided_by, issued_by) < 2",
            name="hands",
        ),
        CheckConstraint("channel IN ('online', 'window', 'partner')", name="channel"),
        CheckConstraint("mode IN ('split', 'full')", name="mode"),
        CheckConstraint("fee_state IN ('none', 'later', 'due', 'paid')", name="fee_state"),
        CheckConstraint("delivery IN ('download', 'mail', 'window')", name="delivery"),
        CheckConstraint("delivery <> 'download' OR delivery_consent_at IS NOT NULL", name="consent"),
        CheckConstraint("state NOT IN ('accepted', 'reviewing') OR accepted_on IS NOT NULL", name="accepted"),
        Index("ix_service_case_inbox", "hall_code", "state", "owed_on"),
        Index("ix_service_case_owed", "owed_on", postgresql_where=text("owed_on IS NOT NULL")),
        Index("ix_service_case_hall_newest", "hall_code", "submitted_at"),
        Index("ix_service_case_pickup", "pickup_hall", postgresql_where=text("state = 'ready'")),
        Index("ix_service_case_person", "person_id", "submitted_at"),
        Index("ix_service_case_body", "organisation_id", postgresql_where=text("organisation_id IS NOT NULL")),
        Index("ix_service_case_filer", "filer_id", "submitted_at"),
        Index("ix_service_case_ended", "state_at", postgresql_where=text("emptied_at IS NULL")),
    )


class CaseSerial(Base):
    """The last serial given out under one prefix on one day."""

    __tablename__ = "case_serial"

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[int]


class CaseCorrection(Base):
    """补正通知: all that is missing or wrong, told once. `fields` and `materials` say what, each with its words."""

    __tablename__ = "case_correction"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("service_case.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    fields: Mapped[list[dict[str, Any]]]
    materials: Mapped[list[dict[str, Any]]]
    words: Mapped[str] = mapped_column(Text)
    told_by: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("kind IN ('return', 'correct')", name="kind"),)


class MaterialDemand(Base):
    """清单外材料: a paper that staff asked for and the item's published list does not (circular clause 19).

    `place` is where they asked; a lead of `hall_code` looks at it and says what became of it.
    """

    __tablename__ = "material_demand"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("service_case.id"))
    hall_code: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    told_by: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(Text)
    settled_words: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("case_id", "name"),
        CheckConstraint("place IN ('return', 'correct', 'message')", name="place"),
        CheckConstraint("num_nulls(settled_at, settled_by, settled_words) IN (0, 3)", name="settled"),
    )


class CaseSpecial(Base):
    """A special step taken in a case: one that its item's version lists, told in writing, at most its days."""

    __tablename__ = "case_special"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("service_case.id"), index=True)
    step_code: Mapped[str] = mapped_column(Text)
    days: Mapped[int] = mapped_column(SmallInteger)
    began_on: Mapped[date]
    ends_by: Mapped[date | None]
    ended_on: Mapped[date | None]
    document: Mapped[str] = mapped_column(Text)
    began_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("uq_case_special_open", "case_id", unique=True, postgresql_where=text("ended_on IS NULL")),)


class CasePartEventRow(EventRow, Base):
    """状态流水: what happened to a department's part; append-only."""

    __tablename__ = "case_part_event"


class CasePart(Base):
    """并联: one department's opinion in a joint handling, given at its hall before the decision."""

    __tablename__ = "case_part"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[PartState] = mapped_column(
        Enum(PartState, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])
    )
    state_at: Mapped[datetime]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("service_case.id"))
    department_code: Mapped[str] = mapped_column(Text)
    hall_code: Mapped[str] = mapped_column(Text)
    opinion: Mapped[str | None] = mapped_column(Text)
    given_by: Mapped[UUID | None]

    states: ClassVar[StateTable[Any, Any]] = PART
    events: ClassVar[type[Any]] = CasePartEventRow

    __table_args__ = (
        Index("uq_case_part_department", "case_id", "department_code", unique=True),
        Index("uq_case_part_hand", "case_id", "given_by", unique=True),
        Index("ix_case_part_pending", "hall_code", postgresql_where=text("state = 'pending'")),
        CheckConstraint("state = 'pending' OR given_by IS NOT NULL", name="given"),
    )


class CaseTransferEventRow(EventRow, Base):
    """状态流水: what happened to a hand-over; append-only."""

    __tablename__ = "case_transfer_event"


class CaseTransfer(Base):
    """转办: papers on their way from one hall to another, in transit until somebody there signs for them."""

    __tablename__ = "case_transfer"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[TransferState] = mapped_column(
        Enum(
            TransferState, native_enum=False, length=12, values_callable=lambda kind: [member.value for member in kind]
        )
    )
    state_at: Mapped[datetime]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("service_case.id"), index=True)
    from_hall: Mapped[str] = mapped_column(Text)
    to_hall: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    sent_by: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime]
    due_at: Mapped[datetime]
    alarmed_at: Mapped[datetime | None]
    received_by: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = TRANSFER
    events: ClassVar[type[Any]] = CaseTransferEventRow

    __table_args__ = (
        CheckConstraint("from_hall <> to_hall", name="another"),
        Index("uq_case_transfer_open", "case_id", unique=True, postgresql_where=text("state = 'in_transit'")),
        Index("ix_case_transfer_incoming", "to_hall", postgresql_where=text("state = 'in_transit'")),
    )


class CaseMessage(Base):
    """办件沟通: one message of the guidance thread. `reply_by` is set while staff owe an answer."""

    __tablename__ = "case_message"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("service_case.id"))
    side: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    file_ids: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    at: Mapped[datetime]
    reply_by: Mapped[date | None]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("side IN ('citizen', 'staff')", name="side"),
        Index("ix_case_message_thread", "case_id", "at"),
        Index("ix_case_message_owed", "case_id", postgresql_where=text("reply_by IS NOT NULL")),
        Index("ix_case_message_unread", "case_id", "side", postgresql_where=text("read_at IS NULL")),
    )
