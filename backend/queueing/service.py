"""The hall entrance: a check-in and its ticket are one transaction, and can be taken back for ten seconds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments import redemption
from backend.appointments.models import Appointment
from backend.appointments.passes import PassKeys
from backend.appointments.redemption import Redemption
from backend.catalogue import queries as catalogue
from backend.core import audit, clock
from backend.core.errors import Conflict, NotFound, Text
from backend.queueing.models import CheckIn, Ticket, TicketCounter

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
    session: Session, *, text: str, hall_code: str, staff_id: UUID, identified: bool, keys: PassKeys
) -> Arrival:
    """Redeem a code and, if it is accepted, give the next number of its queue. A refusal is a verdict, not an error."""
    actor = f"staff:{staff_id}"
    redeemed = redemption.check_in(
        session, text=text, hall_code=hall_code, staff_actor=actor, identified=identified, keys=keys
    )
    if not redeemed.accepted or redeemed.appointment is None:
        return Arrival(redeemed)
    appointment = redeemed.appointment
    made = CheckIn(
        appointment_id=appointment.id,
        staff_id=staff_id,
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
    ticket = _give_ticket(session, made, appointment)
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


def _give_ticket(session: Session, made: CheckIn, appointment: Appointment) -> Ticket:
    """The next number; the counter's row makes others wait until this one is certain, so that none is left out."""
    prefix = catalogue.category(session, appointment.category_code).prefix
    seq = session.execute(
        insert(TicketCounter)
        .values(hall_code=made.hall_code, day=made.day, prefix=prefix, last=1)
        .on_conflict_do_update(
            index_elements=[TicketCounter.hall_code, TicketCounter.day, TicketCounter.prefix],
            set_={"last": TicketCounter.last + 1},
        )
        .returning(TicketCounter.last)
    ).scalar_one()
    ticket = Ticket(
        check_in_id=made.id, hall_code=made.hall_code, day=made.day, prefix=prefix, seq=seq, created_at=made.at
    )
    session.add(ticket)
    appointment.ticket_number = ticket.number
    session.flush()
    return ticket
