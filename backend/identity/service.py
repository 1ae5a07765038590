"""Persons and their logins: find or create, raise the level, bind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, crypto, db
from backend.identity import idnumber
from backend.identity.merging import ONE_EACH, TwoPeople, are_two_people, merge
from backend.identity.models import Person, PersonLogin
from notify import service as notices
from notify.service import ContactChannel

Provider = Literal["wechat_mini", "wechat_official", "ixiamen", "phone", "alipay"]

CONTACTS: dict[str, ContactChannel] = {
    "wechat_mini": "wechat_mini",
    "wechat_official": "wechat_official",
    "phone": "phone",
}

REAL_PEOPLE = {"alipay"}
"""Providers that know the holder of every account: a login raises level 0 to 1, as a proved phone number does."""


@dataclass(frozen=True)
class RealName:
    """What a real-name provider vouches for: a checked id document, the name on it, maybe a phone."""

    id_number: str
    name: str
    phone: str | None
    id_type: str = idnumber.RESIDENT_ID


def log_in(
    session: Session, *, provider: Provider, subject: str, current: UUID | None, phone: str | None = None
) -> UUID:
    """The person behind a login; created on the first one, bound to `current` when that person is logged in.

    A login of somebody else on the same device (two documents, phones or Alipay accounts) leaves `current` alone.
    """
    index = crypto.blind_index(subject, field=f"login.{provider}")
    known = _owner(session, provider, index)
    if current and known != current and _belongs_to_another(session, provider, known, current):
        current = None
    if known is None:
        person_id = _bind(session, provider, subject, index, current or _create(session, level=1 if phone else 0))
    else:
        person_id = merge(session, kept=current, gone=known) if current and known != current else known
    if phone:
        set_phone(session, person_id, phone)
    if provider in REAL_PEOPLE:
        session.execute(update(Person).where(Person.id == person_id, Person.level < 1).values(level=1))
    if provider in CONTACTS:
        _remember_contact(session, person_id, CONTACTS[provider], subject)
    return person_id


def bind_phone(session: Session, *, person_id: UUID, phone: str) -> UUID:
    """Add a proved phone number to the person who is logged in. Raises TwoPeople when it is another's."""
    known = _owner(session, "phone", crypto.blind_index(phone, field="login.phone"))
    if known != person_id and _belongs_to_another(session, "phone", known, person_id):
        raise TwoPeople()
    return log_in(session, provider="phone", subject=phone, current=person_id, phone=phone)


def verify(session: Session, *, open_id: str, real_name: RealName, current: UUID | None) -> UUID:
    """Real-name login through i厦门: one person per id document.

    `current` becomes or joins that person, unless it holds another document: then it is somebody else.
    """
    number_index = document_index(real_name.id_number, real_name.id_type)
    session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(number_index[:8], "big", signed=True))))
    document = session.scalar(select(Person.id).where(Person.id_number_index == number_index))
    login_index = crypto.blind_index(open_id, field="login.ixiamen")
    owner = _owner(session, "ixiamen", login_index)
    without_document = [found for found in (owner, current) if found and _has_no_document(session, found)]
    same = list(dict.fromkeys(([document] if document else []) + without_document))
    person_id = same[0] if same else _create(session, level=0)
    for other in same[1:]:
        person_id = merge(session, kept=person_id, gone=other)
    _bind(session, "ixiamen", open_id, login_index, person_id, move=True)
    session.execute(
        update(Person)
        .where(Person.id == person_id)
        .values(
            level=func.greatest(Person.level, 2),
            name=crypto.seal(real_name.name, table="person", column="name", row=person_id),
            id_type=real_name.id_type,
            id_number=crypto.seal(real_name.id_number, table="person", column="id_number", row=person_id),
            id_number_index=number_index,
            born=idnumber.birth_date(real_name.id_number) if real_name.id_type == idnumber.RESIDENT_ID else None,
        )
    )
    if real_name.phone:
        set_phone(session, person_id, real_name.phone)
    return person_id


def document_index(number: str, id_type: str = idnumber.RESIDENT_ID) -> bytes:
    """Where a document is found: its kind and number."""
    return crypto.blind_index(f"{id_type}:{number}", field="person.id_number")


