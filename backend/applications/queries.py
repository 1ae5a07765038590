"""Reading forms, applications and cases as citizens see them. Names and numbers of the profile leave masked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.applications import (
    case_clock,
    case_words,
    commitments,
    delivery,
    drafts,
    filing,
    form_queries,
    materials,
    profile,
    visits,
)
from backend.applications.case_models import Case, CaseCorrection, CaseEventRow, CaseMessage, CaseTransfer
from backend.applications.errors import CaseNotFound
from backend.applications.form_queries import Filing
from backend.applications.forms import Form, is_shown
from backend.applications.materials import Requirement
from backend.applications.models import Application
from backend.applications.states import EDITABLE, HANDED_OUT, UNDECIDED, CaseState, TransferState
from backend.catalogue import bodies
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item
from backend.core import crypto
from backend.core.errors import FieldError
from backend.credit import service as credit
from backend.files.models import File
from backend.identity import idnumber
from backend.identity import queries as identity
from backend.identity.models import Organisation, OrganisationAgent, Person
from backend.ratings import service as ratings
from express import queries as shipments
from payments import bill_queries

Body = dict[str, Any]


def form_view(item: Item, filing_: Filing, form: Form, language: str) -> Body:
    """An item's form: pages of questions in one language, its schema, and how the item is filed."""
    return {
        "item": {"slug": item.slug, "name": item.name.in_language(language)},
        "mode": filing_.mode,
        "url": item.online_url,
        "version": form.version,
        "level": max(filing.REAL_NAME, item.booking.level),
        "schema": form.schema,
        "pages": pages(form, language),
        "materials": [
            _requirement(Requirement(one, materials.how_given(form, one), not one.exempt), language)
            for one in item.materials
        ],
    }


def application_view(session: Session, application: Application, language: str) -> Body:
    """An application with its task list, what the profile answers, and everything that is still missing or wrong."""
    item, filing_ = form_queries.item_of(session, application.item_slug)
    found = filing.check(session, application, item)
    typed = profile.opened(application)
    known = profile.known(session, application, found.form)
    case = filing.case_of(session, application.id)
    return {
        **summary(session, application, language),
        "mode": filing_.mode,
        "form_version": application.form_version,
        "pages": pages(found.form, language),
        "schema": found.form.schema,
        "answers": {name: value for name, value in typed.items() if name not in known},
        "profile": profile.masked(found.form, known),
        "from_earlier": application.from_earlier,
        "materials": [_requirement(one, language) for one in found.asked],
        "tasks": tasks(found, typed, language),
        "errors": errors(found.problems, language),
        "commitment": commitments.view(found.commitment, language),
        "delivery": delivery_of(application, item),
        "correction": correction(session, case, language) if case else None,
        "case_id": case.id if case else None,
    }


def summary(session: Session, application: Application, language: str) -> Body:
    """A row of my applications."""
    return {
        "id": application.id,
        "item": _item(session, application.item_slug, language),
        "state": application.state,
        "revision": application.revision,
        "applicant": applicants(session, [application])[application.id],
        "for_self": application.person_id == application.filer_id and application.organisation_id is None,
        "created_at": application.created_at,
        "saved_at": application.saved_at,
        "expires_at": application.expires_at,
    }


def applicants(session: Session, of: Sequence[Application | Case]) -> dict[UUID, str | None]:
    """Whose matter each is, in two statements: the organisation's name, or 张*."""
    bodies_ = select(Organisation.id, Organisation.name).where(Organisation.id.in_({one.organisation_id for one in of}))
    named = {row.id: row.name for row in session.execute(bodies_)}
    people = select(Person.id, Person.name).where(Person.id.in_({one.person_id for one in of}))
    sealed = {row.id: row.name for row in session.execute(people)}
    return {
        one.id: named[one.organisation_id]
        if one.organisation_id
        else identity.mask_sealed_name(sealed[one.person_id], one.person_id)
        for one in of
    }


