"""Claiming due notices: the lease, the channel each goes by, and the copies that a family agent gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from backend.core import clock, db
from notify import routing, templates
from notify.channels.base import Channel, Message
from notify.models import Delivery, DeliveryState, Dispatch, NoticeCopy, Notification
from notify.service import address_of

BATCH = 64
LEASE = timedelta(seconds=60)
WORKER_LOST = "worker_lost"

Unanswered = Mapping[tuple[UUID, str], datetime]


@dataclass(frozen=True)
class Claim:
    """A notice that this worker holds until the lease ends, and the channel it goes by.

    `first_unknown` is its oldest unanswered attempt on this channel, `others` the channels after this one.
    """

    attempt: int
    channel: str
    others: tuple[str, ...]
    template_id: str
    importance: int
    person_id: UUID
    useless_after: datetime | None
    first_unknown: datetime | None
    message: Message


def claim_batch(session: Session, channels: Mapping[str, Channel]) -> tuple[int, list[Claim]]:
    """Take the lease on due notices; those that need no sending are finished here.

    Gives how many were due, and those to send.
    """
    now = clock.now()
    notices = _take_due(session, now)
    if not notices:
        return 0, []
    _copy_to_agents(session, notices)
    over = _withdrawn(session, notices)
    people = routing.reach(session, [notice.person_id for notice in notices])
    spent = routing.quota(session, channels)
    unanswered = _unanswered(session, notices, now)
    claims: list[Claim] = []
    routes: dict[UUID, list[str]] = {}
    for notice in notices:
        if notice.copy_of in over:
            _set(session, notice, state=Dispatch.WITHDRAWN)
            continue
        route = _route(notice, people, channels)
        useless = notice.useless_after is not None and notice.useless_after <= now
        if useless or not route:
            wanted = notice.route is not None or (useless and route)
            _set(session, notice, state=Dispatch.FAILED if wanted else Dispatch.INBOX_ONLY)
            continue
        place = next((n for n, name in enumerate(route) if spent.take(name, notice.importance)), None)
        if place is None:
            opens = min(spent.opens(name) for name in route)
            _set(session, notice, next_attempt_at=opens, attempts=notice.attempts - 1)
            continue
        claims.append(_claim(notice, people.contacts, channels[route[place]], route[place + 1 :], unanswered))
        if notice.route != route[place:]:
            routes[notice.id] = route[place:]
    if routes:
        session.execute(_ROUTES, {"routes": {str(notice_id): route for notice_id, route in routes.items()}})
    routing.count(session, spent)
    _open_deliveries(session, claims, now)
    return len(notices), claims


_GIVEN = func.jsonb_each(bindparam("routes", type_=JSONB)).table_valued("key", column("value", JSONB), name="given")
_ROUTES = (
    update(Notification)
    .where(Notification.id == cast(_GIVEN.c.key, Uuid))
    .values(route=_GIVEN.c.value)
    .execution_options(synchronize_session=False)
)
"""One statement for the whole batch."""


def _take_due(session: Session, now: datetime) -> list[Notification]:
    due = (
        select(Notification.id)
        .where(Notification.state == Dispatch.QUEUED, Notification.next_attempt_at <= now, routing.may_go(now))
        .order_by(Notification.importance, Notification.next_attempt_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(
        update(Notification)
        .where(Notification.id.in_(due))
        .values(next_attempt_at=now + LEASE, attempts=Notification.attempts + 1)
        .returning(Notification)
        .execution_options(synchronize_session=False)
    )
    return sorted(rows, key=lambda notice: (notice.importance, notice.id))


def _route(notice: Notification, people: routing.Reach, channels: Mapping[str, Channel]) -> list[str]:
    """The channels decided at the first claim, less those that have been closed since; none for an unwanted notice."""
    if not people.wants(notice):
        return []
    open_ = people.route(notice, channels)
    return open_ if notice.route is None else [name for name in notice.route if name in open_]


def _claim(
    notice: Notification,
    contacts: routing.Contacts,
    channel: Channel,
    others: Sequence[str],
    unanswered: Unanswered,
) -> Claim:
    form = templates.form_of(notice.template, channel.name)
    assert form is not None, "a route holds only channels with a form"
    return Claim(
        attempt=notice.attempts,
        channel=channel.name,
        others=tuple(others),
        template_id=channel.template_ids.get(form.name, ""),
        importance=notice.importance,
        person_id=notice.person_id,
        useless_after=notice.useless_after,
        first_unknown=unanswered.get((notice.id, channel.name)),
        message=Message(
            id=notice.id,
            form=form.name,
            address=address_of(contacts[notice.person_id, routing.ADDRESS_OF[channel.name]]),
            values=templates.values_for(form, notice.params),
            link=notice.link or "",
        ),
    )


def _open_deliveries(session: Session, claims: Sequence[Claim], now: datetime) -> None:
    if claims:
        session.execute(
            insert(Delivery),
            [
                {
                    "id": db.new_id(),
                    "notification_id": claim.message.id,
                    "attempt": claim.attempt,
                    "channel": claim.channel,
                    "state": DeliveryState.SENDING,
                    "started_at": now,
                }
                for claim in claims
            ],
        )


def _copy_to_agents(session: Session, notices: Sequence[Notification]) -> None:
    """Elders' agents get what the elder gets, once: written at the first claim, off the path of bookings."""
    first = {notice.person_id: notice for notice in notices if notice.attempts == 1 and notice.copy_of is None}
    if not first:
        return
    today = clock.today()
    agents = session.scalars(select(NoticeCopy).where(NoticeCopy.person_id.in_(first), NoticeCopy.since <= today)).all()
    for rule in agents:
        for notice in notices:
            if notice.person_id == rule.person_id and notice.attempts == 1 and notice.copy_of is None:
                _copy(session, notice, rule.agent_id)


