"""What notices about a visit say, and which of them end with it."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend.appointments.models import Appointment
from backend.appointments.queries import particulars
from backend.catalogue import queries as catalogue
from notify.service import withdraw

REMINDERS = ("appointment_tomorrow", "appointment_soon")


def visit_params(session: Session, appointment: Appointment) -> dict[str, Any]:
    """Values of every template about an appointment: its first item, hall, address, time and number."""
    place = catalogue.hall(session, appointment.hall_code)
    item = catalogue.item(session, particulars(session, appointment).slugs[0])
    return {
        "code": appointment.code,
        "hall": place.name.zh,
        "hall_en": place.name.en,
        "address": place.address_line.zh,
        "address_en": place.address_line.en,
        "item": item.name.zh,
        "item_en": item.name.en,
        "start": appointment.start.isoformat(),
    }


def withdraw_reminders(session: Session, appointment_id: UUID) -> None:
    """Nobody is to come any more: reminders that wait for the morning are not sent."""
    withdraw(session, *(f"{template}:{appointment_id}" for template in REMINDERS))
