"""统计: how long people waited over some days and how many were served, missed or gave up, for those who run a hall.

Read from tickets and calls, so that medians are exact; the public averages of one day are `waits`.
"""

from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import Date, Integer, Numeric, Subquery, case, cast, func, select
from sqlalchemy.orm import Session

from backend.appointments.models import Appointment
from backend.appointments.states import State as Visit
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.queueing.models import Call, CheckIn, Ticket, WindowSession
from backend.queueing.ordering import Kind
from backend.queueing.states import State
from backend.queueing.waits import LEFT

ZONE = "Asia/Shanghai"
CAME = (Visit.CHECKED_IN, Visit.FULFILLED, Visit.LEFT)
NOBODY: dict[str, Any] = {
    "taken": 0,
    "called": 0,
    "served": 0,
    "left": 0,
    "average_minutes": None,
    "median_minutes": None,
    "p90_minutes": None,
    "longest_minutes": None,
}


def period(session: Session, hall_code: str, first: date, last: date, language: str) -> dict[str, Any]:
    """A hall's figures from `first` to `last`, in all, by day, by hour of arrival and by queue. Waits in minutes.

    `booked` and `walk_in` stand side by side everywhere (circular, clause 12).
    """
    waited = _waits(hall_code, first, last)
    by_day, by_hour, by_queue = (_grouped(session, waited, name) for name in ("day", "hour", "category_code"))
    visits, windows = _visits(session, hall_code, first, last), _window_hours(session, hall_code, first, last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    names = {category.code: category.name.in_language(language) for category in catalogue.categories(session)}
    return {
        "total": {
            **_both(_grouped(session, waited, None).get(None, {})),
            "expected": sum(came for came, _ in visits.values()),
            "no_shows": sum(missed for _, missed in visits.values()),
            "window_hours": round(sum(windows.values()), 1),
        },
        "days": [
            {
                "date": day,
                **_both(by_day.get(day, {})),
                "expected": visits.get(day, (0, 0))[0],
                "no_shows": visits.get(day, (0, 0))[1],
                "window_hours": round(windows.get(day, 0.0), 1),
            }
            for day in days
        ],
        "hours": [{"hour": hour, **_both(kinds)} for hour, kinds in sorted(by_hour.items())],
        "queues": [
            {"code": code, "name": names.get(code, code), **_both(kinds)} for code, kinds in sorted(by_queue.items())
        ],
    }


def by_day_and_hour(session: Session, hall_code: str, first: date, last: date) -> Sequence[Any]:
    """One row a day, hour of arrival, queue and kind that had anybody, in this order."""
    waited = _waits(hall_code, first, last)
    keys = waited.c.day, waited.c.hour, waited.c.category_code, waited.c.kind
    return session.execute(select(*keys, *_measures(waited)).group_by(*keys).order_by(*keys)).all()


def _waits(hall_code: str, first: date, last: date) -> Subquery:
    """Each ticket with its seconds from arrival to the first call; booked: from the slot's start, if that is later."""
    call = (
        select(Call.ticket_id, func.min(Call.at).label("at"))
        .where(Call.hall_code == hall_code, Call.day.between(first, last))
        .group_by(Call.ticket_id)
        .subquery()
    )
    since = case(
        (Ticket.kind == Kind.BOOKED, func.greatest(Ticket.created_at, Appointment.start)), else_=Ticket.created_at
    )
    return (
        select(
            Ticket.day,
            Ticket.category_code,
            Ticket.kind,
            Ticket.state,
            cast(func.extract("hour", func.timezone(ZONE, Ticket.created_at)), Integer).label("hour"),
            case((call.c.at.is_not(None), func.greatest(0, func.extract("epoch", call.c.at - since)))).label("wait_s"),
        )
        .outerjoin(call, call.c.ticket_id == Ticket.id)
        .outerjoin(CheckIn, CheckIn.id == Ticket.check_in_id)
        .outerjoin(Appointment, Appointment.id == CheckIn.appointment_id)
        .where(Ticket.hall_code == hall_code, Ticket.day.between(first, last))
        .subquery()
    )


def _measures(waited: Subquery) -> list[Any]:
    def minutes(seconds: Any, name: str) -> Any:
        return func.round(cast(seconds / 60, Numeric), 1).label(name)

    wait = waited.c.wait_s
    return [
        func.count().label("taken"),
        func.count(wait).label("called"),
        func.count().filter(waited.c.state == State.DONE).label("served"),
        func.count().filter(waited.c.state.in_(LEFT)).label("left"),
        minutes(func.avg(wait), "average_minutes"),
        minutes(func.percentile_cont(0.5).within_group(wait), "median_minutes"),
        minutes(func.percentile_cont(0.9).within_group(wait), "p90_minutes"),
        minutes(func.max(wait), "longest_minutes"),
    ]


def _grouped(session: Session, waited: Subquery, name: str | None) -> dict[Any, dict[Kind, dict[str, Any]]]:
    keys = [waited.c.kind] if name is None else [waited.c[name], waited.c.kind]
    found: dict[Any, dict[Kind, dict[str, Any]]] = {}
    for row in session.execute(select(*keys, *_measures(waited)).group_by(*keys)).mappings():
        figures = {measure: row[measure] for measure in NOBODY}
        found.setdefault(row[name] if name else None, {})[row["kind"]] = figures
    return found


def _both(kinds: dict[Kind, dict[str, Any]]) -> dict[str, Any]:
    return {kind.value: kinds.get(kind, NOBODY) for kind in Kind}


def _visits(session: Session, hall_code: str, first: date, last: date) -> dict[date, tuple[int, int]]:
    """By day: appointments whose time came, and those of them that were missed."""
    missed = Appointment.state == Visit.NO_SHOW
    rows = session.execute(
        select(Appointment.day, func.count(), func.count().filter(missed))
        .where(Appointment.hall_code == hall_code, Appointment.day.between(first, last))
        .where(missed | Appointment.state.in_(CAME))
        .group_by(Appointment.day)
    )
    return {day: (came, gone) for day, came, gone in rows}


def _window_hours(session: Session, hall_code: str, first: date, last: date) -> dict[date, float]:
    """Hours that windows were open and not paused, by the day they opened; one that is open counts until now."""
    day = cast(func.timezone(ZONE, WindowSession.opened_at), Date)
    begun = clock.instant(first, time.min), clock.instant(last + timedelta(days=1), time.min)
    end = func.coalesce(WindowSession.paused_at, WindowSession.closed_at, clock.now())
    open_s = func.extract("epoch", end - WindowSession.opened_at) - WindowSession.paused_s
    rows = session.execute(
        select(day, func.sum(open_s))
        .where(WindowSession.hall_code == hall_code)
        .where(WindowSession.opened_at >= begun[0], WindowSession.opened_at < begun[1])
        .group_by(day)
    )
    return {opened: float(seconds) / 3600 for opened, seconds in rows}
