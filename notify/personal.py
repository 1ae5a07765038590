"""个人信息: messages, where they went, and a person's choices about them."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from backend.core import holds, retention
from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from notify import service, templates
from notify.models import Contact, DeliveryReceipt, NoticeCopy, NoticePreference, Notification, Subscription


def purge(session: Session, limit: int) -> int:
    """Delete messages a year old, with how they were sent; the number of messages."""
    old = (
        select(Notification.id)
        .where(
            Notification.created_at < retention.before("notices"), holds.spares(holds.PERSON, Notification.person_id)
        )
        .limit(limit)
    )
    gone = session.execute(delete(Notification).where(Notification.id.in_(old)).returning(Notification.id))
    session.execute(delete(DeliveryReceipt).where(DeliveryReceipt.at < retention.before("notices")))
    return len(gone.all())


def _gives(session: Session, people: People) -> list[Section]:
    inbox = session.scalars(
        select(Notification).where(Notification.person_id.in_(people)).order_by(Notification.created_at)
    )
    contacts = session.scalars(select(Contact).where(Contact.person_id.in_(people))).all()
    choices = session.scalars(select(NoticePreference).where(NoticePreference.person_id.in_(people)))
    return [
        Section(
            "messages",
            Text("站内消息", "Messages"),
            [
                {"at": one.created_at, "title": _words(one, templates.title), "words": _words(one, templates.body)}
                for one in inbox
            ],
        ),
        Section(
            "contacts",
            Text("联系方式", "Where notices reach you"),
            [{"channel": one.channel, "address": service.address_of(one), "at": one.updated_at} for one in contacts],
        ),
        Section(
            "notice_choices",
            Text("提醒设置", "Choices about notices"),
            [{"opted_out": ", ".join(one.opted_out), "channels": ", ".join(one.channels)} for one in choices],
        ),
    ]


def _words(one: Notification, written: Callable[[str, Mapping[str, Any], str], str]) -> Text:
    return Text(written(one.template, one.params, "zh"), written(one.template, one.params, "en"))


def _erases(session: Session, people: People) -> None:
    for table in (Notification, Contact, Subscription, NoticePreference):
        session.execute(delete(table).where(table.person_id.in_(people)))
    session.execute(delete(NoticeCopy).where(or_(NoticeCopy.person_id.in_(people), NoticeCopy.agent_id.in_(people))))
    session.execute(delete(DeliveryReceipt).where(DeliveryReceipt.person_id.in_(people)))


PART = Part("notify", gives=_gives, erases=_erases, purges=purge)
