"""Handling one push of WeChat: receipts and follows are recorded, messages are answered, repetitions get the same."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock
from backend.identity import queries as identity
from backend.official.envelope import Account, Push
from backend.official.envelope import identity as push_identity
from backend.official.models import OfficialCallback
from backend.official.replies import Answers
from notify import outcomes, preferences

KEPT = timedelta(days=1)
HALL = "hall:"
"""Beginning of the scene of a hall's poster."""
FROM_SCAN = "qrscene_"
"""What WeChat puts before the scene when the scan made somebody follow."""


def handle(session: Session, account: Account, push: Push, *, url: str) -> str:
    """Do what a push asks for, once, and give the answer's text, which may be empty."""
    key = push_identity(account, push)
    fresh = session.execute(
        insert(OfficialCallback)
        .values(key=key, reply="", at=clock.now())
        .on_conflict_do_nothing()
        .returning(OfficialCallback.key)
    ).scalar_one_or_none()
    if fresh is None:
        return session.execute(select(OfficialCallback.reply).where(OfficialCallback.key == key)).scalar_one()
    person_id = identity.by_login(session, f"wechat_{account.name}", push.text("FromUserName"))
    act = _event if push.text("MsgType") == "event" else _answer
    text = act(session, push, person_id, url)
    if text:
        session.execute(update(OfficialCallback).where(OfficialCallback.key == key).values(reply=text))
    return text


def purge(session: Session) -> None:
    """Drop pushes that WeChat no longer repeats."""
    session.execute(delete(OfficialCallback).where(OfficialCallback.at < clock.now() - KEPT))


def _answer(session: Session, push: Push, person_id: UUID | None, url: str) -> str:
    answers = Answers(session, person_id, url)
    return answers.text(push.text("Content")) if push.text("MsgType") == "text" else answers.help()


def _event(session: Session, push: Push, person_id: UUID | None, url: str) -> str:
    answers, key = Answers(session, person_id, url), push.text("EventKey")
    match push.text("Event"):
        case "subscribe":
            if person_id is not None:
                preferences.set_following(session, person_id=person_id, following=True)
            return answers.welcome(_hall(key))
        case "unsubscribe":
            if person_id is not None:
                preferences.set_following(session, person_id=person_id, following=False)
        case "SCAN":
            return answers.hall(_hall(key))
        case "CLICK":
            return answers.text(key)
        case "TEMPLATESENDJOBFINISH":
            _template_finished(session, push, person_id)
        case "subscribe_msg_popup_event" | "subscribe_msg_change_event" as event:
            container = "SubscribeMsgPopupEvent" if "popup" in event else "SubscribeMsgChangeEvent"
            _agreed(session, push, container, person_id)
        case "subscribe_msg_sent_event":
            _subscribe_sent(session, push, person_id)
    return ""


def _hall(key: str) -> str:
    scene = key.removeprefix(FROM_SCAN)
    return scene.removeprefix(HALL) if scene.startswith(HALL) else ""


def _template_finished(session: Session, push: Push, person_id: UUID | None) -> None:
    """`success`, `failed:user block` or `failed: system failed`."""
    result, _, why = push.text("Status").partition(":")
    outcomes.receive(
        session,
        channel="wechat_template",
        provider_id=push.text("MsgID"),
        arrived=not result.startswith("failed"),
        code=why.strip() or None,
        person_id=person_id,
    )


def _agreed(session: Session, push: Push, container: str, person_id: UUID | None) -> None:
    if person_id is None:
        return
    for item in push.listed(container):
        template_id, answer = str(item.get("TemplateId", "")), item.get("SubscribeStatusString")
        if answer == "reject":
            preferences.agree(session, person_id=person_id, answers={template_id: "reject"})
        elif answer == "accept":
            preferences.ensure_granted(session, person_id=person_id, template_id=template_id)


def _subscribe_sent(session: Session, push: Push, person_id: UUID | None) -> None:
    for item in push.listed("SubscribeMsgSentEvent"):
        code = str(item.get("ErrorCode", "0"))
        outcomes.receive(
            session,
            channel="wechat_subscribe",
            provider_id=str(item.get("MsgID", "")),
            arrived=code == "0",
            code=None if code == "0" else code,
            person_id=person_id,
        )
