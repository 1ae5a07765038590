"""The audit trail: append-only rows, sealed into a hash chain by the worker (ARCHITECTURE §8).

Rows hold who, what, which object and why; never a name, number or address.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, Table, Text, func, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.core import clock, context
from backend.core.db import Base

GENESIS = bytes(32)
SEAL_BATCH = 1000
LATE_SEAL = timedelta(hours=1)
LOOK_BACK = 100_000
"""Ids behind the chain's head that are looked at again: transactions commit in another order than ids are drawn."""


class AuditEvent(Base):
    """One thing somebody did. A trigger refuses UPDATE and DELETE."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    object_type: Mapped[str] = mapped_column(Text)
    object_id: Mapped[str] = mapped_column(Text)
    hall_code: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any] | None]
    request_id: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index(None, "object_type", "object_id"), Index(None, "hall_code", "id"))


_INSERT = insert(cast("Table", AuditEvent.__table__))


class AuditSeal(Base):
    """One link of the chain: hash over the previous link and the event's content."""

    __tablename__ = "audit_seal"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    object_type: str,
    object_id: object,
    hall_code: str | None = None,
    reason: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Append one row in the caller's transaction. `actor` is `person:<id>`, `staff:<id>`, `device:<id>` or `system`."""
    session.connection().execute(
        _INSERT,
        {
            "at": clock.now(),
            "actor": actor,
            "action": action,
            "object_type": object_type,
            "object_id": str(object_id),
            "hall_code": hall_code,
            "reason": reason,
            "data": data,
            "request_id": context.request_id.get(),
        },
    )


def seal(session: Session) -> int:
    """Append unsealed rows to the chain, at most 1,000; returns how many. One sealer at a time."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('audit_seal'))"))
    head = session.execute(select(AuditSeal).order_by(AuditSeal.position.desc()).limit(1)).scalar_one_or_none()
    newest = session.scalar(select(func.max(AuditSeal.event_id))) or 0
    unsealed = session.scalars(
        select(AuditEvent)
        .outerjoin(AuditSeal, AuditSeal.event_id == AuditEvent.id)
        .where(AuditSeal.event_id.is_(None), AuditEvent.id > newest - LOOK_BACK)
        .order_by(AuditEvent.id)
        .limit(SEAL_BATCH)
    ).all()
    position, previous = (head.position, head.hash) if head else (0, GENESIS)
    links = []
    for event in unsealed:
        position += 1
        previous = _link(previous, event)
        links.append({"position": position, "event_id": event.id, "hash": previous})
    if links:
        session.execute(insert(AuditSeal), links)
    return len(links)


def broken_links(session: Session) -> list[int]:
    """Ids of events whose content or place in the chain does not match its seal; empty when all is well."""
    broken: list[int] = []
    previous, expected = GENESIS, 1
    rows = session.execute(
        select(AuditSeal, AuditEvent)
        .outerjoin(AuditEvent, AuditEvent.id == AuditSeal.event_id)
        .order_by(AuditSeal.position)
        .execution_options(yield_per=1000)
    )
    for sealed, event in rows:
        if event is None or sealed.position != expected or _link(previous, event) != sealed.hash:
            broken.append(sealed.event_id)
        previous, expected = sealed.hash, sealed.position + 1
    return broken


def long_unsealed(session: Session) -> list[int]:
    """Ids of events that no worker sealed within an hour: none is running, or the row came in some other way."""
    late = AuditEvent.at < clock.now() - LATE_SEAL
    unsealed = select(AuditEvent.id).outerjoin(AuditSeal, AuditSeal.event_id == AuditEvent.id)
    return list(session.scalars(unsealed.where(AuditSeal.event_id.is_(None), late).order_by(AuditEvent.id)))


def _link(previous: bytes, event: AuditEvent) -> bytes:
    content = [
        event.id,
        event.at.isoformat(),
        event.actor,
        event.action,
        event.object_type,
        event.object_id,
        event.hall_code,
        event.reason,
        event.data,
        event.request_id,
    ]
    text_ = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous + text_.encode()).digest()