def set_phone(session: Session, person_id: UUID, phone: str) -> None:
    """Store a phone number the person has just proved; raises level 0 to 1."""
    sealed = crypto.seal(phone, table="person", column="phone", row=person_id)
    session.execute(
        update(Person).where(Person.id == person_id).values(phone=sealed, level=func.greatest(Person.level, 1))
    )
    _remember_contact(session, person_id, "phone", phone)


def set_preferences(session: Session, person_id: UUID, *, language: str | None, elder_mode: bool | None) -> None:
    """Language of pages and notices, and elder mode; None leaves a value alone."""
    changes = {"language": language, "elder_mode": elder_mode}
    values = {name: value for name, value in changes.items() if value is not None}
    if values:
        session.execute(update(Person).where(Person.id == person_id).values(**values))
    if language:
        notices.set_language(session, person_id=person_id, language=cast("Literal['zh', 'en']", language))


def create_unseen(session: Session, *, id_number: str, name: str) -> UUID:
    """The person of an id document named by a relative; level 0 until that person logs in."""
    index = document_index(id_number)
    person_id = db.new_id()
    created = session.execute(
        insert(Person)
        .values(
            id=person_id,
            level=0,
            name=crypto.seal(name, table="person", column="name", row=person_id),
            id_type=idnumber.RESIDENT_ID,
            id_number=crypto.seal(id_number, table="person", column="id_number", row=person_id),
            id_number_index=index,
            born=idnumber.birth_date(id_number),
            language="zh",
            elder_mode=False,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=[Person.id_number_index])
        .returning(Person.id)
    ).scalar_one_or_none()
    return created or session.execute(select(Person.id).where(Person.id_number_index == index)).scalar_one()


def _owner(session: Session, provider: str, index: bytes) -> UUID | None:
    return session.scalar(
        select(PersonLogin.person_id).where(PersonLogin.provider == provider, PersonLogin.subject_index == index)
    )


def _create(session: Session, *, level: int) -> UUID:
    person = Person(level=level, language="zh", elder_mode=False, created_at=clock.now())
    session.add(person)
    session.flush()
    return person.id


def _has_no_document(session: Session, person_id: UUID) -> bool:
    return session.scalar(select(Person.id_number_index).where(Person.id == person_id)) is None


def _belongs_to_another(session: Session, provider: str, known: UUID | None, current: UUID) -> bool:
    """Whether a login of `known` (None: nobody yet) cannot be the person who is logged in."""
    if known is not None:
        return are_two_people(session, known, current)
    has_one = select(PersonLogin.provider).where(PersonLogin.person_id == current, PersonLogin.provider == provider)
    return provider in ONE_EACH and session.scalar(has_one) is not None


def _bind(session: Session, provider: str, subject: str, index: bytes, person_id: UUID, *, move: bool = False) -> UUID:
    """Two first logins at once: the unique key lets one through, and both get its person.

    `move` takes the login away from its former person, whose document is no longer the account's.
    """
    row = insert(PersonLogin).values(
        provider=provider,
        subject_index=index,
        subject=crypto.seal(subject, table="person_login", column="subject", row=f"{provider}:{index.hex()}"),
        person_id=person_id,
        bound_at=clock.now(),
    )
    key = [PersonLogin.provider, PersonLogin.subject_index]
    if move:
        session.execute(row.on_conflict_do_update(index_elements=key, set_={"person_id": person_id}))
        return person_id
    bound = session.execute(
        row.on_conflict_do_nothing(index_elements=key).returning(PersonLogin.person_id)
    ).scalar_one_or_none()
    return bound or cast("UUID", _owner(session, provider, index))


def _remember_contact(session: Session, person_id: UUID, channel: ContactChannel, address: str) -> None:
    language = session.scalar(select(Person.language).where(Person.id == person_id))
    notices.set_contact(
        session,
        person_id=person_id,
        channel=channel,
        address=address,
        language=cast("Literal['zh', 'en']", language or "zh"),
    )


def lock(session: Session, people: Sequence[UUID]) -> None:
    """Hold these records until the transaction ends: nothing that refers to them is written meanwhile."""
    session.execute(select(Person.id).where(Person.id.in_(people)).order_by(Person.id).with_for_update())
