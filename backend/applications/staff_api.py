"""Staff at cases: the inbox, the whole case, the front desk's steps, hand-overs, the thread."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.applications import desk, front, profile, receipts, staff_queries, threads, transfers
from backend.applications import staff_schemas as schemas
from backend.applications.case_models import Case
from backend.applications.desk import Desk
from backend.applications.errors import CaseNotFound
from backend.applications.models import Application
from backend.applications.review import take_up
from backend.applications.schemas import AcceptanceReceiptSchema, MessagesSchema, SayMessageSchema
from backend.applications.states import WHO, CaseEvent
from backend.core import audit, limits, pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.errors import Forbidden, ServiceError
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema

blueprint = ApiBlueprint(
    "staff-cases", __name__, description="Cases for staff: inbox, receiving, accepting, handing over"
)
blueprints = (blueprint,)

PAGE = 50


def here() -> Desk:
    """The member of staff of this request."""
    principal = current_staff()
    return Desk(principal.id, principal.hall)


def region() -> str:
    """Division code of bills."""
    settings: Settings = current_app.extensions["settings"]
    return settings.pay_region


def stepped(case_id: UUID, route: str, body: dict[str, Any], act: Callable[[Session, Case, Desk], object]) -> Response:
    """One press of a button at a case that my hall is in charge of, once for each key, answered with the whole case."""
    principal, by = current_staff(), here()

    def effect(session: Session) -> dict[str, Any]:
        case = desk.in_charge(session, case_id, by)
        act(session, case, by)
        return staff_queries.view(session, case, principal, request_language())

    return answer_once(f"case-{route}:{case_id}", body, effect, schemas.StaffCaseSchema())


@blueprint.get("/staff/cases")
@staff("cases.read")
@blueprint.arguments(schemas.InboxQuerySchema, location="query")
@blueprint.response(200, schemas.StaffCasesSchema)
def list_cases(query: dict[str, Any]) -> dict[str, Any]:
    """My hall's cases of one box: what is owed first comes first."""
    after = _position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = staff_queries.inbox(session, current_staff().hall, query, after, PAGE)
        shown = staff_queries.rows(session, found, request_language())
    last = found[-1] if len(found) == PAGE else None
    due = (last.owed_on or staff_queries.NEVER).isoformat() if last else ""
    return {"cases": shown, "next_cursor": pagination.encode(due, last.id) if last else None}


@blueprint.get("/staff/cases/counts")
@staff("cases.read")
@blueprint.response(200, schemas.CaseCountsSchema)
def count_cases() -> dict[str, Any]:
    """How many cases wait in each of my hall's boxes."""
    with transaction() as session:
        return staff_queries.counts(session, current_staff().hall, request_language())


@blueprint.get("/staff/case-texts")
@staff("cases.read")
@blueprint.response(200, schemas.CaseTextsSchema)
def list_texts() -> dict[str, Any]:
    """常用语: words for corrections and decisions."""
    with transaction() as session:
        return {"texts": staff_queries.texts(session)}


@blueprint.post("/staff/cases/scan")
@staff("cases.read")
@blueprint.arguments(schemas.ScanCaseSchema)
@blueprint.response(200, schemas.StaffCaseRowSchema)
def scan(body: dict[str, Any]) -> dict[str, Any]:
    """The case of a code on the citizen's phone or on paper."""
    with transaction() as session:
        case = staff_queries.find(session, body["code"], here())
        if case is None:
            raise CaseNotFound()
        return staff_queries.rows(session, [case], request_language())[0]


@blueprint.get("/staff/cases/<uuid:case_id>")
@staff("cases.read")
@blueprint.response(200, schemas.StaffCaseSchema)
def show_case(case_id: UUID) -> dict[str, Any]:
    """One that my hall may see."""
    with transaction() as session:
        return staff_queries.view(session, desk.seen(session, case_id, here()), current_staff(), request_language())


