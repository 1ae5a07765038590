"""How long people waited, with and without an appointment: for today from tickets, for past days from the ledger.

Both averages are public for each hall (circular clause 12: hidden limiting of walk-ins would show here).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments.models import Appointment
from backend.core import clock
from backend.queueing.models import Call, CheckIn, QueueHour, Ticket
from backend.queueing.ordering import Kind
from backend.queueing.states import OPEN, State

LEFT = (State.CANCELLED, State.ABANDONED, State.CLOSED)


@dataclass
class Hour:
    """Tickets of one queue, kind and hour of arrival. Waits are whole seconds, from arrival to the first call."""

    taken: int = 0
    called: int = 0
    served: int = 0
    left: int = 0
    wait_s: int = 0
    longest_s: int = 0

    def add(self, other: "Hour") -> None:
        """Sum counts and waits; keep the longest."""
        self.taken += other.taken
        self.called += other.called
        self.served += other.served
        self.left += other.left
        self.wait_s += other.wait_s
        self.longest_s = max(self.longest_s, other.longest_s)

    @property
    def average_minutes(self) -> float | None:
        """None when nobody was called."""
        return round(self.wait_s / self.called / 60, 1) if self.called else None


Key = tuple[str, Kind, int]
"""Category, kind, hour of arrival in Xiamen."""


def hours(session: Session, hall_code: str, day: date) -> dict[Key, Hour]:
    """The day's figures: from the ledger when it is closed, else from its tickets."""
    frozen = session.scalars(select(QueueHour).where(QueueHour.hall_code == hall_code, QueueHour.day == day)).all()
    if frozen:
        names = ("taken", "called", "served", "left", "wait_s", "longest_s")
        return {
            (row.category_code, row.kind, row.hour): Hour(**{name: getattr(row, name) for name in names})
            for row in frozen
        }
    return _count(session, hall_code, day)


def freeze(session: Session, hall_code: str, day: date) -> int:
    """Write a closed day into the ledger, once; returns how many rows are new. Nothing while tickets are open."""
    still_open = select(Ticket.id).where(Ticket.hall_code == hall_code, Ticket.day == day, Ticket.state.in_(OPEN))
    if session.scalar(still_open.limit(1)) is not None:
        return 0
    rows = [
        {"hall_code": hall_code, "day": day, "category_code": category, "kind": kind, "hour": hour, **vars(figures)}
        for (category, kind, hour), figures in _count(session, hall_code, day).items()
    ]
    if not rows:
        return 0
    made = session.execute(insert(QueueHour).values(rows).on_conflict_do_nothing().returning(QueueHour.hour))
    return len(made.all())


def unfrozen(session: Session, hall_codes: Iterable[str], until: date) -> Sequence[tuple[str, date]]:
    """Halls and days up to `until` that have tickets and no ledger yet."""
    days = (
        select(Ticket.hall_code, Ticket.day)
        .where(Ticket.hall_code.in_(list(hall_codes)), Ticket.day <= until, Ticket.day > until - timedelta(days=14))
        .distinct()
        .except_(select(QueueHour.hall_code, QueueHour.day).distinct())
    )
    return [(code, day) for code, day in session.execute(days)]


def summary(session: Session, hall_code: str, day: date) -> dict[str, Any]:
    """Booked and walk-in side by side, for the day and hour by hour."""
    totals = {kind: Hour() for kind in Kind}
    by_hour: dict[int, dict[Kind, Hour]] = defaultdict(lambda: {kind: Hour() for kind in Kind})
    for (_, kind, hour), figures in hours(session, hall_code, day).items():
        totals[kind].add(figures)
        by_hour[hour][kind].add(figures)
    return {
        "date": day,
        **{kind.value: _shown(figures) for kind, figures in totals.items()},
        "hours": [
            {"hour": hour, **{kind.value: _shown(figures) for kind, figures in kinds.items()}}
            for hour, kinds in sorted(by_hour.items())
        ],
    }


def _shown(figures: Hour) -> dict[str, Any]:
    return {
        "taken": figures.taken,
        "served": figures.served,
        "left": figures.left,
        "average_minutes": figures.average_minutes,
        "longest_minutes": round(figures.longest_s / 60, 1),
    }


def _count(session: Session, hall_code: str, day: date) -> dict[Key, Hour]:
    """A booked person waits from the slot's start, or from arrival when that is later."""
    first_call = (
        select(Call.ticket_id, func.min(Call.at).label("at"))
        .where(Call.hall_code == hall_code, Call.day == day)
        .group_by(Call.ticket_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Ticket.id,
            Ticket.category_code,
            Ticket.kind,
            Ticket.state,
            Ticket.created_at,
            Appointment.start,
            first_call.c.at,
        )
        .outerjoin(first_call, first_call.c.ticket_id == Ticket.id)
        .outerjoin(CheckIn, CheckIn.id == Ticket.check_in_id)
        .outerjoin(Appointment, Appointment.id == CheckIn.appointment_id)
        .where(Ticket.hall_code == hall_code, Ticket.day == day)
    )
    found: dict[Key, Hour] = defaultdict(Hour)
    for row in rows:
        since = max(row.created_at, row.start) if row.kind is Kind.BOOKED and row.start else row.created_at
        found[row.category_code, row.kind, clock.civil(row.created_at).hour].add(_one(row.state, since, row.at))
    return found


def _one(state: State, since: datetime, called_at: datetime | None) -> Hour:
    wait = max(0, int((called_at - since).total_seconds())) if called_at else 0
    return Hour(
        taken=1,
        called=int(called_at is not None),
        served=int(state is State.DONE),
        left=int(state in LEFT),
        wait_s=wait,
        longest_s=wait,
    )
