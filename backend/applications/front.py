"""前台: looking at what was handed in, receiving papers, one correction, accepting or not; and ending a dead case."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications import (
    case_clock,
    clocks,
    demands,
    desk,
    fees,
    form_queries,
    materials,
    moves,
    notices,
    profile,
)
from backend.applications.case_models import Case, CaseCorrection, CasePart, CasePartEventRow
from backend.applications.desk import Desk
from backend.applications.errors import CorrectionTold, MaterialNotAskedFor, ProofCancelled
from backend.applications.models import Application, ApplicationPaper
from backend.applications.states import ApplicationEvent, CaseEvent, PartEvent, PartState
from backend.catalogue import queries as catalogue
from backend.core import audit, clock, db
from backend.core.errors import FieldError, Text
from backend.core.states import record_event, transition
from backend.credit import service as credit

REPLY_DAYS: Final = 15
"""Working days an applicant has to send what was asked for, or to bring the originals."""

Asked = Sequence[dict[str, str]]
"""`[{"name": field or material, "words": what is wrong with it}]`."""


def send_back(session: Session, case: Case, by: Desk, *, words: str, fields: Asked, things: Asked) -> None:
    """预审退回: before papers are received; the applicant changes it and hands it in again."""
    _tell_what(session, case, by, kind="return", words=words, fields=fields, things=things)
    desk.step(session, case, CaseEvent.RETURN, by, reason=words)
    notices.tell(session, case, "case_returned", key=clock.now(), until=case.reply_by, reason=words)


def pre_approve(session: Session, case: Case, by: Desk) -> None:
    """预审通过: the originals may be brought."""
    case.reply_by = case_clock.day_after(session, clock.today(), REPLY_DAYS)
    desk.step(session, case, CaseEvent.PRE_APPROVE, by)
    hall = catalogue.hall(session, case.hall_code).name
    notices.tell(session, case, "case_checked", until=case.reply_by, hall=hall.zh, hall_en=hall.en)


def receive(session: Session, case: Case, by: Desk, *, papers: Sequence[str]) -> None:
    """收件 at the window: the papers that staff have in their hands. The five days of telling begin."""
    note_papers(session, session.get_one(Application, case.application_id), papers, actor=by.actor)
    case.received_on = clock.today()
    case.accept_by = case_clock.day_after(session, case.received_on, clocks.TELL_DAYS)
    case.reply_by = None
    desk.step(session, case, CaseEvent.RECEIVE, by)


def note_papers(session: Session, application: Application, papers: Sequence[str], *, actor: str) -> None:
    """Papers seen. Raises MaterialNotAskedFor for one that the item does not ask for, or that is 免提交."""
    demand_asked(session, application, papers)
    rows = [
        {"application_id": application.id, "requirement": paper, "seen_by": actor, "seen_at": clock.now()}
        for paper in papers
    ]
    if rows:
        session.execute(insert(ApplicationPaper).values(rows).on_conflict_do_nothing())


def demand_asked(session: Session, application: Application, names: Sequence[str]) -> None:
    """Nobody is asked for a material that is not on the item's list, or that the law lets them keep (clauses 9, 20).

    Raises MaterialNotAskedFor, ProofCancelled.
    """
    item = catalogue.item(session, application.item_slug)
    allowed = {
        material.id for material in item.materials if not material.exempt and material.source != materials.NOTHING
    }
    today = clock.today()
    cancelled = {
        material.id: proof.no_longer
        for material in item.materials
        if material.id in names and (proof := catalogue.cancelled_proof(session, material.name, on=today))
    }
    if cancelled:
        raise ProofCancelled(errors=[FieldError(f"/materials/{name}", words) for name, words in cancelled.items()])
    wrong = [name for name in names if name not in allowed]
    if wrong:
        words = Text("事项不要这份材料，不能让办事人交", "The item does not ask for that")
        raise MaterialNotAskedFor(errors=[FieldError(f"/materials/{name}", words) for name in wrong])


def correct(session: Session, case: Case, by: Desk, *, words: str, fields: Asked, things: Asked) -> None:
    """补正: everything that is missing or wrong, once (行政许可法 32). Raises CorrectionTold the second time."""
    if case.corrected_once:
        raise CorrectionTold()
    case.corrected_once = True
    _tell_what(session, case, by, kind="correct", words=words, fields=fields, things=things)
    desk.step(session, case, CaseEvent.CORRECT, by, reason=words)
    notices.tell(session, case, "case_correction", until=case.reply_by, reason=words)


def accept(session: Session, case: Case, by: Desk, *, region_code: str) -> None:
    """受理: the clock starts tomorrow, departments are asked, the fee is billed."""
    case.accepted_on, case.accepted_by = clock.today(), by.staff_id
    desk.step(session, case, CaseEvent.ACCEPT, by)
    after_acceptance(session, case, actor=by.actor, region_code=region_code)


def accept_by_silence(session: Session, case: Case, *, region_code: str) -> None:
    """Nobody told in five days: the law takes the case as accepted on the day its papers came."""
    case.accepted_on = case.received_on
    moves.move(session, case, CaseEvent.ACCEPT, actor="system", reason="五个工作日内没有告知，自收到之日起即为受理")
    audit.record(
        session,
        actor="system",
        action="case.accepted_by_silence",
        object_type="case",
        object_id=case.id,
        hall_code=case.hall_code,
    )
    after_acceptance(session, case, actor="system", region_code=region_code)


def after_acceptance(session: Session, case: Case, *, actor: str, region_code: str) -> None:
    """What acceptance brings with it, whoever or whatever accepted."""
    case.accept_by = None
    case_clock.recount(session, case)
    item, filing = form_queries.item_of(session, case.item_slug)
    _ask_departments(session, case, filing.departments, actor)
    application = session.get_one(Application, case.application_id)
    form = form_queries.version_of(session, application.form_item, application.form_version)
    due = fees.lines(item, form, profile.opened(application), case.accepted_on or clock.today())
    if item.credit_check:
        credit.ask(
            session,
            case_id=case.id,
            case_number=case.number,
            item_slug=case.item_slug,
            person_id=case.person_id,
            organisation_id=case.organisation_id,
            actor=actor,
        )
    fees.bill(session, case, item, due, region_code=region_code, actor=actor)
    notices.tell(session, case, "case_accepted", until=case.promise_due_on)
    if case.fee_state == "due" and case.fee_blocks == "review":
        moves.move(session, case, CaseEvent.AWAIT_FEE, actor="system", reason="交费后接着办")
    case_clock.note_owed(session, case)


def refuse(session: Session, case: Case, by: Desk, *, reason: str, document: str) -> None:
    """不予受理, in writing: with its reason and the number of the written notice."""
    case.reason, case.decision_document, case.accepted_by = reason, document, by.staff_id
    case.accept_by = None
    desk.step(session, case, CaseEvent.NOT_ACCEPT, by, reason=reason)
    notices.tell(session, case, "case_not_accepted", reason=reason)


def terminate(session: Session, case: Case, by: Desk, *, reason: str) -> None:
    """异常终止, by the hall's lead: a case that cannot go on, before its decision."""
    shut(session, case, actor=by.actor)
    case.reason = reason
    desk.step(session, case, CaseEvent.TERMINATE, by, reason=reason)
    notices.tell(session, case, "case_ended", reason=reason)


