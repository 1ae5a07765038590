"""后台: taking a case up, special steps, extension, the departments' opinions, and the decision."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications import case_clock, clocks, desk, moves, notices
from backend.applications.case_models import Case, CasePart, CaseSpecial
from backend.applications.desk import Desk
from backend.applications.errors import CaseNotFound, ExtensionUsed, OpinionsMissing, OtherHand, StepNotListed
from backend.applications.states import DECIDE, UNDECIDED, CaseEvent, PartEvent, PartState
from backend.catalogue.versions import queries as versions
from backend.core import audit, clock
from backend.core.errors import FieldError, Text
from backend.core.states import transition


def take_up(session: Session, case: Case, by: Desk) -> None:
    """承办: an approver begins."""
    desk.step(session, case, CaseEvent.REVIEW, by)


def begin_step(session: Session, case: Case, by: Desk, *, code: str, days: int | None, document: str) -> None:
    """特别程序: a step that the item's version lists, each once, for at most its days, told in writing.

    Source: circular clause 22, 行政许可法 45.
    """
    listed = {row.id: row for row in versions.special_steps(session, case.item_slug, case.item_version)}
    taken = session.scalars(select(CaseSpecial.step_code).where(CaseSpecial.case_id == case.id)).all()
    if code not in listed or code in taken:
        raise StepNotListed()
    row = listed[code]
    if days is not None and days > row.days:
        raise StepNotListed(errors=_at_most(row.days))
    most, today = days or row.days, clock.today()
    ends_by = case_clock.day_after(session, today, most)
    session.add(
        CaseSpecial(
            case_id=case.id,
            step_code=code,
            days=most,
            began_on=today,
            ends_by=ends_by,
            document=document,
            began_by=by.actor,
        )
    )
    desk.step(session, case, CaseEvent.PAUSE, by, reason=row.name.zh)
    case_clock.recount(session, case)
    case_clock.note_owed(session, case)
    notices.tell(session, case, "case_special", key=code, until=ends_by, reason=row.name.zh, reason_en=row.name.en)


def end_step(session: Session, case: Case, by: Desk) -> None:
    """The step is over; the clock goes on tomorrow."""
    if desk.step(session, case, CaseEvent.RESUME, by):
        _close_step(session, case, clock.today())


def end_overdue_step(session: Session, case: Case) -> None:
    """The step has used its days: the clock goes on whether it is over or not."""
    row = _open_step(session, case)
    moves.move(session, case, CaseEvent.RESUME, actor="system", reason="特别程序的时间用完")
    if row is not None:
        _close_step(session, case, row.ends_by or clock.today())


def extend(session: Session, case: Case, by: Desk, *, days: int, reason: str, document: str) -> None:
    """延长期限, once, by approval and with its reason: ten working days, fifteen in a joint handling (art. 42)."""
    most = clocks.JOINT_EXTENSION if case.joint else clocks.DECISION_EXTENSION
    if case.extended_days or case.accepted_on is None or case.state not in UNDECIDED:
        raise ExtensionUsed()
    if days > most:
        raise ExtensionUsed(errors=_at_most(most))
    case.extended_days = days
    session.flush()
    case_clock.recount(session, case)
    case_clock.note_owed(session, case)
    audit.record(
        session,
        actor=by.actor,
        action="case.extended",
        object_type="case",
        object_id=case.id,
        hall_code=by.hall_code,
        reason=reason,
        data={"days": days, "document": document},
    )
    notices.tell(session, case, "case_extended", until=case.promise_due_on, reason=reason)


def give_opinion(session: Session, case: Case, by: Desk, *, part_id: UUID, agree: bool, opinion: str) -> None:
    """并联: a department's answer, by somebody who has given no other department's. Raises CaseNotFound, OtherHand."""
    part = session.scalars(select(CasePart).where(CasePart.id == part_id, CasePart.case_id == case.id)).one_or_none()
    if part is None or part.hall_code != by.hall_code or case.state not in UNDECIDED:
        raise CaseNotFound()
    desk.demand_hand(session, case, DECIDE, by)
    given = select(CasePart.id).where(CasePart.case_id == case.id, CasePart.given_by == by.staff_id)
    if session.scalar(given) is not None:
        raise OtherHand(Text("一个人只能代表一个部门", "One person speaks for one department"))
    part.opinion, part.given_by = opinion, by.staff_id
    session.flush()
    transition(session, part, PartEvent.AGREE if agree else PartEvent.REFUSE, actor=by.actor, reason=opinion)
    audit.record(
        session,
        actor=by.actor,
        action="case.opinion",
        object_type="case",
        object_id=case.id,
        hall_code=by.hall_code,
        reason=opinion,
        data={"department": part.department_code, "agree": agree},
    )


def decide(session: Session, case: Case, by: Desk, *, grant: bool, document: str, reason: str | None) -> None:
    """决定, with its document number; a refusal with its reason. Every department has answered, and none refused.

    Raises OpinionsMissing, OtherHand, InvalidTransition.
    """
    parts = session.scalars(select(CasePart.state).where(CasePart.case_id == case.id)).all()
    if PartState.PENDING in parts:
        raise OpinionsMissing()
    if grant and PartState.REFUSED in parts:
        raise OpinionsMissing(Text("有部门不同意，不能准予", "A department has refused"))
    today = clock.today()
    case.decided_on, case.decided_by = today, by.staff_id
    case.decision_document, case.reason = document, None if grant else reason
    case.deliver_by = case_clock.day_after(session, today, clocks.DELIVERY_DAYS)
    desk.step(session, case, CaseEvent.GRANT if grant else CaseEvent.DENY, by, reason=reason)
    words = ("准予", "granted") if grant else (f"不予，{reason}", f"refused: {reason}")
    notices.tell(session, case, "case_decided", reason=words[0], reason_en=words[1])


def _at_most(days: int) -> list[FieldError]:
    return [FieldError("/days", Text(f"最多 {days} 个工作日", f"At most {days} working days"))]


def _open_step(session: Session, case: Case) -> CaseSpecial | None:
    return session.scalars(
        select(CaseSpecial).where(CaseSpecial.case_id == case.id, CaseSpecial.ended_on.is_(None))
    ).one_or_none()


def _close_step(session: Session, case: Case, on: date) -> None:
    row = _open_step(session, case)
    if row is not None:
        row.ended_on = on
        session.flush()
    case_clock.recount(session, case)
    case_clock.note_owed(session, case)
