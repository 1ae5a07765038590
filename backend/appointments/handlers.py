"""Reactions to what other features tell."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import aliased

from backend.appointments.conduct_models import ConductMark
from backend.appointments.models import Appointment, AppointmentLine, VisitMatter
from backend.core.db import transaction


def on_person_merged(kept: str, former: str) -> None:
    """Two records were one person: appointments follow the one that remains."""
    new, old = UUID(kept), UUID(former)
    with transaction() as session:
        session.execute(update(Appointment).where(Appointment.person_id == old).values(person_id=new))
        session.execute(update(Appointment).where(Appointment.booker_id == old).values(booker_id=new))
        for column in (VisitMatter.person_id, VisitMatter.filer_id):
            session.execute(update(VisitMatter).where(column == old).values({column.key: new}))
        session.execute(update(ConductMark).where(ConductMark.person_id == old).values(person_id=new))
        session.execute(
            update(AppointmentLine)
            .where(AppointmentLine.person_id == old, ~AppointmentLine.active)
            .values(person_id=new)
        )
        # An active line may collide with one the other record had that day; then both visits stay as booked.
        mine = aliased(AppointmentLine)
        collides = (
            select(mine.appointment_id)
            .where(mine.person_id == new, mine.family == AppointmentLine.family, mine.day == AppointmentLine.day)
            .where(mine.active)
            .exists()
        )
        session.execute(
            update(AppointmentLine).where(AppointmentLine.person_id == old, ~collides).values(person_id=new),
            execution_options={"synchronize_session": False},
        )
