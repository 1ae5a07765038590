"""个人信息: what we note about exports and closings themselves."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.core import retention
from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.privacy.models import Erasure, ErasureEventRow, ExportEventRow, PersonalExport
from backend.privacy.states import ErasureState, ExportState

ENDED = (ErasureState.CANCELLED, ErasureState.ERASED)


def purge(session: Session, limit: int) -> int:
    """Delete requests three years old, and exports that are gone as long; the number of both."""
    before = retention.before("requests")
    retention.purging(session)
    asked = select(Erasure.id).where(Erasure.state.in_(ENDED), Erasure.state_at < before).limit(limit)
    made = select(PersonalExport.id).where(PersonalExport.state == ExportState.GONE, PersonalExport.state_at < before)
    ids = list(session.scalars(asked)), list(session.scalars(made.limit(limit)))
    tables: tuple[tuple[Any, Any], ...] = ((ErasureEventRow, Erasure), (ExportEventRow, PersonalExport))
    for (events, table), found in zip(tables, ids, strict=True):
        session.execute(delete(events).where(events.entity_id.in_(found)))
        session.execute(delete(table).where(table.id.in_(found)))
    return max(len(found) for found in ids)


def _gives(session: Session, people: People) -> list[Section]:
    asked = session.scalars(select(PersonalExport).where(PersonalExport.person_id.in_(people)))
    rows = [{"at": one.asked_at, "size": one.size} for one in asked]
    return [Section("exports", Text("导出记录", "Exports"), rows)]


def _erases(_: Session, __: People) -> None:
    """Requests stay for their class, without a name; the archives were taken away."""


PART = Part("privacy", gives=_gives, erases=_erases, purges=purge)
