"""Citizens' endpoints: fill in and hand in an application, follow the case."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.applications import (
    commitments,
    confirmation,
    drafts,
    fees,
    filing,
    form_queries,
    issuing,
    own_case,
    queries,
    receipts,
    schemas,
    subjects,
    threads,
    visits,
)
from backend.catalogue import queries as catalogue
from backend.core import clock, limits, pagination
from backend.core.auth import citizen, current_citizen, public, request_language
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from payments import bearing

blueprint = ApiBlueprint("applications", __name__, description="Filing applications and following cases")
blueprints = (blueprint,)
subjects.register_kinds()
bearing.register(fees.borne_by_department)

PAGE = 20


@blueprint.get("/items/<slug>/form")
@public
@blueprint.response(200, schemas.FormSchema)
def show_form(slug: str) -> dict[str, Any]:
    """What the item asks, today's version."""
    with transaction() as session:
        item, filed = form_queries.item_of(session, slug)
        form = form_queries.form_of(session, slug)
        if catalogue.letter_of(session, item, on=clock.today()):
            form = form.without_promise()
        return queries.form_view(item, filed, form, request_language())


@blueprint.get("/applications")
@citizen()
@blueprint.response(200, schemas.ApplicationsSchema)
def list_applications() -> dict[str, Any]:
    """What I have begun, and what came back to me, newest first."""
    language = request_language()
    with transaction() as session:
        found = drafts.mine(session, current_citizen().id)
        return {"applications": [queries.summary(session, one, language) for one in found]}


@blueprint.post("/applications")
@citizen(level=1)
@blueprint.arguments(schemas.StartSchema)
@blueprint.response(201, schemas.ApplicationSchema)
def start(body: dict[str, Any]) -> dict[str, Any]:
    """Begin; when I have begun this before and not handed it in, that one again. It may go with a booked visit."""
    principal = current_citizen()
    limits.spend(f"application-start:{principal.id}", capacity=20, per_seconds=600)
    with transaction() as session:
        application = drafts.start(
            session,
            filer_id=principal.id,
            item_slug=body["item"],
            person_id=body["person_id"],
            organisation_id=body["organisation_id"],
            wanted_hall=body["hall"],
        )
        if body["appointment_id"] is not None:
            visits.join(session, application, body["appointment_id"])
        return queries.application_view(session, application, request_language())


@blueprint.get("/applications/<uuid:application_id>")
@citizen(level=1)
@blueprint.response(200, schemas.ApplicationSchema)
def show_application(application_id: UUID) -> dict[str, Any]:
    """One of mine, with its task list and everything that is still missing."""
    with transaction() as session:
        application = drafts.own(session, application_id, current_citizen().id)
        return queries.application_view(session, application, request_language())


