"""The ledger of cases 办件台账, what of it must be written anew, and exports."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base, new_id
from backend.core.states import EventRow, StateTable
from backend.reports.states import EXPORT, ExportState


class CaseLedger(Base):
    """台账: one row a case, as the reports count it (circular, clause 10). Nothing in it names a person.

    Written by `ledger.py` from the case and all that belongs to it; the sources stay the truth. Days are Xiamen's
    civil days, limits and `days_used` are working days. `closed_on` is the day of 办结, or of another end.
    """

    __tablename__ = "case_ledger"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("service_case.id"), primary_key=True)
    number: Mapped[str] = mapped_column(Text)
    item_slug: Mapped[str] = mapped_column(Text)
    department_code: Mapped[str] = mapped_column(Text)
    """Of the version of the item that the case follows."""
    hall_code: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    submitted_on: Mapped[date]
    accepted_on: Mapped[date | None]
    decided_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    owed_on: Mapped[date | None]
    promise_due_on: Mapped[date | None]
    law_due_on: Mapped[date | None]
    promise_days: Mapped[int] = mapped_column(SmallInteger)
    law_days: Mapped[int] = mapped_column(SmallInteger)
    days_used: Mapped[int | None] = mapped_column(SmallInteger)
    """From acceptance to the decision, without what special steps took; NULL until then."""
    declared_visits: Mapped[int] = mapped_column(SmallInteger)
    visits: Mapped[int] = mapped_column(SmallInteger)
    """Days on which somebody came to a hall for this case, as `visits.py` counts them."""
    mailed_in: Mapped[bool]
    delivery: Mapped[str | None] = mapped_column(Text)
    """How the result went out: download, mail or window; NULL until it did."""
    paid: Mapped[str | None] = mapped_column(Text)
    """Where the fee was paid: online, window or other (seen in finance's list); NULL while none is paid."""
    returned: Mapped[int] = mapped_column(SmallInteger)
    grade: Mapped[int | None] = mapped_column(SmallInteger)
    """1 to 5, 5 is best; NULL without a rating that counts."""
    bad_answered: Mapped[bool | None]
    """Whether a bad rating was answered by its day; NULL without a bad rating."""

    __table_args__ = (
        CheckConstraint("outcome IN ('granted', 'denied', 'not_accepted', 'withdrawn', 'terminated')", name="outcome"),
        CheckConstraint("channel IN ('online', 'window', 'partner')", name="channel"),
        CheckConstraint("delivery IN ('download', 'mail', 'window')", name="delivery"),
        CheckConstraint("paid IN ('online', 'window', 'other')", name="paid"),
        CheckConstraint("grade BETWEEN 1 AND 5", name="grade"),
        CheckConstraint("visits >= 0 AND returned >= 0", name="counts"),
        Index("ix_case_ledger_closed", "closed_on", "case_id"),
        Index("ix_case_ledger_hall", "hall_code", "closed_on", "case_id"),
        Index("ix_case_ledger_owed", "owed_on", postgresql_where=text("closed_on IS NULL")),
    )


class CaseLedgerDue(Base):
    """A case of which something changed. Triggers add rows in the change's own transaction and never wait for another.

    `case_id` is text, because a subject's id is.
    """

    __tablename__ = "case_ledger_due"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    case_id: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ReportExportEvent(EventRow, Base):
    """状态流水 of exports; append-only."""

    __tablename__ = "report_export_event"


class ReportExport(Base):
    """导出: rows of the ledger as a workbook. `done` of `total` rows are written; `content` is the whole file.

    `wanted` is the filter as it was asked, `numbered` whether rows carry the cases' numbers.
    """

    __tablename__ = "report_export"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[ExportState] = mapped_column(
        Enum(ExportState, native_enum=False, length=10, values_callable=lambda kind: [member.value for member in kind])
    )
    state_at: Mapped[datetime]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    wanted: Mapped[dict[str, Any]]
    numbered: Mapped[bool]
    language: Mapped[str] = mapped_column(Text)
    total: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    done: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    states: ClassVar[StateTable[Any, Any]] = EXPORT
    events: ClassVar[type[Any]] = ReportExportEvent

    __table_args__ = (
        Index("ix_report_export_staff", "staff_id", "created_at"),
        Index("ix_report_export_expires", "expires_at"),
        CheckConstraint("(state = 'done') = (content IS NOT NULL)", name="content"),
        CheckConstraint("done BETWEEN 0 AND total", name="progress"),
    )
