"""What applicants do with their case: withdraw it, choose how the result comes, rate it."""

from uuid import UUID

from sqlalchemy.orm import Session

from backend.applications import delivery, fees, moves, notices
from backend.applications.case_models import Case
from backend.applications.errors import DeliveryNotAgreed
from backend.applications.models import Application
from backend.applications.states import FINAL, ApplicationEvent, CaseEvent, CaseState
from backend.catalogue import queries as catalogue
from backend.core import audit
from backend.core.errors import Conflict, Text
from backend.core.states import transition
from backend.province.kinds import Kind
from backend.ratings import service as ratings


class NotYetRated(Conflict):
    """A case is rated once it is over."""

    code = "case_not_over"
    title = Text("办完以后才能评价", "You can rate this once it is done")


def withdraw(session: Session, case: Case, *, actor: str, reason: str | None) -> None:
    """撤回: any time before the decision. Raises InvalidTransition."""
    application = session.get_one(Application, case.application_id, with_for_update=True)
    transition(session, application, ApplicationEvent.SHUT, actor=actor)
    fees.call_off(session, case, actor=actor)
    case.reason, case.reply_by = reason, None
    moves.move(session, case, CaseEvent.WITHDRAW, actor=actor, reason=reason)
    audit.record(
        session, actor=actor, action="case.withdrawn", object_type="case", object_id=case.id, hall_code=case.hall_code
    )
    notices.tell(session, case, "case_withdrawn")


def choose_delivery(session: Session, case: Case, *, way: str, consent: bool, pickup_hall: str | None) -> None:
    """How the result is to come; a download only with consent to electronic delivery (clause 3.3).

    Raises DeliveryNotAgreed for a way that this case does not have, or once the result is on its way.
    """
    if case.state in (CaseState.MAILED, CaseState.READY) or case.state in FINAL:
        raise DeliveryNotAgreed()
    item = catalogue.item(session, case.item_slug)
    delivery.choose(session, case, item, way=way, consent=consent, pickup_hall=pickup_hall)
    if case.delivery == "window" and case.pickup_hall is None:
        case.pickup_hall = case.hall_code
        session.flush()


def rate(session: Session, case: Case, *, person_id: UUID, grade: int, words: str | None) -> None:
    """评价, once and after the end. Raises NotYetRated, RatedAlready."""
    if case.state not in (*FINAL, CaseState.CONCLUDED, CaseState.READY):
        raise NotYetRated()
    ratings.rate(
        session,
        subject_type="case",
        subject_id=str(case.id),
        hall_code=case.hall_code,
        person_id=person_id,
        grade=grade,
        words=words,
    )
    moves.tell_province(session, case, Kind.RATING, grade=grade)
