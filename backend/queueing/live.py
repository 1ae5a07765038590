"""The live picture of a hall's queues: one small public document a hall, at most a second old in each process.

Phones, boards and windows all poll this one address with its ETag, so a proxy's one-second cache answers nearly all of
them (deploy/nginx.conf). It holds numbers only, no name and no link.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import quantiles
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.appointments import queries as appointments
from backend.appointments import slots
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.queueing.models import Call, Leg, Ticket, WindowSession
from backend.queueing.states import AT_WINDOW, IN_LINE, OPEN, State

LAST_CALLS = 5
SAMPLE = 200
LOOK_BACK = timedelta(days=28)
USUAL_MINUTES = (6.0, 12.0)
"""A quarter of visits are shorter than the first, a quarter longer than the second; until the hall has its own."""


@dataclass(slots=True)
class Shown:
    """What the picture needs of a ticket; hundreds are read a second, whole rows would cost several times as much."""

    category_code: str
    state: State
    session_id: UUID | None
    number: str


_paces: dict[tuple[str, str], tuple[float, tuple[float, float]]] = {}
PACE_FRESH_S = 60.0


def forget() -> None:
    """Drop this process's paces, between tests."""
    _paces.clear()


def picture(session: Session, hall_code: str) -> dict[str, Any]:
    """The whole document, read from the database. Raises HallNotFound."""
    hall = catalogue.hall(session, hall_code)
    day = clock.today()
    tickets = [
        Shown(category, state, session_id, f"{prefix}{seq:03d}")
        for category, state, session_id, prefix, seq in session.execute(
            select(Ticket.category_code, Ticket.state, Ticket.session_id, Ticket.prefix, Ticket.seq)
            .where(Ticket.hall_code == hall_code, Ticket.day == day, Ticket.state.in_(OPEN))
            .order_by(Ticket.due_at, Ticket.created_at, Ticket.id)
        )
    ]
    open_windows = session.scalars(
        select(WindowSession)
        .where(WindowSession.hall_code == hall_code, WindowSession.closed_at.is_(None))
        .order_by(WindowSession.window)
    ).all()
    hours = slots.open_hours(session, hall_code, day)
    coming = appointments.expected_soon(session, hall_code, within=timedelta(minutes=60))
    return {
        "hall": hall_code,
        "day": day,
        "opens": hours[0] if hours else None,
        "closes": hours[1] if hours else None,
        "queues": [
            _queue(session, hall_code, category.code, category.prefix, tickets, open_windows, coming)
            for category in hall.categories
        ],
        "windows": _windows(tickets, open_windows),
        "calls": _calls(session, hall_code, day),
        "passed": [ticket.number for ticket in tickets if ticket.state is State.PASSED],
        "parked": [ticket.number for ticket in tickets if ticket.state is State.PARKED],
    }


def _queue(
    session: Session,
    hall_code: str,
    category: str,
    prefix: str,
    tickets: Sequence[Shown],
    open_windows: Sequence[WindowSession],
    coming: dict[str, int],
) -> dict[str, Any]:
    """`line` is in calling order; `pace` are the minutes of one number at one window, quick and slow quarter."""
    line = [ticket.number for ticket in tickets if ticket.category_code == category and ticket.state in IN_LINE]
    working = [row for row in open_windows if category in row.categories and row.paused_at is None]
    quick, slow = pace(session, hall_code, category)
    return {
        "code": category,
        "prefix": prefix,
        "line": line,
        "windows": len(working),
        "pace": [round(quick, 1), round(slow, 1)],
        "coming": coming.get(category, 0),
    }


def _windows(tickets: Sequence[Shown], open_windows: Sequence[WindowSession]) -> list[dict[str, Any]]:
    at = {ticket.session_id: ticket for ticket in tickets if ticket.state in AT_WINDOW}
    return [
        {
            "window": row.window,
            "paused": row.paused_at is not None,
            "number": at[row.id].number if row.id in at else None,
            "serving": row.id in at and at[row.id].state is State.SERVING,
        }
        for row in open_windows
    ]


def _calls(session: Session, hall_code: str, day: date) -> list[dict[str, Any]]:
    """The last calls, newest first; a number called again moves up instead of standing twice."""
    latest = (
        select(func.max(Call.id).label("id"), func.count().label("times"))
        .where(Call.hall_code == hall_code, Call.day == day)
        .group_by(Call.ticket_id)
        .order_by(func.max(Call.id).desc())
        .limit(LAST_CALLS)
        .subquery()
    )
    rows = session.execute(
        select(Call.id, Call.window, Call.at, Ticket.prefix, Ticket.seq, latest.c.times)
        .join(latest, latest.c.id == Call.id)
        .join(Ticket, Ticket.id == Call.ticket_id)
        .order_by(Call.id.desc())
    )
    return [
        {
            "id": row.id,
            "number": f"{row.prefix}{row.seq:03d}",
            "window": row.window,
            "at": row.at,
            "times": row.times,
        }
        for row in rows
    ]


def pace(session: Session, hall_code: str, category: str) -> tuple[float, float]:
    """Minutes of serving, the quick and the slow quarter, from the last visits of this queue; kept for a minute."""
    key = hall_code, category
    kept = _paces.get(key)
    if kept is not None and time.monotonic() - kept[0] < PACE_FRESH_S:
        return kept[1]
    minutes = [
        seconds / 60
        for seconds in session.scalars(
            select(func.extract("epoch", Leg.ended_at - Leg.started_at))
            .join(Ticket, Ticket.id == Leg.ticket_id)
            .where(Ticket.hall_code == hall_code, Leg.category_code == category, Leg.outcome == "done")
            .where(Leg.started_at > clock.now() - LOOK_BACK)
            .order_by(Leg.started_at.desc())
            .limit(SAMPLE)
        )
    ]
    if len(minutes) < 8:
        found = USUAL_MINUTES
    else:
        low, _, high = quantiles((float(minute) for minute in minutes), n=4)
        found = max(low, 1.0), max(high, low, 1.0)
    _paces[key] = time.monotonic(), found
    return found
