"""An appointment as something to mail: papers beforehand, or the result of the visit afterwards."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.appointments.models import Appointment, AppointmentLine
from backend.appointments.states import State
from backend.catalogue import queries as catalogue
from backend.catalogue.mailing import subject_of
from express.errors import SubjectNotFound
from express.subjects import Asking, Subject

MAILED = (State.BOOKED, State.CHECKED_IN, State.FULFILLED)


def appointment(session: Session, asking: Asking) -> Subject:
    """One item of an appointment of this citizen, or of this hall for staff. Raises SubjectNotFound."""
    try:
        appointment_id = UUID(asking.subject_id)
    except ValueError:
        raise SubjectNotFound() from None
    query = select(Appointment).where(Appointment.id == appointment_id, Appointment.state.in_(MAILED))
    if asking.person_id is not None:
        query = query.where(Appointment.person_id == asking.person_id)
    else:
        query = query.where(Appointment.hall_code == asking.hall)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise SubjectNotFound()
    lines = select(AppointmentLine.item_slug).where(AppointmentLine.appointment_id == found.id)
    slugs = list(session.scalars(lines.order_by(AppointmentLine.item_slug)))
    if asking.item is not None and asking.item not in slugs:
        raise SubjectNotFound()
    item = catalogue.item(session, asking.item or slugs[0])
    return subject_of(item, found.hall_code, person_id=found.person_id)
