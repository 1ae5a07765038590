"""到厅: what booking and the hall know of a case, when a case needs its applicant in a hall, and the visits it had."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from backend.applications import form_queries, materials, profile
from backend.applications.case_models import Case, CaseCorrection
from backend.applications.materials import Requirement
from backend.applications.models import Application
from backend.applications.states import FINAL, UNDECIDED, CaseState
from backend.appointments import matters
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item
from backend.queueing import ticket_queries
from backend.queueing.states import State as TicketState

S = CaseState

CHECKED: Final = (
    S.PRE_APPROVED,
    S.ACCEPTED,
    S.AWAITING_FEE,
    S.REVIEWING,
    S.SPECIAL,
    S.GRANTED,
    S.DENIED,
    S.CONCLUDED,
    S.READY,
    S.MAILED,
    S.DELIVERED,
)
"""材料已预审: looked at and good enough to come with. Receiving papers changes nothing about that."""


def follow(session: Session, case: Case) -> None:
    """Tell booking how the case stands; whoever moves a case calls this."""
    matters.note(
        session,
        case.application_id,
        item_slug=case.item_slug,
        person_id=case.person_id,
        filer_id=case.filer_id,
        case_id=case.id,
        number=case.short_number,
        checked=None if case.state == S.RECEIVED else case.state in CHECKED,
        still_open=case.state not in FINAL,
    )


def join(session: Session, application: Application, appointment_id: UUID) -> None:
    """先在网上填好材料: an application that is being filled in goes with a visit that was booked before it.

    Raises NotFound, MatterDoesNotFit, MatterHasVisit.
    """
    matters.note(
        session,
        application.id,
        item_slug=application.item_slug,
        person_id=application.person_id,
        filer_id=application.filer_id,
    )
    matters.attach(session, booker_id=application.filer_id, appointment_id=appointment_id, matter_id=application.id)


def wanted(
    session: Session, case: Case, item: Item, asked: Sequence[Requirement], language: str
) -> dict[str, Any] | None:
    """What the applicant has to come to a hall for next, and where: `papers` or `collect`; None when for nothing.

    Only where an appointment for the item can be had.
    """
    why, hall_code = _why(session, case, asked), case.hall_code
    if why == "collect":
        hall_code = case.pickup_hall or case.hall_code
    if why is None or not item.bookable or hall_code not in item.booking.hall_codes:
        return None
    return {"why": why, "hall": hall_body(session, hall_code, language)}


def _why(session: Session, case: Case, asked: Sequence[Requirement]) -> str | None:
    if case.state == S.PRE_APPROVED:
        return "papers"
    if case.state == S.READY:
        return "collect"
    if case.state == S.CORRECTING:
        told = session.get_one(CaseCorrection, (case.id, "correct"))
        on_paper = {one.material.id for one in asked if one.how == materials.WINDOW}
        return "papers" if any(one["name"] in on_paper for one in told.materials) else None
    return None


def is_checked(session: Session, case: Case) -> bool:
    """材料已预审."""
    known = matters.body(session, case.application_id)
    return known is not None and bool(known["checked"])


def coming(session: Session, case: Case, language: str) -> list[dict[str, Any]]:
    """Visits that are booked or under way, as the applicant sees them."""
    return [
        {
            "id": one.id,
            "state": one.state,
            "hall": hall_body(session, one.hall_code, language),
            "start": one.start,
            "end": one.end,
        }
        for one in matters.coming(session, case.application_id)
    ]


def of_hall(session: Session, case: Case, language: str) -> dict[str, Any]:
    """Booked visits, the numbers taken, and how many times somebody was served: the actual visits 实际跑动."""
    numbers = ticket_queries.visits_for(session, case.application_id)
    return {
        "booked": coming(session, case, language),
        "numbers": [
            {
                "number": ticket.number,
                "day": ticket.day,
                "hall": hall_body(session, ticket.hall_code, language),
                "state": ticket.state,
            }
            for ticket in numbers
        ],
        "served": sum(ticket.state == TicketState.DONE for ticket in numbers),
    }


def at_hall(session: Session, case: Case, language: str) -> dict[str, Any]:
    """For staff in front of the applicant: what was never given, and which originals nobody has seen yet."""
    application = session.get_one(Application, case.application_id)
    item = catalogue.item(session, case.item_slug)
    form = form_queries.version_of(session, application.form_item, application.form_version)
    required = materials.requirements(session, item, form, profile.opened(application), application)
    before = case.state in UNDECIDED
    return {
        "checked": is_checked(session, case),
        "missing": [one.material.name.in_language(language) for one in required if before and not one.done],
        "to_see": [one.material.name.in_language(language) for one in required if before and _unseen(one)],
    }


def _unseen(one: Requirement) -> bool:
    if one.material.exempt or one.how == materials.NOTHING:
        return False
    on_paper = one.material.original > 0 or one.how == materials.WINDOW
    return on_paper and not any(given.kind == "paper" for given in one.given)


def hall_body(session: Session, code: str, language: str) -> dict[str, str]:
    """A hall's code and name."""
    return {"code": code, "name": catalogue.hall(session, code).name.in_language(language)}
