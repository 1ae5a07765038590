"""A member of staff at a case: which cases their hall sees, whose step it is, and that no hand does two parts."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from backend.applications import moves
from backend.applications.case_models import Case, CaseEventRow, CasePart, CaseTransfer
from backend.applications.errors import CaseNotFound, InTransit, OtherHand
from backend.applications.states import DECIDE, FRONT, ISSUE, WHO, CaseEvent, CaseState, TransferState
from backend.core import audit


@dataclass(frozen=True)
class Desk:
    """Who acts, and in which hall."""

    staff_id: UUID
    hall_code: str

    @property
    def actor(self) -> str:
        return f"staff:{self.staff_id}"


def seen_by(hall_code: str) -> ColumnElement[bool]:
    """A hall sees the cases it is in charge of, parts it has to answer, papers on their way to it, and pick-ups."""
    part = exists().where(CasePart.case_id == Case.id, CasePart.hall_code == hall_code)
    coming = exists().where(
        CaseTransfer.case_id == Case.id,
        CaseTransfer.to_hall == hall_code,
        CaseTransfer.state == TransferState.IN_TRANSIT,
    )
    pick_up = (Case.pickup_hall == hall_code) & Case.state.in_((CaseState.READY, CaseState.DELIVERED))
    return or_(Case.hall_code == hall_code, part, coming, pick_up)


def seen(session: Session, case_id: UUID, desk: Desk) -> Case:
    """A case that the hall may read. Raises CaseNotFound."""
    case = session.scalars(select(Case).where(Case.id == case_id, seen_by(desk.hall_code))).one_or_none()
    if case is None:
        raise CaseNotFound()
    return case


def locked(session: Session, case_id: UUID, desk: Desk) -> Case:
    """A case that the hall may read, locked for a step."""
    query = select(Case).where(Case.id == case_id, seen_by(desk.hall_code)).with_for_update(of=Case)
    case = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if case is None:
        raise CaseNotFound()
    return case


def in_charge(session: Session, case_id: UUID, desk: Desk) -> Case:
    """A case that the hall decides about, locked. Raises CaseNotFound, and InTransit while its papers travel."""
    case = locked(session, case_id, desk)
    if case.hall_code != desk.hall_code:
        raise CaseNotFound()
    if open_transfer(session, case) is not None:
        raise InTransit()
    return case


def open_transfer(session: Session, case: Case) -> CaseTransfer | None:
    """The hand-over that is under way."""
    query = select(CaseTransfer).where(CaseTransfer.case_id == case.id, CaseTransfer.state == TransferState.IN_TRANSIT)
    return session.scalars(query).one_or_none()


def step(session: Session, case: Case, event: CaseEvent, desk: Desk, *, reason: str | None = None) -> bool:
    """Move a case that the caller holds locked. Raises OtherHand, InvalidTransition; False for a repeat."""
    demand_hand(session, case, WHO[event], desk)
    moved = moves.move(session, case, event, actor=desk.actor, reason=reason)
    if moved:
        audit.record(
            session,
            actor=desk.actor,
            action=f"case.{event}",
            object_type="case",
            object_id=case.id,
            hall_code=desk.hall_code,
            reason=reason,
        )
    return moved


def demand_hand(session: Session, case: Case, part: str, desk: Desk) -> None:
    """Accepting, deciding and issuing are three people's work, whatever roles one of them has. Raises OtherHand."""
    done = session.scalars(
        select(CaseEventRow.event).where(CaseEventRow.entity_id == case.id, CaseEventRow.actor == desk.actor)
    )
    parts = {WHO[CaseEvent(event)] for event in done}
    if session.scalar(select(exists().where(CasePart.case_id == case.id, CasePart.given_by == desk.staff_id))):
        parts.add(DECIDE)
    if part in HANDS and parts & (HANDS - {part}):
        raise OtherHand()


HANDS = {FRONT, DECIDE, ISSUE}
