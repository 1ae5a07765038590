"""Reading the inbox."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from notify.models import Contact, Notification


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
