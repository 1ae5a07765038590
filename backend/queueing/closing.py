"""The end of the day: leftovers are closed, or carried over when an emergency sent people home."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backend.appointments import redemption, slots
from backend.core import audit, clock, db
from backend.core.errors import Conflict, Text
from backend.core.states import record_event, transition
from backend.queueing import legs, tell, tickets
from backend.queueing.models import Ticket, TicketEvent, TicketItem, WindowSession
from backend.queueing.ordering import Kind
from backend.queueing.states import AT_WINDOW, OPEN, Event, State

BATCH = 100
FORTNIGHT = 14


class NoOpenDay(Conflict):
    """Nothing to carry tickets over to: the hall has no opening day in the coming fortnight."""

    code = "no_open_day"
    title = Text("往后两周大厅都不开门，没有日子可以顺延", "The hall does not open within two weeks")


def close(session: Session, *, hall_code: str, until: date, limit: int = BATCH) -> int:
    """日终: close open tickets of days up to `until`, a batch a transaction; returns how many were closed."""
    left = _open_tickets(session, hall_code, until, limit)
    for ticket in left:
        legs.end(session, ticket, outcome="closed")
        transition(session, ticket, Event.CLOSE, actor="system", reason="end of day")
        visited = legs.appointment_of(session, ticket)
        if visited is not None:
            redemption.leave(session, appointment_id=visited, actor="system")
    if not left:
        _close_windows(session, hall_code, until)
    return len(left)


def before_carrying_over(session: Session, hall_code: str) -> dict[str, Any]:
    """What `carry_over` would do now: numbers by state and queue, windows it closes, the day it moves to.

    `opens` is None when there is no such day, and carrying over would be refused.
    """
    of_today = Ticket.hall_code == hall_code, Ticket.day == clock.today(), Ticket.state.in_(OPEN)
    counts = session.execute(
        select(
            Ticket.category_code,
            func.count().label("tickets"),
            func.count().filter(Ticket.kind == Kind.BOOKED).label("booked"),
            func.count().filter(Ticket.state.in_(AT_WINDOW)).label("at_window"),
        )
        .where(*of_today)
        .group_by(Ticket.category_code)
        .order_by(Ticket.category_code)
    ).all()
    windows = select(func.count()).where(WindowSession.hall_code == hall_code, *_left_open(clock.today()))
    return {
        "tickets": sum(row.tickets for row in counts),
        "booked": sum(row.booked for row in counts),
        "at_window": sum(row.at_window for row in counts),
        "queues": [{"code": row.category_code, "tickets": row.tickets} for row in counts],
        "windows": session.scalar(windows) or 0,
        "opens": _next_opening_or_none(session, hall_code),
    }


def carry_over(session: Session, *, hall_code: str, actor: str, reason: str) -> Sequence[Ticket]:
    """顺延: every open ticket of today gets the first numbers of the next opening day, in the order of today's line.

    Raises NoOpenDay.
    """
    opens = _next_opening(session, hall_code)
    made = [
        _carry(session, ticket, opens, actor, reason)
        for ticket in _open_tickets(session, hall_code, clock.today(), None)
    ]
    _close_windows(session, hall_code, clock.today())
    audit.record(
        session,
        actor=actor,
        action="hall.queue_carried_over",
        object_type="hall",
        object_id=hall_code,
        hall_code=hall_code,
        reason=reason,
        data={"tickets": len(made), "to": opens.isoformat()},
    )
    return made


def _carry(session: Session, ticket: Ticket, opens: datetime, actor: str, reason: str) -> Ticket:
    legs.end(session, ticket, outcome="closed")
    transition(session, ticket, Event.CARRY_OVER, actor=actor, reason=reason)
    day = clock.civil(opens).date()
    copied = ("person_id", "holder", "hall_code", "category_code", "prefix", "kind", "lane", "people", "matter_id")
    follower = Ticket(
        id=db.new_id(),
        state=State.WAITING,
        state_at=clock.now(),
        day=day,
        seq=tickets.next_number(session, ticket.hall_code, day, ticket.prefix),
        source="carried",
        due_at=min(opens, ticket.due_at + (opens - clock.now())),
        created_at=clock.now(),
        link=tickets.new_link(),
        carried_from=ticket.id,
        **{name: getattr(ticket, name) for name in copied},
    )
    if tickets.holds_another(session, ticket, day, ticket.category_code):
        follower.holder = None
    session.add(follower)
    session.flush()
    record_event(session, TicketEvent, follower.id, None, State.WAITING, Event.TAKE, actor=actor, reason=reason)
    slugs = session.scalars(select(TicketItem.item_slug).where(TicketItem.ticket_id == ticket.id)).all()
    tickets.add_items(session, follower.id, slugs)
    visited = legs.appointment_of(session, ticket)
    if visited is not None:
        ticket.check_in_id, follower.check_in_id = None, ticket.check_in_id
        session.flush()
    tell.carried(session, follower, opens, reason)
    return follower


def _open_tickets(session: Session, hall_code: str, until: date, limit: int | None) -> Sequence[Ticket]:
    query = (
        select(Ticket)
        .where(Ticket.hall_code == hall_code, Ticket.day <= until, Ticket.state.in_(OPEN))
        .order_by(Ticket.due_at, Ticket.created_at, Ticket.id)
        .with_for_update()
    )
    return session.scalars(query.limit(limit) if limit else query).all()


def _next_opening(session: Session, hall_code: str) -> datetime:
    opens = _next_opening_or_none(session, hall_code)
    if opens is None:
        raise NoOpenDay()
    return opens


def _next_opening_or_none(session: Session, hall_code: str) -> datetime | None:
    for days in range(1, FORTNIGHT + 1):
        hours = slots.open_hours(session, hall_code, clock.today() + timedelta(days=days))
        if hours is not None:
            return hours[0]
    return None


def _left_open(until: date) -> tuple[ColumnElement[bool], ...]:
    """Windows that nobody closed on a day up to `until`."""
    return WindowSession.closed_at.is_(None), WindowSession.opened_at < clock.instant(
        until + timedelta(days=1), time.min
    )


def _close_windows(session: Session, hall_code: str, until: date) -> None:
    left = select(WindowSession).where(WindowSession.hall_code == hall_code, *_left_open(until))
    for window in session.scalars(left.with_for_update()):
        window.closed_at = clock.now()
    session.flush()


def halls_with_leftovers(session: Session, until: date) -> Sequence[str]:
    """Halls that have open tickets of days up to `until`, or windows that nobody closed."""
    tickets_left = select(Ticket.hall_code).where(Ticket.day <= until, Ticket.state.in_(OPEN)).distinct()
    windows_left = select(WindowSession.hall_code).where(*_left_open(until)).distinct()
    return sorted({*session.scalars(tickets_left), *session.scalars(windows_left)})
