"""What the entrance sees: masked names and last fours, never more."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from backend.appointments import matters
from backend.appointments import queries as appointments
from backend.appointments.checkin import Verdict
from backend.appointments.models import Appointment, AppointmentLine
from backend.appointments.states import State
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.identity import queries as identity
from backend.queueing.models import CheckIn, Ticket
from backend.queueing.service import Arrival

RECENT = 20
KNOWN_FOR = timedelta(days=30)
CANCELLED = (State.CANCELLED, State.CANCELLED_LATE, State.HALL_CANCELLED)


def arrival_view(session: Session, arrival: Arrival, language: str) -> dict[str, Any]:
    """The answer to a scan."""
    redeemed, made, ticket = arrival.redemption, arrival.check_in, arrival.ticket
    found, verdict = redeemed.appointment, redeemed.verdict
    used = found is not None and verdict is Verdict.ALREADY_USED
    elsewhere = found is not None and verdict is Verdict.WRONG_HALL
    return {
        "verdict": verdict.value,
        "accepted": redeemed.accepted,
        "check_in_id": made.id if made else None,
        "undo_until": arrival.undo_until,
        "used_at": _used_at(session, found) if found and used else None,
        "correct_hall": hall_ref(session, found.hall_code, language) if found and elsewhere else None,
        "appointment": _appointment(session, found, language) if found else None,
        "ticket": {"id": ticket.id, "number": ticket.number} if ticket else None,
        "server_time": clock.now(),
    }


def visits(session: Session, hall_code: str, person_id: UUID) -> bool:
    """Whether this person has a number or an appointment in the hall within thirty days, back or ahead."""
    now = clock.now()
    theirs = Ticket.person_id == person_id, Ticket.hall_code == hall_code, Ticket.created_at > now - KNOWN_FOR
    if session.scalar(select(exists().where(*theirs))):
        return True
    return appointments.concerns(
        session, hall_code=hall_code, person_id=person_id, first=now - KNOWN_FOR, last=now + KNOWN_FOR
    )


def today(session: Session, *, hall_code: str, language: str) -> dict[str, Any]:
    """The day of one hall in numbers, and its latest arrivals."""
    day = clock.today()
    states = (
        select(Appointment.state, func.count())
        .where(Appointment.hall_code == hall_code, Appointment.day == day)
        .group_by(Appointment.state)
    )
    by_state = {state: count for state, count in session.execute(states)}
    live = CheckIn.hall_code == hall_code, CheckIn.day == day, CheckIn.undone_at.is_(None)
    arrivals = select(CheckIn.arrival, func.count()).where(*live).group_by(CheckIn.arrival)
    by_arrival = {arrival: count for arrival, count in session.execute(arrivals)}
    recent = session.execute(
        select(CheckIn, Ticket, Appointment.person_id)
        .join(Ticket, Ticket.check_in_id == CheckIn.id)
        .join(Appointment, Appointment.id == CheckIn.appointment_id)
        .where(*live)
        .order_by(CheckIn.at.desc(), CheckIn.id.desc())
        .limit(RECENT)
    )
    return {
        "hall": hall_ref(session, hall_code, language),
        "date": day,
        "counts": {
            "booked": by_state.get(State.BOOKED, 0),
            "checked_in": sum(by_arrival.values()),
            "late": by_arrival.get(Verdict.LATE.value, 0),
            "cancelled": sum(by_state.get(state, 0) for state in CANCELLED),
        },
        "recent": [
            {
                "check_in_id": made.id,
                "at": made.at,
                "name_masked": identity.masked_name(session, person_id),
                "number": ticket.number,
                "arrival": made.arrival,
            }
            for made, ticket, person_id in recent
        ],
    }


def hall_ref(session: Session, hall_code: str, language: str) -> dict[str, str]:
    """A hall's code and name."""
    return {"code": hall_code, "name": catalogue.hall(session, hall_code).name.in_language(language)}


def _used_at(session: Session, found: Appointment) -> Any:
    query = select(CheckIn.at).where(CheckIn.appointment_id == found.id, CheckIn.undone_at.is_(None))
    return session.scalar(query)


def _appointment(session: Session, found: Appointment, language: str) -> dict[str, Any]:
    slugs = session.scalars(select(AppointmentLine.item_slug).where(AppointmentLine.appointment_id == found.id))
    return {
        "id": found.id,
        "name_masked": identity.masked_name(session, found.person_id),
        "id_tail": identity.masked_id_tail(session, found.person_id),
        "items": [catalogue.item(session, slug).name.in_language(language) for slug in slugs.all()],
        "slot": {"start": found.start, "end": found.end},
        "check_in_from": found.check_in_from,
        "people": found.people,
        "matter": matters.body(session, found.matter_id),
    }
