"""Questions to the licence library and e证明: the consent, the outcome, and what may be shown of what was found."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.licences.states import LICENCE_FETCH, State

STATE = Enum(State, native_enum=False, length=12, values_callable=lambda kind: [member.value for member in kind])


class LicenceFetchEvent(EventRow, Base):
    """状态流水 of a question; append-only."""

    __tablename__ = "licence_fetch_event"


class LicenceFetch(Base):
    """One question for one material, with the consent that allowed it. Its id stands for the material in a case.

    `wording` is the version of the sentence that was shown, `purpose` what it named. `view` is what may be shown,
    sealed; the document itself stays with its office (国令716号), we keep its identifier and its hash.
    """

    __tablename__ = "licence_fetch"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[State] = mapped_column(STATE)
    state_at: Mapped[datetime]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    item_slug: Mapped[str] = mapped_column(Text)
    material: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    wording: Mapped[str] = mapped_column(Text)
    consented_at: Mapped[datetime]
    identifier: Mapped[str | None] = mapped_column(Text)
    issuer: Mapped[str | None] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    valid_until: Mapped[date | None]
    content_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    view: Mapped[bytes | None] = mapped_column(LargeBinary)
    failure: Mapped[str | None] = mapped_column(Text)

    states: ClassVar[StateTable[Any, Any]] = LICENCE_FETCH
    events: ClassVar[type[Any]] = LicenceFetchEvent

    __table_args__ = (
        CheckConstraint(
            "state <> 'found' OR num_nulls(identifier, issuer, content_sha256, view) = 0", name="what_was_found"
        ),
        CheckConstraint(
            "state IN ('requested', 'found') OR num_nonnulls(content_sha256, view) = 0", name="nothing_is_kept"
        ),
        CheckConstraint("level IN ('A', 'B', 'C', 'D')", name="level"),
        Index(None, "subject_type", "subject_id"),
        Index(None, "person_id", "consented_at"),
    )
