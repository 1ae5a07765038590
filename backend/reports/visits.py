"""实际跑动: on which days somebody came to which hall for a case (circular, clause 10).

Coming twice to one hall on one day is one visit, whatever was done there. What is mailed, and what is done online,
is none. An arrival that staff took back does not count.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.case_models import Case, CaseEventRow
from backend.applications.states import CaseEvent
from backend.appointments.models import Appointment
from backend.core import clock
from backend.queueing.models import CheckIn, Ticket
from backend.queueing.states import State as TicketState

Visit = tuple[date, str]
"""Day and hall."""

BY_STAFF: Final = "staff:"
AT_WINDOW: Final = "window"


def arrivals(session: Session, case_ids: Sequence[UUID]) -> dict[UUID, set[Visit]]:
    """When people came for these cases: appointments that were kept, and numbers that were served."""
    found: dict[UUID, set[Visit]] = defaultdict(set)
    kept = (
        select(Case.id, CheckIn.day, CheckIn.hall_code)
        .join(Appointment, Appointment.matter_id == Case.application_id)
        .join(CheckIn, CheckIn.appointment_id == Appointment.id)
        .where(CheckIn.undone_at.is_(None))
    )
    served = (
        select(Case.id, Ticket.day, Ticket.hall_code)
        .join(Ticket, Ticket.matter_id == Case.application_id)
        .where(Ticket.state == TicketState.DONE)
    )
    for query in (kept, served):
        for case_id, day, hall_code in session.execute(query.where(Case.id.in_(case_ids))):
            found[case_id].add((day, hall_code))
    return found


def count(case: Case, events: Sequence[CaseEventRow], arrived: set[Visit], *, mailed_in: bool) -> int:
    """Visits for a case, from its own steps and from the arrivals of its appointments."""
    made: set[Visit] = set(arrived)
    if case.channel != "online" and case.filed_hall is not None:
        made.add((clock.civil(case.submitted_at).date(), case.filed_hall))
    for event in events:
        hall = _hall_of(case, event, mailed_in=mailed_in)
        if hall is not None:
            made.add((clock.civil(event.at).date(), hall))
    return len(made)


def handed_over(event: CaseEventRow) -> bool:
    """Whether this step gave the result to somebody at a window."""
    return event.event == CaseEvent.DELIVER and (event.actor.startswith(BY_STAFF) or event.reason == AT_WINDOW)


def _hall_of(case: Case, event: CaseEventRow, *, mailed_in: bool) -> str | None:
    """The hall to which somebody came with the originals, or for the result; None for every other step.

    What is filed all online is received by the filing itself, and a partner point passes its papers on.
    """
    if handed_over(event):
        return case.pickup_hall or case.hall_code
    brought = case.channel == "online" and event.event == CaseEvent.RECEIVE and event.actor.startswith(BY_STAFF)
    return case.hall_code if brought and not mailed_in else None
