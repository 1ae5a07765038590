"""Filing at a counter: staff at a window, or a partner point and village staff with the citizen's confirmation code."""

from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.applications import (
    commitments,
    confirmation,
    counter,
    drafts,
    filing,
    form_queries,
    front,
    queries,
    schemas,
    staff_schemas,
)
from backend.applications.models import Application
from backend.core import clock, limits
from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.identity import idnumber

blueprint = ApiBlueprint("counter-applications", __name__, description="Filing for a citizen who stands there")
blueprints = (blueprint,)


@blueprint.post("/staff/applications")
@staff("cases.fill")
@blueprint.arguments(staff_schemas.CounterStartSchema)
@blueprint.response(201, schemas.ApplicationSchema)
def start(body: dict[str, Any]) -> Response:
    """Begin for the citizen of this card. A partner point hands in only with the citizen's code."""
    principal = current_staff()
    limits.spend(f"counter-application:{principal.id}", capacity=60, per_seconds=3600)
    settings: Settings = current_app.extensions["settings"]
    card = body["citizen"]
    number = idnumber.checked(settings, card["id_number"], today=clock.today(), pointer="/citizen/id_number")

    def effect(session: Session) -> dict[str, Any]:
        application = drafts.start_at_counter(
            session,
            item_slug=body["item"],
            person_id=counter.person_of_card(session, name=card["name"], id_number=number),
            channel=counter.channel_of(principal),
            hall_code=principal.hall,
            actor=principal.actor,
        )
        return queries.application_view(session, application, request_language())

    return answer_once("staff-applications", body, effect, schemas.ApplicationSchema(), status=201)


@blueprint.get("/staff/applications/<uuid:application_id>")
@staff("cases.fill")
@blueprint.response(200, schemas.ApplicationSchema)
def show(application_id: UUID) -> dict[str, Any]:
    """One that I began, until it is handed in."""
    with transaction() as session:
        return queries.application_view(session, _mine(session, application_id), request_language())


@blueprint.patch("/staff/applications/<uuid:application_id>")
@staff("cases.fill")
@blueprint.arguments(schemas.SaveSchema)
@blueprint.response(200, schemas.ApplicationSchema)
def save(body: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """Save what was typed for the citizen."""
    with transaction() as session:
        application = _mine(session, application_id)
        drafts.save(session, application, revision=body["revision"], changes=body["answers"])
        return queries.application_view(session, application, request_language())


@blueprint.put("/staff/applications/<uuid:application_id>/papers")
@staff("cases.receive")
@blueprint.arguments(staff_schemas.PapersSchema)
@blueprint.response(200, schemas.ApplicationSchema)
def note_papers(body: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """Materials seen on paper at the window."""
    with transaction() as session:
        application = _mine(session, application_id, lock=True)
        front.note_papers(session, application, body["papers"], actor=current_staff().actor)
        return queries.application_view(session, application, request_language())


@blueprint.put("/staff/applications/<uuid:application_id>/commitment")
@staff("cases.fill")
@blueprint.arguments(schemas.SignCommitmentSchema)
@blueprint.response(200, schemas.ApplicationSchema)
def note_commitment(body: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """The citizen has signed the letter of commitment on paper, and I have seen it."""
    with transaction() as session:
        application = _mine(session, application_id, lock=True)
        item, _ = form_queries.item_of(session, application.item_slug)
        commitments.sign(
            session,
            application,
            item,
            version=body["version"],
            person_id=application.person_id,
            actor=current_staff().actor,
        )
        return queries.application_view(session, application, request_language())


@blueprint.post("/staff/applications/<uuid:application_id>/confirm")
@staff("cases.fill")
@blueprint.arguments(staff_schemas.ConfirmCodeSchema)
@blueprint.response(200, schemas.ApplicationSchema)
def confirm(body: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """The citizen read out their code: they have seen what is handed in. A wrong guess counts."""
    principal = current_staff()
    limits.spend(f"filing-code-try:{principal.id}", capacity=20, per_seconds=600)
    with transaction() as session:
        person_id = _mine(session, application_id).person_id
        stored = confirmation.try_once(session, person_id)
    with transaction() as session:
        application = _mine(session, application_id, lock=True)
        confirmation.redeem(session, application, body["code"], stored, actor=principal.actor)
        return queries.application_view(session, application, request_language())


@blueprint.post("/staff/applications/<uuid:application_id>/submit")
@staff("cases.fill")
@blueprint.arguments(EmptySchema)
@blueprint.response(201, staff_schemas.FiledSchema)
def submit(body: dict[str, Any], application_id: UUID) -> Response:
    """Hand it in for the citizen; from a window it is received at once."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        case = filing.submit(session, _mine(session, application_id, lock=True), actor=actor)
        return {"id": case.id, "number": case.short_number, "state": case.state}

    return answer_once(f"staff-submit:{application_id}", body, effect, staff_schemas.FiledSchema(), status=201)


def _mine(session: Session, application_id: UUID, *, lock: bool = False) -> Application:
    principal = current_staff()
    return counter.begun_here(session, application_id, actor=principal.actor, hall_code=principal.hall, lock=lock)
