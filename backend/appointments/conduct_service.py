"""Marks of missed visits: made by a job, cleared by coming late, by the hall, or by an appeal."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments import conduct, errors, notices
from backend.appointments.conduct import Kind, Standing
from backend.appointments.conduct_models import ConductEvent, ConductMark, ScannerBeat
from backend.appointments.conduct_states import COUNTING, MarkEvent, MarkState
from backend.appointments.models import Appointment
from backend.appointments.states import Event
from backend.core import audit, clock, db
from backend.core.errors import NotFound
from backend.core.states import record_event, transition
from notify.service import notify

LOOK_BACK = conduct.WINDOW + max(pause for _, pause in conduct.PAUSES)
"""An older mark can no longer pause anything."""


def standing(session: Session, person_id: UUID) -> Standing:
    """How many half-points count now, and until when online booking is paused."""
    now = clock.now()
    marks = session.execute(
        select(ConductMark.at, ConductMark.kind).where(
            ConductMark.person_id == person_id, ConductMark.at > now - LOOK_BACK, ConductMark.state.in_(COUNTING)
        )
    )
    return conduct.standing([(row.at, row.kind) for row in marks], now)


def refuse_blocked(session: Session, person_id: UUID) -> None:
    """Online booking only: tickets in the hall are never refused. Raises OnlineBookingBlocked."""
    until = standing(session, person_id).blocked_until
    if until is not None:
        raise errors.OnlineBookingBlocked(until=clock.rfc3339(until))


def miss(session: Session, appointment: Appointment) -> None:
    """爽约: the visit is over and nobody came. A miss is the hall's when its scanners were silent."""
    last = max(appointment.end, appointment.check_in_until)
    beats = session.scalars(
        select(ScannerBeat.at).where(
            ScannerBeat.hall_code == appointment.hall_code, ScannerBeat.at.between(appointment.start, last)
        )
    ).all()
    transition(session, appointment, Event.MISS, actor="system")
    if not conduct.was_scanning(beats, appointment.start, last):
        transition(session, appointment, Event.EXCUSE, actor="system", reason="the hall was not scanning")
        return
    notify(
        session,
        person_id=appointment.booker_id,
        template="appointment_no_show",
        params=notices.visit_params(session, appointment),
        subject_type="appointment",
        subject_id=str(appointment.id),
        link="/me/conduct",
        dedupe_key=f"appointment_no_show:{appointment.id}",
        useless_after=clock.now() + timedelta(days=3),
    )
    _mark(session, appointment, Kind.NO_SHOW, appointment.start)


def mark_late_cancel(session: Session, appointment: Appointment) -> None:
    """Cancelled after the cut-off: half a point."""
    _mark(session, appointment, Kind.LATE_CANCEL, clock.now())


def came_late(session: Session, appointment_id: UUID, *, actor: str) -> None:
    """The person came after all, the same day: the mark is gone."""
    mark = _of(session, appointment_id)
    if mark is not None:
        transition(session, mark, MarkEvent.COME_LATE, actor=actor)


def undo_came_late(session: Session, appointment_id: UUID, *, actor: str) -> None:
    """That check-in was a mistake: the mark and its appeal stand as before."""
    mark = _of(session, appointment_id)
    if mark is None or mark.state is not MarkState.CAME_LATE:
        return
    transition(session, mark, MarkEvent.UNDO_COME_LATE, actor=actor)
    if mark.appealed_at is not None:
        transition(session, mark, MarkEvent.APPEAL, actor=actor)
    if mark.decided_at is not None:
        transition(session, mark, MarkEvent.REJECT, actor=actor)


def blame_hall(session: Session, *, hall_code: str, first: datetime, last: datetime, actor: str, reason: str) -> int:
    """The hall was closed or down from `first` to `last` (UTC): visits missed then count for nobody.

    Returns how many marks are gone.
    """
    marks = session.scalars(
        select(ConductMark)
        .where(
            ConductMark.hall_code == hall_code,
            ConductMark.kind == Kind.NO_SHOW,
            ConductMark.at >= first,
            ConductMark.at < last,
            ConductMark.state.in_(COUNTING),
        )
        .with_for_update()
    ).all()
    for mark in marks:
        transition(session, mark, MarkEvent.BLAME_HALL, actor=actor, reason=reason)
        _excuse(session, mark, actor=actor, reason=reason)
    return len(marks)


