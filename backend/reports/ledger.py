"""Writing the ledger: the row of each case anew from the case and all that belongs to it.

Several small reads a batch, one upsert. One process writes at a time, so that no older row replaces a newer one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, cast, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications import case_clock, clocks
from backend.applications.case_models import Case, CaseEventRow, CaseSpecial
from backend.applications.clocks import Pause
from backend.applications.states import CaseEvent, CaseState
from backend.catalogue.versions.models import ItemVersion
from backend.core import calendar, clock
from backend.ratings.models import FollowUp, Rating
from backend.ratings.service import BAD
from backend.ratings.states import State as FollowUpState
from backend.reports import visits
from backend.reports.models import CaseLedger, CaseLedgerDue
from express.models import Direction, Shipment
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.gateways.base import Scene
from payments.states import AttemptState

Row = dict[str, Any]
E, S = CaseEvent, CaseState

BATCH: Final = 500
WRITER: Final = 7_201_138
"""Number of the advisory lock of whoever writes the ledger."""

CLOSING: Final = (E.CONCLUDE, E.NOT_ACCEPT, E.WITHDRAW, E.TERMINATE, E.LAPSE)
OUTCOMES: Final[dict[str, str]] = {
    E.GRANT: "granted",
    E.DENY: "denied",
    E.NOT_ACCEPT: "not_accepted",
    E.WITHDRAW: "withdrawn",
    E.TERMINATE: "terminated",
    E.LAPSE: "terminated",
}
SENT_BACK: Final = (E.RETURN, E.CORRECT)


@dataclass(frozen=True)
class Belongings:
    """What belongs to the cases of a batch, by case."""

    events: dict[UUID, list[CaseEventRow]]
    pauses: dict[UUID, list[Pause]]
    ratings: dict[UUID, tuple[int, bool | None]]
    paid: dict[UUID, str]
    mailed_in: set[UUID]
    arrivals: dict[UUID, set[visits.Visit]]


def refresh(session: Session, limit: int = BATCH) -> int:
    """Write the rows of up to `limit` changes anew; returns how many changes were seen. 0 while another writes."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(WRITER))):
        return 0
    oldest = select(CaseLedgerDue.id).order_by(CaseLedgerDue.id).limit(limit)
    changed = session.scalars(
        delete(CaseLedgerDue).where(CaseLedgerDue.id.in_(oldest)).returning(CaseLedgerDue.case_id)
    ).all()
    if cases := [found for found in map(_uuid, set(changed)) if found]:
        write(session, cases)
    return len(changed)


def write(session: Session, case_ids: Sequence[UUID]) -> None:
    """The rows of these cases as they must be now."""
    rows = _rows(session, case_ids)
    if rows:
        fresh = insert(CaseLedger)
        columns = {column.key: fresh.excluded[column.key] for column in CaseLedger.__table__.columns}
        session.execute(fresh.on_conflict_do_update(index_elements=[CaseLedger.case_id], set_=columns), rows)


def _rows(session: Session, case_ids: Sequence[UUID]) -> list[Row]:
    found = session.execute(
        select(
            Case,
            ItemVersion.content["department"].astext.label("department"),
            cast(ItemVersion.content["visits"].astext, Integer).label("visits"),
        )
        .join(ItemVersion, (ItemVersion.item_slug == Case.item_slug) & (ItemVersion.number == Case.item_version))
        .where(Case.id.in_(case_ids))
        .execution_options(populate_existing=True)
    ).all()
    own = _belongings(session, case_ids)
    works = case_clock.workday(session)
    return [
        {
            **_facts(row.Case, own),
            "department_code": row.department,
            "declared_visits": row.visits,
            "days_used": _days_used(row.Case, works, own.pauses.get(row.Case.id, [])),
        }
        for row in found
    ]


