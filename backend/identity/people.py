"""Finding the person somebody says they are: for staff at the desk or on the phone."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import crypto
from backend.identity import queries, service
from backend.identity.models import Person, PersonLogin


def by_document(session: Session, id_number: str) -> UUID | None:
    """The person of a checked resident id number."""
    return session.scalar(select(Person.id).where(Person.id_number_index == service.document_index(id_number)))


def by_phone(session: Session, phone: str) -> UUID | None:
    """The person who logs in with this phone number."""
    index = crypto.blind_index(phone, field="login.phone")
    return session.scalar(
        select(PersonLogin.person_id).where(PersonLogin.provider == "phone", PersonLogin.subject_index == index)
    )


def is_called(session: Session, person_id: UUID, name: str) -> bool:
    """Whether the document of this person carries that name."""
    return queries.unseal(queries.person(session, person_id), "name") == name
