"""Persons and their logins: find or create, raise the level, bind and merge."""

from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock, crypto, db, jobs
from backend.identity import idnumber
from backend.identity.models import LoginSession, Person, PersonLogin
from notify import service as notices
from notify.service import ContactChannel

Provider = Literal["wechat_mini", "wechat_official", "ixiamen", "phone", "alipay"]

CONTACTS: dict[str, ContactChannel] = {
    "wechat_mini": "wechat_mini",
    "wechat_official": "wechat_official",
    "phone": "phone",
}


@dataclass(frozen=True)
class RealName:
    """What a real-name provider vouches for: a checked resident id number, the name on it, maybe a phone."""

    id_number: str
    name: str
    phone: str | None


def log_in(
    session: Session, *, provider: Provider, subject: str, current: UUID | None, phone: str | None = None
) -> UUID:
    """The person behind a login; created on the first one, bound to `current` when that person is logged in."""
    index = crypto.blind_index(subject, field=f"login.{provider}")
    known = _owner(session, provider, index)
    person_id = known or current or _create(session, level=1 if phone else 0)
    if known and current and known != current:
        person_id = merge(session, kept=current, gone=known)
    if known is None:
        person_id = _bind(session, provider, subject, index, person_id)
    if phone:
        set_phone(session, person_id, phone)
    if provider in CONTACTS:
        _remember_contact(session, person_id, CONTACTS[provider], subject)
    return person_id


def verify(session: Session, *, open_id: str, real_name: RealName, current: UUID | None) -> UUID:
    """Real-name login through i厦门: one person per id document; `current` becomes or joins that person."""
    number_index = crypto.blind_index(real_name.id_number, field="person.id_number")
    document = session.scalar(select(Person.id).where(Person.id_number_index == number_index))
    person_id = log_in(session, provider="ixiamen", subject=open_id, current=current)
    if document and document != person_id:
        person_id = merge(session, kept=document, gone=person_id)
    session.execute(
        update(Person)
        .where(Person.id == person_id)
        .values(
            level=2,
            name=crypto.seal(real_name.name, table="person", column="name", row=person_id),
            id_number=crypto.seal(real_name.id_number, table="person", column="id_number", row=person_id),
            id_number_index=number_index,
            born=idnumber.birth_date(real_name.id_number),
        )
    )
    if real_name.phone:
        set_phone(session, person_id, real_name.phone)
    return person_id


def set_phone(session: Session, person_id: UUID, phone: str) -> None:
    """Store a phone number the person has just proved; raises level 0 to 1."""
    sealed = crypto.seal(phone, table="person", column="phone", row=person_id)
    session.execute(
        update(Person).where(Person.id == person_id).values(phone=sealed, level=func.greatest(Person.level, 1))
    )
    _remember_contact(session, person_id, "phone", phone)


def merge(session: Session, *, kept: UUID, gone: UUID) -> UUID:
    """Two records are one person: logins and sessions move to the one with the id document; audited.

    Upper features move their rows in the job `identity.person_merged`.
    """
    rows = session.scalars(
        select(Person).where(Person.id.in_([kept, gone])).order_by(Person.id).with_for_update()
    ).all()
    people = {row.id: row for row in rows}
    if people[kept].id_number_index is None and people[gone].id_number_index is not None:
        kept, gone = gone, kept
    session.execute(update(PersonLogin).where(PersonLogin.person_id == gone).values(person_id=kept))
    session.execute(update(LoginSession).where(LoginSession.person_id == gone).values(person_id=kept))
    session.execute(update(Person).where(Person.id == gone).values(merged_into=kept))
    notices.adopt(session, person_id=kept, former_id=gone)
    audit.record(
        session,
        actor=f"person:{kept}",
        action="person.merged",
        object_type="person",
        object_id=kept,
        data={"former": str(gone)},
    )
    jobs.defer(session, "identity.person_merged", kept=str(kept), former=str(gone))
    return kept


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
    index = crypto.blind_index(id_number, field="person.id_number")
    person_id = db.new_id()
    created = session.execute(
        insert(Person)
        .values(
            id=person_id,
            level=0,
            name=crypto.seal(name, table="person", column="name", row=person_id),
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


def _bind(session: Session, provider: str, subject: str, index: bytes, person_id: UUID) -> UUID:
    """Two first logins at once: the unique key lets one through, and both get its person."""
    bound = session.execute(
        insert(PersonLogin)
        .values(
            provider=provider,
            subject_index=index,
            subject=crypto.seal(subject, table="person_login", column="subject", row=f"{provider}:{index.hex()}"),
            person_id=person_id,
            bound_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(PersonLogin.person_id)
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
