"""What staff must look at: exceptions with a deadline, hand-overs at the window, sheets for the courier."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from express.models import one_of, state_column
from express.states import SHEET, TASK, SheetState, TaskState


class TaskKind(StrEnum):
    """Why somebody must look (domain sheet §2.5, rows Proof of handover and Failure)."""

    CONFIRM_RECEIPT = "confirm_receipt"
    CERTIFICATE_ALARM = "certificate_alarm"
    ASK_ADDRESS = "ask_address"
    PASS_ON_ADDRESS = "pass_on_address"  # noqa: S105 - the name of a task
    REFUSED = "refused"
    RETURNED = "returned"
    LOST = "lost"
    NOT_PLACED = "not_placed"
    NOT_CANCELLED = "not_cancelled"


class TaskEventRow(EventRow, Base):
    """状态流水 of tasks; append-only."""

    __tablename__ = "shipment_task_event"


class ShipmentTask(Base):
    """异常待办: something about a shipment that a person decides, by a working day. One open of a kind at a time."""

    __tablename__ = "shipment_task"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[TaskState] = mapped_column(state_column(TaskState, 10))
    state_at: Mapped[datetime]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    hall_code: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None] = mapped_column(Date)
    opened_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    done_by: Mapped[str | None] = mapped_column(Text)
    alerted_at: Mapped[datetime | None]

    states: ClassVar[StateTable[Any, Any]] = TASK
    events: ClassVar[type[Any]] = TaskEventRow

    __table_args__ = (
        Index("uq_shipment_task_open", "shipment_id", "kind", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_shipment_task_queue", "hall_code", "opened_at", postgresql_where=text("state = 'open'")),
        Index("ix_shipment_task_due", "due_on", postgresql_where=text("state = 'open'")),
        CheckConstraint(one_of("kind", TaskKind), name="kind"),
        CheckConstraint("state <> 'done' OR done_by IS NOT NULL AND outcome IS NOT NULL", name="done_by"),
    )


class WindowHandover(Base):
    """窗口领取: who took it at the window, checked by whom, with a signature; an agent with their authorisation.

    `receiver` and `signature` are sealed: JSON of name and document, and the drawn signature.
    """

    __tablename__ = "window_handover"

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    by_agent: Mapped[bool]
    receiver: Mapped[bytes | None] = mapped_column(LargeBinary)
    authorisation: Mapped[str | None] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    checked_by: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("NOT by_agent OR authorisation IS NOT NULL", name="authorisation"),)


class SheetEventRow(EventRow, Base):
    """状态流水 of hand-over sheets; append-only."""

    __tablename__ = "handover_sheet_event"


class HandoverSheet(Base):
    """交接单: the shipments that a courier took from a hall at one time, filled by scanning their labels."""

    __tablename__ = "handover_sheet"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[SheetState] = mapped_column(state_column(SheetState, 10))
    state_at: Mapped[datetime]
    hall_code: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(Text)
    courier: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]

    states: ClassVar[StateTable[Any, Any]] = SHEET
    events: ClassVar[type[Any]] = SheetEventRow

    __table_args__ = (Index(None, "hall_code", "created_at"),)