@blueprint.patch("/applications/<uuid:application_id>")
@citizen(level=1)
@blueprint.arguments(schemas.SaveSchema)
@blueprint.response(200, schemas.ApplicationSchema)
def save(body: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """Save what was typed. When another device saved first: 409 with the newest revision and answers."""
    principal = current_citizen()
    limits.spend(f"application-save:{principal.id}", capacity=120, per_seconds=60)
    with transaction() as session:
        application = drafts.own(session, application_id, principal.id)
        drafts.save(session, application, revision=body["revision"], changes=body["answers"], way=schemas.way_of(body))
        return queries.application_view(session, application, request_language())


@blueprint.put("/applications/<uuid:application_id>/commitment")
@citizen(level=commitments.REAL_NAME)
@blueprint.arguments(schemas.SignCommitmentSchema)
@blueprint.response(200, schemas.ApplicationSchema)
def sign_commitment(body: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """Sign the item's letter of commitment as it is today. Signing twice is the same as once."""
    principal = current_citizen()
    limits.spend(f"application-save:{principal.id}", capacity=120, per_seconds=60)
    with transaction() as session:
        application = drafts.own(session, application_id, principal.id, lock=True)
        item, _ = form_queries.item_of(session, application.item_slug)
        commitments.sign(
            session, application, item, version=body["version"], person_id=principal.id, actor=principal.actor
        )
        return queries.application_view(session, application, request_language())


@blueprint.delete("/applications/<uuid:application_id>")
@citizen(level=1)
@blueprint.response(204)
def discard(application_id: UUID) -> None:
    """Throw it away."""
    principal = current_citizen()
    with transaction() as session:
        application = drafts.own(session, application_id, principal.id, lock=True)
        drafts.discard(session, application, actor=principal.actor)


@blueprint.post("/applications/<uuid:application_id>/submit")
@citizen(level=1)
@blueprint.arguments(EmptySchema)
@blueprint.response(201, schemas.CaseSchema)
def submit(body: dict[str, Any], application_id: UUID) -> Response:
    """Hand it in: one case, however often; after a correction, back into the same case."""
    principal = current_citizen()
    limits.spend(f"application-submit:{principal.id}", capacity=20, per_seconds=600)
    language = request_language()

    def effect(session: Session) -> dict[str, Any]:
        application = drafts.own(session, application_id, principal.id, lock=True)
        case = filing.submit(session, application, actor=principal.actor)
        return queries.case_view(session, case, language, principal.id)

    return answer_once(f"submit:{application_id}", body, effect, schemas.CaseSchema(), status=201)


@blueprint.get("/cases")
@citizen()
@blueprint.arguments(schemas.PageQuerySchema, location="query")
@blueprint.response(200, schemas.CasesSchema)
def list_cases(query: dict[str, Any]) -> dict[str, Any]:
    """My cases, newest first."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    language = request_language()
    with transaction() as session:
        found = queries.mine(session, current_citizen().id, before, PAGE)
        shown = queries.case_rows(session, found, language)
    last = found[-1] if len(found) == PAGE else None
    return {"cases": shown, "next_cursor": pagination.encode(last.submitted_at.isoformat(), last.id) if last else None}


@blueprint.get("/cases/<uuid:case_id>")
@citizen()
@blueprint.response(200, schemas.CaseSchema)
def show_case(case_id: UUID) -> dict[str, Any]:
    """One of mine."""
    with transaction() as session:
        case = queries.own_case(session, case_id, current_citizen().id)
        return queries.case_view(session, case, request_language(), current_citizen().id)


@blueprint.get("/cases/<uuid:case_id>/receipt")
@citizen()
@blueprint.response(200, schemas.AcceptanceReceiptSchema)
def show_receipt(case_id: UUID) -> dict[str, Any]:
    """受理回执 of one of mine, to be printed."""
    with transaction() as session:
        return receipts.view(session, queries.own_case(session, case_id, current_citizen().id), request_language())


@blueprint.post("/cases/<uuid:case_id>/withdraw")
@citizen(level=1)
@blueprint.arguments(schemas.WithdrawSchema)
@blueprint.response(200, schemas.CaseSchema)
def withdraw(body: dict[str, Any], case_id: UUID) -> Response:
    """撤回, before the decision."""
    principal = current_citizen()
    language = request_language()

    def effect(session: Session) -> dict[str, Any]:
        case = queries.own_case(session, case_id, principal.id, lock=True)
        own_case.withdraw(session, case, actor=principal.actor, reason=body["reason"])
        return queries.case_view(session, case, language, principal.id)

    return answer_once(f"case-withdraw:{case_id}", body, effect, schemas.CaseSchema())


@blueprint.put("/cases/<uuid:case_id>/delivery")
@citizen(level=1)
@blueprint.arguments(schemas.ChooseDeliverySchema)
@blueprint.response(200, schemas.CaseSchema)
def choose_delivery(body: dict[str, Any], case_id: UUID) -> dict[str, Any]:
    """How I want the result."""
    with transaction() as session:
        case = queries.own_case(session, case_id, current_citizen().id, lock=True)
        own_case.choose_delivery(session, case, **body)
        return queries.case_view(session, case, request_language(), current_citizen().id)


@blueprint.post("/cases/<uuid:case_id>/result")
@citizen(level=2)
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.ResultSchema)
def open_result(body: dict[str, Any], case_id: UUID) -> dict[str, Any]:
    """Open the result that came electronically: each time is kept, the first one is its delivery.

    The file itself comes from `POST /files/{file_id}/link`.
    """
    principal = current_citizen()
    with transaction() as session:
        case = queries.own_case(session, case_id, principal.id, lock=True)
        file_id = issuing.download(session, case, actor=principal.actor)
        return {"file_id": file_id, "digest": case.result_digest}


@blueprint.post("/cases/<uuid:case_id>/rating")
@citizen(level=1)
@blueprint.arguments(schemas.CaseRatingSchema)
@blueprint.response(204)
def rate(body: dict[str, Any], case_id: UUID) -> None:
    """评价, once and after the end."""
    person_id = current_citizen().id
    with transaction() as session:
        case = queries.own_case(session, case_id, person_id, lock=True)
        own_case.rate(session, case, person_id=person_id, **body)


@blueprint.get("/cases/<uuid:case_id>/messages")
@citizen()
@blueprint.response(200, schemas.MessagesSchema)
def list_messages(case_id: UUID) -> dict[str, Any]:
    """The thread with staff, oldest first."""
    with transaction() as session:
        case = queries.own_case(session, case_id, current_citizen().id)
        return {"messages": threads.messages(session, case)}


@blueprint.post("/cases/<uuid:case_id>/messages")
@citizen(level=1)
@blueprint.arguments(schemas.SayMessageSchema)
@blueprint.response(201, schemas.MessagesSchema)
def say(body: dict[str, Any], case_id: UUID) -> Response:
    """Ask staff about the case; they owe an answer within two working days."""
    principal = current_citizen()
    limits.spend(f"case-message:{principal.id}", capacity=20, per_seconds=600)

    def effect(session: Session) -> dict[str, Any]:
        case = queries.own_case(session, case_id, principal.id)
        threads.say(session, case, side="citizen", author=principal.actor, **body)
        return {"messages": threads.messages(session, case)}

    return answer_once(f"case-messages:{case_id}", body, effect, schemas.MessagesSchema(), status=201)


@blueprint.post("/cases/<uuid:case_id>/messages/read")
@citizen()
@blueprint.arguments(EmptySchema)
@blueprint.response(204)
def read_messages(body: dict[str, Any], case_id: UUID) -> None:
    """I have seen what staff wrote."""
    with transaction() as session:
        threads.read(session, queries.own_case(session, case_id, current_citizen().id), reader="citizen")


@blueprint.post("/me/filing-code")
@citizen(level=2)
@blueprint.arguments(EmptySchema)
@blueprint.response(201, schemas.FilingCodeSchema)
def draw_code(body: dict[str, Any]) -> dict[str, Any]:
    """A code to read out to whoever files for me at a partner point or in the village; good for ten minutes."""
    person_id = current_citizen().id
    limits.spend(f"filing-code:{person_id}", capacity=10, per_seconds=3600)
    with transaction() as session:
        code, ends = confirmation.draw(session, person_id)
    return {"code": code, "expires_at": ends}
