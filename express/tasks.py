"""异常待办: opened by what the carrier says or refuses, due after working days, ended by staff or by themselves."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, calendar, clock, db
from backend.core.states import record_event, transition
from express.alerts import alert
from express.errors import OutcomeNotFitting, TaskNotFound
from express.models import Shipment
from express.states import TaskEvent, TaskState
from express.task_models import ShipmentTask, TaskEventRow, TaskKind

DAYS = {
    TaskKind.CONFIRM_RECEIPT: 2,
    TaskKind.CERTIFICATE_ALARM: 1,
    TaskKind.ASK_ADDRESS: 2,
    TaskKind.PASS_ON_ADDRESS: 1,
    TaskKind.REFUSED: 2,
    TaskKind.RETURNED: 3,
    TaskKind.LOST: 1,
    TaskKind.NOT_PLACED: 1,
    TaskKind.NOT_CANCELLED: 1,
}
"""Working days for each; ours, as no rule names any."""
OUTCOMES: dict[TaskKind, tuple[str, ...]] = {
    TaskKind.CONFIRM_RECEIPT: ("received", "not_received"),
    TaskKind.CERTIFICATE_ALARM: ("received", "not_received"),
    TaskKind.ASK_ADDRESS: ("new_address", "no_answer"),
    TaskKind.PASS_ON_ADDRESS: ("passed_on",),
    TaskKind.REFUSED: ("applicant_told",),
    TaskKind.RETURNED: ("in_cabinet",),
    TaskKind.LOST: ("reissue", "found"),
    TaskKind.NOT_PLACED: ("place_again", "applicant_told"),
    TaskKind.NOT_CANCELLED: ("applicant_told",),
}
"""How each may end, the usual way first."""
LOUD = (TaskKind.CERTIFICATE_ALARM, TaskKind.LOST)
OVERDUE_BATCH = 500


def open_task(session: Session, shipment: Shipment, kind: TaskKind, detail: str = "") -> bool:
    """Open a task unless one of this kind is open; the unique index decides. True if it is new."""
    task_id = db.new_id()
    row = insert(ShipmentTask).values(
        id=task_id,
        state=TaskState.OPEN,
        state_at=clock.now(),
        shipment_id=shipment.id,
        hall_code=shipment.hall_code,
        kind=kind,
        detail=detail[:200],
        due_on=_due(session, DAYS[kind]),
        opened_at=clock.now(),
    )
    if session.execute(row.on_conflict_do_nothing().returning(ShipmentTask.id)).first() is None:
        return False
    record_event(session, TaskEventRow, task_id, None, TaskState.OPEN, TaskEvent.OPEN, actor="system")
    if kind in LOUD:
        alert(kind, shipment=shipment.id)
    return True


def locked(session: Session, task_id: UUID, hall_code: str) -> ShipmentTask:
    """An open task of a hall, locked. Raises TaskNotFound."""
    query = select(ShipmentTask).where(ShipmentTask.id == task_id, ShipmentTask.hall_code == hall_code)
    task = session.scalars(query.with_for_update()).one_or_none()
    if task is None or task.state != TaskState.OPEN:
        raise TaskNotFound()
    return task


def finish(session: Session, task: ShipmentTask, *, actor: str, outcome: str, note: str | None = None) -> None:
    """A person decided. Raises OutcomeNotFitting."""
    if outcome not in OUTCOMES[TaskKind(task.kind)]:
        raise OutcomeNotFitting()
    task.outcome, task.note, task.done_by = outcome, note, actor
    session.flush()
    transition(session, task, TaskEvent.FINISH, actor=actor, reason=outcome)
    audit.record(
        session,
        actor=actor,
        action=f"shipment_task.{outcome}",
        object_type="shipment",
        object_id=task.shipment_id,
        hall_code=task.hall_code,
    )


def finish_kind(session: Session, shipment: Shipment, kind: TaskKind, *, actor: str, outcome: str) -> None:
    """End the open task of a kind, if there is one."""
    for task in _open(session, shipment, kind):
        finish(session, task, actor=actor, outcome=outcome)


def vanish(session: Session, shipment: Shipment, *kinds: TaskKind, actor: str) -> None:
    """What these were about is over."""
    for task in _open(session, shipment, *kinds):
        transition(session, task, TaskEvent.VANISH, actor=actor)


def end_all(session: Session, shipment: Shipment, *, actor: str) -> None:
    """Nothing is left to do about this shipment."""
    vanish(session, shipment, *TaskKind, actor=actor)


def is_open(session: Session, shipment: Shipment, kind: TaskKind) -> bool:
    """Whether a task of this kind waits."""
    return bool(_open(session, shipment, kind))


def had(session: Session, shipment: Shipment, kind: TaskKind) -> bool:
    """Whether a task of this kind waits or was done by a person."""
    query = select(ShipmentTask.id).where(
        ShipmentTask.shipment_id == shipment.id, ShipmentTask.kind == kind, ShipmentTask.state != TaskState.GONE
    )
    return session.scalar(query.limit(1)) is not None


def warn_overdue(session: Session) -> int:
    """One alarm for each task whose day is over."""
    late = session.scalars(
        select(ShipmentTask)
        .where(
            ShipmentTask.state == TaskState.OPEN,
            ShipmentTask.due_on < clock.today(),
            ShipmentTask.alerted_at.is_(None),
        )
        .limit(OVERDUE_BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for task in late:
        task.alerted_at = clock.now()
        alert("task_overdue", task=task.id)
    session.flush()
    return len(late)


def _open(session: Session, shipment: Shipment, *kinds: TaskKind) -> list[ShipmentTask]:
    query = select(ShipmentTask).where(
        ShipmentTask.shipment_id == shipment.id,
        ShipmentTask.kind.in_(kinds),
        ShipmentTask.state == TaskState.OPEN,
    )
    return list(session.scalars(query.order_by(ShipmentTask.opened_at).with_for_update()))


def _due(session: Session, days: int) -> date | None:
    """None where next year's holidays are not published yet: a deadline is never guessed."""
    try:
        return calendar.add_workdays(session, clock.today(), days)
    except calendar.CalendarNotLoaded:
        return None
