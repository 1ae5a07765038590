"""Questions that citizens send to the hotline 12345 from a guide, a case or its result."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.hotline.states import HOTLINE_TICKET, State

STATE = Enum(State, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])


class HotlineTicketEvent(EventRow, Base):
    """状态流水 of a question; append-only."""

    __tablename__ = "hotline_ticket_event"


class HotlineTicket(Base):
    """One question 工单. What was asked, the query code and the hotline's answer are sealed.

    `stage` is guide, case or result; `reference` what it is about: an item's slug, or a case's number.
    `status` is the hotline's word as of `seen_at`; `next_try_at` is set while the hotline has yet to take it.
    """

    __tablename__ = "hotline_ticket"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    stage: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    words: Mapped[bytes] = mapped_column(LargeBinary)
    serial: Mapped[str | None] = mapped_column(Text, unique=True)
    query_code: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str | None] = mapped_column(Text)
    reply: Mapped[bytes | None] = mapped_column(LargeBinary)
    seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = HOTLINE_TICKET
    events: ClassVar[type[Any]] = HotlineTicketEvent

    __table_args__ = (
        CheckConstraint("stage IN ('guide', 'case', 'result')", name="stage"),
        CheckConstraint("category IN ('consult', 'complain', 'suggest', 'help')", name="category"),
        CheckConstraint("state <> 'taken' OR num_nulls(serial, query_code) = 0", name="serial"),
        CheckConstraint("next_try_at IS NULL OR state = 'sending'", name="try_is_due"),
        Index(None, "person_id", "created_at"),
        Index("ix_hotline_ticket_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
    )
