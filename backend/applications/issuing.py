"""综合出件: the result is made, handed over at a window, by courier or as a download, and receipt is noted."""

from uuid import UUID

from sqlalchemy.orm import Session

from backend.applications import desk, moves, notices
from backend.applications.case_models import Case
from backend.applications.desk import Desk
from backend.applications.errors import DeliveryNotAgreed, FeeUnpaid, InCabinet, MaterialUnusable, ResultMissing
from backend.applications.states import HANDED_OUT, CaseEvent, CaseState
from backend.applications.threads import CASE
from backend.catalogue import queries as catalogue
from backend.core import audit, clock
from backend.files import service as files
from express import queries as shipments

RESULT = "case_result"
"""What the result document belongs to."""


def conclude(session: Session, case: Case, by: Desk, *, file_id: UUID | None, paper: bool, seal: str | None) -> None:
    """办结: the result is there, as a file of the case or on paper. Raises ResultMissing, FeeUnpaid, OtherHand."""
    if not (file_id or paper) or case.decision_document is None:
        raise ResultMissing()
    if case.state == CaseState.GRANTED and case.fee_state == "due" and case.fee_blocks != "nothing":
        raise FeeUnpaid()
    if file_id is not None:
        ready = {one.id: one for one in files.ready_files(session, RESULT, str(case.id))}
        if file_id not in ready:
            raise ResultMissing()
        case.result_file_id, case.result_digest = file_id, ready[file_id].sha256.hex()
    case.result_seal, case.issued_by = seal, by.staff_id
    desk.step(session, case, CaseEvent.CONCLUDE, by)


def offer(session: Session, case: Case, by: Desk, *, hall_code: str | None) -> None:
    """待领取, at the hall the applicant chose, else where it was made. A download was agreed to instead of paper."""
    if case.delivery == "download" and case.result_file_id is not None:
        raise DeliveryNotAgreed()
    case.pickup_hall = case.pickup_hall or hall_code or case.hall_code
    hall = catalogue.hall(session, case.pickup_hall).name
    desk.step(session, case, CaseEvent.OFFER, by)
    notices.tell(session, case, "case_result", hall=hall.zh, hall_en=hall.en)


def mail(session: Session, case: Case, by: Desk) -> None:
    """已寄出, if the applicant chose the courier; the shipment has its own life. Raises DeliveryNotAgreed."""
    if case.delivery != "mail":
        raise DeliveryNotAgreed()
    desk.step(session, case, CaseEvent.MAIL, by)


def come_back(session: Session, case: Case, by: Desk) -> None:
    """The courier brought it back: it waits at the window."""
    case.delivery, case.pickup_hall = "window", case.hall_code
    hall = catalogue.hall(session, case.pickup_hall).name
    desk.step(session, case, CaseEvent.COME_BACK, by)
    notices.tell(session, case, "case_result", key="back", hall=hall.zh, hall_en=hall.en)


def lies_ready(session: Session, case: Case) -> None:
    """The same, known from the courier: the hall has put it into its cabinet. The caller holds the lock."""
    event = CaseEvent.COME_BACK if case.state == CaseState.MAILED else CaseEvent.OFFER
    case.delivery, case.pickup_hall = "window", case.hall_code
    moves.move(session, case, event, actor="system", reason="mail")


def hand_over(session: Session, case: Case, by: Desk, *, signature_id: UUID, authorisation: str | None) -> None:
    """送达 at the window of the pick-up hall, with the receiver's identity checked and their signature as a file.

    Raises MaterialUnusable for a signature that is not a checked file of this case, and InCabinet for what came back
    by mail: its shipment ends with it.
    """
    if shipments.is_held(session, CASE, str(case.id)):
        raise InCabinet()
    signed = {one.id: one for one in files.ready_files(session, CASE, str(case.id))}.get(signature_id)
    if signed is None:
        raise MaterialUnusable()
    case.delivered_at = clock.now()
    if not desk.step(session, case, CaseEvent.DELIVER, by):
        return
    audit.record(
        session,
        actor=by.actor,
        action="case.handed_over",
        object_type="case",
        object_id=case.id,
        hall_code=by.hall_code,
        data={"signature": signed.sha256.hex(), "authorisation": authorisation},
    )
    notices.tell(session, case, "case_delivered")


def delivered(session: Session, case: Case, *, actor: str, how: str) -> None:
    """送达 by courier or download; a repeat changes nothing. The caller holds the lock."""
    if case.state == CaseState.DELIVERED:
        return
    case.delivered_at = clock.now()
    moves.move(session, case, CaseEvent.DELIVER, actor=actor, reason=how)
    audit.record(
        session,
        actor=actor,
        action="case.delivered",
        object_type="case",
        object_id=case.id,
        hall_code=case.hall_code,
        data={"how": how},
    )
    notices.tell(session, case, "case_delivered")


def download(session: Session, case: Case, *, actor: str) -> UUID:
    """The applicant opens the result: logged each time, and delivered with the first. Raises DeliveryNotAgreed."""
    if case.result_file_id is None or case.state not in HANDED_OUT:
        raise ResultMissing()
    if case.delivery_consent_at is None:
        raise DeliveryNotAgreed()
    audit.record(
        session,
        actor=actor,
        action="case.result_downloaded",
        object_type="case",
        object_id=case.id,
        hall_code=case.hall_code,
        data={"digest": case.result_digest},
    )
    if case.delivery == "download":
        delivered(session, case, actor=actor, how="download")
    return case.result_file_id
