"""个人信息: the account itself, and what a login leaves behind."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from backend.core import clock, crypto, holds, idempotency, retention
from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.identity import queries, service
from backend.identity.models import (
    FamilyLink,
    LoginSession,
    LoginSource,
    LoginState,
    Organisation,
    OrganisationAgent,
    Person,
    PersonLogin,
    SmsCode,
)

PHONE_LOGIN = "login.phone"
FORMER_RECORDS = 20
"""Rounds in which merged records are followed; a chain is never longer than its merges."""


def everyone(session: Session, person_id: UUID) -> list[UUID]:
    """A person's own id, and those of all records that were merged into theirs."""
    found = [person_id]
    for _ in range(FORMER_RECORDS):
        query = select(Person.id).where(Person.merged_into.in_(found), Person.id.not_in(found))
        former = list(session.scalars(query))
        if not former:
            break
        found += former
    return found


def holders(session: Session, people: People) -> list[bytes]:
    """The blind indexes under which queue tickets were taken with this person's document or phone."""
    found = [one.bytes for one in people]
    for person in session.scalars(select(Person).where(Person.id.in_(people))):
        number, phone = queries.unseal(person, "id_number"), queries.unseal(person, "phone")
        if number is not None and person.id_type is not None:
            found.append(service.document_index(number, person.id_type))
        if phone is not None:
            found.append(crypto.blind_index(phone, field=PHONE_LOGIN))
    return found


def forget_names(session: Session, people: People) -> None:
    """Nothing needs the names of closed accounts any more. What remains of a record is an opaque id."""
    values = {"name": None, "id_type": None, "id_number": None, "id_number_index": None}
    session.execute(update(Person).where(Person.id.in_(people), Person.erased_at.is_not(None)).values(values))


def closed_with_name(session: Session, limit: int) -> list[UUID]:
    """Closed accounts whose name was kept, because a record needed it."""
    query = select(Person.id).where(Person.erased_at.is_not(None), Person.name.is_not(None))
    return list(session.scalars(query.order_by(Person.erased_at).limit(limit)))


def unseen(session: Session, limit: int) -> list[UUID]:
    """People who were entered two years ago, never logged in, and whom no link names; holds spare them."""
    nobody = (
        ~select(PersonLogin.person_id).where(PersonLogin.person_id == Person.id).exists(),
        ~select(FamilyLink.id).where(FamilyLink.person_id == Person.id).exists(),
        holds.spares(holds.PERSON, Person.id),
    )
    entered = Person.name.is_not(None), Person.erased_at.is_(None), Person.merged_into.is_(None)
    query = select(Person.id).where(*entered, Person.created_at < retention.before("unseen"), *nobody)
    return list(session.scalars(query.order_by(Person.created_at).limit(limit)))


def purge(session: Session, _: int) -> int:
    """Drop login codes and logins under way that ended a day ago; the number of rows."""
    before = clock.now() - timedelta(days=retention.days("login"))
    gone = session.execute(delete(SmsCode).where(SmsCode.expires_at < before).returning(SmsCode.expires_at)).all()
    left = session.execute(delete(LoginState).where(LoginState.expires_at < before).returning(LoginState.provider))
    failed = session.execute(delete(LoginSource).where(LoginSource.since < before).returning(LoginSource.since))
    return len(gone) + len(left.all()) + len(failed.all())


def _gives(session: Session, people: People) -> list[Section]:
    accounts = []
    for person in session.scalars(select(Person).where(Person.id.in_(people), Person.merged_into.is_(None))):
        sealed = {name: queries.unseal(person, name) for name in queries.SEALED_FIELDS}
        accounts.append({**sealed, "born": person.born, "level": person.level, "created_at": person.created_at})
    logins = session.execute(
        select(PersonLogin.provider, PersonLogin.bound_at).where(PersonLogin.person_id.in_(people))
    )
    live = session.execute(
        select(LoginSession.created_at, LoginSession.seen_at).where(LoginSession.person_id.in_(people))
    )
    return [
        Section("account", Text("账户", "Account"), accounts),
        Section("logins", Text("登录方式", "Ways to log in"), [dict(row._mapping) for row in logins]),
        Section("sessions", Text("登录状态", "Sessions"), [dict(row._mapping) for row in live]),
        Section("family", Text("亲友代办", "Acting for each other"), _family(session, people)),
        Section("bodies", Text("单位代办", "Organisations you act for"), _bodies(session, people)),
    ]


def _family(session: Session, people: People) -> list[dict[str, object]]:
    links = session.scalars(
        select(FamilyLink).where(or_(FamilyLink.agent_id.in_(people), FamilyLink.person_id.in_(people)))
    )
    return [
        {
            "name_masked": queries.masked_name(session, link.person_id if link.agent_id in people else link.agent_id),
            "relation": link.relation,
            "you_act": link.agent_id in people,
            "created_at": link.created_at,
        }
        for link in links
    ]


def _bodies(session: Session, people: People) -> list[dict[str, object]]:
    rows = session.execute(
        select(Organisation.name, OrganisationAgent.role, OrganisationAgent.created_at)
        .join(Organisation, Organisation.id == OrganisationAgent.organisation_id)
        .where(OrganisationAgent.person_id.in_(people))
    )
    return [dict(row._mapping) for row in rows]


def _closes(session: Session, people: People) -> None:
    """Every way in is shut: logins, sessions, relatives, organisations, and being found by a document."""
    session.execute(delete(LoginSession).where(LoginSession.person_id.in_(people)))
    session.execute(delete(PersonLogin).where(PersonLogin.person_id.in_(people)))
    session.execute(delete(OrganisationAgent).where(OrganisationAgent.person_id.in_(people)))
    session.execute(delete(FamilyLink).where(or_(FamilyLink.agent_id.in_(people), FamilyLink.person_id.in_(people))))
    session.execute(update(Person).where(Person.id.in_(people)).values(id_number_index=None, level=0))


def _erases(session: Session, people: People) -> None:
    """A name goes later than the phone when a kept record needs it: see `forget_names`."""
    values = {"phone": None, "born": None, "language": "zh", "elder_mode": False, "erased_at": clock.now()}
    phones = [queries.unseal(one, "phone") for one in session.scalars(select(Person).where(Person.id.in_(people)))]
    indexes = [crypto.blind_index(phone, field="sms.phone") for phone in phones if phone]
    idempotency.forget(session, people)
    session.execute(delete(SmsCode).where(SmsCode.phone_index.in_(indexes)))
    session.execute(update(Person).where(Person.id.in_(people), Person.erased_at.is_(None)).values(values))


PART = Part("identity", gives=_gives, closes=_closes, erases=_erases, purges=purge)
