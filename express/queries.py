"""Reading shipments as applicants and staff see them: the timeline, who acts next, when it should arrive."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import Session

from express import snapshots, tasks, tracking, words
from express.errors import ShipmentNotFound
from express.models import Direction, Shipment, TrackRow
from express.states import ShipmentState, TaskState
from express.task_models import ShipmentTask, TaskKind
from express.tracking import Progress

S, P = ShipmentState, Progress
NEXT_BY_STATE = {
    S.ASKED: "hall",
    S.UNPAID: "pay",
    S.REFUSED: "address",
    S.DELIVERED: "confirm",
    S.RETURNED: "hall_case",
    S.LOST: "hall_case",
    S.HELD: "hall_fetch",
    S.CLOSED: "nobody",
    S.CANCELLED: "nobody",
}
NEXT_BY_PROGRESS = {P.OUT: "receive", P.WAITING: "fetch", P.FAILED: "carrier"}
PAGE = 20
CANCELLABLE = (S.ASKED, S.UNPAID, S.REFUSED, S.ORDERED)


def own(session: Session, shipment_id: UUID, person_id: UUID) -> Shipment:
    """One shipment of a citizen. Raises ShipmentNotFound."""
    query = select(Shipment).where(Shipment.id == shipment_id, Shipment.person_id == person_id)
    return _one(session, query)


def in_hall(session: Session, shipment_id: UUID, hall_code: str) -> Shipment:
    """One shipment of a hall. Raises ShipmentNotFound."""
    query = select(Shipment).where(Shipment.id == shipment_id, Shipment.hall_code == hall_code)
    return _one(session, query)


def of_person(session: Session, person_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Shipment]:
    """A citizen's shipments, newest first."""
    return list(session.scalars(_page(select(Shipment).where(Shipment.person_id == person_id), before, limit)))


def of_subject(session: Session, subject_type: str, subject_id: str) -> list[Shipment]:
    """The shipments of one case or appointment, oldest first."""
    query = select(Shipment).where(Shipment.subject_type == subject_type, Shipment.subject_id == subject_id)
    return list(session.scalars(query.order_by(Shipment.created_at, Shipment.id)))


def result_of(session: Session, subject_type: str, subject_id: str) -> UUID | None:
    """The newest shipment that carries this subject's result, unless it was called off."""
    query = select(Shipment.id).where(
        Shipment.subject_type == subject_type,
        Shipment.subject_id == subject_id,
        Shipment.direction == Direction.RESULT_OUT,
        Shipment.state != ShipmentState.CANCELLED,
    )
    return session.scalar(query.order_by(Shipment.created_at.desc()).limit(1))


def is_held(session: Session, subject_type: str, subject_id: str) -> bool:
    """Whether something of this subject came back and lies in the hall's cabinet."""
    return any(one.state == ShipmentState.HELD for one in of_subject(session, subject_type, subject_id))


def of_hall(
    session: Session,
    hall_code: str,
    *,
    states: Sequence[str],
    direction: str | None,
    payer: str | None,
    search: str | None,
    printed: bool | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Shipment]:
    """A hall's shipments, newest first; `search` is a waybill, our number or a case number."""
    query = select(Shipment).where(Shipment.hall_code == hall_code)
    if states:
        query = query.where(Shipment.state.in_([S(one) for one in states]))
    if direction:
        query = query.where(Shipment.direction == direction)
    if payer:
        query = query.where(Shipment.payer == payer)
    if printed is not None:
        query = query.where(Shipment.printed_at.is_not(None) if printed else Shipment.printed_at.is_(None))
    if search:
        query = query.where(or_(Shipment.waybill == search, Shipment.number == search, Shipment.subject_id == search))
    return list(session.scalars(_page(query, before, limit)))


def summary(shipment: Shipment, language: str) -> dict[str, Any]:
    """A row of a list."""
    names = ("id", "state", "direction", "subject_type", "subject_id", "waybill", "payer", "estimate_fen", "actual_fen")
    more = ("bill_id", "certificate", "progress", "progress_at", "expected_at", "delivered_at", "created_at")
    return {
        **{name: getattr(shipment, name) for name in (*names, *more)},
        "title": shipment.title_en if language == "en" else shipment.title_zh,
        "progress_text": _step(shipment, language),
        "next": who_next(shipment),
        "next_text": words.WHO_NEXT[who_next(shipment)].in_language(language),
    }


def view(session: Session, shipment: Shipment, language: str) -> dict[str, Any]:
    """One shipment whole, as its applicant sees it."""
    return {
        **summary(shipment, language),
        "hall": shipment.hall_code,
        "weight_g": shipment.actual_weight_g or shipment.weight_g,
        "applicant": _applicant(shipment),
        "pickup": _pickup(shipment),
        "may_cancel": shipment.state in CANCELLABLE,
        "may_change_address": may_change_address(session, shipment),
        "may_confirm": shipment.state == S.DELIVERED,
        "timeline": timeline(session, shipment, language),
    }


def staff_row(shipment: Shipment, language: str) -> dict[str, Any]:
    """A row of the staff's list: the applicant's name masked."""
    known = snapshots.opened(shipment)
    name = snapshots.applicant(known, shipment.direction).name if known else ""
    names = ("number", "certificate", "budget_code", "failure", "printed_at", "sheet_id", "collected_at", "weight_g")
    return {
        **summary(shipment, language),
        **{name_: getattr(shipment, name_) for name_ in names},
        "applicant_masked": name[:1] + "*" * (len(name) > 1),
    }


