"""The dispatcher: claims due notices, sends them with no transaction open, and records what came of it.

A claim moves the due time forward by the lease, so a worker that dies leaves its notices due again. The
number of attempts fences the record: only the latest claim may write the outcome.
"""

import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, db
from backend.core.config import Settings
from backend.core.wechat import official_account
from backend.core.wechat_tokens import connect
from notify import templates
from notify.channels.base import Channel, Message, Outcome
from notify.channels.wechat_template import WeChatTemplateChannel
from notify.models import Contact, Delivery, DeliveryState, Dispatch, Notification
from notify.service import address_of

log = logging.getLogger(__name__)

BATCH = 64
SENDERS = 16
MOST_BATCHES = 50
LEASE = timedelta(seconds=60)
PAUSE_WHEN_EXHAUSTED = timedelta(minutes=10)
BACK_OFF = tuple(
    timedelta(seconds=seconds) for seconds in (0, 5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
)
"""Waiting time before each attempt (reliability B1)."""
JITTER = 0.2

DELIVERY_OF: dict[str, DeliveryState] = {
    "sent": DeliveryState.SENT,
    "again": DeliveryState.FAILED,
    "refused": DeliveryState.FAILED,
    "unknown": DeliveryState.UNKNOWN,
}
NOT_TRIED = "not_tried"


@dataclass(frozen=True)
class Claim:
    """A notice that this worker holds until the lease ends. `first_unknown` is its oldest unanswered attempt."""

    attempt: int
    useless_after: datetime | None
    first_unknown: datetime | None
    message: Message


def dispatch_due(settings: Settings) -> int:
    """Send what is due, batch by batch, until nothing is; gives the number of notices handled."""
    return dispatch(_channel(settings), settings.public_url)


def dispatch(channel: Channel, public_url: str, *, sent: Callable[[], None] | None = None) -> int:
    """As `dispatch_due`, on one channel. `sent` is called between sending and recording."""
    handled = 0
    for _ in range(MOST_BATCHES):
        with db.transaction() as session:
            size, claims = claim_batch(session, channel.name, public_url)
        outcomes = _send_all(channel, claims)
        if sent is not None:
            sent()
        if claims:
            with db.transaction() as session:
                for claim, outcome in zip(claims, outcomes, strict=True):
                    record(session, claim, outcome, repeat_window_s=channel.repeat_window_s)
        handled += size
        if size < BATCH or any(_halts(outcome) for outcome in outcomes):
            break
    return handled


def claim_batch(session: Session, channel: str, public_url: str) -> tuple[int, list[Claim]]:
    """Take the lease on due notices; those that need no sending are finished here."""
    now = clock.now()
    due = (
        select(Notification.id)
        .where(Notification.state == Dispatch.QUEUED, Notification.next_attempt_at <= now)
        .order_by(Notification.next_attempt_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(
        update(Notification)
        .where(Notification.id.in_(due))
        .values(next_attempt_at=now + LEASE, attempts=Notification.attempts + 1)
        .returning(Notification)
        .execution_options(synchronize_session=False)
    ).scalars()
    notices = sorted(rows, key=lambda notice: notice.id)
    if not notices:
        return 0, []
    contacts = _contacts(session, [notice.person_id for notice in notices])
    unanswered = _unanswered(session, notices, now)
    claims: list[Claim] = []
    for notice in notices:
        contact = contacts.get(notice.person_id)
        useless = notice.useless_after is not None and notice.useless_after <= now
        if contact is None or useless:
            _finish(session, notice.id, Dispatch.FAILED if useless and contact else Dispatch.INBOX_ONLY)
            continue
        claims.append(_claim(notice, contact, unanswered.get(notice.id), public_url))
    if claims:
        session.execute(
            insert(Delivery),
            [
                {
                    "id": db.new_id(),
                    "notification_id": claim.message.id,
                    "attempt": claim.attempt,
                    "channel": channel,
                    "state": DeliveryState.SENDING,
                    "started_at": now,
                }
                for claim in claims
            ],
        )
    return len(notices), claims


def record(session: Session, claim: Claim, outcome: Outcome, *, repeat_window_s: float) -> None:
    """Write down one outcome and decide what is next; nothing if another worker has claimed the notice since."""
    now = clock.now()
    state, next_at = _next_step(claim, outcome, now, repeat_window_s)
    kept = session.execute(
        update(Notification)
        .where(Notification.id == claim.message.id, Notification.attempts == claim.attempt)
        .values(state=state, next_attempt_at=next_at)
        .returning(Notification.id)
    ).scalar_one_or_none()
    if kept is None:
        return
    session.execute(
        update(Delivery)
        .where(Delivery.notification_id == claim.message.id, Delivery.attempt == claim.attempt)
        .values(
            state=DELIVERY_OF[outcome.result],
            provider_id=outcome.provider_id,
            error_code=outcome.code,
            finished_at=now,
        )
    )
    if state in {Dispatch.FAILED, Dispatch.UNKNOWN}:
        log.warning("notice_not_sent", extra={"notification": str(claim.message.id), "code": outcome.code})


def _next_step(claim: Claim, outcome: Outcome, now: datetime, repeat_window_s: float) -> tuple[Dispatch, datetime]:
    """The state after an outcome, and when it is due again.

    After an unanswered attempt a repeat is safe only while the provider drops repeats (reliability B3).
    """
    if outcome.result == "sent":
        return Dispatch.SENT, now
    if outcome.result == "refused" or claim.attempt >= len(BACK_OFF):
        return Dispatch.FAILED, now
    wait = PAUSE_WHEN_EXHAUSTED if outcome.exhausted else BACK_OFF[claim.attempt]
    next_at = now + wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load
    first_unknown = claim.first_unknown or (now if outcome.result == "unknown" else None)
    if first_unknown is not None and next_at >= first_unknown + timedelta(seconds=repeat_window_s):
        return Dispatch.UNKNOWN, now
    if claim.useless_after is not None and next_at >= claim.useless_after:
        return Dispatch.FAILED, now
    return Dispatch.QUEUED, next_at


def _send_all(channel: Channel, claims: Sequence[Claim]) -> list[Outcome]:
    """Send side by side; once the provider takes no more or is gone, the rest waits untried."""
    if not claims:
        return []
    halted: list[Outcome] = []

    def send(claim: Claim) -> Outcome:
        if halted:
            return replace(halted[0], result="again", code=NOT_TRIED)
        outcome = channel.send(claim.message)
        if _halts(outcome):
            halted.append(outcome)
        return outcome

    with ThreadPoolExecutor(min(SENDERS, len(claims))) as pool:
        return [future.result() for future in [pool.submit(copy_context().run, send, claim) for claim in claims]]


def _halts(outcome: Outcome) -> bool:
    return outcome.exhausted or outcome.unreachable


def _claim(notice: Notification, contact: Contact, first_unknown: datetime | None, public_url: str) -> Claim:
    return Claim(
        attempt=notice.attempts,
        useless_after=notice.useless_after,
        first_unknown=first_unknown,
        message=Message(
            id=notice.id,
            template=notice.template,
            address=address_of(contact),
            values=templates.wechat_data(notice.template, notice.params),
            url=public_url.rstrip("/") + notice.link if notice.link else "",
        ),
    )


def _contacts(session: Session, people: Sequence[UUID]) -> dict[UUID, Contact]:
    found = session.scalars(
        select(Contact).where(Contact.person_id.in_(set(people)), Contact.channel == "wechat_official")
    )
    return {contact.person_id: contact for contact in found}


def _unanswered(session: Session, notices: Sequence[Notification], now: datetime) -> dict[UUID, datetime]:
    """When each notice was first sent without an answer; attempts of a worker that died count too."""
    repeated = [notice.id for notice in notices if notice.attempts > 1]
    if not repeated:
        return {}
    session.execute(
        update(Delivery)
        .where(Delivery.notification_id.in_(repeated), Delivery.state == DeliveryState.SENDING)
        .values(state=DeliveryState.UNKNOWN, error_code="worker_lost", finished_at=now)
    )
    rows: Any = session.execute(
        select(Delivery.notification_id, Delivery.started_at)
        .where(Delivery.notification_id.in_(repeated), Delivery.state == DeliveryState.UNKNOWN)
        .order_by(Delivery.started_at.desc())
    )
    return {notification_id: started_at for notification_id, started_at in rows}


def _finish(session: Session, notification_id: UUID, state: Dispatch) -> None:
    session.execute(update(Notification).where(Notification.id == notification_id).values(state=state))


@lru_cache(maxsize=2)
def _channel(settings: Settings) -> Channel:
    return WeChatTemplateChannel(connect(official_account(settings)), settings.wechat_template_ids)
