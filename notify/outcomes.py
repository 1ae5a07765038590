"""What comes of an attempt: the notice's next step, and what it tells about the person and the channel."""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    SmallInteger,
    TableValuedAlias,
    Text,
    Uuid,
    bindparam,
    case,
    column,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from backend.core import clock, db
from notify import routing
from notify.channels.base import Outcome
from notify.claims import LEASE, WORKER_LOST, Claim
from notify.models import (
    Contact,
    Delivery,
    DeliveryReceipt,
    DeliveryState,
    Dispatch,
    Importance,
    Notification,
    Subscription,
)

log = logging.getLogger(__name__)

BACK_OFF = tuple(
    timedelta(seconds=seconds) for seconds in (0, 5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
)
"""Waiting time before each attempt (reliability B1)."""
JITTER = 0.2

DELIVERY_OF: Mapping[str, DeliveryState] = {
    "sent": DeliveryState.SENT,
    "again": DeliveryState.FAILED,
    "refused": DeliveryState.FAILED,
    "unknown": DeliveryState.UNKNOWN,
}


@dataclass(frozen=True)
class Step:
    """What is next: the notice's state, when it is due, and the channels left to try."""

    state: Dispatch
    due: datetime
    route: tuple[str, ...]


def record(session: Session, results: Sequence[tuple[Claim, Outcome]], repeat_window_s: Mapping[str, float]) -> None:
    """Write down what came of a batch and decide what is next, in one statement for each of the two tables.

    `repeat_window_s` by channel. Nothing is written of a notice that another worker has claimed since. One that was
    withdrawn meanwhile is sent or stays withdrawn: it is not tried again.
    """
    now = clock.now()
    steps = {
        claim.message.id: next_step(claim, outcome, now, repeat_window_s[claim.channel]) for claim, outcome in results
    }
    kept = set(
        session.scalars(
            _TAKE_STEPS,
            {
                "steps": [
                    {
                        "id": str(claim.message.id),
                        "attempt": claim.attempt,
                        "state": steps[claim.message.id].state,
                        "due": steps[claim.message.id].due.isoformat(),
                        "route": list(steps[claim.message.id].route),
                    }
                    for claim, _ in results
                ]
            },
        )
    )
    ours = [(claim, outcome) for claim, outcome in results if claim.message.id in kept]
    ended = [
        {
            "id": str(claim.message.id),
            "attempt": claim.attempt,
            "state": DELIVERY_OF[outcome.result],
            "provider_id": outcome.provider_id,
            "error_code": outcome.code,
        }
        for claim, outcome in ours
    ]
    session.execute(_END_DELIVERIES, {"ended": ended, "now": now})
    for claim, outcome in ours:
        _learn(session, claim, outcome)
        if steps[claim.message.id].state in {Dispatch.FAILED, Dispatch.UNKNOWN}:
            log.warning("notice_not_sent", extra={"notification": str(claim.message.id), "code": outcome.code})


def _rows(name: str, *columns: ColumnClause[Any]) -> TableValuedAlias:
    """A JSON parameter as rows: the statement stays the same for a batch of any size."""
    given = func.jsonb_to_recordset(bindparam(name, type_=JSONB))
    return given.table_valued(column("id", Uuid), column("attempt", SmallInteger), *columns).render_derived(
        name=name, with_types=True
    )


_STEPS = _rows("steps", column("state", Text), column("due", db.UTCDateTime), column("route", JSONB))
_TAKE_STEPS = (
    update(Notification)
    .where(Notification.id == _STEPS.c.id, Notification.attempts == _STEPS.c.attempt)
    .values(
        state=case(
            ((Notification.state == Dispatch.WITHDRAWN) & (_STEPS.c.state != Dispatch.SENT), Dispatch.WITHDRAWN),
            else_=_STEPS.c.state,
        ),
        next_attempt_at=_STEPS.c.due,
        route=_STEPS.c.route,
    )
    .returning(Notification.id)
    .execution_options(synchronize_session=False)
)
_ENDED = _rows("ended", column("state", Text), column("provider_id", Text), column("error_code", Text))
_END_DELIVERIES = (
    update(Delivery)
    .where(Delivery.notification_id == _ENDED.c.id, Delivery.attempt == _ENDED.c.attempt)
    .values(
        state=_ENDED.c.state,
        provider_id=_ENDED.c.provider_id,
        error_code=_ENDED.c.error_code,
        finished_at=bindparam("now", type_=db.UTCDateTime()),
    )
    .execution_options(synchronize_session=False)
)


def next_step(claim: Claim, outcome: Outcome, now: datetime, repeat_window_s: float) -> Step:
    """The state after an outcome, and when it is due again.

    A refusal, an address that has had its share, or an end of patience hands the notice to the next channel. After
    an unanswered attempt a repeat is safe only while the provider drops repeats; then a critical notice takes another
    channel, and the rest stay unknown (reliability B3).
    """
    this = (claim.channel, *claim.others)
    if outcome.result == "sent":
        return Step(Dispatch.SENT, now, this)
    elsewhere = Step(Dispatch.QUEUED, now, claim.others) if claim.others else None
    failed = elsewhere or Step(Dispatch.FAILED, now, ())
    if outcome.result == "refused" or claim.attempt >= len(BACK_OFF):
        return failed
    if outcome.exhausted:
        return Step(Dispatch.QUEUED, now, this)
    if outcome.wait_s:
        return elsewhere or _while_useful(claim, now + timedelta(seconds=outcome.wait_s), failed)
    next_at = now + BACK_OFF[claim.attempt] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load
    first_unknown = claim.first_unknown or (now if outcome.result == "unknown" else None)
    if first_unknown is not None and next_at >= first_unknown + timedelta(seconds=repeat_window_s):
        critical = claim.importance == Importance.CRITICAL
        return elsewhere if critical and elsewhere else Step(Dispatch.UNKNOWN, now, ())
    return _while_useful(claim, next_at, failed)


def _while_useful(claim: Claim, next_at: datetime, otherwise: Step) -> Step:
    """The same way again at that time, unless nobody needs the notice then."""
    if claim.useless_after is not None and next_at >= claim.useless_after:
        return otherwise
    return Step(Dispatch.QUEUED, next_at, (claim.channel, *claim.others))


def _learn(session: Session, claim: Claim, outcome: Outcome) -> None:
    """Grants are spent, closed addresses are remembered, a channel without quota is left alone."""
    now = clock.now()
    if claim.channel == "wechat_subscribe" and (outcome.result == "sent" or outcome.code == "43101"):
        grant = Subscription.person_id == claim.person_id, Subscription.template_id == claim.template_id
        spent = outcome.code == "43101"
        session.execute(
            update(Subscription)
            .where(*grant)
            .values(
                left=0 if spent else func.greatest(Subscription.left - 1, 0),
                long_term=False if spent else Subscription.long_term,
                updated_at=now,
            )
            .execution_options(synchronize_session=False)
        )
    elif outcome.recipient_closed:
        close_contact(session, claim.person_id, routing.ADDRESS_OF[claim.channel])
    if outcome.exhausted:
        routing.pause(session, claim.channel)


def close_contact(session: Session, person_id: UUID, contact: str) -> None:
    """The person takes nothing at this address, until they follow or log in there again."""
    session.execute(
        update(Contact)
        .where(Contact.person_id == person_id, Contact.channel == contact, Contact.unreachable_since.is_(None))
        .values(unreachable_since=clock.now())
        .execution_options(synchronize_session=False)
    )


def receive(
    session: Session, *, channel: str, provider_id: str, arrived: bool, code: str | None, person_id: UUID | None
) -> None:
    """The provider reports what became of a message; a repeated report changes nothing."""
    written = session.execute(
        insert(DeliveryReceipt)
        .values(
            channel=channel,
            provider_id=provider_id,
            arrived=arrived,
            code=code,
            person_id=person_id,
            at=clock.now(),
            settled=False,
        )
        .on_conflict_do_nothing()
        .returning(DeliveryReceipt.provider_id)
    ).scalar_one_or_none()
    if written is not None:
        settle(session, channel, [provider_id])


def settle(session: Session, channel: str, provider_ids: Sequence[str]) -> None:
    """Match receipts with deliveries, whichever of the two came first."""
    receipts = session.scalars(
        select(DeliveryReceipt)
        .where(DeliveryReceipt.channel == channel, DeliveryReceipt.provider_id.in_(provider_ids))
        .where(DeliveryReceipt.settled.is_(False))
        .order_by(DeliveryReceipt.provider_id)
        .with_for_update()
    ).all()
    for receipt in receipts:
        notification_id = session.scalar(
            update(Delivery)
            .where(Delivery.channel == channel, Delivery.provider_id == receipt.provider_id)
            .values(
                state=DeliveryState.DELIVERED if receipt.arrived else DeliveryState.FAILED,
                error_code=receipt.code,
            )
            .returning(Delivery.notification_id)
            .execution_options(synchronize_session=False)
        )
        if notification_id is None:
            continue
        receipt.settled = True
        if not receipt.arrived:
            _try_elsewhere(session, notification_id)


def _try_elsewhere(session: Session, notification_id: UUID) -> None:
    """The provider had taken it and could not deliver it."""
    now = clock.now()
    notice = session.get_one(Notification, notification_id, with_for_update=True, populate_existing=True)
    others = (notice.route or [])[1:]
    useful = notice.useless_after is None or notice.useless_after > now
    if notice.state == Dispatch.SENT:
        session.execute(
            update(Notification)
            .where(Notification.id == notification_id)
            .values(
                state=Dispatch.QUEUED if others and useful else Dispatch.FAILED,
                route=others,
                next_attempt_at=now,
            )
            .execution_options(synchronize_session=False)
        )


def close_lost(session: Session) -> None:
    """Nobody claims a withdrawn notice again: what a dead worker was sending of it stays unknown."""
    now = clock.now()
    withdrawn = select(Notification.id).where(Notification.state == Dispatch.WITHDRAWN)
    session.execute(
        update(Delivery)
        .where(Delivery.started_at.between(now - LOST_WITHIN, now - LEASE), Delivery.state == DeliveryState.SENDING)
        .where(Delivery.notification_id.in_(withdrawn))
        .values(state=DeliveryState.UNKNOWN, error_code=WORKER_LOST, finished_at=now)
        .execution_options(synchronize_session=False)
    )


LOST_WITHIN = timedelta(days=1)
RECEIPT_WAIT = timedelta(minutes=1)
RECEIPTS_KEPT = timedelta(days=7)
ANSWER_LOST = timedelta(minutes=10)


def reconcile(session: Session) -> int:
    """Receipts that match no message number: the answer that carried it was lost, so the attempt is unknown.

    Each settles the person's oldest unanswered attempt of the ten minutes before. Gives how many were settled.
    """
    lost = session.scalars(
        select(DeliveryReceipt)
        .where(DeliveryReceipt.settled.is_(False), DeliveryReceipt.person_id.is_not(None))
        .where(DeliveryReceipt.at <= clock.now() - RECEIPT_WAIT)
        .order_by(DeliveryReceipt.at)
        .limit(200)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_reconcile(session, receipt) for receipt in lost)


def _reconcile(session: Session, receipt: DeliveryReceipt) -> bool:
    found = session.execute(
        select(Delivery.id, Delivery.notification_id)
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(Notification.person_id == receipt.person_id, Notification.state == Dispatch.UNKNOWN)
        .where(Delivery.channel == receipt.channel, Delivery.state == DeliveryState.UNKNOWN)
        .where(Delivery.provider_id.is_(None), Delivery.started_at > receipt.at - ANSWER_LOST)
        .order_by(Delivery.started_at)
        .limit(1)
        .with_for_update(of=Notification)
    ).one_or_none()
    if found is None:
        return False
    receipt.settled = True
    values = {
        "state": DeliveryState.DELIVERED if receipt.arrived else DeliveryState.FAILED,
        "provider_id": receipt.provider_id,
        "error_code": receipt.code,
    }
    session.execute(update(Delivery).where(Delivery.id == found.id).values(**values))
    session.execute(
        update(Notification)
        .where(Notification.id == found.notification_id)
        .values(state=Dispatch.SENT if receipt.arrived else Dispatch.FAILED)
    )
    return True
