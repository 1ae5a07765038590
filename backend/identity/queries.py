"""Reading persons; what leaves this module is masked."""

from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Table, select
from sqlalchemy.orm import Session

from backend.core import clock, crypto
from backend.core.errors import NotFound
from backend.identity import idnumber
from backend.identity.models import FamilyLink, Person, PersonLogin

ELDER_AGE = 60
ADULT_AGE = 18
_PERSON = cast("Table", Person.__table__)
SEALED_FIELDS = ("name", "id_number", "phone")


def person(session: Session, person_id: UUID) -> Person:
    """One person. Raises NotFound."""
    found = session.get(Person, person_id)
    if found is None:
        raise NotFound()
    return found


def by_login(session: Session, provider: str, subject: str) -> UUID | None:
    """Whose login this is, None for a stranger's."""
    index = crypto.blind_index(subject, field=f"login.{provider}")
    return session.scalar(
        select(PersonLogin.person_id).where(PersonLogin.provider == provider, PersonLogin.subject_index == index)
    )


def unseal(person_: Person, field: str) -> str | None:
    """The full value of a sealed field: for masks, and for readers with a permission and a reason."""
    sealed = getattr(person_, field)
    return crypto.unseal(sealed, table="person", column=field, row=person_.id) if sealed else None


def masked_name(session: Session, person_id: UUID) -> str | None:
    """张*, or None before the real name is known."""
    name = unseal(person(session, person_id), "name")
    return idnumber.masked_name(name) if name else None


def sealed_name(person_id: ColumnElement[UUID]) -> ScalarSelect[bytes]:
    """A person's sealed name, to be read within another feature's statement."""
    return select(_PERSON.c.name).where(_PERSON.c.id == person_id).scalar_subquery()


def mask_sealed_name(sealed: bytes | None, person_id: UUID) -> str | None:
    """张*, from what `sealed_name` read."""
    if sealed is None:
        return None
    return idnumber.masked_name(crypto.unseal(sealed, table="person", column="name", row=person_id))


def masked_id_tail(session: Session, person_id: UUID) -> str | None:
    """The last four characters of the id number."""
    number = unseal(person(session, person_id), "id_number")
    return number[-4:] if number else None


def may_act_for(session: Session, agent_id: UUID, person_id: UUID) -> bool:
    """Whether a confirmed family link lets `agent` act for `person`; everybody may act for themselves.

    Guardianship ends on the eighteenth birthday.
    """
    if agent_id == person_id:
        return True
    link = session.execute(
        select(FamilyLink.basis, Person.born)
        .join(Person, Person.id == FamilyLink.person_id)
        .where(FamilyLink.agent_id == agent_id, Person.id == person_id, FamilyLink.confirmed_at.is_not(None))
    ).one_or_none()
    return link is not None and (link.basis == "own_account" or is_minor(link.born))


def holder(session: Session, person_id: UUID) -> bytes:
    """What tells one holder of queue tickets from another: the blind index of the id document, else of the phone."""
    found = person(session, person_id)
    if found.id_number_index is not None:
        return found.id_number_index
    phone = session.scalar(
        select(PersonLogin.subject_index).where(PersonLogin.person_id == person_id, PersonLogin.provider == "phone")
    )
    return phone or person_id.bytes


def is_elder(born: date | None) -> bool:
    """Sixty or older."""
    return born is not None and idnumber.age(born, clock.today()) >= ELDER_AGE


def elder_from(born: date) -> date:
    """The sixtieth birthday; in a year without 29 February, 1 March."""
    try:
        return born.replace(year=born.year + ELDER_AGE)
    except ValueError:
        return date(born.year + ELDER_AGE, 3, 1)


def is_minor(born: date | None) -> bool:
    """Younger than eighteen."""
    return born is not None and idnumber.age(born, clock.today()) < ADULT_AGE


def me(session: Session, person_id: UUID) -> dict[str, Any]:
    """The person's own page: masked, as JSON."""
    row = person(session, person_id)
    name, number, phone = (unseal(row, field) for field in SEALED_FIELDS)
    logins = session.execute(
        select(PersonLogin.provider, PersonLogin.bound_at)
        .where(PersonLogin.person_id == person_id)
        .order_by(PersonLogin.bound_at)
    )
    return {
        "id": row.id,
        "name_masked": idnumber.masked_name(name) if name else None,
        "id_number_masked": idnumber.masked_number(number) if number else None,
        "phone_masked": idnumber.masked_phone(phone) if phone else None,
        "level": row.level,
        "language": row.language,
        "elder_mode": row.elder_mode,
        "is_elder": is_elder(row.born),
        "logins": [{"provider": login.provider, "bound_at": login.bound_at} for login in logins],
    }
