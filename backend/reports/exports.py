"""Exports 导出: asked for, written in steps by the worker, kept for days, deleted."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from backend.core import audit, clock, db, jobs
from backend.core.auth import Principal
from backend.core.states import record_event, transition
from backend.reports import queries
from backend.reports.errors import ExportNotFound, ExportNotReady, TooManyExports
from backend.reports.models import ReportExport, ReportExportEvent
from backend.reports.queries import Wanted
from backend.reports.states import UNDER_WAY, ExportEvent, ExportState

KEPT: Final = timedelta(days=7)
STUCK: Final = timedelta(days=1)
AT_ONCE: Final = 3
STEP: Final = 2_000
"""Rows of one step, with the progress that is told after it."""
TASK: Final = "reports.write_export"


def ask(session: Session, by: Principal, wanted: Wanted, *, numbered: bool, language: str) -> ReportExport:
    """Queue an export; who asked for what is on the audit trail. Raises TooManyExports."""
    under_way = select(func.count()).where(ReportExport.staff_id == by.id, ReportExport.state.in_(UNDER_WAY))
    if (session.scalar(under_way) or 0) >= AT_ONCE:
        raise TooManyExports()
    made = ReportExport(
        id=db.new_id(),
        state=ExportState.QUEUED,
        state_at=clock.now(),
        staff_id=by.id,
        wanted=wanted.stored(),
        numbered=numbered,
        language=language,
        total=queries.total(session, wanted),
        done=0,
        created_at=clock.now(),
        expires_at=clock.now() + KEPT,
    )
    session.add(made)
    session.flush()
    record_event(session, ReportExportEvent, made.id, None, ExportState.QUEUED, ExportEvent.ASK, actor=by.actor)
    _audit(session, made, by.actor, "report.export_asked", rows=made.total, wanted=made.wanted)
    jobs.defer(session, TASK, export_id=str(made.id))
    return made


def wanted_of(export: ReportExport) -> Wanted:
    """The cases that an export holds."""
    return Wanted.restored(export.wanted)


def mine(session: Session, staff_id: UUID) -> Sequence[ReportExport]:
    """One's own exports of the last days, the newest first."""
    query = select(ReportExport).where(ReportExport.staff_id == staff_id, ReportExport.expires_at > clock.now())
    return session.scalars(query.order_by(ReportExport.created_at.desc(), ReportExport.id.desc()).limit(20)).all()


def own(session: Session, export_id: UUID, staff_id: UUID, *, lock: bool = False) -> ReportExport:
    """One's own export. Raises ExportNotFound."""
    query = select(ReportExport).where(ReportExport.id == export_id, ReportExport.staff_id == staff_id)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise ExportNotFound()
    return found


def cancel(session: Session, export_id: UUID, by: Principal) -> ReportExport:
    """Stop it; the writer notices after its present step. Raises ExportNotFound, InvalidTransition."""
    found = own(session, export_id, by.id, lock=True)
    if transition(session, found, ExportEvent.CANCEL, actor=by.actor):
        _audit(session, found, by.actor, "report.export_cancelled")
    return found


def file_of(session: Session, export_id: UUID, by: Principal) -> bytes:
    """The workbook; each download is on the audit trail. Raises ExportNotFound, ExportNotReady."""
    found = own(session, export_id, by.id)
    content = session.scalar(select(ReportExport.content).where(ReportExport.id == found.id))
    if content is None or found.expires_at <= clock.now():
        raise ExportNotReady()
    _audit(session, found, by.actor, "report.export_downloaded", rows=found.done)
    return content


def start(session: Session, export_id: UUID) -> ReportExport | None:
    """Take a queued export up, or one whose writer died; None when there is nothing to write any more."""
    found = session.get(ReportExport, export_id, with_for_update=True)
    if found is None or found.state not in UNDER_WAY:
        return None
    transition(session, found, ExportEvent.START, actor="system")
    found.done, found.total = 0, queries.total(session, wanted_of(found))
    session.flush()
    return found


def note_progress(session: Session, export_id: UUID, rows: int) -> bool:
    """So many more rows are written; False when somebody cancelled it meanwhile."""
    moved = session.execute(
        update(ReportExport)
        .where(ReportExport.id == export_id, ReportExport.state == ExportState.RUNNING)
        .values(done=ReportExport.done + rows, total=func.greatest(ReportExport.total, ReportExport.done + rows))
        .returning(ReportExport.id)
    )
    return moved.first() is not None


def finish(session: Session, export_id: UUID, content: bytes) -> None:
    """The workbook is there."""
    found = session.get(ReportExport, export_id, with_for_update=True, options=[undefer(ReportExport.content)])
    if found is not None and found.state == ExportState.RUNNING:
        found.content, found.total = content, found.done
        transition(session, found, ExportEvent.FINISH, actor="system")


def forget(session: Session) -> int:
    """Delete files whose days are over, and give up what nobody writes any more; returns how many."""
    over = session.scalars(
        select(ReportExport)
        .where(ReportExport.state == ExportState.DONE, ReportExport.expires_at <= clock.now())
        .with_for_update(skip_locked=True)
    ).all()
    for found in over:
        found.content = None
        transition(session, found, ExportEvent.EXPIRE, actor="system")
    stuck = session.scalars(
        select(ReportExport)
        .where(ReportExport.state.in_(UNDER_WAY), ReportExport.created_at <= clock.now() - STUCK)
        .with_for_update(skip_locked=True)
    ).all()
    for found in stuck:
        transition(session, found, ExportEvent.FAIL, actor="system")
    return len(over) + len(stuck)


def _audit(session: Session, export: ReportExport, actor: str, action: str, **data: Any) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="report_export",
        object_id=export.id,
        hall_code=export.wanted["hall"],
        data=data,
    )
