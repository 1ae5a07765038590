"""Redeeming a code at the entrance 核销: each appointment is admitted once, however often it is scanned."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.appointments import passes
from backend.appointments.checkin import ADMITTED, Verdict, decide
from backend.appointments.models import Appointment
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
    return Redemption(verdict, found)


def undo(session: Session, *, appointment_id: UUID, staff_actor: str) -> None:
    """Take a check-in back: the appointment is booked again and its ticket gone. Raises InvalidTransition."""
    found = session.get_one(Appointment, appointment_id, with_for_update=True)
    transition(session, found, Event.UNDO_CHECK_IN, actor=staff_actor)
    found.ticket_number = None


def _locked(session: Session, reading: passes.PassReading, hall_code: str) -> Appointment | None:
    """The row, locked. Typed digits are good only in this hall and today."""
    query = select(Appointment).where(Appointment.state.not_in(NOT_SHOWN)).with_for_update()
    if reading.appointment_id is not None:
        query = query.where(Appointment.id == reading.appointment_id)
    elif reading.code is not None:
        query = query.where(
            Appointment.hall_code == hall_code, Appointment.day == clock.today(), Appointment.code == reading.code
        )
    else:
        return None
    return session.scalars(query).one_or_none()
