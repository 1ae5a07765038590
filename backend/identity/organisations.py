"""单位: organisations by unified social credit code, and the people who act for them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock, crypto, db, errors
from backend.identity import idnumber, queries
from backend.identity.models import Organisation, OrganisationAgent, PersonLogin


class CreditCodeWrong(errors.InvalidInput):
    """The unified social credit code has a wrong form or check character."""

    code = "credit_code_wrong"
    title = errors.Text("统一社会信用代码不对，请检查", "The unified social credit code is not right")


class OrganisationTaken(errors.Conflict):
    """Somebody registered this credit code before; its manager adds further people."""

    code = "organisation_taken"
    title = errors.Text(
        "这家单位已经登记，请让单位管理人添加你", "This organisation is registered. Ask its manager to add you"
    )


class AgentUnknown(errors.InvalidInput):
    """Nobody has logged in with this phone number."""

    code = "agent_unknown"
    title = errors.Text(
        "这个手机号还没有登录过，请让对方先登录一次", "Nobody has logged in with this number. Ask them to log in first"
    )


class LastManager(errors.Conflict):
    """An organisation keeps at least one manager."""

    code = "last_manager"
    title = errors.Text("至少要留一位管理人", "At least one manager must stay")


def register(session: Session, *, person_id: UUID, name: str, credit_code: str) -> Organisation:
    """A new organisation with its first manager. Raises CreditCodeWrong, OrganisationTaken."""
    code = idnumber.normalise(credit_code)
    if not idnumber.credit_code_is_valid(code):
        raise CreditCodeWrong()
    made = session.scalars(
        insert(Organisation)
        .values(id=db.new_id(), name=name, credit_code=code, created_at=clock.now())
        .on_conflict_do_nothing(index_elements=[Organisation.credit_code])
        .returning(Organisation)
    ).one_or_none()
    if made is None:
        raise OrganisationTaken()
    _set_role(session, made.id, person_id, "manager")
    _record(session, person_id, "organisation.registered", made.id)
    return made


def add_agent(session: Session, *, manager_id: UUID, organisation_id: UUID, phone: str, role: str) -> OrganisationAgent:
    """Let the person with this phone login act for the organisation, or change their role.

    Raises NotFound for anybody but a manager, AgentUnknown, LastManager.
    """
    _lock_as_manager(session, organisation_id, manager_id)
    index = crypto.blind_index(phone, field="login.phone")
    login = select(PersonLogin.person_id).where(PersonLogin.provider == "phone", PersonLogin.subject_index == index)
    person_id = session.scalar(login)
    if person_id is None:
        raise AgentUnknown()
    agent = _set_role(session, organisation_id, person_id, role)
    _keep_a_manager(session, organisation_id)
    _record(session, manager_id, "organisation.agent_added", organisation_id, agent=str(person_id), role=role)
    return agent


def remove_agent(session: Session, *, actor_id: UUID, organisation_id: UUID, person_id: UUID) -> None:
    """A manager removes anyone, an agent only themselves. Raises NotFound, LastManager."""
    if actor_id != person_id:
        _lock_as_manager(session, organisation_id, actor_id)
    else:
        session.execute(select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())
    gone = session.execute(
        delete(OrganisationAgent)
        .where(OrganisationAgent.organisation_id == organisation_id, OrganisationAgent.person_id == person_id)
        .returning(OrganisationAgent.person_id)
    )
    if gone.first() is None:
        raise errors.NotFound()
    _keep_a_manager(session, organisation_id)
    _record(session, actor_id, "organisation.agent_removed", organisation_id, agent=str(person_id))


def of_person(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """The organisations this person acts for; a manager also sees the others."""
    rows = session.execute(
        select(Organisation, OrganisationAgent.role)
        .join(OrganisationAgent, OrganisationAgent.organisation_id == Organisation.id)
        .where(OrganisationAgent.person_id == person_id)
        .order_by(Organisation.created_at)
    )
    return [shown(session, organisation, role) for organisation, role in rows]


def shown(session: Session, organisation: Organisation, role: str) -> dict[str, Any]:
    """An organisation as a member with this role sees it."""
    agents: Iterable[OrganisationAgent] = ()
    if role == "manager":
        agents = session.scalars(
            select(OrganisationAgent)
            .where(OrganisationAgent.organisation_id == organisation.id)
            .order_by(OrganisationAgent.created_at)
        )
    return {
        "id": organisation.id,
        "name": organisation.name,
        "credit_code": organisation.credit_code,
        "verified": organisation.verified,
        "role": role,
        "agents": [agent_shown(session, agent) for agent in agents],
    }


def agent_shown(session: Session, agent: OrganisationAgent) -> dict[str, Any]:
    """An agent by masked phone only: whoever knows a number must not learn a name from it."""
    phone = queries.unseal(queries.person(session, agent.person_id), "phone")
    return {
        "person_id": agent.person_id,
        "phone_masked": idnumber.masked_phone(phone) if phone else None,
        "role": agent.role,
        "created_at": agent.created_at,
    }


def _lock_as_manager(session: Session, organisation_id: UUID, person_id: UUID) -> None:
    """One change to an organisation at a time; nobody but a manager learns that it exists."""
    managed = (
        select(Organisation.id)
        .join(OrganisationAgent, OrganisationAgent.organisation_id == Organisation.id)
        .where(
            Organisation.id == organisation_id,
            OrganisationAgent.person_id == person_id,
            OrganisationAgent.role == "manager",
        )
        .with_for_update()
    )
    if session.scalar(managed) is None:
        raise errors.NotFound()


def _set_role(session: Session, organisation_id: UUID, person_id: UUID, role: str) -> OrganisationAgent:
    return session.scalars(
        insert(OrganisationAgent)
        .values(organisation_id=organisation_id, person_id=person_id, role=role, created_at=clock.now())
        .on_conflict_do_update(index_elements=["organisation_id", "person_id"], set_={"role": role})
        .returning(OrganisationAgent),
        execution_options={"populate_existing": True},
    ).one()


def _keep_a_manager(session: Session, organisation_id: UUID) -> None:
    managers = session.scalar(
        select(func.count()).where(
            OrganisationAgent.organisation_id == organisation_id, OrganisationAgent.role == "manager"
        )
    )
    if not managers:
        raise LastManager()


def _record(session: Session, actor_id: UUID, action: str, organisation_id: UUID, **data: str) -> None:
    audit.record(
        session,
        actor=f"person:{actor_id}",
        action=action,
        object_type="organisation",
        object_id=organisation_id,
        data=data or None,
    )
