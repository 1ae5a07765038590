"""What follows from a person's decision about an exception."""

from uuid import UUID

from sqlalchemy.orm import Session

from backend.core.states import transition
from express import handing, ordering, snapshots, tasks
from express.models import Shipment
from express.states import ShipmentEvent, ShipmentState
from express.task_models import ShipmentTask, TaskKind


def finish(
    session: Session, task_id: UUID, hall_code: str, *, actor: str, outcome: str, note: str | None
) -> tuple[ShipmentTask, Shipment]:
    """End a task of this hall and do what its outcome says. Raises TaskNotFound, OutcomeNotFitting.

    A lost certificate is issued again: its case stays open, and the shipment stays lost.
    """
    task = tasks.locked(session, task_id, hall_code)
    shipment = ordering.locked(session, task.shipment_id)
    tasks.finish(session, task, actor=actor, outcome=outcome, note=note)
    if outcome == "received":
        handing.confirm(session, shipment, actor=actor, by="staff")
    elif outcome == "in_cabinet":
        handing.hold(session, shipment, actor=actor)
    elif outcome == "passed_on":
        _keep_new_address(session, shipment)
    elif outcome == "place_again" and shipment.state == ShipmentState.REFUSED:
        known = snapshots.opened(shipment)
        if known is not None:
            ordering.next_attempt(shipment, known)
            session.flush()
            transition(session, shipment, ShipmentEvent.CORRECT, actor=actor)
    elif outcome == "not_received" and task.kind == TaskKind.CONFIRM_RECEIPT:
        tasks.open_task(session, shipment, TaskKind.CERTIFICATE_ALARM, "applicant has not got it")
    return task, shipment


def _keep_new_address(session: Session, shipment: Shipment) -> None:
    """The courier knows it: from now on it is the shipment's address."""
    changed = snapshots.opened(shipment, "next_order")
    if changed is not None:
        shipment.order, shipment.next_order = snapshots.seal(shipment.id, changed), None
        session.flush()