def staff_view(session: Session, shipment: Shipment, language: str) -> dict[str, Any]:
    """One shipment whole, as its hall sees it."""
    query = select(ShipmentTask).where(ShipmentTask.shipment_id == shipment.id).order_by(ShipmentTask.opened_at)
    return {
        **staff_row(shipment, language),
        **view(session, shipment, language),
        "tasks": [task_row(task, shipment, language) for task in session.scalars(query)],
        "proof": shipment.proof,
    }


def open_tasks(
    session: Session, hall_code: str, kind: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[ShipmentTask, Shipment]]:
    """A hall's open tasks, longest waiting first."""
    query = (
        select(ShipmentTask, Shipment)
        .join(Shipment, Shipment.id == ShipmentTask.shipment_id)
        .where(ShipmentTask.hall_code == hall_code, ShipmentTask.state == TaskState.OPEN)
    )
    if kind:
        query = query.where(ShipmentTask.kind == kind)
    if after is not None:
        query = query.where(tuple_(ShipmentTask.opened_at, ShipmentTask.id) > after)
    rows = session.execute(query.order_by(ShipmentTask.opened_at, ShipmentTask.id).limit(limit))
    return [(row.ShipmentTask, row.Shipment) for row in rows]


def task_row(task: ShipmentTask, shipment: Shipment, language: str) -> dict[str, Any]:
    """A task with what it is about; a new address that staff pass on to the courier stands in it."""
    names = ("id", "state", "kind", "detail", "due_on", "opened_at", "outcome", "note", "shipment_id")
    passed_on = None
    if task.kind == TaskKind.PASS_ON_ADDRESS and task.state == TaskState.OPEN:
        changed = snapshots.opened(shipment, "next_order")
        passed_on = _parts(snapshots.applicant(changed, shipment.direction)) if changed else None
    return {
        **{name: getattr(task, name) for name in names},
        "title": shipment.title_en if language == "en" else shipment.title_zh,
        "waybill": shipment.waybill,
        "new_address": passed_on,
        "outcomes": tasks.OUTCOMES[TaskKind(task.kind)],
    }


def timeline(session: Session, shipment: Shipment, language: str) -> list[dict[str, Any]]:
    """What happened, newest first; what was taken back is marked."""
    if shipment.waybill is None:
        return []
    rows = tracking.trusted(session.scalars(select(TrackRow).where(TrackRow.waybill == shipment.waybill)))
    stands = {row.trace_no for row in tracking.effective(rows)}
    return [
        {
            "at": row.op_time,
            "text": _words(row, language),
            "place": " ".join(part for part in (row.city, row.office) if part),
            "progress": tracking.CODES.get(row.op_code),
            "undone": row.trace_no not in stands and row.op_code not in tracking.UNDO,
        }
        for row in reversed(tracking.in_order(rows))
    ]


def who_next(shipment: Shipment) -> str:
    """Who acts next: a key of `words.WHO_NEXT`."""
    if shipment.state in NEXT_BY_STATE:
        return NEXT_BY_STATE[shipment.state]
    if shipment.state == S.UNDER_WAY and shipment.progress is not None:
        return NEXT_BY_PROGRESS.get(P(shipment.progress), "carrier")
    return "carrier"


def may_change_address(session: Session, shipment: Shipment) -> bool:
    """Whether the applicant may give another address now."""
    if shipment.state in (S.ASKED, S.UNPAID, S.REFUSED, S.ORDERED):
        return True
    waits = select(ShipmentTask.id).where(
        ShipmentTask.shipment_id == shipment.id,
        ShipmentTask.kind == TaskKind.ASK_ADDRESS,
        ShipmentTask.state == TaskState.OPEN,
    )
    failed = shipment.state == S.UNDER_WAY and shipment.progress == P.FAILED
    return failed and session.scalar(waits) is not None


def _words(row: TrackRow, language: str) -> str:
    """Our words for a step; never the carrier's free text."""
    if row.op_code in tracking.UNDO:
        return words.UNDONE_STEP.in_language(language)
    progress = tracking.CODES.get(row.op_code)
    if progress is None:
        return words.UNKNOWN_STEP.in_language(language)
    text = words.STEPS[progress].in_language(language)
    details = {P.FAILED: words.REASONS, P.DELIVERED: words.SIGNED}.get(progress, {})
    detail = details.get(row.detail_code) if row.detail_code else None
    joined = "：" if language == "zh" else ": "
    return f"{text}{joined}{detail.in_language(language)}" if detail else text


def _step(shipment: Shipment, language: str) -> str | None:
    return words.STEPS[P(shipment.progress)].in_language(language) if shipment.progress else None


def _applicant(shipment: Shipment) -> dict[str, str] | None:
    known = snapshots.opened(shipment)
    return _parts(snapshots.applicant(known, shipment.direction)) if known else None


def _parts(party: Any) -> dict[str, str]:
    region = party.region
    return {
        "name": party.name,
        "phone": party.phone,
        "province": region.province,
        "city": region.city,
        "county": region.county,
        "line": party.line,
    }


def _pickup(shipment: Shipment) -> dict[str, datetime] | None:
    known = snapshots.opened(shipment)
    if known is None or known.pickup is None:
        return None
    return {"begins_at": known.pickup.begins_at, "ends_at": known.pickup.ends_at}


def _one(session: Session, query: Select[Any]) -> Shipment:
    found: Shipment | None = session.scalars(query).one_or_none()
    if found is None:
        raise ShipmentNotFound()
    return found


def _page(query: Select[Any], before: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    if before is not None:
        query = query.where(tuple_(Shipment.created_at, Shipment.id) < before)
    return query.order_by(Shipment.created_at.desc(), Shipment.id.desc()).limit(limit)
