"""Applications 申请: what the citizen gives."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.applications.states import APPLICATION, ApplicationState
from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable


class ApplicationEventRow(EventRow, Base):
    """状态流水: what happened to an application; append-only."""

    __tablename__ = "application_event"


class Application(Base):
    """申请: answers and materials from the first field on; a submitted one belongs to exactly one case.

    `person_id` is whose matter it is, `filer_id` who fills it in (the same, a family agent, or an organisation's
    agent). Answers are sealed JSON. `revision` grows with every saved field: two devices never overwrite each other.
    """

    __tablename__ = "application"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[ApplicationState] = mapped_column(
        Enum(
            ApplicationState,
            native_enum=False,
            length=10,
            values_callable=lambda kind: [member.value for member in kind],
        )
    )
    state_at: Mapped[datetime]
    item_slug: Mapped[str] = mapped_column(Text)
    form_item: Mapped[str] = mapped_column(Text)
    form_version: Mapped[int] = mapped_column(SmallInteger)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    filer_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    channel: Mapped[str] = mapped_column(Text)
    hall_code: Mapped[str | None] = mapped_column(Text)
    """Where it is filled in at a window or partner point; NULL online."""
    wanted_hall: Mapped[str | None] = mapped_column(Text)
    """The hall the applicant chose, for an item that each district handles for itself."""
    started_by: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None]
    """When the citizen's code confirmed what a partner point filled in."""
    answers: Mapped[bytes] = mapped_column(LargeBinary)
    delivery: Mapped[str | None] = mapped_column(Text)
    delivery_consent_at: Mapped[datetime | None]
    pickup_hall: Mapped[str | None] = mapped_column(Text)
    from_earlier: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    states: ClassVar[StateTable[Any, Any]] = APPLICATION
    events: ClassVar[type[Any]] = ApplicationEventRow

    __table_args__ = (
        CheckConstraint("channel IN ('online', 'window', 'partner')", name="channel"),
        CheckConstraint("delivery IN ('download', 'mail', 'window')", name="delivery"),
        CheckConstraint("delivery <> 'download' OR delivery_consent_at IS NOT NULL", name="consent"),
        ForeignKeyConstraint(["form_item", "form_version"], ["service_form.item_slug", "service_form.version"]),
        Index("ix_application_filer", "filer_id", "created_at"),
        Index(
            "uq_application_open",
            "filer_id",
            "person_id",
            "organisation_id",
            "item_slug",
            unique=True,
            postgresql_where=text("state = 'open' AND channel = 'online'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_application_expiring", "expires_at", postgresql_where=text("state = 'open'")),
    )


class ApplicationVersion(Base):
    """What was submitted: the sealed answers at each submission, so that a correction never rewrites the past."""

    __tablename__ = "application_version"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    answers: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 over answers and materials."""
    submitted_by: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime]


class ApplicationPaper(Base):
    """收到的纸质原件: a requirement that staff at the window have seen on paper."""

    __tablename__ = "application_paper"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    requirement: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_by: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime]


class CommitmentSignature(Base):
    """信用承诺: one version of a letter, read and signed for one application; never changed.

    `name` is the signer's, sealed; `signed_by` who noted it: the person, or the staff who saw it signed on paper.
    """

    __tablename__ = "commitment_signature"
    __table_args__ = (ForeignKeyConstraint(["code", "version"], ["commitment_text.code", "commitment_text.version"]),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[bytes] = mapped_column(LargeBinary)
    signed_by: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime]


class FilingCode(Base):
    """确认码: six digits that the citizen reads out so that a partner point or village staff may file for them."""

    __tablename__ = "filing_code"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime]
