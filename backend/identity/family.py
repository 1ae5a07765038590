"""代办: acting for up to three relatives, each confirmed once (domain sheet §4, reliability §3.4)."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock, db, errors
from backend.identity import idnumber, queries, service
from backend.identity.models import FamilyLink, Person
from notify import preferences

MOST_RELATIVES = 3


class FamilyFull(errors.Conflict):
    """Three relatives already."""

    code = "family_full"
    title = errors.Text("最多帮 3 位家人办事", "You can act for three people at most")


class FamilyRefused(errors.InvalidInput):
    """The name does not belong to that id number, or it is the person's own."""

    code = "family_refused"
    title = errors.Text("姓名和身份证号对不上", "The name and the id number do not match")


def add(session: Session, *, agent_id: UUID, name: str, id_number: str, relation: str) -> FamilyLink:
    """Link a relative: a minor at once by guardianship, an adult after they accept in their own account."""
    session.execute(select(Person.id).where(Person.id == agent_id).with_for_update())
    count = session.scalar(select(func.count()).where(FamilyLink.agent_id == agent_id)) or 0
    if count >= MOST_RELATIVES:
        raise FamilyFull()
    person_id = service.create_unseen(session, id_number=id_number, name=name)
    if person_id == agent_id or queries.unseal(queries.person(session, person_id), "name") != name:
        raise FamilyRefused()
    minor = queries.is_minor(idnumber.birth_date(id_number))
    now = clock.now()
    session.execute(
        insert(FamilyLink)
        .values(
            id=db.new_id(),
            agent_id=agent_id,
            person_id=person_id,
            relation=relation,
            basis="guardian" if minor else "own_account",
            confirmed_at=now if minor else None,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["agent_id", "person_id"])
    )
    audit.record(session, actor=f"person:{agent_id}", action="family.added", object_type="person", object_id=person_id)
    return session.scalars(
        select(FamilyLink).where(FamilyLink.agent_id == agent_id, FamilyLink.person_id == person_id)
    ).one()


def answer(session: Session, *, person_id: UUID, link_id: UUID, accept: bool) -> None:
    """The relative's own yes or no. Raises NotFound for anybody else's link."""
    mine = (FamilyLink.id == link_id, FamilyLink.person_id == person_id, FamilyLink.confirmed_at.is_(None))
    change = (
        update(FamilyLink).where(*mine).values(confirmed_at=clock.now()).returning(FamilyLink.agent_id)
        if accept
        else delete(FamilyLink).where(*mine).returning(FamilyLink.agent_id)
    )
    agent_id = session.execute(change).scalar_one_or_none()
    if agent_id is None:
        raise errors.NotFound()
    born = session.scalar(select(Person.born).where(Person.id == person_id))
    if accept and born is not None:
        preferences.copy_to(session, person_id=person_id, agent_id=agent_id, since=queries.elder_from(born))
    action = "family.accepted" if accept else "family.declined"
    audit.record(session, actor=f"person:{person_id}", action=action, object_type="person", object_id=agent_id)


def remove(session: Session, *, person_id: UUID, link_id: UUID) -> None:
    """Either side may end it."""
    mine = (FamilyLink.agent_id == person_id) | (FamilyLink.person_id == person_id)
    gone = session.execute(
        delete(FamilyLink).where(FamilyLink.id == link_id, mine).returning(FamilyLink.person_id, FamilyLink.agent_id)
    ).one_or_none()
    if gone is None:
        raise errors.NotFound()
    preferences.stop_copies(session, person_id=gone.person_id, agent_id=gone.agent_id)
    audit.record(session, actor=f"person:{person_id}", action="family.removed", object_type="link", object_id=link_id)


def shown(session: Session, link: FamilyLink) -> dict[str, Any]:
    """A link as its agent sees it."""
    relative = queries.me(session, link.person_id)
    return {
        "id": link.id,
        "person_id": link.person_id,
        "name_masked": relative["name_masked"],
        "id_number_masked": relative["id_number_masked"],
        "relation": link.relation,
        "basis": link.basis,
        "state": "confirmed" if link.confirmed_at else "pending",
        "created_at": link.created_at,
    }


def overview(session: Session, person_id: UUID) -> dict[str, Any]:
    """Whom this person acts for, and who asks to act for them."""
    mine = session.scalars(select(FamilyLink).where(FamilyLink.agent_id == person_id).order_by(FamilyLink.created_at))
    asked = session.scalars(
        select(FamilyLink).where(FamilyLink.person_id == person_id, FamilyLink.confirmed_at.is_(None))
    )
    return {
        "family": [shown(session, link) for link in mine],
        "requests": [
            {
                "id": link.id,
                "agent_name_masked": queries.masked_name(session, link.agent_id),
                "relation": link.relation,
                "created_at": link.created_at,
            }
            for link in asked
        ],
    }
