"""What we know already and nobody types again: the profile of the applicant, and answers of earlier applications."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.applications import forms
from backend.applications.forms import Answers, Form
from backend.applications.models import Application
from backend.core import crypto
from backend.identity import idnumber
from backend.identity import queries as identity
from backend.identity.models import Organisation

LOOKED_BACK: Final = 10
"""How many earlier applications are searched for answers."""

MASKS: Final = {
    "profile.name": idnumber.masked_name,
    "profile.id_number": idnumber.masked_number,
    "profile.phone": idnumber.masked_phone,
}
MASKED_KINDS: Final = {"id_number": idnumber.masked_number, "phone": idnumber.masked_phone}


def sealed(application: Application, answers: Mapping[str, Any]) -> bytes:
    """Answers as they are stored."""
    text = json.dumps(answers, ensure_ascii=False, sort_keys=True)
    return crypto.seal(text, table="application", column="answers", row=application.id)


def opened(application: Application) -> Answers:
    """Answers as they were typed; they hold personal data."""
    found: Answers = json.loads(
        crypto.unseal(application.answers, table="application", column="answers", row=application.id)
    )
    return found


def known(session: Session, application: Application, form: Form) -> Answers:
    """The answers that the profile gives, in full; what is not known there is left out."""
    person = identity.person(session, application.person_id)
    body = session.get(Organisation, application.organisation_id) if application.organisation_id else None
    values = {
        **{f"profile.{name}": identity.unseal(person, name) for name in identity.SEALED_FIELDS},
        "profile.organisation": body.name if body else None,
        "profile.credit_code": body.credit_code if body else None,
    }
    found = {field["name"]: values.get(field.get("source", "")) for field in form.fields()}
    return {name: value for name, value in found.items() if value is not None}


def masked(form: Form, answers: Mapping[str, Any]) -> Answers:
    """The answers with names of the profile, id and phone numbers masked, as pages show them."""
    shown = dict(answers)
    for field in form.fields():
        mask = MASKS.get(field.get("source", "")) or MASKED_KINDS.get(field["kind"])
        name = field["name"]
        if name not in shown:
            continue
        if field["kind"] == "list":
            shown[name] = [_masked_row(field, row) for row in shown[name] if isinstance(row, dict)]
        elif mask and isinstance(shown[name], str) and len(shown[name]) > 1:
            shown[name] = mask(shown[name])
    return shown


def from_earlier(session: Session, *, filer_id: object, person_id: object, form: Form) -> Answers:
    """Answers to the same questions (same name, same kind) in what this person submitted before, newest first."""
    wanted = {field["name"]: field for field in form.fields() if field.get("source") == "earlier"}
    earlier = session.scalars(
        select(Application)
        .where(
            Application.filer_id == filer_id,
            Application.person_id == person_id,
            or_(Application.state == "submitted", Application.state == "reopened"),
        )
        .order_by(Application.created_at.desc())
        .limit(LOOKED_BACK)
    )
    found: Answers = {}
    for application in earlier if wanted else ():
        answers = opened(application)
        found = {**{name: answers[name] for name in wanted if name in answers}, **found}
    good = {problem.pointer.split("/")[2] for problem in forms.problems(form, found)}
    return {name: value for name, value in found.items() if name not in good}


def _masked_row(field: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    masks = {inner["name"]: MASKED_KINDS.get(inner["kind"]) for inner in field["fields"]}
    return {
        name: mask(value) if (mask := masks.get(name)) and isinstance(value, str) and len(value) > 7 else value
        for name, value in row.items()
    }


def sealed_version(application: Application, number: int, answers: Mapping[str, Any]) -> bytes:
    """Answers as they were submitted the `number`-th time."""
    text = json.dumps(answers, ensure_ascii=False, sort_keys=True)
    return crypto.seal(text, table="application_version", column="answers", row=f"{application.id}/{number}")