def appeal(session: Session, *, person_id: UUID, mark_id: UUID, reason: str) -> ConductMark:
    """申诉: once for a mark, while it counts. Raises NotFound and CannotAppeal."""
    mark = session.scalars(
        select(ConductMark).where(ConductMark.id == mark_id, ConductMark.person_id == person_id).with_for_update()
    ).one_or_none()
    if mark is None:
        raise NotFound()
    if not can_appeal(mark):
        raise errors.CannotAppeal()
    transition(session, mark, MarkEvent.APPEAL, actor=f"person:{person_id}")
    mark.appeal_reason, mark.appealed_at = reason, clock.now()
    session.flush()
    return mark


def can_appeal(mark: ConductMark) -> bool:
    """Whether the mark counts, is not too old, and was not appealed before."""
    recent = clock.now() < mark.at + conduct.WINDOW
    return mark.state is MarkState.COUNTS and mark.appealed_at is None and recent


def decide(
    session: Session, *, hall_code: str, mark_id: UUID, accept: bool, answer: str, staff_actor: str
) -> ConductMark:
    """The hall's answer to an appeal; an accepted one excuses the visit. Raises NotFound and InvalidTransition."""
    mark = session.scalars(
        select(ConductMark)
        .where(ConductMark.id == mark_id, ConductMark.hall_code == hall_code, ConductMark.appealed_at.is_not(None))
        .with_for_update()
    ).one_or_none()
    if mark is None:
        raise NotFound()
    event = MarkEvent.ACCEPT if accept else MarkEvent.REJECT
    transition(session, mark, event, actor=staff_actor, reason=answer)
    mark.appeal_answer, mark.decided_at = answer, clock.now()
    session.flush()
    if accept:
        _excuse(session, mark, actor=staff_actor, reason=answer)
    audit.record(
        session,
        actor=staff_actor,
        action=f"conduct.appeal_{mark.state.value}",
        object_type="conduct_mark",
        object_id=mark.id,
        hall_code=hall_code,
        reason=answer,
    )
    notify(
        session,
        person_id=mark.person_id,
        template="appeal_accepted" if accept else "appeal_rejected",
        params={"answer": answer, **notices.visit_params(session, session.get_one(Appointment, mark.appointment_id))},
        subject_type="conduct_mark",
        subject_id=str(mark.id),
        link="/me/conduct",
        dedupe_key=f"appeal_decided:{mark.id}",
    )
    return mark


def beat(session: Session, hall_code: str) -> None:
    """The hall's scanners work at this minute."""
    minute = clock.now().replace(second=0, microsecond=0)
    session.execute(insert(ScannerBeat).values(hall_code=hall_code, at=minute).on_conflict_do_nothing())


def _mark(session: Session, appointment: Appointment, kind: Kind, at: datetime) -> None:
    """Write the mark once, and say so when it pauses online booking."""
    before = standing(session, appointment.booker_id).blocked_until
    made = session.execute(
        insert(ConductMark)
        .values(
            id=db.new_id(),
            state=MarkState.COUNTS,
            state_at=clock.now(),
            kind=kind,
            person_id=appointment.booker_id,
            appointment_id=appointment.id,
            hall_code=appointment.hall_code,
            at=at,
        )
        .on_conflict_do_nothing()
        .returning(ConductMark.id)
    ).scalar_one_or_none()
    if made is None:
        return
    record_event(session, ConductEvent, made, None, MarkState.COUNTS, MarkEvent.MARK, actor="system")
    after = standing(session, appointment.booker_id).blocked_until
    if after is not None and after != before:
        notify(
            session,
            person_id=appointment.booker_id,
            template="booking_paused",
            params={"until": after.isoformat()},
            subject_type="conduct_mark",
            subject_id=str(made),
            link="/me/conduct",
            dedupe_key=f"booking_paused:{made}",
            useless_after=after,
        )


def _excuse(session: Session, mark: ConductMark, *, actor: str, reason: str) -> None:
    """A missed visit is excused with its mark; a late cancellation has nothing more to excuse."""
    if mark.kind is Kind.NO_SHOW:
        visit = session.get_one(Appointment, mark.appointment_id, with_for_update=True)
        transition(session, visit, Event.EXCUSE, actor=actor, reason=reason)


def _of(session: Session, appointment_id: UUID) -> ConductMark | None:
    query = select(ConductMark).where(ConductMark.appointment_id == appointment_id).with_for_update()
    return session.scalars(query).one_or_none()
