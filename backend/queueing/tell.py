"""What the queue tells the people who wait: three ahead, your turn, missed, finished."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.queueing.models import Ticket
from backend.queueing.states import IN_LINE
from notify.service import notify

NEAR = 3
"""People ahead when the first notice goes out."""


def called(session: Session, ticket: Ticket, window: int) -> None:
    """叫到了: go to this window."""
    _tell(session, ticket, "queue_called", useful=timedelta(minutes=10), times=ticket.calls, window=window)


def passed(session: Session, ticket: Ticket) -> None:
    """过号: you can still come back until closing."""
    _tell(session, ticket, "queue_passed", useful=timedelta(hours=4), times=ticket.calls)


def finished(session: Session, ticket: Ticket) -> None:
    """办完了."""
    _tell(session, ticket, "queue_finished", useful=timedelta(hours=24))


def carried(session: Session, ticket: Ticket, opens: datetime, reason: str) -> None:
    """顺延: the hall stopped early; this is the new number, for the day that begins at `opens`."""
    _tell(session, ticket, "queue_carried", useful=timedelta(days=3), start=opens.isoformat(), reason=reason)


def nearly(session: Session, hall_code: str, day: date, category_code: str) -> None:
    """Tell those who have at most three people ahead, once."""
    first = session.scalars(
        select(Ticket)
        .where(Ticket.hall_code == hall_code, Ticket.day == day, Ticket.category_code == category_code)
        .where(Ticket.state.in_(IN_LINE))
        .order_by(Ticket.due_at, Ticket.created_at, Ticket.id)
        .limit(NEAR + 1)
    ).all()
    for ahead, ticket in enumerate(first):
        if not ticket.near_told:
            ticket.near_told = True
            _tell(session, ticket, "queue_near", useful=timedelta(minutes=30), ahead=ahead)
    session.flush()


def _tell(session: Session, ticket: Ticket, template: str, *, useful: timedelta, times: int = 0, **params: Any) -> None:
    """Anonymous tickets are told by the board alone."""
    if ticket.person_id is None:
        return
    hall = catalogue.hall(session, ticket.hall_code)
    notify(
        session,
        person_id=ticket.person_id,
        template=template,
        params={"number": ticket.number, "hall": hall.name.zh, "hall_en": hall.name.en, **params},
        subject_type="ticket",
        subject_id=str(ticket.id),
        link=f"/tickets/{ticket.link}",
        dedupe_key=f"{template}:{ticket.id}:{ticket.state_at.isoformat()}:{times}",
        useless_after=clock.now() + useful,
    )
