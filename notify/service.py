"""Writing notices and contacts, and reading marks. Sending is the dispatcher's work (notify/jobs.py)."""

from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import Table, delete, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, crypto, db
from backend.core.errors import NotFound
from backend.core.logs import redact
from backend.core.prepared import Prepared
from notify import preferences
from notify.models import Contact, Dispatch, Notification
from notify.registry import TEMPLATES

RESENT_FOR = timedelta(days=1)
TYPED = ("reason", "reason_en", "answer", "answer_en")
"""Values that a member of staff has written freely."""
ContactChannel = Literal["wechat_official", "wechat_mini", "phone"]
_TABLE = cast(Table, Notification.__table__)
_INSERT = Prepared(insert(_TABLE).on_conflict_do_nothing(index_elements=[_TABLE.c.dedupe_key]).inline())


def notify(
    session: Session,
    *,
    person_id: UUID,
    template: str,
    params: dict[str, Any],
    subject_type: str,
    subject_id: str,
    link: str | None,
    dedupe_key: str,
    useless_after: datetime | None = None,
) -> None:
    """Put a notice into the person's inbox and queue it for sending: one INSERT, and none for a repeated key.

    `params` are the values of the template: no full name; id and phone numbers that staff have typed are masked.
    `link` is a path of the citizen app. After `useless_after` it stays in the inbox but is no longer sent.
    KeyError: no such template.
    """
    kind = TEMPLATES[template]
    now = clock.now()
    _INSERT.run(
        session,
        {
            "id": db.new_id(),
            "person_id": person_id,
            "template": template,
            "params": _without_numbers(params),
            "subject_type": subject_type,
            "subject_id": subject_id,
            "link": link,
            "dedupe_key": dedupe_key,
            "importance": kind.importance,
            "created_at": now,
            "useless_after": useless_after or now + kind.useful_for,
            "state": Dispatch.QUEUED,
            "next_attempt_at": now,
            "attempts": 0,
        },
    )


def withdraw(session: Session, *dedupe_keys: str) -> None:
    """What these notices say no longer holds: those still waiting are not sent.

    A worker that is sending one at this moment records that it was sent; it does not try again.
    """
    session.execute(
        update(Notification)
        .where(Notification.dedupe_key.in_(dedupe_keys), Notification.state == Dispatch.QUEUED)
        .values(state=Dispatch.WITHDRAWN)
        .execution_options(synchronize_session=False)
    )


def resend(session: Session, *, notification_id: UUID) -> None:
    """Queue a notice that failed or whose fate is unknown again, for a day. NotFound for any other."""
    now = clock.now()
    queued = session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state.in_((Dispatch.FAILED, Dispatch.UNKNOWN)))
        .values(
            state=Dispatch.QUEUED,
            next_attempt_at=now,
            route=null(),
            useless_after=func.greatest(Notification.useless_after, now + RESENT_FOR),
        )
        .returning(Notification.id)
    ).scalar_one_or_none()
    if queued is None:
        raise NotFound()


def set_contact(
    session: Session, *, person_id: UUID, channel: ContactChannel, address: str, language: Literal["zh", "en"]
) -> None:
    """Remember where the person is reached on `channel`; the newest address wins."""
    values = {
        "address": _seal_address(person_id, channel, address),
        "language": language,
        "updated_at": clock.now(),
        "unreachable_since": None,
    }
    session.execute(
        insert(Contact)
        .values(person_id=person_id, channel=channel, **values)
        .on_conflict_do_update(index_elements=[Contact.person_id, Contact.channel], set_=values)
    )


def set_language(session: Session, *, person_id: UUID, language: Literal["zh", "en"]) -> None:
    """Send this person's notices in another language from now on."""
    session.execute(update(Contact).where(Contact.person_id == person_id).values(language=language))


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records turned out to be one person: the remaining one takes the other's notices and contacts."""
    session.execute(update(Notification).where(Notification.person_id == former_id).values(person_id=person_id))
    former = session.scalars(select(Contact).where(Contact.person_id == former_id)).all()
    for contact in former:
        session.execute(
            insert(Contact)
            .values(
                person_id=person_id,
                channel=contact.channel,
                address=_seal_address(person_id, contact.channel, address_of(contact)),
                language=contact.language,
                updated_at=contact.updated_at,
            )
            .on_conflict_do_nothing()
        )
    session.execute(delete(Contact).where(Contact.person_id == former_id))
    preferences.adopt(session, person_id=person_id, former_id=former_id)


def address_of(contact: Contact) -> str:
    """The openid or phone number of a contact."""
    row = f"{contact.person_id}:{contact.channel}"
    return crypto.unseal(contact.address, table="contact", column="address", row=row)


def contact_address(session: Session, *, person_id: UUID, channel: ContactChannel) -> str | None:
    """Where the person is reached on a channel, as an openid that a payment there needs; None when unknown."""
    contact = session.get(Contact, (person_id, channel))
    return address_of(contact) if contact is not None else None


def mark_read(session: Session, *, person_id: UUID, notification_id: UUID) -> None:
    """The person has opened this message; a second time changes nothing. NotFound for another person's."""
    mine = (Notification.id == notification_id, Notification.person_id == person_id)
    marked = session.execute(
        update(Notification)
        .where(*mine, Notification.read_at.is_(None))
        .values(read_at=clock.now())
        .returning(Notification.id)
    ).scalar_one_or_none()
    if marked is None and session.execute(select(Notification.id).where(*mine)).scalar_one_or_none() is None:
        raise NotFound()


def mark_all_read(session: Session, *, person_id: UUID) -> None:
    """The person has seen everything."""
    session.execute(
        update(Notification)
        .where(Notification.person_id == person_id, Notification.read_at.is_(None))
        .values(read_at=clock.now())
    )


def _without_numbers(params: dict[str, Any]) -> dict[str, Any]:
    typed = {name: redact(params[name]) for name in TYPED if params.get(name)}
    return {**params, **typed} if typed else params


def _seal_address(person_id: UUID, channel: str, address: str) -> bytes:
    return crypto.seal(address, table="contact", column="address", row=f"{person_id}:{channel}")