def _facts(case: Case, own: Belongings) -> Row:
    events = own.events.get(case.id, [])
    mailed_in = case.id in own.mailed_in
    grade, bad_answered = own.ratings.get(case.id, (None, None))
    return {
        "case_id": case.id,
        "number": case.short_number,
        "item_slug": case.item_slug,
        "hall_code": case.hall_code,
        "state": str(case.state),
        "outcome": next((OUTCOMES[one.event] for one in reversed(events) if one.event in OUTCOMES), None),
        "channel": case.channel,
        "submitted_on": clock.civil(case.submitted_at).date(),
        "accepted_on": case.accepted_on,
        "decided_on": case.decided_on,
        "closed_on": next((clock.civil(one.at).date() for one in events if one.event in CLOSING), None),
        "owed_on": case.owed_on,
        "promise_due_on": case.promise_due_on,
        "law_due_on": case.law_due_on,
        "promise_days": case.promise_days,
        "law_days": case.law_days,
        "visits": visits.count(case, events, own.arrivals.get(case.id, set()), mailed_in=mailed_in),
        "mailed_in": mailed_in,
        "delivery": _delivery(case, events),
        "paid": own.paid.get(case.id),
        "returned": sum(one.event in SENT_BACK for one in events),
        "grade": grade,
        "bad_answered": bad_answered,
    }


def _delivery(case: Case, events: Sequence[CaseEventRow]) -> str | None:
    """How the result went out: by courier from the day it is sent, at a window or as a download once it is there."""
    if case.state == S.MAILED:
        return "mail"
    if case.state != S.DELIVERED:
        return None
    last = next(one for one in reversed(events) if one.event == E.DELIVER)
    if visits.handed_over(last):
        return "window"
    return "download" if last.reason == "download" else "mail"


def _days_used(case: Case, works: clocks.IsWorkday, pauses: Sequence[Pause]) -> int | None:
    if case.accepted_on is None or case.decided_on is None:
        return None
    try:
        return clocks.days_used(works, case.accepted_on, case.decided_on, pauses)
    except calendar.CalendarNotLoaded:
        return None


def _belongings(session: Session, case_ids: Sequence[UUID]) -> Belongings:
    subjects = [str(one) for one in case_ids]
    events: dict[UUID, list[CaseEventRow]] = defaultdict(list)
    for event in session.scalars(
        select(CaseEventRow).where(CaseEventRow.entity_id.in_(case_ids)).order_by(CaseEventRow.id)
    ):
        events[event.entity_id].append(event)
    pauses: dict[UUID, list[Pause]] = defaultdict(list)
    for step in session.scalars(select(CaseSpecial).where(CaseSpecial.case_id.in_(case_ids))):
        pauses[step.case_id].append(Pause(step.began_on, step.ended_on, step.days))
    mailed = session.scalars(
        select(Shipment.subject_id).where(
            Shipment.subject_type == "case",
            Shipment.subject_id.in_(subjects),
            Shipment.direction == Direction.MATERIAL_IN,
            Shipment.delivered_at.is_not(None),
        )
    )
    return Belongings(
        events=events,
        pauses=pauses,
        ratings=_ratings(session, subjects),
        paid=_paid(session, subjects),
        mailed_in={UUID(one) for one in mailed},
        arrivals=visits.arrivals(session, case_ids),
    )


def _ratings(session: Session, subjects: Sequence[str]) -> dict[UUID, tuple[int, bool | None]]:
    """Grade, and for a bad one whether the hall answered by its day; what was set aside does not count."""
    rows = session.execute(
        select(Rating.subject_id, Rating.grade, FollowUp)
        .outerjoin(FollowUp, FollowUp.rating_id == Rating.id)
        .where(Rating.subject_type == "case", Rating.subject_id.in_(subjects), Rating.invalid_at.is_(None))
    )
    return {UUID(row.subject_id): (row.grade, _in_time(row.FollowUp) if row.grade <= BAD else None) for row in rows}


def _in_time(task: FollowUp | None) -> bool:
    answered = task is not None and task.state == FollowUpState.ANSWERED
    return task is not None and answered and clock.civil(task.state_at).date() <= task.due_on


def _paid(session: Session, subjects: Sequence[str]) -> dict[UUID, str]:
    """Where a case's fee was paid. A window scans the payer's code; every other scene is the payer's own phone."""
    rows = session.execute(
        select(Bill.subject_id, Bill.paid_via, Attempt.scene)
        .outerjoin(Attempt, (Attempt.bill_id == Bill.id) & (Attempt.state == AttemptState.PAID))
        .where(Bill.subject_type == "case", Bill.subject_id.in_(subjects), Bill.paid_at.is_not(None))
        .order_by(Bill.paid_at)
    )
    return {UUID(row.subject_id): _place(row.paid_via, row.scene) for row in rows}


def _place(paid_via: str, scene: str | None) -> str:
    if paid_via == "other" or scene is None:
        return "other"
    return "window" if scene == Scene.MICROPAY else "online"


def _uuid(text: str) -> UUID | None:
    """None for the subject of something that is called a case and is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
