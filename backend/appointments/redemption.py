"""Redeeming a code at the entrance 核销: each appointment is admitted once, however often it is scanned."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session

from backend.appointments import conduct_service, matters, passes
from backend.appointments.checkin import ADMITTED, Verdict, decide
from backend.appointments.models import Appointment, AppointmentEvent
from backend.appointments.states import Event, State
from backend.core import clock
from backend.core.states import transition

NOT_SHOWN = (State.HELD, State.RELEASED)
"""A place that never became an appointment admits nobody, although a code was drawn for it."""


@dataclass(frozen=True)
class Redemption:
    """The verdict, and the appointment it is about when there is one."""

    verdict: Verdict
    appointment: Appointment | None = None

    @property
    def accepted(self) -> bool:
        return self.verdict in ADMITTED


def check_in(
    session: Session, *, text: str, hall_code: str, staff_actor: str, identified: bool, keys: passes.PassKeys
) -> Redemption:
    """Judge a scanned text or eight typed digits and, if admitted, move the appointment to checked in.

    `identified`: staff compared the masked name and the last four. A second scan waits for the first and is told
    that the code was used.
    """
    reading = passes.read(keys, text, clock.now())
    if reading.kind is passes.Kind.FORGED:
        return Redemption(Verdict.FORGED)
    found = _locked(session, reading, hall_code)
    if found is None:
        return Redemption(Verdict.UNKNOWN)
    verdict = decide(
        state=found.state,
        appointment_hall=found.hall_code,
        appointment_day=found.day,
        check_in_from=found.check_in_from,
        check_in_until=found.check_in_until,
        hall=hall_code,
        today=clock.today(),
        now=clock.now(),
        identified=identified or reading.kind is passes.Kind.FRESH,
    )
    if verdict in ADMITTED:
        event = Event.CHECK_IN if found.state is State.BOOKED else Event.ARRIVE_LATE
        transition(session, found, event, actor=staff_actor)
        if event is Event.ARRIVE_LATE:
            conduct_service.came_late(session, found.id, actor=staff_actor)
    return Redemption(verdict, found)


def whose(session: Session, *, text: str, hall_code: str, keys: passes.PassKeys) -> tuple[UUID, UUID] | None:
    """The person served and the booker of the appointment a code stands for, or None when it stands for none."""
    found = session.scalars(_shown(passes.read(keys, text, clock.now()), hall_code)).one_or_none()
    return (found.person_id, found.booker_id) if found else None


UNDO = {
    State.BOOKED: Event.UNDO_CHECK_IN,
    State.NO_SHOW: Event.UNDO_TO_NO_SHOW,
    State.EXCUSED: Event.UNDO_TO_EXCUSED,
}


def undo(session: Session, *, appointment_id: UUID, staff_actor: str) -> None:
    """Take a check-in back: the appointment is again what it was before, and its ticket gone.

    Raises InvalidTransition.
    """
    found = session.get_one(Appointment, appointment_id, with_for_update=True)
    before = session.scalar(
        select(AppointmentEvent.from_state)
        .where(AppointmentEvent.entity_id == appointment_id, AppointmentEvent.to_state == State.CHECKED_IN)
        .order_by(AppointmentEvent.id.desc())
        .limit(1)
    )
    event = UNDO[State(before or State.BOOKED)]
    matters.let_go_if_booked_again(session, found)
    transition(session, found, event, actor=staff_actor)
    if event is Event.UNDO_TO_NO_SHOW:
        conduct_service.undo_came_late(session, found.id, actor=staff_actor)
    found.ticket_number = found.ticket_link = None


def fulfil(session: Session, *, appointment_id: UUID, actor: str) -> None:
    """办理完: its ticket was served to the end."""
    transition(session, session.get_one(Appointment, appointment_id), Event.FINISH, actor=actor)


def leave(session: Session, *, appointment_id: UUID, actor: str) -> None:
    """The person checked in and left before being served: not a missed visit."""
    transition(session, session.get_one(Appointment, appointment_id), Event.LEAVE, actor=actor)


def _locked(session: Session, reading: passes.PassReading, hall_code: str) -> Appointment | None:
    return session.scalars(_shown(reading, hall_code).with_for_update()).one_or_none()


def _shown(reading: passes.PassReading, hall_code: str) -> Select[Appointment]:
    """What a code stands for. Typed digits are good only in this hall and today."""
    query = select(Appointment).where(Appointment.state.not_in(NOT_SHOWN))
    if reading.appointment_id is not None:
        return query.where(Appointment.id == reading.appointment_id)
    if reading.code is not None:
        return query.where(
            Appointment.hall_code == hall_code, Appointment.day == clock.today(), Appointment.code == reading.code
        )
    return query.where(false())
