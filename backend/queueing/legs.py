"""办理环节: the stretches of serving that a visit is made of."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.core import clock, db
from backend.queueing.models import CheckIn, Leg, Ticket, WindowSession


def begin(session: Session, ticket: Ticket, window: WindowSession) -> None:
    """Serving starts at this window."""
    session.add(
        Leg(
            id=db.new_id(),
            ticket_id=ticket.id,
            session_id=window.id,
            category_code=ticket.category_code,
            started_at=clock.now(),
        )
    )
    session.flush()


def end(session: Session, ticket: Ticket, *, outcome: str, note: str | None = None, count: int = 0) -> None:
    """The running leg of this ticket, if there is one, ends."""
    session.execute(
        update(Leg)
        .where(Leg.ticket_id == ticket.id, Leg.ended_at.is_(None))
        .values(ended_at=clock.now(), outcome=outcome, note=note, count=count)
    )


def appointment_of(session: Session, ticket: Ticket) -> UUID | None:
    """The appointment this ticket was given for."""
    if ticket.check_in_id is None:
        return None
    return session.scalar(select(CheckIn.appointment_id).where(CheckIn.id == ticket.check_in_id))