@blueprint.post("/staff/cases/<uuid:case_id>/reveal")
@staff("cases.reveal")
@blueprint.arguments(schemas.CaseReasonSchema)
@blueprint.response(200, schemas.RevealedSchema)
def reveal(body: dict[str, Any], case_id: UUID) -> dict[str, Any]:
    """The answers with full names and numbers, for a reason that is kept."""
    principal = current_staff()
    limits.spend(f"case-reveal:{principal.id}", capacity=60, per_seconds=3600)
    with transaction() as session:
        case = desk.seen(session, case_id, here())
        audit.record(
            session,
            actor=principal.actor,
            action="case.revealed",
            object_type="case",
            object_id=case.id,
            hall_code=principal.hall,
            reason=body["reason"],
        )
        return {"answers": profile.opened(session.get_one(Application, case.application_id))}


@blueprint.post("/staff/cases/<uuid:case_id>/return")
@staff("cases.receive")
@blueprint.arguments(schemas.AskForSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def send_back(body: dict[str, Any], case_id: UUID) -> Response:
    """预审退回."""
    return stepped(case_id, "return", body, lambda session, case, by: front.send_back(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/pre-approve")
@staff("cases.receive")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def pre_approve(body: dict[str, Any], case_id: UUID) -> Response:
    """预审通过."""
    return stepped(case_id, "pre-approve", body, front.pre_approve)


@blueprint.post("/staff/cases/<uuid:case_id>/receive")
@staff("cases.receive")
@blueprint.arguments(schemas.PapersSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def receive(body: dict[str, Any], case_id: UUID) -> Response:
    """收件."""
    return stepped(case_id, "receive", body, lambda session, case, by: front.receive(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/correct")
@staff("cases.receive")
@blueprint.arguments(schemas.AskForSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def correct(body: dict[str, Any], case_id: UUID) -> Response:
    """补正, once and everything."""
    return stepped(case_id, "correct", body, lambda session, case, by: front.correct(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/accept")
@staff("cases.receive")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def accept(body: dict[str, Any], case_id: UUID) -> Response:
    """受理."""
    code = region()
    return stepped(case_id, "accept", body, lambda session, case, by: front.accept(session, case, by, region_code=code))


@blueprint.get("/staff/cases/<uuid:case_id>/receipt")
@staff("cases.read")
@blueprint.response(200, AcceptanceReceiptSchema)
def show_receipt(case_id: UUID) -> dict[str, Any]:
    """受理回执, to be printed for the applicant."""
    with transaction() as session:
        return receipts.view(session, desk.seen(session, case_id, here()), request_language())


@blueprint.post("/staff/cases/<uuid:case_id>/refuse")
@staff("cases.receive")
@blueprint.arguments(schemas.RefuseSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def refuse(body: dict[str, Any], case_id: UUID) -> Response:
    """不予受理."""
    return stepped(case_id, "refuse", body, lambda session, case, by: front.refuse(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/terminate")
@staff("cases.manage")
@blueprint.arguments(schemas.CaseReasonSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def terminate(body: dict[str, Any], case_id: UUID) -> Response:
    """异常终止."""
    return stepped(case_id, "terminate", body, lambda session, case, by: front.terminate(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/send-on")
@staff("cases.receive")
@blueprint.arguments(schemas.SendOnSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def send_on(body: dict[str, Any], case_id: UUID) -> Response:
    """转办: the papers go to another hall."""
    return stepped(case_id, "send-on", body, lambda session, case, by: transfers.send(session, case, by, **body))


@blueprint.post("/staff/cases/<uuid:case_id>/take-over")
@staff("cases.receive")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def take_over(body: dict[str, Any], case_id: UUID) -> Response:
    """签收: the papers have arrived here."""
    return _at_transfer(case_id, "take-over", body, transfers.receive)


@blueprint.post("/staff/cases/<uuid:case_id>/call-back")
@staff("cases.receive")
@blueprint.arguments(schemas.CaseReasonSchema)
@blueprint.response(200, schemas.StaffCaseSchema)
def call_back(body: dict[str, Any], case_id: UUID) -> Response:
    """The papers stay here after all."""
    return _at_transfer(
        case_id, "call-back", body, lambda session, case, by: transfers.call_back(session, case, by, **body)
    )


@blueprint.get("/staff/cases/<uuid:case_id>/messages")
@staff("cases.read")
@blueprint.response(200, MessagesSchema)
def list_messages(case_id: UUID) -> dict[str, Any]:
    """The thread with the applicant."""
    with transaction() as session:
        return {"messages": threads.messages(session, desk.seen(session, case_id, here()))}


@blueprint.post("/staff/cases/<uuid:case_id>/messages")
@staff("cases.read")
@blueprint.arguments(SayMessageSchema)
@blueprint.response(201, MessagesSchema)
def say(body: dict[str, Any], case_id: UUID) -> Response:
    """Answer or explain; the applicant is told."""
    by = here()

    def effect(session: Session) -> dict[str, Any]:
        case = desk.in_charge(session, case_id, by)
        threads.say(session, case, side="staff", author=by.actor, **body)
        return {"messages": threads.messages(session, case)}

    return answer_once(f"staff-messages:{case_id}", body, effect, MessagesSchema(), status=201)


@blueprint.post("/staff/cases/<uuid:case_id>/messages/read")
@staff("cases.read")
@blueprint.arguments(EmptySchema)
@blueprint.response(204)
def read_messages(body: dict[str, Any], case_id: UUID) -> None:
    """What the applicant wrote has been seen."""
    with transaction() as session:
        threads.read(session, desk.in_charge(session, case_id, here()), reader="staff")


@blueprint.post("/staff/case-batches")
@staff("cases.read")
@blueprint.arguments(schemas.CaseBatchSchema)
@blueprint.response(200, schemas.CaseBatchDoneSchema)
def batch(body: dict[str, Any]) -> dict[str, Any]:
    """One step for several cases, each in a transaction of its own; what is refused says why."""
    principal, by, code = current_staff(), here(), region()
    event = body["event"]
    acts: dict[str, Callable[[Session, Case], object]] = {
        "receive": lambda session, case: front.receive(session, case, by, papers=()),
        "pre_approve": lambda session, case: front.pre_approve(session, case, by),
        "accept": lambda session, case: front.accept(session, case, by, region_code=code),
        "review": lambda session, case: take_up(session, case, by),
    }
    needed = WHO[CaseEvent(event)]
    if needed not in principal.permissions:
        raise Forbidden()
    return {"results": [_one_of_batch(case_id, by, acts[event]) for case_id in dict.fromkeys(body["case_ids"])]}


def _one_of_batch(case_id: UUID, by: Desk, act: Callable[[Session, Case], object]) -> dict[str, Any]:
    try:
        with transaction() as session:
            act(session, desk.in_charge(session, case_id, by))
    except ServiceError as refusal:
        title = refusal.title.in_language(request_language())
        return {"case_id": case_id, "done": False, "code": refusal.code, "title": title}
    return {"case_id": case_id, "done": True, "code": None, "title": None}


def _at_transfer(
    case_id: UUID, route: str, body: dict[str, Any], act: Callable[[Session, Case, Desk], object]
) -> Response:
    principal, by = current_staff(), here()

    def effect(session: Session) -> dict[str, Any]:
        case = desk.locked(session, case_id, by)
        act(session, case, by)
        return staff_queries.view(session, case, principal, request_language())

    return answer_once(f"case-{route}:{case_id}", body, effect, schemas.StaffCaseSchema())


def _position(cursor: str) -> tuple[date, UUID]:
    due, case_id = pagination.decode(cursor, 2)
    try:
        return date.fromisoformat(due), UUID(case_id)
    except ValueError:
        raise pagination.wrong_cursor() from None