def tasks(found: filing.Checked, typed: Mapping[str, Any], language: str) -> list[Body]:
    """任务列表: one task a page, then the materials, then checking and handing in."""
    wrong = {problem.pointer.split("/")[2] for problem in found.problems if problem.pointer.startswith("/answers/")}
    shown: list[Body] = []
    for page in found.form.pages:
        names = {field["name"] for field in page["fields"] if is_shown(field.get("show_if"), found.answers)}
        if not names and page["fields"]:
            continue
        begun = bool(names & typed.keys())
        state = "done" if not names & wrong and (begun or names <= found.answers.keys()) else "not_started"
        shown.append(
            {
                "key": page["key"],
                "title": _text(page["title"], language),
                "state": "in_progress" if begun and state != "done" else state,
            }
        )
    if found.asked:
        given = any(one.given for one in found.asked)
        done = all(one.done for one in found.asked)
        state = "done" if done else ("in_progress" if given else "not_started")
        shown.append({"key": "materials", "title": case_words.MATERIALS.in_language(language), "state": state})
    if found.commitment is not None:
        state = "done" if found.commitment.signature else "not_started"
        shown.append(
            {"key": "commitment", "title": found.commitment.letter.title.in_language(language), "state": state}
        )
    ready = all(task["state"] == "done" for task in shown) and not found.problems
    last = {"key": "check", "title": case_words.CHECK.in_language(language)}
    return [*shown, {**last, "state": "not_started" if ready else "cannot_start"}]


def errors(problems: Sequence[FieldError], language: str) -> list[Body]:
    """As a refused submission would name them."""
    return [{"pointer": one.pointer, "detail": one.detail.in_language(language)} for one in problems]


def correction(session: Session, case: Case, language: str) -> Body | None:
    """What staff asked for, while it is open."""
    kind = {CaseState.CORRECTING: "correct", CaseState.PRE_RETURNED: "return"}.get(case.state)
    told = session.get(CaseCorrection, (case.id, kind)) if kind else None
    if told is None:
        return None
    return {
        "words": told.words,
        "fields": told.fields,
        "materials": told.materials,
        "told_at": told.told_at,
        "reply_by": case.reply_by,
    }


def mine(session: Session, person_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Case]:
    """Cases I filed or that are mine, newest first."""
    query = select(Case).where(_visible(person_id))
    if before is not None:
        query = query.where(tuple_(Case.submitted_at, Case.id) < before)
    return list(session.scalars(query.order_by(Case.submitted_at.desc(), Case.id.desc()).limit(limit)))


def own_case(session: Session, case_id: UUID, person_id: UUID, *, lock: bool = False) -> Case:
    """One of them. Raises CaseNotFound."""
    query = select(Case).where(Case.id == case_id, _visible(person_id))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    case = session.scalars(query).one_or_none()
    if case is None:
        raise CaseNotFound()
    if case.filer_id == person_id and not drafts.still_acts(session, session.get_one(Application, case.application_id)):
        raise CaseNotFound()
    return case


def case_rows(session: Session, cases: Sequence[Case], language: str) -> list[Body]:
    """Rows of my cases."""
    whose, unread = applicants(session, cases), unread_of(session, cases, "staff")
    return [
        {
            "id": case.id,
            "number": case.short_number,
            "item": _item(session, case.item_slug, language),
            "state": case.state,
            "status": case_words.STATUS[case.state].in_language(language),
            "next": case_words.next_step(case).in_language(language),
            "applicant": whose[case.id],
            "submitted_at": case.submitted_at,
            "due_on": case.promise_due_on if case.state in UNDECIDED else None,
            "reply_by": case.reply_by,
            "unread": unread[case.id],
        }
        for case in cases
    ]


