"""Idempotency-Key: the key, the effect and the stored answer share one transaction (ARCHITECTURE §7).

Scoped to person and route, kept 72 hours. A second identical request waits for the first and gets its
answer; the same key with another body is refused (draft-ietf-httpapi-idempotency-key-header).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import LargeBinary, SmallInteger, Table, Text, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.core import clock, errors
from backend.core.db import Base
from backend.core.prepared import Prepared

KEPT = timedelta(hours=72)
PURGED_AFTER = timedelta(days=1)
"""How long after its time a key may wait for the hourly purge."""


class IdempotencyKey(Base):
    """One request that was carried out, with the answer it got."""

    __tablename__ = "idempotency_key"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


_TABLE = cast("Table", IdempotencyKey.__table__)
_MINE = (
    _TABLE.c.owner_id == bindparam("my_owner_id"),
    _TABLE.c.route == bindparam("my_route"),
    _TABLE.c.key == bindparam("my_key"),
)
_CLAIM = Prepared(insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.key))
_FIRST = select(_TABLE.c.body_hash, _TABLE.c.answer).where(*_MINE)
_ANSWER = Prepared(update(_TABLE).where(*_MINE).values(status=bindparam("my_status"), answer=bindparam("my_answer")))


class KeyMissing(errors.InvalidInput):
    """A POST that must carry an Idempotency-Key came without one."""

    status = 400
    code = "idempotency_key_missing"
    title = errors.Text("请求缺少编号，请更新页面后再试", "The Idempotency-Key header is missing")


class KeyReused(errors.InvalidInput):
    """The same key with a different body."""

    code = "idempotency_key_reused"
    title = errors.Text("这个请求编号已经用过了，请刷新后再试", "This Idempotency-Key was used for a different request")


def once(
    session: Session,
    *,
    owner_id: UUID,
    route: str,
    key: str | None,
    body: Any,
    status: int,
    effect: Callable[[], dict[str, Any]],
) -> tuple[dict[str, Any], bool]:
    """Run `effect` once per key and return (answer, replayed).

    `effect` returns the JSON answer. When it raises, the key is rolled back with everything else, so a
    refused request may be sent again with the same key.
    """
    if not key or len(key) > 80:
        raise KeyMissing()
    body_hash = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()
    claim = {"owner_id": owner_id, "route": route, "key": key, "body_hash": body_hash, "created_at": clock.now()}
    mine = {"my_owner_id": owner_id, "my_route": route, "my_key": key}
    if not _CLAIM.run(session, claim):
        first = session.execute(_FIRST, mine).one()
        if first.body_hash != body_hash:
            raise KeyReused()
        return first.answer or {}, True
    answer = effect()
    _ANSWER.run(session, {**mine, "my_status": status, "my_answer": answer})
    return answer, False


def purge(session: Session) -> int:
    """Forget keys older than 72 hours."""
    gone = session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - KEPT).returning(IdempotencyKey.key)
    )
    return len(gone.all())


def forget(session: Session, people: Sequence[UUID]) -> None:
    """Stored answers of closed accounts: they show what was asked."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.owner_id.in_(people)))


def broken_keys(session: Session) -> list[tuple[str, str]]:
    """Keys (route/owner/key) that break a rule, with the rule, for `make doctor`."""
    rules = (
        ("has no answer though its effect was committed", IdempotencyKey.answer.is_(None)),
        ("is older than 72 hours", IdempotencyKey.created_at < clock.now() - KEPT - PURGED_AFTER),
    )
    named = select(IdempotencyKey.route, IdempotencyKey.owner_id, IdempotencyKey.key)
    return [
        (f"{row.route}/{row.owner_id}/{row.key}", words)
        for words, broken in rules
        for row in session.execute(named.where(broken))
    ]
