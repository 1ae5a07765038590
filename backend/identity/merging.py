"""Two records turn out to be one person: everything moves to the one that remains."""

from uuid import UUID

from sqlalchemy import and_, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from backend.core import audit, crypto, errors, jobs
from backend.files import service as files
from backend.identity.models import FamilyLink, LoginSession, OrganisationAgent, Person, PersonLogin
from express import address_book, ordering
from notify import service as notices
from payments import bills

MERGED = (
    "identity.person_merged",
    "licences.person_merged",
    "hotline.person_merged",
    "credit.person_merged",
    "applications.person_merged",
)
"""Jobs of upper features that move their rows."""

ONE_EACH = ("phone", "alipay")
"""Logins that name their holder: a second one on the same device is somebody else's."""


class TwoPeople(errors.Conflict):
    """This login belongs to somebody else: another id document, or another phone number."""

    code = "login_taken"
    title = errors.Text("这个手机号或账号已经绑定了别人", "This phone number or account belongs to someone else")


def are_two_people(session: Session, one: UUID, other: UUID) -> bool:
    """Whether these records must stay apart: each has a document, a phone or an Alipay account of its own."""
    both = Person.id.in_([one, other])
    documents = session.scalar(select(func.count()).where(both, Person.id_number_index.is_not(None)))
    logins = session.scalars(
        select(func.count(PersonLogin.person_id.distinct()))
        .where(PersonLogin.person_id.in_([one, other]), PersonLogin.provider.in_(ONE_EACH))
        .group_by(PersonLogin.provider)
    )
    return documents == 2 or 2 in logins.all()


def merge(session: Session, *, kept: UUID, gone: UUID) -> UUID:
    """Move logins, sessions, phone, family and organisations of `gone` to `kept`; returns who remains.

    The record with the id document always remains; two documents are never merged (TwoPeople). Audited.
    Upper features move their rows in the jobs of `MERGED`.
    """
    rows = session.scalars(
        select(Person)
        .where(Person.id.in_([kept, gone]))
        .order_by(Person.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    people = {row.id: row for row in rows}
    if any(row.merged_into for row in rows):
        raise errors.Conflict()
    if all(row.id_number_index for row in rows):
        raise TwoPeople()
    if people[kept].id_number_index is None and people[gone].id_number_index is not None:
        kept, gone = gone, kept
    session.execute(update(PersonLogin).where(PersonLogin.person_id == gone).values(person_id=kept))
    session.execute(update(LoginSession).where(LoginSession.person_id == gone).values(person_id=kept))
    _move_own_data(remaining=people[kept], former=people[gone])
    session.flush()
    _move_family(session, kept, gone)
    _move_organisations(session, kept, gone)
    notices.adopt(session, person_id=kept, former_id=gone)
    bills.adopt(session, person_id=kept, former_id=gone)
    files.adopt(session, person_id=kept, former_id=gone)
    address_book.adopt(session, person_id=kept, former_id=gone)
    ordering.adopt(session, person_id=kept, former_id=gone)
    audit.record(
        session,
        actor=f"person:{kept}",
        action="person.merged",
        object_type="person",
        object_id=kept,
        data={"former": str(gone)},
    )
    for task in MERGED:
        jobs.defer(session, task, kept=str(kept), former=str(gone))
    return kept


def _move_own_data(*, remaining: Person, former: Person) -> None:
    """A phone the remaining record lacks, and the preferences when its owner was never here before."""
    if remaining.phone is None and former.phone is not None:
        phone = crypto.unseal(former.phone, table="person", column="phone", row=former.id)
        remaining.phone = crypto.seal(phone, table="person", column="phone", row=remaining.id)
    if remaining.level == 0:
        remaining.language, remaining.elder_mode = former.language, former.elder_mode
    remaining.level = max(remaining.level, former.level)
    former.phone, former.merged_into = None, remaining.id


def _move_family(session: Session, kept: UUID, gone: UUID) -> None:
    """Links between the two, and links that the remaining record has already, are dropped."""
    between = or_(
        and_(FamilyLink.agent_id == kept, FamilyLink.person_id == gone),
        and_(FamilyLink.agent_id == gone, FamilyLink.person_id == kept),
    )
    session.execute(delete(FamilyLink).where(between))
    for side, opposite in (("agent_id", "person_id"), ("person_id", "agent_id")):
        mine, other, known = getattr(FamilyLink, side), getattr(FamilyLink, opposite), aliased(FamilyLink)
        already = select(getattr(known, opposite)).where(getattr(known, side) == kept)
        session.execute(
            delete(FamilyLink).where(mine == gone, other.in_(already)),
            execution_options={"synchronize_session": False},
        )
        session.execute(update(FamilyLink).where(mine == gone).values({side: kept}))


def _move_organisations(session: Session, kept: UUID, gone: UUID) -> None:
    """Where both records act for an organisation, the higher role stays ("manager" sorts after "agent")."""
    moved = select(
        OrganisationAgent.organisation_id,
        literal(kept, OrganisationAgent.person_id.type),
        OrganisationAgent.role,
        OrganisationAgent.created_at,
    ).where(OrganisationAgent.person_id == gone)
    copy = insert(OrganisationAgent).from_select(["organisation_id", "person_id", "role", "created_at"], moved)
    session.execute(
        copy.on_conflict_do_update(
            index_elements=["organisation_id", "person_id"],
            set_={"role": func.greatest(OrganisationAgent.role, copy.excluded.role)},
        )
    )
    session.execute(delete(OrganisationAgent).where(OrganisationAgent.person_id == gone))