def case_view(session: Session, case: Case, language: str, viewer_id: UUID) -> Body:
    """A case as `viewer_id` sees it: where it is, who acts next, until when, and everything that happened."""
    application = session.get_one(Application, case.application_id)
    item = catalogue.item(session, case.item_slug)
    letter = commitments.of(session, application, item)
    form = commitments.form_of(session, application, letter)
    answers = profile.opened(application)
    required = materials.requirements(session, item, form, answers, application)
    return {
        **case_rows(session, [case], language)[0],
        "full_number": case.number,
        "application_id": case.application_id,
        "hall": visits.hall_body(session, case.pickup_hall or case.hall_code, language),
        "person": {"id": case.person_id, "is_me": case.person_id == viewer_id},
        "visit": visits.wanted(session, case, item, required, language),
        "visits": visits.coming(session, case, language),
        "checked": visits.is_checked(session, case),
        "instant": case.instant,
        "joint": case.joint,
        "accept_by": case.accept_by,
        "accepted_on": case.accepted_on,
        "promise_days": case.promise_days,
        "law_days": case.law_days,
        "law_due_on": case.law_due_on,
        "days_used": case_clock.days_used(session, case),
        "reason": case.reason,
        "document": case.decision_document,
        "decision": decision(case),
        "correction": correction(session, case, language),
        "fee": fee(session, case, language),
        "delivery": delivery_of(case, item),
        "shipment_id": shipments.result_of(session, "case", str(case.id)),
        "result": result_of(session, case),
        "rated": ratings.of_subject(session, "case", str(case.id)) is not None,
        "can_withdraw": case.state in UNDECIDED,
        "can_edit": application.state in EDITABLE,
        "pages": pages(form, language),
        "answers": profile.masked(form, answers),
        "materials": [_requirement(one, language) for one in required],
        "commitment": commitments.view(letter, language),
        "credit": _credit(session, case),
        "timeline": timeline(session, case, language),
    }


def delivery_of(of: Application | Case, item: Item) -> Body:
    """How the result reaches the applicant, and the ways there are."""
    return {
        "way": of.delivery,
        "ways": delivery.ways(item),
        "consent_at": of.delivery_consent_at,
        "pickup_hall": of.pickup_hall,
        "delivered_at": of.delivered_at if isinstance(of, Case) else None,
    }


def result_of(session: Session, case: Case) -> Body | None:
    """The result that came as a file, once it is handed out to who agreed to that."""
    file = session.get(File, case.result_file_id) if case.result_file_id else None
    if file is None or case.state not in HANDED_OUT or case.delivery_consent_at is None:
        return None
    return {
        "file_id": file.id,
        "name": crypto.unseal(file.name, table="file", column="name", row=file.id),
        "media_type": file.media_type,
        "size": file.size,
        "sha256": case.result_digest,
    }


def asked(
    session: Session, item: Item, form: Form, answers: Mapping[str, Any], application: Application, language: str
) -> list[Body]:
    """The materials with what was given for each."""
    return [_requirement(one, language) for one in materials.requirements(session, item, form, answers, application)]


def pages(form: Form, language: str) -> list[Body]:
    """The questions in one language."""
    return [_page(page, language) for page in form.pages]


def fee(session: Session, case: Case, language: str) -> Body:
    """What is to be paid, with the bill's own page."""
    found = bill_queries.of_subject(session, "case", str(case.id))
    return {
        "state": case.fee_state,
        "blocks": case.fee_blocks if case.fee_state in ("later", "due") else "nothing",
        "bills": bill_queries.summaries(session, found, language),
    }


def timeline(session: Session, case: Case, language: str) -> list[Body]:
    """What happened, newest first, in plain verbs; hand-overs between halls too."""
    rows = session.scalars(
        select(CaseEventRow).where(CaseEventRow.entity_id == case.id).order_by(CaseEventRow.id.desc())
    )
    happened = [
        {
            "at": row.at,
            "event": row.event,
            "words": case_words.HAPPENED[row.event].in_language(language),
            "reason": None,
        }
        for row in rows
    ]
    moved = session.scalars(
        select(CaseTransfer).where(CaseTransfer.case_id == case.id, CaseTransfer.state == TransferState.RECEIVED)
    )
    for transfer in moved:
        to = catalogue.hall(session, transfer.to_hall).name.in_language(language)
        words = case_words.MOVED.in_language(language).format(hall=to)
        happened.append({"at": transfer.state_at, "event": "moved", "words": words, "reason": None})
    return sorted(happened, key=lambda one: one["at"], reverse=True)