def _copy(session: Session, notice: Notification, agent_id: UUID) -> None:
    """A queue ticket's link opens for everybody who has it; other pages are the elder's own."""
    open_to_all = notice.link is not None and notice.link.startswith("/tickets/")
    session.execute(
        insert(Notification)
        .values(
            id=db.new_id(),
            person_id=agent_id,
            template=notice.template,
            params=templates.for_relative(notice.params),
            subject_type=notice.subject_type,
            subject_id=notice.subject_id,
            link=notice.link if open_to_all else "/me/family",
            dedupe_key=f"copy:{agent_id}:{notice.id}",
            importance=notice.importance,
            copy_of=notice.id,
            created_at=notice.created_at,
            useless_after=notice.useless_after,
            state=Dispatch.QUEUED,
            next_attempt_at=clock.now(),
            attempts=0,
        )
        .on_conflict_do_nothing(index_elements=[Notification.dedupe_key])
    )


def _withdrawn(session: Session, notices: Sequence[Notification]) -> set[UUID]:
    """Notices of elders that no longer hold: their agents' copies are not sent either."""
    originals = [notice.copy_of for notice in notices if notice.copy_of is not None]
    if not originals:
        return set()
    over = Notification.id.in_(originals), Notification.state == Dispatch.WITHDRAWN
    return set(session.scalars(select(Notification.id).where(*over)))


def _unanswered(session: Session, notices: Sequence[Notification], now: datetime) -> Unanswered:
    """When each notice was first sent without an answer; attempts of a worker that died count too."""
    repeated = [notice.id for notice in notices if notice.attempts > 1]
    if not repeated:
        return {}
    session.execute(
        update(Delivery)
        .where(Delivery.notification_id.in_(repeated), Delivery.state == DeliveryState.SENDING)
        .values(state=DeliveryState.UNKNOWN, error_code=WORKER_LOST, finished_at=now)
    )
    rows: Any = session.execute(
        select(Delivery.notification_id, Delivery.channel, Delivery.started_at)
        .where(Delivery.notification_id.in_(repeated), Delivery.state == DeliveryState.UNKNOWN)
        .order_by(Delivery.started_at.desc())
    )
    return {(notification_id, channel): started_at for notification_id, channel, started_at in rows}


def _set(session: Session, notice: Notification, **values: Any) -> None:
    session.execute(
        update(Notification)
        .where(Notification.id == notice.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
