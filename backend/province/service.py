"""The feed to the province's platform: rows are written with what they tell, and leave one by one for each case."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from backend.core import clock, crypto, db
from backend.province.kinds import Kind
from backend.province.models import FeedRow

LEASE = timedelta(minutes=1)
WAITS_S = (5, 15, 60, 180, 600)
"""Seconds to the next try after each failure; the last goes on for ever. Nothing overtakes a row that waits."""
ALARM_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Push:
    """One row as the province gets it."""

    row_id: UUID
    serial: str
    subject_id: str
    position: int
    kind: int
    happened_at: datetime
    payload: dict[str, Any]


def record(session: Session, *, subject_id: str, kind: Kind, payload: dict[str, Any]) -> None:
    """Write down, in the caller's transaction, what the province must hear of a case. The case itself comes first.

    `payload` is JSON. Two that write at once get two places, in the order in which they commit.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"province:{subject_id}", 0))))
    last = session.scalar(select(func.max(FeedRow.position)).where(FeedRow.subject_id == subject_id)) or 0
    row_id, now = db.new_id(), clock.now()
    sealed = crypto.seal(json.dumps(payload, ensure_ascii=False), table="province_feed", column="payload", row=row_id)
    session.add(
        FeedRow(
            id=row_id,
            subject_id=subject_id,
            position=last + 1,
            kind=int(kind),
            serial=row_id.hex,
            payload=sealed,
            happened_at=now,
            next_try_at=now,
        )
    )
    session.flush()


def claim_due(session: Session, limit: int) -> list[Push]:
    """The first waiting row of each case whose time has come; each is leased, so another worker leaves it alone."""
    now, before = clock.now(), aliased(FeedRow)
    overtakes = exists().where(
        before.subject_id == FeedRow.subject_id, before.position < FeedRow.position, before.sent_at.is_(None)
    )
    rows = session.scalars(
        select(FeedRow)
        .where(FeedRow.sent_at.is_(None), FeedRow.next_try_at <= now, ~overtakes)
        .order_by(FeedRow.next_try_at, FeedRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=FeedRow)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        row.next_try_at = now + LEASE
    session.flush()
    return [_push(row) for row in rows]


def arrived(session: Session, row_id: UUID, receipt: str) -> None:
    """The province has it. Told twice, it changes nothing."""
    row = session.get_one(FeedRow, row_id, with_for_update=True, populate_existing=True)
    if row.sent_at is None:
        row.sent_at, row.receipt, row.failure = clock.now(), receipt, None
        session.flush()


def try_again(session: Session, row_id: UUID, failure: str) -> None:
    """It did not arrive, or nobody knows: it is sent again under the same serial."""
    row = session.get_one(FeedRow, row_id, with_for_update=True, populate_existing=True)
    if row.sent_at is None:
        wait = WAITS_S[min(row.tries, len(WAITS_S) - 1)]
        row.tries, row.failure = min(row.tries + 1, 1000), failure
        row.next_try_at = clock.now() + timedelta(seconds=wait)
        session.flush()


def stuck(session: Session) -> list[FeedRow]:
    """Rows that were tried and have not arrived for a day; whatever follows them waits too."""
    late = FeedRow.happened_at < clock.now() - ALARM_AFTER
    return list(session.scalars(select(FeedRow).where(FeedRow.sent_at.is_(None), FeedRow.tries > 0, late)))


def _push(row: FeedRow) -> Push:
    payload = json.loads(crypto.unseal(row.payload, table="province_feed", column="payload", row=row.id))
    return Push(row.id, row.serial, row.subject_id, row.position, row.kind, row.happened_at, payload)
