"""Figures about deliveries for the platform's operators."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, cast, func, select, tuple_
from sqlalchemy.orm import Session

from backend.core import clock
from notify import queries, routing, templates
from notify.channels.reasons import reason
from notify.models import ChannelDay, Delivery, DeliveryState, Dispatch, Notification

DAYS = 14
DEAD = (Dispatch.FAILED, Dispatch.UNKNOWN)


def figures(session: Session, language: str) -> dict[str, Any]:
    """Two weeks of attempts by day, channel and state, the failures by code, and what waits now."""
    since = clock.now() - timedelta(days=DAYS)
    day = cast(func.timezone("Asia/Shanghai", Delivery.started_at), Date)
    by_day = session.execute(
        select(day, Delivery.channel, Delivery.state, func.count())
        .where(Delivery.started_at >= since)
        .group_by(day, Delivery.channel, Delivery.state)
        .order_by(day.desc(), Delivery.channel, Delivery.state)
    ).all()
    by_code = session.execute(
        select(Delivery.channel, Delivery.error_code, func.count(), func.max(Delivery.finished_at))
        .where(Delivery.started_at >= since, Delivery.error_code.is_not(None))
        .group_by(Delivery.channel, Delivery.error_code)
        .order_by(func.count().desc(), Delivery.error_code)
    ).all()
    counters = session.execute(select(ChannelDay).where(ChannelDay.day == clock.today())).scalars()
    waiting = session.scalar(select(func.count()).where(queries.waiting(clock.now())))
    return {
        "days": [{"day": row[0], "channel": row[1], "state": row[2], "count": row[3]} for row in by_day],
        "failures": [
            {
                "channel": row[0],
                "code": row[1],
                "reason": reason(row[1] or "", language),
                "count": row[2],
                "last_at": row[3],
            }
            for row in by_code
        ],
        "used_today": [
            {
                "channel": row.channel,
                "used": row.used,
                "daily_limit": row.daily_limit,
                "short": row.daily_limit is not None and row.used >= row.daily_limit * routing.ORDINARY_SHARE,
                "paused_until": row.paused_until,
            }
            for row in counters
        ],
        "waiting": waiting,
        "oldest_due_s": round(queries.oldest_due_s(session)),
    }


def dead(
    session: Session, *, before: tuple[datetime, UUID] | None, limit: int, language: str
) -> Sequence[dict[str, Any]]:
    """Notices that did not go out, newest first. Who they are for is not shown."""
    found = select(Notification).where(Notification.state.in_(DEAD))
    if before is not None:
        found = found.where(tuple_(Notification.created_at, Notification.id) < before)
    notices = session.scalars(found.order_by(Notification.created_at.desc(), Notification.id.desc()).limit(limit)).all()
    ids = [notice.id for notice in notices]
    last: dict[UUID, Any] = {
        row.notification_id: row
        for row in session.execute(
            select(Delivery.notification_id, Delivery.channel, Delivery.error_code)
            .where(Delivery.notification_id.in_(ids), Delivery.state != DeliveryState.SENDING)
            .order_by(Delivery.attempt)
        )
    }
    return [
        {
            "id": notice.id,
            "template": notice.template,
            "title": templates.title(notice.template, notice.params, language),
            "state": notice.state,
            "created_at": notice.created_at,
            "attempts": notice.attempts,
            "channel": last[notice.id].channel if notice.id in last else None,
            "code": last[notice.id].error_code if notice.id in last else None,
            "reason": reason(last[notice.id].error_code or "", language) if notice.id in last else None,
        }
        for notice in notices
    ]
