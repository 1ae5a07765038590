"""标准执行跟踪: where cases went otherwise than the published standard says (circular clause 19).

Beyond the standard are: papers that are not on the list; more days than promised, or an extension; and steps that no
guide names: papers sent back, a correction, a special step, a hand-over between halls.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.applications import case_clock
from backend.applications.case_models import Case, CaseEventRow, CaseTransfer, MaterialDemand
from backend.applications.states import CaseEvent, TransferState
from backend.catalogue import queries as catalogue
from backend.catalogue.versions import queries as versions
from backend.core import clock

Body = dict[str, Any]

EXTRA: Final = (CaseEvent.RETURN, CaseEvent.CORRECT, CaseEvent.PAUSE)
MOVED, EXTENDED = "moved", "extended"


@dataclass(frozen=True)
class Scope:
    """Cases handed in on these days, both included; of one hall, or of the city with None."""

    first: date
    last: date
    hall_code: str | None

    def where(self) -> ColumnElement[bool]:
        """As a condition."""
        days = and_(
            Case.submitted_at >= clock.instant(self.first, time.min),
            Case.submitted_at < clock.instant(self.last + timedelta(days=1), time.min),
        )
        return days if self.hall_code is None else and_(days, Case.hall_code == self.hall_code)


def kinds() -> dict[str, ColumnElement[bool]]:
    """Each kind of difference as a condition on cases; `open` waits for a lead."""
    demand = exists().where(MaterialDemand.case_id == Case.id)
    late = func.coalesce(Case.decided_on, clock.today()) > Case.promise_due_on
    running = or_(Case.decided_on.is_not(None), Case.state.in_(case_clock.RUNNING))
    extra = exists().where(CaseEventRow.entity_id == Case.id, CaseEventRow.event.in_(EXTRA))
    moved = exists().where(CaseTransfer.case_id == Case.id, CaseTransfer.state == TransferState.RECEIVED)
    return {
        "materials": demand,
        "days": or_(and_(running, late), Case.extended_days > 0),
        "steps": or_(extra, moved),
        "open": exists().where(MaterialDemand.case_id == Case.id, MaterialDemand.settled_at.is_(None)),
    }


def counts(session: Session, scope: Scope) -> dict[str, int]:
    """How many cases there are (`all`), and how many differ in each way."""
    of = {"all": func.count(), **{name: func.count().filter(differs) for name, differs in kinds().items()}}
    row = session.execute(select(*(count.label(name) for name, count in of.items())).where(scope.where())).one()
    return dict(row._mapping)


def cases(session: Session, scope: Scope, kind: str, before: tuple[datetime, UUID] | None, limit: int) -> list[Case]:
    """Cases that differ in this way, or in any with `any`; newest first."""
    differs = kinds()
    query = select(Case).where(scope.where(), or_(*differs.values()) if kind == "any" else differs[kind])
    if before is not None:
        query = query.where(tuple_(Case.submitted_at, Case.id) < before)
    return list(session.scalars(query.order_by(Case.submitted_at.desc(), Case.id.desc()).limit(limit)))


def rows(session: Session, found: Sequence[Case], language: str) -> list[Body]:
    """What was published and what happened, side by side, for each case."""
    ids = [case.id for case in found]
    published = versions.published_counts(session, {(case.item_slug, case.item_version) for case in found})
    unlisted, extra = _unlisted(session, ids), _extra(session, ids)
    return [
        {
            "id": case.id,
            "number": case.short_number,
            "item": {
                "slug": case.item_slug,
                "name": catalogue.item(session, case.item_slug).name.in_language(language),
            },
            "hall": catalogue.hall(session, case.hall_code).short_name.in_language(language),
            "submitted_on": clock.civil(case.submitted_at).date(),
            "decided_on": case.decided_on,
            "promise_days": case.promise_days,
            "days_used": case_clock.days_used(session, case),
            "late": case.promise_due_on is not None and (case.decided_on or clock.today()) > case.promise_due_on,
            "steps": published[case.item_slug, case.item_version][0],
            "extra_steps": [
                *extra[case.id],
                *([{"step": EXTENDED, "count": case.extended_days}] if case.extended_days else []),
            ],
            "materials": published[case.item_slug, case.item_version][1],
            "unlisted": unlisted[case.id],
        }
        for case in found
    ]


def _unlisted(session: Session, ids: list[UUID]) -> dict[UUID, list[Body]]:
    found: dict[UUID, list[Body]] = defaultdict(list)
    query = select(MaterialDemand).where(MaterialDemand.case_id.in_(ids))
    for one in session.scalars(query.order_by(MaterialDemand.told_at, MaterialDemand.name)):
        names = ("id", "name", "place", "told_at", "settled_at", "settled_words")
        found[one.case_id].append({name: getattr(one, name) for name in names})
    return found


def _extra(session: Session, ids: list[UUID]) -> dict[UUID, list[Body]]:
    found: dict[UUID, list[Body]] = defaultdict(list)
    taken = (
        select(CaseEventRow.entity_id, CaseEventRow.event, func.count())
        .where(CaseEventRow.entity_id.in_(ids), CaseEventRow.event.in_(EXTRA))
        .group_by(CaseEventRow.entity_id, CaseEventRow.event)
        .order_by(CaseEventRow.event)
    )
    for case_id, event, count in session.execute(taken):
        found[case_id].append({"step": event, "count": count})
    moved = (
        select(CaseTransfer.case_id, func.count())
        .where(CaseTransfer.case_id.in_(ids), CaseTransfer.state == TransferState.RECEIVED)
        .group_by(CaseTransfer.case_id)
    )
    for case_id, count in session.execute(moved):
        found[case_id].append({"step": MOVED, "count": count})
    return found
