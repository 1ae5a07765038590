"""Questions to the city's credit platform, one a case."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.credit.states import CREDIT_CHECK, State

STATE = Enum(State, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])


class CreditCheckEvent(EventRow, Base):
    """状态流水 of a question; append-only."""

    __tablename__ = "credit_check_event"


class CreditCheck(Base):
    """信用查询: asked about the applicant at a case's acceptance, for an item that needs it (circular clause 24).

    `records` is what was found, sealed JSON; `next_try_at` is set while the platform has yet to answer.
    """

    __tablename__ = "credit_check"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    case_id: Mapped[UUID] = mapped_column(unique=True)
    case_number: Mapped[str] = mapped_column(Text)
    item_slug: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    records: Mapped[bytes | None] = mapped_column(LargeBinary)
    asked_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = CREDIT_CHECK
    events: ClassVar[type[Any]] = CreditCheckEvent

    __table_args__ = (
        CheckConstraint("(state = 'hit') = (records IS NOT NULL)", name="records"),
        CheckConstraint("next_try_at IS NULL OR state = 'asked'", name="try_is_due"),
        Index("ix_credit_check_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
    )
