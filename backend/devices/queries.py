"""Reading devices, and what a device shows of tickets and appointments."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from backend.appointments import assist
from backend.appointments import queries as appointments
from backend.appointments.models import Appointment
from backend.catalogue import queries as catalogue
from backend.catalogue.bodies import summary_body
from backend.core import clock
from backend.devices import access, slips
from backend.devices.models import Device
from backend.devices.states import State
from backend.queueing import queries as entrance
from backend.queueing import ticket_queries
from backend.queueing.models import Ticket
from backend.queueing.service import Arrival
from backend.sites import queries as sites

KEY_LIFE = timedelta(days=90)
"""After so long a device should change its key."""


def state_view(session: Session, device_id: UUID, language: str) -> dict[str, Any]:
    """A device as it sees itself; `sandbox` is left to the caller."""
    found = session.get_one(Device, device_id)
    return {
        "id": found.id,
        "name": found.name,
        "place": place_of(session, device_id, language),
        "change_key_from": access.live_keys(session, device_id)[0].registered_at + KEY_LIFE,
        "server_time": clock.now(),
    }


def of_hall(session: Session, hall_code: str) -> list[Device]:
    """The devices of a hall: active, waiting, revoked; each group by name."""
    order = case({State.ACTIVE: 0, State.PENDING: 1}, value=Device.state, else_=2)
    query = select(Device).where(Device.hall_code == hall_code).order_by(order, Device.name, Device.id)
    return list(session.scalars(query))


def view(found: Device) -> dict[str, Any]:
    """A device as the hall's lead sees it."""
    names = ("id", "name", "created_at", "last_seen_at", "code_expires_at")
    return {"state": found.state.value, **{name: getattr(found, name) for name in names}}


def matters(session: Session, hall_code: str | None, language: str) -> dict[str, Any]:
    """The items that can be booked here, and a hall's queues; outside the halls every bookable item, and no queue."""
    return {
        "queues": ticket_queries.queues(session, hall_code, language) if hall_code else [],
        "items": [
            summary_body(item, language)
            for item in catalogue.items(session)
            if item.bookable and (hall_code is None or hall_code in item.booking.hall_codes)
        ],
    }


def held(session: Session, ticket: Ticket, address: str, language: str) -> dict[str, Any]:
    """A number for its holder: the ticket, its place in line, and what to print."""
    shown = ticket_queries.ticket_view(session, ticket, language)
    standing = ticket_queries.standing(session, ticket, language)
    return {
        "ticket": shown,
        "standing": standing,
        "slip": slips.of_ticket(shown, standing["ahead"], address, language),
    }


def booking(session: Session, row: Appointment, language: str) -> dict[str, Any]:
    """An appointment for its owner, and what to print."""
    shown = appointments.view(session, row, language)
    return {
        "appointment": shown,
        "slip": slips.of_appointment(shown, language),
        "reachable": assist.is_reachable(session, row.booker_id),
    }


def arrival(session: Session, arrived: Arrival, address: str, language: str) -> dict[str, Any]:
    """The answer to a code at a device: the entrance's without the person."""
    shown = entrance.arrival_view(session, arrived, language)
    visit = shown["appointment"] or {"check_in_from": None, "slot": None}
    return {
        **{name: shown[name] for name in ("verdict", "accepted", "used_at", "correct_hall", "server_time")},
        "check_in_from": visit["check_in_from"],
        "slot": visit["slot"],
        "held": held(session, arrived.ticket, address, language) if arrived.ticket else None,
    }


def place_of(session: Session, device_id: UUID, language: str) -> dict[str, str]:
    """The hall or site where a device stands."""
    found = session.get_one(Device, device_id)
    if found.hall_code:
        hall = catalogue.hall(session, found.hall_code)
        return {"kind": "hall", "code": hall.code, "name": hall.name.in_language(language)}
    site = sites.site(session, found.site_code or "")
    return {"kind": "site", "code": site.code, "name": sites.name_of(site, language)}