def lapse(session: Session, case: Case) -> None:
    """What was asked for did not come in time."""
    reason = "没有在期限内补上"
    shut(session, case, actor="system")
    case.reason = reason
    moves.move(session, case, CaseEvent.LAPSE, actor="system", reason=reason)
    audit.record(
        session, actor="system", action="case.lapsed", object_type="case", object_id=case.id, hall_code=case.hall_code
    )
    notices.tell(session, case, "case_ended", reason=reason)


def shut(session: Session, case: Case, *, actor: str) -> None:
    """Nothing more can be filled in, and nothing is owed."""
    fees.call_off(session, case, actor=actor)
    application = session.get_one(Application, case.application_id, with_for_update=True, populate_existing=True)
    transition(session, application, ApplicationEvent.SHUT, actor=actor)
    case.reply_by = None


def _ask_departments(session: Session, case: Case, departments: Sequence[str], actor: str) -> None:
    for code in departments:
        part = CasePart(
            id=db.new_id(),
            state=PartState.PENDING,
            state_at=clock.now(),
            case_id=case.id,
            department_code=code,
            hall_code=case.hall_code,
        )
        session.add(part)
        session.flush()
        record_event(session, CasePartEventRow, part.id, None, PartState.PENDING, PartEvent.ASK, actor=actor)


def _tell_what(session: Session, case: Case, by: Desk, *, kind: str, words: str, fields: Asked, things: Asked) -> None:
    application = session.get_one(Application, case.application_id, with_for_update=True, populate_existing=True)
    form = form_queries.version_of(session, application.form_item, application.form_version)
    known = {field["name"] for field in form.fields()}
    unknown = [one["name"] for one in fields if one["name"] not in known]
    if unknown:
        no_field = Text("表单里没有这一项", "The form has no such question")
        raise MaterialNotAskedFor(errors=[FieldError(f"/fields/{name}", no_field) for name in unknown])
    demand_asked(session, application, [one["name"] for one in things])
    said = [("/words", words)]
    said += [
        (f"/{part}/{one['name']}", one["words"])
        for part, asked in (("fields", fields), ("materials", things))
        for one in asked
    ]
    for pointer, text in said:
        demands.refuse_cancelled(session, text, pointer)
        demands.note(session, case, place=kind, words=text, actor=by.actor)
    session.merge(
        CaseCorrection(
            case_id=case.id,
            kind=kind,
            fields=list(fields),
            materials=list(things),
            words=words,
            told_by=by.actor,
            told_at=clock.now(),
            answered_at=None,
        )
    )
    case.reply_by, case.accept_by = case_clock.day_after(session, clock.today(), REPLY_DAYS), None
    session.flush()
    transition(session, application, ApplicationEvent.REOPEN, actor=by.actor)