def unread_of(session: Session, cases: Sequence[Case], side: str) -> dict[UUID, int]:
    """Messages of that side in each case which the other has not read."""
    query = (
        select(CaseMessage.case_id, func.count())
        .where(CaseMessage.case_id.in_([case.id for case in cases]), CaseMessage.side == side)
        .where(CaseMessage.read_at.is_(None))
        .group_by(CaseMessage.case_id)
    )
    counted = {case_id: number for case_id, number in session.execute(query)}
    return {case.id: counted.get(case.id, 0) for case in cases}


def masked_contact(session: Session, person_id: UUID) -> Body:
    """Name and phone of a citizen as staff see them first."""
    person = identity.person(session, person_id)
    phone = identity.unseal(person, "phone")
    return {
        "name_masked": identity.masked_name(session, person_id),
        "phone_masked": idnumber.masked_phone(phone) if phone else None,
    }


def _credit(session: Session, case: Case) -> Body | None:
    """What was asked about the applicant; what is known of a relative is not for whoever files for them."""
    mine = case.person_id == case.filer_id or case.organisation_id is not None
    return credit.view(credit.of_case(session, case.id)) if mine else None


def _visible(person_id: UUID) -> ColumnElement[bool]:
    bodies_ = select(OrganisationAgent.organisation_id).where(OrganisationAgent.person_id == person_id)
    own = (Case.person_id == person_id) & Case.organisation_id.is_(None)
    return or_(Case.filer_id == person_id, own, Case.organisation_id.in_(bodies_))


def decision(case: Case) -> Body | None:
    """The decision, once there is one."""
    if case.decided_on is None:
        return None
    return {
        "granted": case.reason is None,
        "on": case.decided_on,
        "document": case.decision_document,
        "reason": case.reason,
    }


def _page(page: Mapping[str, Any], language: str) -> Body:
    return {
        "key": page["key"],
        "title": _text(page["title"], language),
        "hint": _text(page.get("hint"), language),
        "fields": [_field(field, language) for field in page["fields"]],
    }


def _field(field: Mapping[str, Any], language: str) -> Body:
    return {
        "name": field["name"],
        "kind": field["kind"],
        "label": _text(field["label"], language),
        "hint": _text(field.get("hint"), language),
        "required": field.get("required", True),
        "options": [{"value": option["value"], "label": option[language]} for option in field.get("options", ())],
        "show_if": field.get("show_if"),
        "source": field.get("source"),
        "min": field.get("min"),
        "max": field.get("max"),
        "fields": [_field(inner, language) for inner in field.get("fields", ())],
    }


def _requirement(one: Requirement, language: str) -> Body:
    material = one.material
    note = one.cancelled.no_longer if one.cancelled else material.note
    return {
        "id": material.id,
        "name": material.name.in_language(language),
        "note": note.in_language(language) if note else None,
        "source": material.source,
        "source_label": bodies.SOURCES[material.source].in_language(language),
        "how": one.how,
        "required": one.required,
        "exempt": material.exempt,
        "original": material.original,
        "copies": material.copies,
        "done": one.done,
        "given": [
            {
                "kind": given.kind,
                "id": given.id,
                "state": given.state,
                "name": given.name,
                "media_type": given.media_type,
                "pages": given.pages,
            }
            for given in one.given
        ],
    }


def _text(words: Mapping[str, str] | None, language: str) -> str | None:
    return words[language] if words else None


def _item(session: Session, slug: str, language: str) -> Body:
    return {"slug": slug, "name": catalogue.item(session, slug).name.in_language(language)}
