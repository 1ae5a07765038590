"""Which channels carry a notice to a person, in which order, and how much of the day's quota is left for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, case, cast, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock
from notify import templates
from notify.channels.base import Channel
from notify.models import ChannelDay, Contact, Importance, NoticePreference, Notification, Subscription
from notify.registry import TEMPLATES

QUIET_FROM, QUIET_UNTIL = time(22), time(8)
"""Xiamen: what can wait until the morning does."""
ORDINARY_SHARE, CRITICAL_SHARE = 0.8, 0.95
"""Of a day's quota: where ordinary notices stop, and where all do (reliability B5)."""
PAUSE_WHEN_EXHAUSTED = timedelta(minutes=10)

ADDRESS_OF = {"wechat_template": "wechat_official", "wechat_subscribe": "wechat_mini", "sms": "phone"}
"""Channel → the contact it writes to."""

Contacts = Mapping[tuple[UUID, str], Contact]


def quiet(now: datetime) -> bool:
    """Whether it is night in Xiamen."""
    at = clock.civil(now).time()
    return at >= QUIET_FROM or at < QUIET_UNTIL


def may_go(now: datetime) -> ColumnElement[bool]:
    """What the hour allows: at night only what is critical or answers the person's own act."""
    return Notification.importance < Importance.ORDINARY if quiet(now) else true()


def due_since(now: datetime) -> ColumnElement[datetime]:
    """Since when a notice could have gone: ordinary ones not before the morning."""
    morning = clock.instant(clock.civil(now).date(), QUIET_UNTIL)
    waited = case((Notification.importance == Importance.ORDINARY, morning), else_=Notification.next_attempt_at)
    return func.greatest(Notification.next_attempt_at, waited)


@dataclass(frozen=True)
class Reach:
    """Where the people of one batch can be reached, and what they want."""

    contacts: Contacts
    preferences: Mapping[UUID, NoticePreference]
    granted: frozenset[tuple[UUID, str]]

    def wants(self, notice: Notification) -> bool:
        """False when the person has switched this kind off; a statutory notice always goes out."""
        kind, preference = TEMPLATES[notice.template], self.preferences.get(notice.person_id)
        return kind.statutory or preference is None or kind.kind not in preference.opted_out

    def route(self, notice: Notification, channels: Mapping[str, Channel]) -> list[str]:
        """The channels that reach this person with this notice, best first."""
        preference = self.preferences.get(notice.person_id)
        order = [*(preference.channels if preference else ()), *templates.CHANNELS]
        return [name for name in dict.fromkeys(order) if name in channels and self._reaches(notice, channels[name])]

    def _reaches(self, notice: Notification, channel: Channel) -> bool:
        form = templates.form_of(notice.template, channel.name)
        contact = self.contacts.get((notice.person_id, ADDRESS_OF[channel.name]))
        if form is None or contact is None or contact.unreachable_since is not None:
            return False
        if channel.name != "wechat_subscribe":
            return True
        return (notice.person_id, channel.template_ids.get(form.name, "")) in self.granted


def reach(session: Session, people: Iterable[UUID]) -> Reach:
    """Read contacts, preferences and grants of these people."""
    ids = set(people)
    contacts = session.scalars(select(Contact).where(Contact.person_id.in_(ids)))
    preferences = session.scalars(select(NoticePreference).where(NoticePreference.person_id.in_(ids)))
    granted = session.execute(
        select(Subscription.person_id, Subscription.template_id).where(
            Subscription.person_id.in_(ids), or_(Subscription.left > 0, Subscription.long_term)
        )
    )
    return Reach(
        contacts={(contact.person_id, contact.channel): contact for contact in contacts},
        preferences={preference.person_id: preference for preference in preferences},
        granted=frozenset((person_id, template_id) for person_id, template_id in granted),
    )


