"""信用承诺: the letter an item asks for, read and signed before the application is handed in (circular clause 24)."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications import form_queries
from backend.applications.errors import ApplicationClosed, CommitmentChanged
from backend.applications.forms import Form
from backend.applications.models import Application, CommitmentSignature
from backend.applications.states import ApplicationState
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item, Letter
from backend.core import audit, clock, crypto
from backend.core.errors import FieldError, LevelRequired, Text
from backend.identity import idnumber
from backend.identity import queries as identity

REAL_NAME = 2
"""A letter is signed with the name of an id document."""


@dataclass(frozen=True)
class Commitment:
    """The letter that counts for an application, and its signature once there is one.

    `changed`: an earlier version was signed, and the letter has new words since.
    """

    letter: Letter
    signature: CommitmentSignature | None
    changed: bool


def of(session: Session, application: Application, item: Item) -> Commitment | None:
    """What an application has to sign today, or what was signed with it; None for an item without a letter.

    What was handed in keeps the words that were signed: a newer version is for whoever has not handed in yet.
    """
    last = session.scalars(
        select(CommitmentSignature)
        .where(CommitmentSignature.application_id == application.id)
        .order_by(CommitmentSignature.signed_at.desc(), CommitmentSignature.version.desc())
        .limit(1)
    ).one_or_none()
    if application.state != ApplicationState.OPEN:
        return Commitment(catalogue.letter(session, last.code, last.version), last, changed=False) if last else None
    letter = catalogue.letter_of(session, item, on=clock.today())
    if letter is None:
        return None
    signature = session.get(CommitmentSignature, (application.id, letter.code, letter.version))
    return Commitment(letter, signature, changed=last is not None and signature is None)


def form_of(session: Session, application: Application, found: Commitment | None) -> Form:
    """The form that an application was begun with, without its promise where `found` is the letter to sign instead."""
    form = form_queries.version_of(session, application.form_item, application.form_version)
    return form.without_promise() if found else form


def problems(found: Commitment | None) -> list[FieldError]:
    """What is missing before the application may be handed in."""
    if found is None or found.signature is not None:
        return []
    zh, en = found.letter.title
    words = Text(f"先读“{zh}”，再签名", f"Read and sign “{en}” first")
    if found.changed:
        words = Text(f"“{zh}”的内容改了，请再读一遍、再签一次", f"“{en}” has new words. Read and sign it again")
    return [FieldError("/commitment", words)]


def sign(session: Session, application: Application, item: Item, *, version: int, person_id: UUID, actor: str) -> None:
    """The letter as it is today, signed by a person with the name of their id document. Twice is the same as once.

    `version` is the one that was read. A signature on paper is noted by the staff who saw it, as `actor`.
    Raises ApplicationClosed, CommitmentChanged, LevelRequired.
    """
    if application.state != ApplicationState.OPEN:
        raise ApplicationClosed()
    letter = catalogue.letter_of(session, item, on=clock.today())
    if letter is None or letter.version != version:
        raise CommitmentChanged()
    person = identity.person(session, person_id)
    name = identity.unseal(person, "name")
    if name is None:
        raise LevelRequired(required_level=REAL_NAME, level=person.level)
    row = {"application_id": application.id, "code": letter.code, "version": letter.version}
    sealed = crypto.seal(name, table="commitment_signature", column="name", row=application.id)
    made = session.scalar(
        insert(CommitmentSignature)
        .values(**row, name=sealed, signed_by=actor, signed_at=clock.now())
        .on_conflict_do_nothing()
        .returning(CommitmentSignature.version)
    )
    if made is not None:
        audit.record(
            session,
            actor=actor,
            action="application.commitment_signed",
            object_type="application",
            object_id=application.id,
            hall_code=application.hall_code,
            data={"letter": letter.code, "version": letter.version},
        )


def view(found: Commitment | None, language: str) -> dict[str, object] | None:
    """The letter's words with when and by whom they were signed; the name is masked."""
    if found is None:
        return None
    letter, signature = found.letter, found.signature
    return {
        "code": letter.code,
        "version": letter.version,
        "title": letter.title.in_language(language),
        "text": letter.text.in_language(language),
        "changed": found.changed,
        "signed_at": signature.signed_at if signature else None,
        "signed_by": _masked(signature) if signature else None,
        "on_paper": signature is not None and signature.signed_by.startswith("staff:"),
    }


def _masked(signature: CommitmentSignature) -> str:
    row = signature.application_id
    return idnumber.masked_name(crypto.unseal(signature.name, table="commitment_signature", column="name", row=row))
