"""What a person wants: kinds switched off, channels in order, subscribe messages agreed to, copies for an agent."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock
from notify.models import Contact, NoticeCopy, NoticePreference, Subscription
from notify.registry import TEMPLATES

Agreement = Literal["accept", "accept_always", "reject"]

SWITCHABLE = frozenset(kind.kind for kind in TEMPLATES.values() if not kind.statutory)
"""Kinds of which at least some notices may be switched off."""


def of_person(session: Session, person_id: UUID) -> tuple[list[str], list[str]]:
    """Kinds switched off, and the channels in the person's order; both empty when nothing was chosen."""
    found = session.get(NoticePreference, person_id)
    return (found.opted_out, found.channels) if found else ([], [])


def choose(session: Session, *, person_id: UUID, opted_out: Sequence[str], channels: Sequence[str]) -> None:
    """Replace the person's choice."""
    values = {"opted_out": sorted(set(opted_out)), "channels": list(channels), "updated_at": clock.now()}
    session.execute(
        insert(NoticePreference)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=[NoticePreference.person_id], set_=values)
    )


def agree(session: Session, *, person_id: UUID, answers: Mapping[str, Agreement]) -> None:
    """The person's answers about subscribe messages, by template id: one more message, all of them, or none.

    The client's report and WeChat's push tell of the same tap, so only the client's counts single messages
    (`accept`); what is left is a hint, and a refused message (43101) corrects it.
    """
    for template_id, answer in sorted(answers.items()):
        fresh = {"left": int(answer == "accept"), "long_term": answer == "accept_always", "updated_at": clock.now()}
        changes: dict[Agreement, dict[str, Any]] = {
            "accept": {"left": Subscription.left + 1},
            "accept_always": {"long_term": True},
            "reject": {"left": 0, "long_term": False},
        }
        session.execute(
            insert(Subscription)
            .values(person_id=person_id, template_id=template_id, **fresh)
            .on_conflict_do_update(
                index_elements=[Subscription.person_id, Subscription.template_id],
                set_={**changes[answer], "updated_at": clock.now()},
            )
        )


def ensure_granted(session: Session, *, person_id: UUID, template_id: str) -> None:
    """WeChat says that the person agreed: at least one message may be sent, reported by the client or not."""
    session.execute(
        insert(Subscription)
        .values(person_id=person_id, template_id=template_id, left=1, long_term=False, updated_at=clock.now())
        .on_conflict_do_update(
            index_elements=[Subscription.person_id, Subscription.template_id],
            set_={"left": func.greatest(Subscription.left, 1), "updated_at": clock.now()},
        )
    )


def set_following(session: Session, *, person_id: UUID, following: bool) -> None:
    """The person followed the official account, or left it."""
    session.execute(
        update(Contact)
        .where(Contact.person_id == person_id, Contact.channel == "wechat_official")
        .values(unreachable_since=None if following else clock.now())
    )


def copy_to(session: Session, *, person_id: UUID, agent_id: UUID, since: date) -> None:
    """From `since` on the agent gets a copy of what is sent to the person."""
    session.execute(
        insert(NoticeCopy)
        .values(person_id=person_id, agent_id=agent_id, since=since)
        .on_conflict_do_update(index_elements=["person_id", "agent_id"], set_={"since": since})
    )


def stop_copies(session: Session, *, person_id: UUID, agent_id: UUID) -> None:
    """The agent gets no more copies."""
    session.execute(delete(NoticeCopy).where(NoticeCopy.person_id == person_id, NoticeCopy.agent_id == agent_id))


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records turned out to be one person: what the remaining one lacks is taken over."""
    for grant in session.scalars(select(Subscription).where(Subscription.person_id == former_id)).all():
        session.execute(
            insert(Subscription)
            .values(
                person_id=person_id,
                template_id=grant.template_id,
                left=grant.left,
                long_term=grant.long_term,
                updated_at=grant.updated_at,
            )
            .on_conflict_do_nothing()
        )
    former = session.get(NoticePreference, former_id)
    if former is not None and session.get(NoticePreference, person_id) is None:
        choose(session, person_id=person_id, opted_out=former.opted_out, channels=former.channels)
    swapped_person = case((NoticeCopy.person_id == former_id, person_id), else_=NoticeCopy.person_id)
    swapped_agent = case((NoticeCopy.agent_id == former_id, person_id), else_=NoticeCopy.agent_id)
    involved = (NoticeCopy.person_id == former_id) | (NoticeCopy.agent_id == former_id)
    for rule in session.execute(select(swapped_person, swapped_agent, NoticeCopy.since).where(involved)).all():
        if rule[0] != rule[1]:
            copy_to(session, person_id=rule[0], agent_id=rule[1], since=rule[2])
    session.execute(delete(NoticeCopy).where(involved))
    for table in (Subscription, NoticePreference):
        session.execute(delete(table).where(table.person_id == former_id))
