"""法律保全: placed by an operator with the authority's document, lifted by two people."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from backend.core import audit, clock, db
from backend.core.errors import NotFound
from backend.core.hold_states import HoldEvent, HoldState
from backend.core.holds import BILL, CASE, PERSON, HoldEventRow, LegalHold
from backend.core.states import record_event, transition
from backend.identity import people
from backend.identity import queries as identity
from backend.privacy.errors import HeldAlready, HoldSubjectUnknown, SamePerson
from payments.bill_models import Bill

MOST_SHOWN: Final = 200


def place(session: Session, *, subject_type: str, number: str, reason: str, staff_id: UUID) -> LegalHold:
    """Keep a person (id number), a case (its short or long number) or a bill (its pay code) until it is lifted.

    Raises HoldSubjectUnknown, HeldAlready. What was typed is not stored: the hold names an opaque id.
    """
    subject = _FINDERS[subject_type](session, number.strip())
    if subject is None:
        raise HoldSubjectUnknown()
    now = clock.now()
    made = session.scalars(
        insert(LegalHold)
        .values(
            id=db.new_id(),
            state=HoldState.ACTIVE,
            state_at=now,
            subject_type=subject_type,
            subject_id=subject,
            reason=reason,
            placed_by=staff_id,
            placed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(LegalHold)
    ).one_or_none()
    if made is None:
        raise HeldAlready()
    actor = f"staff:{staff_id}"
    record_event(session, HoldEventRow, made.id, None, HoldState.ACTIVE, HoldEvent.PLACE, actor=actor, reason=reason)
    _audit(session, made, "hold.placed", actor, reason)
    return made


def ask_lift(session: Session, hold_id: UUID, *, reason: str, staff_id: UUID) -> LegalHold:
    """Propose to lift it; it holds until another person agrees. Raises NotFound, InvalidTransition."""
    found = _locked(session, hold_id)
    found.lift_asked_by, found.lift_reason = staff_id, reason
    _move(session, found, HoldEvent.ASK_LIFT, "hold.lift_asked", staff_id, reason)
    return found


def answer_lift(session: Session, hold_id: UUID, *, agree: bool, staff_id: UUID) -> LegalHold:
    """The second person lifts it or keeps it. Raises SamePerson, NotFound, InvalidTransition."""
    found = _locked(session, hold_id)
    if found.lift_asked_by == staff_id:
        raise SamePerson()
    if agree:
        found.lifted_by = staff_id
        _move(session, found, HoldEvent.LIFT, "hold.lifted", staff_id, found.lift_reason)
    else:
        found.lift_asked_by = found.lift_reason = None
        _move(session, found, HoldEvent.KEEP, "hold.kept", staff_id, None)
    return found


def listed(session: Session) -> list[LegalHold]:
    """Holds in force first, then those that were lifted, each newest first."""
    query = select(LegalHold).order_by(LegalHold.state == HoldState.LIFTED, LegalHold.placed_at.desc())
    return list(session.scalars(query.limit(MOST_SHOWN)))


def view(session: Session, one: LegalHold, staff_id: UUID) -> dict[str, Any]:
    """A hold as operators see it: a person by a masked name."""
    return {
        "id": one.id,
        "state": one.state,
        "subject_type": one.subject_type,
        "subject": _named(session, one),
        "reason": one.reason,
        "placed_at": one.placed_at,
        "lift_reason": one.lift_reason,
        "lifted_at": one.state_at if one.state == HoldState.LIFTED else None,
        "may_answer": one.state == HoldState.LIFTING and one.lift_asked_by != staff_id,
    }


def _named(session: Session, one: LegalHold) -> str:
    if one.subject_type == CASE:
        return session.get_one(Case, one.subject_id).short_number
    if one.subject_type == BILL:
        return session.get_one(Bill, one.subject_id).pay_code
    return identity.masked_name(session, one.subject_id) or str(one.subject_id)


def _case(session: Session, number: str) -> UUID | None:
    return session.scalar(select(Case.id).where((Case.short_number == number) | (Case.number == number)))


def _bill(session: Session, number: str) -> UUID | None:
    return session.scalar(select(Bill.id).where(Bill.pay_code == number).order_by(Bill.created_at.desc()).limit(1))


def _person(session: Session, number: str) -> UUID | None:
    return people.by_document(session, number.upper())


_FINDERS: Final = {PERSON: _person, CASE: _case, BILL: _bill}


def _locked(session: Session, hold_id: UUID) -> LegalHold:
    found = session.get(LegalHold, hold_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound()
    return found


def _move(
    session: Session, found: LegalHold, event: HoldEvent, action: str, staff_id: UUID, reason: str | None
) -> None:
    actor = f"staff:{staff_id}"
    transition(session, found, event, actor=actor, reason=reason)
    _audit(session, found, action, actor, reason)


def _audit(session: Session, found: LegalHold, action: str, actor: str, reason: str | None) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="legal_hold",
        object_id=found.id,
        reason=reason,
        data={"subject_type": found.subject_type, "subject_id": str(found.subject_id)},
    )
