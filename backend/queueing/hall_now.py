"""今天: a hall at this moment as its lead sees it, and the windows planned for a day beside those that are open."""

from collections import Counter
from datetime import date, datetime
from typing import Any

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from backend.appointments import slots
from backend.appointments.models import Appointment
from backend.appointments.states import State as Visit
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.identity.models import Staff
from backend.queueing.figures import ZONE
from backend.queueing.models import Call, CheckIn, Ticket, WindowSession
from backend.queueing.states import AT_WINDOW, IN_LINE, State
from backend.queueing.waits import LEFT


def picture(session: Session, hall_code: str, language: str) -> dict[str, Any]:
    """Who waits and how long, which windows work, and what the day has come to so far. Waits in whole minutes."""
    now, day = clock.now(), clock.today()
    hours = slots.open_hours(session, hall_code, day)
    waiting, longest = _waiting(session, hall_code, day, now)
    windows = _windows(session, hall_code)
    working = Counter(code for row in windows if not row["paused"] for code in row["categories"])
    half = slots.half_of(now)
    planned = {row["code"]: row["halves"] for row in plan(session, hall_code, day, language)["queues"] if row["halves"]}
    return {
        "server_time": now,
        "opens": hours[0] if hours else None,
        "closes": hours[1] if hours else None,
        "queues": [
            {
                "code": category.code,
                "name": category.name.in_language(language),
                "prefix": category.prefix,
                "waiting": waiting[category.code],
                "longest_minutes": longest.get(category.code),
                "windows_open": working[category.code],
                "windows_planned": sum(
                    one["windows"] for one in planned.get(category.code, []) if one["half"] == half and one["open"]
                )
                if category.code in planned
                else None,
            }
            for category in catalogue.hall(session, hall_code).categories
        ],
        "windows": windows,
        "calls": _calls(session, hall_code, day),
        "so_far": _so_far(session, hall_code, day),
    }


def plan(session: Session, hall_code: str, day: date, language: str) -> dict[str, Any]:
    """Each queue's planned windows of both half-days, and how many windows work for it now. Raises CalendarNotLoaded.

    A queue without opening rules has no halves: it takes no bookings, and nobody planned its windows.
    """
    halves = slots.half_days(session, day, hall_code)
    working = Counter(code for row in _windows(session, hall_code) if not row["paused"] for code in row["categories"])
    return {
        "day": day,
        "queues": [
            {
                "code": category.code,
                "name": category.name.in_language(language),
                "prefix": category.prefix,
                "bookable": not category.walk_in_only,
                "open_now": working[category.code],
                "halves": [
                    {
                        "half": one.half,
                        "start": one.start,
                        "end": one.end,
                        "windows": one.windows,
                        "capacity": one.capacity,
                        "open": one.open,
                    }
                    for one in halves
                    if one.category_code == category.code
                ],
            }
            for category in catalogue.hall(session, hall_code).categories
        ],
    }


def _waiting(session: Session, hall_code: str, day: date, now: datetime) -> tuple[Counter[str], dict[str, int]]:
    """By queue: how many are in line, and the minutes of whoever waits longest; booked from their slot's start."""
    since = func.greatest(Ticket.created_at, Appointment.start)
    rows = session.execute(
        select(Ticket.category_code, func.count().label("count"), func.min(since).label("since"))
        .outerjoin(CheckIn, CheckIn.id == Ticket.check_in_id)
        .outerjoin(Appointment, Appointment.id == CheckIn.appointment_id)
        .where(Ticket.hall_code == hall_code, Ticket.day == day, Ticket.state.in_(IN_LINE))
        .group_by(Ticket.category_code)
    ).all()
    counts = Counter({row.category_code: row.count for row in rows})
    return counts, {row.category_code: max(0, int((now - row.since).total_seconds() // 60)) for row in rows}


def _windows(session: Session, hall_code: str) -> list[dict[str, Any]]:
    rows = session.execute(
        select(WindowSession, Staff.display_name, Ticket.prefix, Ticket.seq)
        .join(Staff, Staff.id == WindowSession.staff_id)
        .outerjoin(Ticket, (Ticket.session_id == WindowSession.id) & Ticket.state.in_(AT_WINDOW))
        .where(WindowSession.hall_code == hall_code, WindowSession.closed_at.is_(None))
        .order_by(WindowSession.window)
    )
    return [
        {
            "window": row.window,
            "staff": name,
            "categories": row.categories,
            "opened_at": row.opened_at,
            "paused": row.paused_at is not None,
            "number": f"{prefix}{seq:03d}" if prefix else None,
        }
        for row, name, prefix, seq in rows
    ]


def _calls(session: Session, hall_code: str, day: date) -> list[dict[str, int]]:
    """Numbers called for the first time, by hour."""
    first = (
        select(func.min(Call.at).label("at"))
        .where(Call.hall_code == hall_code, Call.day == day)
        .group_by(Call.ticket_id)
        .subquery()
    )
    hour = cast(func.extract("hour", func.timezone(ZONE, first.c.at)), Integer)
    rows = session.execute(select(hour.label("hour"), func.count().label("calls")).group_by(hour).order_by(hour))
    return [{"hour": row.hour, "calls": row.calls} for row in rows]


def _so_far(session: Session, hall_code: str, day: date) -> dict[str, int]:
    tickets = session.execute(
        select(
            func.count().label("taken"),
            func.count().filter(Ticket.state == State.DONE).label("served"),
            func.count().filter(Ticket.state.in_(LEFT)).label("left"),
        ).where(Ticket.hall_code == hall_code, Ticket.day == day)
    ).one()
    visits = session.execute(
        select(
            func.count().filter(Appointment.state == Visit.BOOKED).label("expected"),
            func.count().filter(Appointment.state == Visit.NO_SHOW).label("no_shows"),
        ).where(Appointment.hall_code == hall_code, Appointment.day == day)
    ).one()
    return {**tickets._asdict(), **visits._asdict()}
