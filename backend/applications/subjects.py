"""What files of applications and cases belong to, and who may see and add them."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications import desk, drafts, queries, staff_queries
from backend.applications.case_models import Case
from backend.applications.desk import Desk
from backend.applications.errors import ApplicationNotFound, CaseNotFound
from backend.applications.issuing import RESULT
from backend.applications.materials import APPLICATION
from backend.applications.models import Application
from backend.applications.states import EDITABLE, HANDED_OUT, ISSUE, CaseState
from backend.applications.threads import CASE
from backend.core.auth import Principal
from backend.files.subjects import SubjectType, register


def register_kinds() -> None:
    """Make them known to this process."""
    register(SubjectType(APPLICATION, reads=_reads_application, writes=_writes_application, person_of=_person_of))
    register(SubjectType(CASE, reads=_sees_case, writes=_sees_case, number_of=_number_of))
    register(SubjectType(RESULT, reads=_reads_result, writes=_writes_result))


def _reads_application(session: Session, asker: Principal, subject_id: str) -> bool:
    found = _application(session, subject_id)
    if found is None:
        return False
    if asker.kind == "citizen":
        return found.person_id == asker.id or _fills_in(session, found, asker)
    case = session.scalars(select(Case).where(Case.application_id == found.id)).one_or_none()
    if case is None:
        return asker.kind == "staff" and found.started_by == asker.actor and found.hall_code == asker.hall_code
    return _sees_case(session, asker, str(case.id))


def _writes_application(session: Session, asker: Principal, subject_id: str) -> bool:
    """Whoever fills it in, while it is open; and the front desk that scans originals."""
    found = _application(session, subject_id)
    if found is None:
        return False
    if asker.kind == "citizen":
        return found.state in EDITABLE and _fills_in(session, found, asker)
    if asker.kind != "staff":
        return False
    if found.state in EDITABLE:
        return found.started_by == asker.actor and found.hall_code == asker.hall_code
    case = session.scalars(select(Case).where(Case.application_id == found.id)).one()
    return staff_queries.may_scan(case, asker)


def _sees_case(session: Session, asker: Principal, subject_id: str) -> bool:
    try:
        if asker.kind == "citizen":
            queries.own_case(session, UUID(subject_id), asker.id)
        elif asker.kind == "staff" and "cases.read" in asker.permissions:
            desk.seen(session, UUID(subject_id), Desk(asker.id, asker.hall))
        else:
            return False
    except (CaseNotFound, ValueError):
        return False
    return True


def _reads_result(session: Session, asker: Principal, subject_id: str) -> bool:
    """Its applicant, once it is handed out, who agreed to electronic delivery; staff at any time."""
    if not _sees_case(session, asker, subject_id):
        return False
    case = session.get_one(Case, UUID(subject_id))
    return asker.kind == "staff" or (case.state in HANDED_OUT and case.delivery_consent_at is not None)


def _writes_result(session: Session, asker: Principal, subject_id: str) -> bool:
    if asker.kind != "staff" or ISSUE not in asker.permissions or not _sees_case(session, asker, subject_id):
        return False
    case = session.get_one(Case, UUID(subject_id))
    return case.hall_code == asker.hall_code and case.state in (CaseState.GRANTED, CaseState.DENIED)


def _person_of(session: Session, subject_id: str) -> UUID | None:
    found = _application(session, subject_id)
    return found.person_id if found else None


def _number_of(session: Session, subject_id: str) -> str:
    case = session.get(Case, UUID(subject_id))
    return case.number if case else subject_id


def _fills_in(session: Session, found: Application, asker: Principal) -> bool:
    try:
        drafts.own(session, found.id, asker.id)
    except ApplicationNotFound:
        return False
    return True


def _application(session: Session, subject_id: str) -> Application | None:
    try:
        return session.get(Application, UUID(subject_id))
    except ValueError:
        return None
