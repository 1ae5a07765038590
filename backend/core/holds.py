"""法律保全: what an authority asked us to keep. Every purge and every erasure asks here first.

The table lies in the core because the purge of each feature reads it; staff place and lift holds in `backend/privacy`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Enum, Index, Text, cast, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.core.db import Base, new_id
from backend.core.hold_states import LEGAL_HOLD, HoldState
from backend.core.states import EventRow, StateTable

PERSON, CASE, BILL = "person", "case", "bill"
SUBJECTS: Final = (PERSON, CASE, BILL)


class HoldEventRow(EventRow, Base):
    """状态流水 of holds; append-only."""

    __tablename__ = "legal_hold_event"


class LegalHold(Base):
    """What is kept: a person with all that is theirs, one case, or one bill. `reason` names the document."""

    __tablename__ = "legal_hold"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[HoldState] = mapped_column(
        Enum(HoldState, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])
    )
    state_at: Mapped[datetime]
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text)
    placed_by: Mapped[UUID]
    placed_at: Mapped[datetime]
    lift_reason: Mapped[str | None] = mapped_column(Text)
    lift_asked_by: Mapped[UUID | None]
    lifted_by: Mapped[UUID | None]

    states: ClassVar[StateTable[Any, Any]] = LEGAL_HOLD
    events: ClassVar[type[Any]] = HoldEventRow

    __table_args__ = (
        Index(
            "uq_legal_hold_live",
            "subject_type",
            "subject_id",
            unique=True,
            postgresql_where=text("state <> 'lifted'"),
        ),
        CheckConstraint("subject_type IN ('person', 'case', 'bill')", name="subject_type"),
        CheckConstraint("(state = 'active') = (lift_asked_by IS NULL)", name="lift_asked"),
        CheckConstraint(
            "(state = 'lifted') = (lifted_by IS NOT NULL) AND (lifted_by IS NULL OR lifted_by <> lift_asked_by)",
            name="second",
        ),
    )


def spares(subject_type: str, *columns: Any) -> ColumnElement[bool]:
    """SQL: none of these ids, or texts of ids, is under a hold. A column that is NULL names nobody."""
    return ~or_(*(_held(subject_type, column) for column in columns))


def _held(subject_type: str, column: Any) -> ColumnElement[bool]:
    live = LegalHold.subject_type == subject_type, LegalHold.state != HoldState.LIFTED
    held = cast(LegalHold.subject_id, Text) if isinstance(column.type, Text) else LegalHold.subject_id
    return select(LegalHold.id).where(*live, held == column).exists()


def held_since(subject_type: str, column: Any, moment: Any) -> ColumnElement[bool]:
    """SQL: this id is under a hold that was placed before the moment."""
    live = LegalHold.subject_type == subject_type, LegalHold.state != HoldState.LIFTED
    return select(LegalHold.id).where(*live, LegalHold.subject_id == column, LegalHold.placed_at < moment).exists()


def any_on(session: Session, subject_type: str, ids: Iterable[UUID]) -> bool:
    """Whether one of these is held."""
    live = LegalHold.subject_type == subject_type, LegalHold.state != HoldState.LIFTED
    return session.scalar(select(LegalHold.id).where(*live, LegalHold.subject_id.in_(list(ids))).limit(1)) is not None
