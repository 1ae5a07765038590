"""The audit trail: append-only rows, sealed into a hash chain by the worker (ARCHITECTURE §8).

Rows hold who, what, which object and why; never a name, number or address.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, Table, Text, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.core import clock, context
from backend.core.chain import Chain
from backend.core.db import Base
from backend.core.prepared import Prepared


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


_INSERT = Prepared(insert(cast("Table", AuditEvent.__table__)).inline())


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
    _INSERT.run(
        session,
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


def _contents(_: Session, events: Sequence[AuditEvent]) -> dict[int, list[Any]]:
    return {
        event.id: [
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
        for event in events
    }


_CHAIN = Chain(AuditSeal, AuditSeal.event_id, AuditEvent, AuditEvent.at, _contents)
seal, broken_links, long_unsealed = _CHAIN.seal, _CHAIN.broken_links, _CHAIN.long_unsealed
