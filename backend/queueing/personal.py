"""个人信息: check-ins and queue tickets. The hours' figures are frozen at the end of each day and stay."""

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from backend.appointments.models import Appointment
from backend.catalogue import queries as catalogue
from backend.core import clock, holds, retention
from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.identity import personal as identity
from backend.queueing.models import Call, CheckIn, Leg, Ticket, TicketEvent, TicketItem


def purge(session: Session, limit: int) -> int:
    """Delete tickets and check-ins two years old; the number of both."""
    before = clock.civil(retention.before("tickets")).date()
    query = select(Ticket.id).where(Ticket.day < before, holds.spares(holds.PERSON, Ticket.person_id))
    old = list(session.scalars(query.order_by(Ticket.day).limit(limit)))
    retention.purging(session)
    session.execute(update(Ticket).where(Ticket.carried_from.in_(old)).values(carried_from=None))
    for table, owner in (
        (TicketItem, TicketItem.ticket_id),
        (Call, Call.ticket_id),
        (Leg, Leg.ticket_id),
        (TicketEvent, TicketEvent.entity_id),
        (Ticket, Ticket.id),
    ):
        session.execute(delete(table).where(owner.in_(old)).execution_options(synchronize_session=False))
    return len(old) + _purge_check_ins(session, limit)


def _purge_check_ins(session: Session, limit: int) -> int:
    """Those without a ticket: their tickets went before, or never were."""
    query = (
        select(CheckIn.id)
        .join(Appointment, Appointment.id == CheckIn.appointment_id)
        .where(CheckIn.day < clock.civil(retention.before("tickets")).date())
        .where(holds.spares(holds.PERSON, Appointment.person_id, Appointment.booker_id))
        .where(~select(Ticket.id).where(Ticket.check_in_id == CheckIn.id).exists())
        .limit(limit)
    )
    gone = list(session.scalars(query))
    session.execute(delete(CheckIn).where(CheckIn.id.in_(gone)))
    return len(gone)


def _gives(session: Session, people: People) -> list[Section]:
    taken = session.scalars(select(Ticket).where(Ticket.person_id.in_(people)).order_by(Ticket.created_at))
    rows = [
        {
            "at": one.created_at,
            "hall": catalogue.hall(session, one.hall_code).name,
            "number": one.number,
            "state": one.state,
        }
        for one in taken
    ]
    return [Section("tickets", Text("排队票", "Queue tickets"), rows)]


def _erases(session: Session, people: People) -> None:
    """Tickets become anonymous: the queue of today goes on, and the calls that were made stay in order."""
    held = or_(Ticket.person_id.in_(people), Ticket.holder.in_(identity.holders(session, people)))
    tickets = list(session.scalars(select(Ticket.id).where(held)))
    retention.purging(session)
    told = TicketEvent.entity_id.in_(tickets), TicketEvent.reason.is_not(None)
    session.execute(update(TicketEvent).where(*told).values(reason=None).execution_options(synchronize_session=False))
    session.execute(update(Leg).where(Leg.ticket_id.in_(tickets)).values(note=None))
    session.execute(update(Ticket).where(Ticket.id.in_(tickets)).values(person_id=None, holder=None))


PART = Part("queueing", gives=_gives, erases=_erases, purges=purge)
