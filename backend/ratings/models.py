"""好差评: one rating of a visit or a case, and the follow-up that a bad one opens (国办发〔2019〕51号)."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Enum, ForeignKey, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.ratings.states import FOLLOW_UP, State

STATE = Enum(State, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])


class Rating(Base):
    """`grade` 5 is 非常满意, 1 is 非常不满意. The person is never shown to staff; a rating is never deleted."""

    __tablename__ = "rating"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    hall_code: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    grade: Mapped[int] = mapped_column(SmallInteger)
    words: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    supplement: Mapped[str | None] = mapped_column(Text)
    supplemented_at: Mapped[datetime | None]
    invalid_at: Mapped[datetime | None]
    invalid_reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("uq_rating_subject", "subject_type", "subject_id", unique=True),
        Index(None, "hall_code", "at"),
        CheckConstraint("grade BETWEEN 1 AND 5", name="grade"),
        CheckConstraint("(supplement IS NULL) = (supplemented_at IS NULL)", name="supplement"),
        CheckConstraint("(invalid_at IS NULL) = (invalid_reason IS NULL)", name="invalid"),
    )


class FollowUpEvent(EventRow, Base):
    """状态流水 of follow-ups; append-only."""

    __tablename__ = "follow_up_event"


class FollowUp(Base):
    """整改: the hall answers a bad rating by `due_on`, counted in working days."""

    __tablename__ = "follow_up"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    rating_id: Mapped[UUID] = mapped_column(ForeignKey("rating.id"), unique=True)
    hall_code: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    due_on: Mapped[date] = mapped_column(Date)
    answer: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = FOLLOW_UP
    events: ClassVar[type[Any]] = FollowUpEvent

    __table_args__ = (
        Index(None, "hall_code", "state", "due_on"),
        CheckConstraint("state <> 'answered' OR answer IS NOT NULL", name="answer"),
    )
