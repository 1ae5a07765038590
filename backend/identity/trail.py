"""操作记录: what was done in a hall, who did it and what it changed, read from the audit trail."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.core import clock
from backend.core.audit import AuditEvent
from backend.identity.models import Staff, StaffRole

Called = InstrumentedAttribute[str] | InstrumentedAttribute[str | None] | ColumnElement[str]
Named = Mapping[str, tuple[InstrumentedAttribute[UUID], Called]]
"""Types of objects that the hall calls by a name, a number or its time: the columns of their ids and of that."""


def events(
    session: Session,
    hall_code: str,
    *,
    before_id: int | None,
    limit: int,
    first: date | None = None,
    last: date | None = None,
    group: str | None = None,
    actor: UUID | None = None,
    object_type: str | None = None,
    object_id: str | None = None,
) -> Sequence[AuditEvent]:
    """A hall's events, newest first: from `first` to `last` (Xiamen days, both included), of one group of actions.

    `group` is the part of an action before its first full stop.
    """
    query = select(AuditEvent).where(AuditEvent.hall_code == hall_code).order_by(AuditEvent.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(AuditEvent.id < before_id)
    if first is not None:
        query = query.where(AuditEvent.at >= clock.instant(first, time.min))
    if last is not None:
        query = query.where(AuditEvent.at < clock.instant(last + timedelta(days=1), time.min))
    if group is not None:
        query = query.where(AuditEvent.action.startswith(f"{group}.", autoescape=True))
    if actor is not None:
        query = query.where(AuditEvent.actor == f"staff:{actor}")
    if object_type is not None:
        query = query.where(AuditEvent.object_type == object_type)
    if object_id is not None:
        query = query.where(AuditEvent.object_id == object_id)
    return session.scalars(query).all()


def views(session: Session, found: Sequence[AuditEvent], named: Named) -> list[dict[str, Any]]:
    """Events with the names of staff, what their object is called, and what changed."""
    names = _names(session, found) | _objects(session, found, named)
    return [
        {
            "id": event.id,
            "at": event.at,
            "actor": _actor(event.actor, names),
            "action": event.action,
            "object_type": event.object_type,
            "object_id": event.object_id,
            "object_name": names.get(event.object_id),
            "reason": event.reason,
            "changes": changes(event.data or {}),
        }
        for event in found
    ]


def minute(column: InstrumentedAttribute[datetime]) -> ColumnElement[str]:
    """A moment as Xiamen's clock shows it: 2026-11-24 09:30."""
    return func.to_char(func.timezone(clock.SHANGHAI.key, column), "YYYY-MM-DD HH24:MI")


def operators(session: Session) -> list[dict[str, Any]]:
    """Accounts with the operator's role, by name; a locked one keeps its place, for it may have written something."""
    rows = session.execute(
        select(Staff.id, Staff.display_name)
        .where(Staff.id.in_(select(StaffRole.staff_id).where(StaffRole.role == "platform_operator")))
        .order_by(Staff.display_name)
    )
    return [{"id": row.id, "name": row.display_name} for row in rows]


def changes(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs between `before` and `after`; of two lists what is gone and what is new.

    Of anything else each fact, which has no `before`.
    """
    before, after = data.get("before"), data.get("after")
    if isinstance(before, list) and isinstance(after, list):
        gone = [one for one in before if one not in after]
        new = [one for one in after if one not in before]
        return [{"name": "items", "before": gone or None, "after": new or None}] if gone or new else []
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [{"name": name, "after": value} for name, value in data.items()]
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _names(session: Session, found: Sequence[AuditEvent]) -> dict[str, str]:
    actors = {event.actor.removeprefix("staff:") for event in found if event.actor.startswith("staff:")}
    ids = {_id(text) for text in actors | {event.object_id for event in found if event.object_type == "staff"}}
    rows = session.execute(select(Staff.id, Staff.display_name, Staff.username).where(Staff.id.in_(ids - {None})))
    return {str(row.id): f"{row.display_name} ({row.username})" for row in rows}


def _objects(session: Session, found: Sequence[AuditEvent], named: Named) -> dict[str, str]:
    objects: dict[str, str] = {}
    for kind, (key, name) in named.items():
        ids = {_id(event.object_id) for event in found if event.object_type == kind} - {None}
        if ids:
            rows = session.execute(select(key, name).where(key.in_(ids)))
            objects |= {str(object_id): text for object_id, text in rows if text}
    return objects


def _actor(text: str, names: Mapping[str, str]) -> dict[str, Any]:
    kind, _, raw = text.partition(":")
    if kind not in {"staff", "person"}:
        return {"kind": "system", "id": None, "name": None}
    return {"kind": kind, "id": _id(raw) if kind == "staff" else None, "name": names.get(raw)}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
