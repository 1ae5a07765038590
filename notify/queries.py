"""Reading the inbox."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, tuple_
from sqlalchemy.orm import Session

from backend.core import clock
from notify import routing
from notify.models import ChannelDay, Contact, Dispatch, Notification


def inbox(
    session: Session, *, person_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notification]:
    """The person's messages, newest first, older than the pair `before` (time, id)."""
    found = select(Notification).where(Notification.person_id == person_id)
    if before is not None:
        found = found.where(tuple_(Notification.created_at, Notification.id) < before)
    return session.scalars(found.order_by(Notification.created_at.desc(), Notification.id.desc()).limit(limit)).all()


def unread(session: Session, *, person_id: UUID) -> int:
    """How many messages the person has not opened."""
    return session.execute(
        select(func.count()).where(Notification.person_id == person_id, Notification.read_at.is_(None))
    ).scalar_one()


def has_contact(session: Session, person_id: UUID) -> bool:
    """Whether a notice can leave the house for this person, beyond their inbox."""
    return session.scalar(select(select(Contact).where(Contact.person_id == person_id).exists())) or False


def reachable_at(session: Session, person_id: UUID) -> set[str]:
    """The contacts of a person that take messages."""
    open_ = Contact.person_id == person_id, Contact.unreachable_since.is_(None)
    return set(session.scalars(select(Contact.channel).where(*open_)))


def waiting(now: datetime) -> ColumnElement[bool]:
    """Notices that are due and that the hour allows."""
    return and_(Notification.state == Dispatch.QUEUED, Notification.next_attempt_at <= now, routing.may_go(now))


def oldest_due_s(session: Session) -> float:
    """Seconds since the notice that has been due longest became due; 0 when nothing waits."""
    now = clock.now()
    oldest = session.scalar(select(func.min(routing.due_since(now))).where(waiting(now)))
    return (now - oldest).total_seconds() if oldest else 0.0


def quota_shares(session: Session) -> Sequence[tuple[str, float]]:
    """Today's channels with a limit, and how much of it is used, from 0 to 1."""
    today = select(ChannelDay.channel, routing.used_share()).where(ChannelDay.day == clock.today())
    return [(channel, share) for channel, share in session.execute(today) if share is not None]


def written(session: Session, dedupe_keys: Sequence[str]) -> set[str]:
    """Which of these notices exist already."""
    return set(session.scalars(select(Notification.dedupe_key).where(Notification.dedupe_key.in_(dedupe_keys))))
