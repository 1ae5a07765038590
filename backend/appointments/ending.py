"""Visits for an item that was abolished or merged: nobody comes in vain (circular clause 16)."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.appointments import service
from backend.appointments.closing import WAITING
from backend.appointments.models import Appointment, AppointmentLine
from backend.catalogue import queries as catalogue
from backend.core import clock


def waiting(session: Session, limit: int = 100) -> list[UUID]:
    """Appointments and holds of a day on which none of their items is done any more."""
    ended = {item.slug: item for item in catalogue.ending_items(session)}
    if not ended:
        return []
    rows = session.execute(
        select(Appointment.id, Appointment.day, func.array_agg(AppointmentLine.item_slug))
        .join(AppointmentLine, AppointmentLine.appointment_id == Appointment.id)
        .where(Appointment.state.in_(WAITING), Appointment.day >= clock.today())
        .group_by(Appointment.id)
        .having(func.bool_and(AppointmentLine.item_slug.in_(list(ended))))
        .order_by(Appointment.start, Appointment.id)
    ).all()
    return [row_id for row_id, day, slugs in rows if not any(ended[slug].done_on(day) for slug in slugs)][:limit]


def cancel(session: Session, appointment_id: UUID) -> bool:
    """Release the hold, or cancel the appointment with a notice that names the item to use instead."""
    found = session.scalars(
        select(Appointment)
        .where(Appointment.id == appointment_id, Appointment.state.in_(WAITING))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return False
    slug = session.scalars(
        select(AppointmentLine.item_slug).where(AppointmentLine.appointment_id == found.id).limit(1)
    ).one()
    item = catalogue.item(session, slug)
    end = item.ended or item.ending
    zh, en = "事项不再办理", "the item is not done any more"
    if end is not None and end.successor is not None:
        successor = catalogue.item(session, end.successor).name
        zh, en = f"{zh}，请改办“{successor.zh}”", f"{en}, please use {successor.en}"
    service.hall_closes(session, found, actor="system", reason=zh, reason_en=en)
    return True
