"""受理回执: what an applicant takes away when their case was accepted (行政许可法 32). Names and numbers are masked."""

from typing import Any

from sqlalchemy.orm import Session

from backend.applications import commitments, materials, profile, queries
from backend.applications.case_models import Case
from backend.applications.errors import NotAcceptedYet
from backend.applications.materials import Requirement
from backend.applications.models import Application
from backend.catalogue import queries as catalogue
from backend.identity import idnumber
from backend.identity import queries as identity

Body = dict[str, Any]

BROUGHT = (materials.UPLOAD, materials.FETCH, materials.WINDOW)
"""How a material is given that somebody has to give."""


def view(session: Session, case: Case, language: str) -> Body:
    """The receipt of an accepted case, also long after. Raises NotAcceptedYet."""
    if case.accepted_on is None:
        raise NotAcceptedYet()
    application = session.get_one(Application, case.application_id)
    item, hall = catalogue.item(session, case.item_slug), catalogue.hall(session, case.hall_code)
    form = commitments.form_of(session, application, commitments.of(session, application, item))
    asked = materials.requirements(session, item, form, profile.opened(application), application)
    return {
        "number": case.short_number,
        "full_number": case.number,
        "item": item.name.in_language(language),
        "department": item.department.in_language(language),
        "hall": hall.name.in_language(language),
        "address": hall.address_line.in_language(language),
        "applicant": queries.applicants(session, [case])[case.id],
        "id_number": _id_number(session, case),
        "accepted_on": case.accepted_on,
        "instant": case.instant,
        "promise_days": case.promise_days,
        "promise_due_on": case.promise_due_on,
        "law_days": case.law_days,
        "law_due_on": case.law_due_on,
        "received": [_received(one, language) for one in asked if _is_there(one)],
        "owed": [one.material.name.in_language(language) for one in asked if _is_owed(one)],
        "consult_phone": item.consult_phone,
    }


def _id_number(session: Session, case: Case) -> str | None:
    """By which the owner tells their paper from another's; an organisation is known by its name."""
    if case.organisation_id is not None:
        return None
    number = identity.unseal(identity.person(session, case.person_id), "id_number")
    return idnumber.masked_number(number) if number else None


def _is_there(one: Requirement) -> bool:
    return one.how == materials.GENERATED or any(given.state in materials.USABLE for given in one.given)


def _is_owed(one: Requirement) -> bool:
    return one.how in BROUGHT and not one.material.exempt and not _is_there(one)


def _received(one: Requirement, language: str) -> Body:
    """One material: pages of its files, and what the guide asks for where paper was seen."""
    usable = [given for given in one.given if given.state in materials.USABLE]
    files = [given for given in usable if given.kind == "file"]
    paper = any(given.kind == "paper" for given in usable)
    return {
        "name": one.material.name.in_language(language),
        "pages": sum(given.pages or 1 for given in files),
        "original": one.material.original if paper else 0,
        "copies": one.material.copies if paper else 0,
        "looked_up": any(given.kind == "licence" for given in usable),
        "generated": one.how == materials.GENERATED,
    }
