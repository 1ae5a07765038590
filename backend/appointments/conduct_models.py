"""Conduct marks 守约记录 and the minutes in which a hall's scanners were working."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.appointments.conduct import Kind
from backend.appointments.conduct_states import MARK, MarkState
from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable

KIND = Enum(Kind, native_enum=False, length=20, values_callable=lambda kind: [member.value for member in kind])
STATE = Enum(MarkState, native_enum=False, length=20, values_callable=lambda kind: [member.value for member in kind])


class ConductEvent(EventRow, Base):
    """状态流水: what happened to a mark; append-only."""

    __tablename__ = "conduct_event"


class ConductMark(Base):
    """One missed or late-cancelled visit of the person who booked it; an appointment leaves one mark at most.

    `at` is the start of a missed visit, or the moment of the cancellation (UTC). The appeal's words stand here too.
    """

    __tablename__ = "conduct_mark"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[MarkState] = mapped_column(STATE)
    state_at: Mapped[datetime]
    kind: Mapped[Kind] = mapped_column(KIND)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"), unique=True)
    hall_code: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    appeal_reason: Mapped[str | None] = mapped_column(Text)
    appealed_at: Mapped[datetime | None]
    appeal_answer: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]

    states: ClassVar[StateTable[Any, Any]] = MARK
    events: ClassVar[type[Any]] = ConductEvent

    __table_args__ = (Index(None, "person_id", "at"), Index(None, "hall_code", "appealed_at"))


class ScannerBeat(Base):
    """A minute in which a scan page of this hall was open: proof that a miss is not the hall's."""

    __tablename__ = "scanner_beat"

    hall_code: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