@dataclass
class Quota:
    """What the day allows on each channel. Its rows stay locked until the claim is committed."""

    rows: Mapping[str, ChannelDay]
    limits: Mapping[str, int | None]
    now: datetime
    taken: dict[str, int] = field(default_factory=dict)

    def take(self, channel: str, importance: int) -> bool:
        """Count one message; False when the channel takes none of this importance now."""
        row, limit = self.rows.get(channel), self.limits[channel]
        if row is not None and row.paused_until is not None and row.paused_until > self.now:
            return False
        used = (row.used if row else 0) + self.taken.get(channel, 0)
        share = CRITICAL_SHARE if importance == Importance.CRITICAL else ORDINARY_SHARE
        if limit is not None and used >= limit * share:
            return False
        self.taken[channel] = self.taken.get(channel, 0) + 1
        return True

    def opens(self, channel: str) -> datetime:
        """When a channel that took nothing may take some again."""
        row = self.rows.get(channel)
        if row is not None and row.paused_until is not None and row.paused_until > self.now:
            return row.paused_until
        tomorrow = clock.civil(self.now).date() + timedelta(days=1)
        return clock.instant(tomorrow, time(0))


def quota(session: Session, channels: Mapping[str, Channel]) -> Quota:
    """Lock the day's counters of the channels that have a limit; those without are only read."""
    now = clock.now()
    day = clock.civil(now).date()
    limits = {name: channel.daily_limit for name, channel in channels.items()}
    limited = [{"channel": name, "day": day, "used": 0, "daily_limit": limits[name]} for name in sorted(limits)]
    if fresh := [row for row in limited if row["daily_limit"] is not None]:
        opened = insert(ChannelDay).values(fresh)
        session.execute(
            opened.on_conflict_do_update(
                index_elements=[ChannelDay.channel, ChannelDay.day],
                set_={"daily_limit": opened.excluded.daily_limit},
                where=ChannelDay.daily_limit.is_distinct_from(opened.excluded.daily_limit),
            )
        )
    counters = (
        select(ChannelDay)
        .where(ChannelDay.day == day, ChannelDay.channel.in_(channels))
        .order_by(ChannelDay.channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return Quota(
        rows={row.channel: row for row in session.scalars(counters)},
        limits=limits,
        now=now,
    )


def count(session: Session, spent: Quota) -> None:
    """Write down what a batch took of the day's quota."""
    for channel, number in sorted(spent.taken.items()):
        session.execute(
            update(ChannelDay)
            .where(ChannelDay.channel == channel, ChannelDay.day == clock.civil(spent.now).date())
            .values(used=ChannelDay.used + number)
            .execution_options(synchronize_session=False)
        )


def used_share() -> ColumnElement[Any]:
    """How much of its day's limit a channel has used; NULL without a limit."""
    return cast(ChannelDay.used, Float) / func.nullif(ChannelDay.daily_limit, 0)


def warn_once(session: Session) -> Sequence[tuple[str, int, int]]:
    """Channels that have just passed the share where ordinary notices stop: name, used, limit; once a day each."""
    passed = (
        update(ChannelDay)
        .where(ChannelDay.day == clock.today(), ChannelDay.warned_at.is_(None), used_share() >= ORDINARY_SHARE)
        .values(warned_at=clock.now())
        .returning(ChannelDay.channel, ChannelDay.used, ChannelDay.daily_limit)
        .execution_options(synchronize_session=False)
    )
    return [(row.channel, row.used, row.daily_limit or 0) for row in session.execute(passed)]


def pause(session: Session, channel: str) -> None:
    """The provider takes no more: leave it alone for a while."""
    now = clock.now()
    until = now + PAUSE_WHEN_EXHAUSTED
    session.execute(
        insert(ChannelDay)
        .values(channel=channel, day=clock.civil(now).date(), used=0, paused_until=until)
        .on_conflict_do_update(index_elements=["channel", "day"], set_={"paused_until": until})
    )
