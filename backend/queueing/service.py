"""The hall entrance: a check-in and its ticket are one transaction, and can be taken back for ten seconds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.appointments import redemption
from backend.appointments.checkin import Verdict
from backend.appointments.models import Appointment, AppointmentLine
from backend.appointments.passes import PassKeys
from backend.appointments.redemption import Redemption
from backend.core import audit, clock
from backend.core.errors import Conflict, NotFound, Text
from backend.core.states import transition
from backend.identity import queries as identity
from backend.queueing import tickets
from backend.queueing.models import CheckIn, Ticket
from backend.queueing.states import Event

UNDO_SECONDS = 10


class TooLateToUndo(Conflict):
    """A check-in can be taken back for ten seconds."""

    code = "too_late_to_undo"
    title = Text("已超过 10 秒，不能撤销", "More than ten seconds have passed. It cannot be undone")


@dataclass(frozen=True)
class Arrival:
    """What a scan led to; `check_in` and `ticket` are set when it was accepted."""

    redemption: Redemption
    check_in: CheckIn | None = None
    ticket: Ticket | None = None

    @property
    def undo_until(self) -> datetime | None:
        return self.check_in.at + timedelta(seconds=UNDO_SECONDS) if self.check_in else None


def check_in(
    session: Session,
    *,
    text: str,
    hall_code: str,
    identified: bool,
    keys: PassKeys,
    staff_id: UUID | None = None,
    device_id: UUID | None = None,
) -> Arrival:
    """Redeem a code and, if it is accepted, give the next number of its queue. A refusal is a verdict, not an error.

    It is admitted by a member of staff, or by the device at which it was shown.
    """
    actor = f"staff:{staff_id}" if staff_id else f"device:{device_id}"
    redeemed = redemption.check_in(
        session, text=text, hall_code=hall_code, staff_actor=actor, identified=identified, keys=keys
    )
    if not redeemed.accepted or redeemed.appointment is None:
        return Arrival(redeemed)
    appointment = redeemed.appointment
    made = CheckIn(
        appointment_id=appointment.id,
        staff_id=staff_id,
        device_id=device_id,
        hall_code=hall_code,
        day=appointment.day,
        at=clock.now(),
        arrival=redeemed.verdict.value,
    )
    session.add(made)
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="appointment.checked_in",
        object_type="appointment",
        object_id=appointment.id,
        hall_code=hall_code,
    )
    ticket = _give_ticket(session, made, appointment, actor)
    return Arrival(redeemed, made, ticket)


def undo(session: Session, *, check_in_id: UUID, hall_code: str, staff_id: UUID) -> None:
    """Take a check-in of this hall back; doing it twice is harmless. Raises NotFound and TooLateToUndo."""
    now = clock.now()
    mine = CheckIn.id == check_in_id, CheckIn.hall_code == hall_code
    appointment_id = session.scalar(
        update(CheckIn)
        .where(*mine, CheckIn.undone_at.is_(None), CheckIn.at >= now - timedelta(seconds=UNDO_SECONDS))
        .values(undone_at=now)
        .returning(CheckIn.appointment_id)
    )
    if appointment_id is None:
        _refuse_unless_undone(session.scalars(select(CheckIn).where(*mine)).one_or_none())
        return
    actor = f"staff:{staff_id}"
    ticket = session.scalars(select(Ticket).where(Ticket.check_in_id == check_in_id).with_for_update()).one()
    transition(session, ticket, Event.UNDO_CHECK_IN, actor=actor)
    redemption.undo(session, appointment_id=appointment_id, staff_actor=actor)
    audit.record(
        session,
        actor=actor,
        action="appointment.check_in_undone",
        object_type="appointment",
        object_id=appointment_id,
        hall_code=hall_code,
    )


def _refuse_unless_undone(found: CheckIn | None) -> None:
    if found is None:
        raise NotFound()
    if found.undone_at is None:
        raise TooLateToUndo()


def _give_ticket(session: Session, made: CheckIn, appointment: Appointment, actor: str) -> Ticket:
    """The appointment's ticket; older people are in the green lane without asking."""
    slugs = session.scalars(
        select(AppointmentLine.item_slug).where(AppointmentLine.appointment_id == appointment.id)
    ).all()
    served = identity.person(session, appointment.person_id)
    ticket = tickets.admit(
        session,
        hall_code=made.hall_code,
        category_code=appointment.category_code,
        slugs=slugs,
        taker=tickets.Taker(
            holder=identity.holder(session, served.id),
            person_id=appointment.booker_id,
            lane="elder" if identity.is_elder(served.born) else None,
            people=appointment.people,
        ),
        visit=tickets.Visit(appointment.start, made.arrival == Verdict.LATE, made.id, appointment.matter_id),
        actor=actor,
    )
    appointment.ticket_number, appointment.ticket_link = ticket.number, ticket.link
    session.flush()
    return ticket
