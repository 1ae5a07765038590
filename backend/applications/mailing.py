"""A case as something to mail: papers to the hall before, the result to the applicant after."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from backend.applications import desk, queries
from backend.applications.desk import Desk
from backend.applications.errors import CaseNotFound
from backend.applications.states import UNDECIDED, CaseState
from backend.catalogue import queries as catalogue
from backend.catalogue.mailing import subject_of
from express.errors import SubjectNotFound
from express.models import Direction
from express.subjects import Asking, Subject

RESULT_READY = (CaseState.CONCLUDED, CaseState.READY)


def case(session: Session, asking: Asking) -> Subject:
    """A case of this citizen, or of this hall for staff. Raises SubjectNotFound.

    Papers travel to the hall before the decision, the result after it; nothing does once the case is over.
    """
    try:
        case_id = UUID(asking.subject_id)
        if asking.person_id is not None:
            found = queries.own_case(session, case_id, asking.person_id)
        else:
            found = desk.seen(session, case_id, Desk(UUID(int=0), asking.hall or ""))
    except (ValueError, CaseNotFound):
        raise SubjectNotFound() from None
    item = catalogue.item(session, found.item_slug)
    known = {"person_id": found.filer_id, "ready": found.state in RESULT_READY}
    subject = subject_of(item, found.hall_code, **known)
    now = {Direction.MATERIAL_IN} if found.state in UNDECIDED else {Direction.RESULT_OUT, Direction.ORIGINAL_BACK}
    kind = "organisation" if found.organisation_id else "person"
    return replace(subject, directions=subject.directions & now, applicant_type=kind)
