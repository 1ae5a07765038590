"""转办: papers go from one hall to another; until somebody there signs for them they are in transit (clause 1.2)."""

from datetime import time
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications import case_clock, form_queries, notices
from backend.applications.case_models import Case, CaseTransfer, CaseTransferEventRow
from backend.applications.desk import Desk
from backend.applications.errors import CaseNotFound, TransferNotAllowed
from backend.applications.states import UNDECIDED, TransferEvent, TransferState
from backend.catalogue import queries as catalogue
from backend.core import audit, clock, db
from backend.core.states import record_event, transition

DUE_DAYS: Final = 1
"""Working days between two halls of one city."""


def targets(session: Session, case: Case) -> list[str]:
    """The other halls that handle the case's item, as long as it is undecided."""
    item, filing = form_queries.item_of(session, case.item_slug)
    if case.state not in UNDECIDED:
        return []
    return [code for code in dict.fromkeys((*item.booking.hall_codes, filing.owner_hall)) if code != case.hall_code]


def send(session: Session, case: Case, by: Desk, *, to_hall: str, reason: str) -> CaseTransfer:
    """Send the papers on; the case stays ours until they are received. Raises TransferNotAllowed."""
    catalogue.hall(session, to_hall)
    if to_hall not in targets(session, case):
        raise TransferNotAllowed()
    due = case_clock.day_after(session, clock.today(), DUE_DAYS)
    transfer = CaseTransfer(
        id=db.new_id(),
        state=TransferState.IN_TRANSIT,
        state_at=clock.now(),
        case_id=case.id,
        from_hall=by.hall_code,
        to_hall=to_hall,
        reason=reason,
        sent_by=by.actor,
        sent_at=clock.now(),
        due_at=clock.instant(due, time(17)) if due else clock.now(),
    )
    session.add(transfer)
    session.flush()
    record_event(
        session, CaseTransferEventRow, transfer.id, None, TransferState.IN_TRANSIT, TransferEvent.SEND, actor=by.actor
    )
    _record(session, case, by, "case.sent_on", reason=reason, to=to_hall)
    return transfer


def receive(session: Session, case: Case, by: Desk) -> None:
    """签收: from now on the case is this hall's; a repeat changes nothing. Raises CaseNotFound."""
    transfer = _latest(session, case)
    if transfer.to_hall != by.hall_code:
        raise CaseNotFound()
    transfer.received_by = by.actor
    session.flush()
    if not transition(session, transfer, TransferEvent.RECEIVE, actor=by.actor):
        return
    case.hall_code = transfer.to_hall
    session.flush()
    hall = catalogue.hall(session, transfer.to_hall).name
    _record(session, case, by, "case.taken_over", reason=None, to=transfer.to_hall)
    notices.tell(session, case, "case_moved", key=transfer.id, hall=hall.zh, hall_en=hall.en)


def call_back(session: Session, case: Case, by: Desk, *, reason: str) -> None:
    """The sender keeps the papers after all. Raises CaseNotFound, InvalidTransition."""
    transfer = _latest(session, case)
    if transfer.from_hall != by.hall_code:
        raise CaseNotFound()
    transition(session, transfer, TransferEvent.CALL_BACK, actor=by.actor, reason=reason)
    _record(session, case, by, "case.called_back", reason=reason, to=transfer.to_hall)


def overdue(session: Session, limit: int) -> list[UUID]:
    """Hand-overs nobody signed for in time, once each, for the alarm."""
    rows = session.scalars(
        select(CaseTransfer)
        .where(
            CaseTransfer.state == TransferState.IN_TRANSIT,
            CaseTransfer.due_at <= clock.now(),
            CaseTransfer.alarmed_at.is_(None),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.alarmed_at = clock.now()
        audit.record(
            session,
            actor="system",
            action="case.transfer_overdue",
            object_type="case",
            object_id=row.case_id,
            hall_code=row.from_hall,
            data={"to": row.to_hall},
        )
    session.flush()
    return [row.case_id for row in rows]


def _latest(session: Session, case: Case) -> CaseTransfer:
    query = select(CaseTransfer).where(CaseTransfer.case_id == case.id).order_by(CaseTransfer.sent_at.desc()).limit(1)
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise CaseNotFound()
    return found


def _record(session: Session, case: Case, by: Desk, action: str, *, reason: str | None, to: str) -> None:
    audit.record(
        session,
        actor=by.actor,
        action=action,
        object_type="case",
        object_id=case.id,
        hall_code=by.hall_code,
        reason=reason,
        data={"to": to},
    )
