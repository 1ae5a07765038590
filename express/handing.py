"""Proof that papers reached the applicant, where the carrier's word is not enough; and the hall's cabinet."""

import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core import audit, clock, crypto, jobs
from backend.core.states import transition
from express import notices, tasks
from express.errors import AuthorisationNeeded, NotInCabinet
from express.models import Direction, Shipment
from express.states import ShipmentEvent, ShipmentState
from express.task_models import TaskKind, WindowHandover

RECEIPT_TASKS = (TaskKind.CONFIRM_RECEIPT, TaskKind.CERTIFICATE_ALARM)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who stands at the window. An agent has the applicant's written authorisation, by its number."""

    name: str
    id_tail: str
    by_agent: bool = False
    authorisation: str | None = None


def confirm(session: Session, shipment: Shipment, *, actor: str, by: str) -> None:
    """Somebody who knows says that it arrived: the applicant, or staff who asked them. The caller holds the lock.

    Harmless if repeated; raises InvalidTransition for what is not delivered.
    """
    if shipment.state == ShipmentState.DELIVERED:
        shipment.proof = by
        session.flush()
    if transition(session, shipment, ShipmentEvent.PROVE, actor=actor):
        tell_above(session, shipment)
    tasks.vanish(session, shipment, *RECEIPT_TASKS, actor=actor)


def hold(session: Session, shipment: Shipment, *, actor: str) -> None:
    """It lies in the hall's cabinet: the applicant hears that they may fetch it or have it mailed again."""
    if transition(session, shipment, ShipmentEvent.HOLD, actor=actor):
        shipment.next_track_at = None
        session.flush()
        notices.held(session, shipment)
        _announce(session, shipment, "shipment.held")


def tell_above(session: Session, shipment: Shipment) -> None:
    """A result reached its applicant: the feature it came from hears how, if it listens (ARCHITECTURE §3)."""
    _announce(session, shipment, "shipment.handed_over", proof=shipment.proof)


def _announce(session: Session, shipment: Shipment, event: str, **told: str | None) -> None:
    if shipment.direction == Direction.RESULT_OUT:
        subject_id = shipment.subject_id
        jobs.announce(session, event, subject_type=shipment.subject_type, subject_id=subject_id, **told)


def pick_up(session: Session, shipment: Shipment, receiver: Receiver, *, signature: str, actor: str) -> None:
    """窗口领取: the document was compared, the receiver signed. Raises NotInCabinet, AuthorisationNeeded."""
    if shipment.state not in (ShipmentState.RETURNED, ShipmentState.HELD):
        raise NotInCabinet()
    if receiver.by_agent and not (receiver.authorisation or "").strip():
        raise AuthorisationNeeded()
    if shipment.state == ShipmentState.RETURNED:
        tasks.finish_kind(session, shipment, TaskKind.RETURNED, actor=actor, outcome="in_cabinet")
        transition(session, shipment, ShipmentEvent.HOLD, actor=actor)
    shipment.proof, shipment.delivered_at, shipment.next_track_at = "window", clock.now(), None
    told = json.dumps({"name": receiver.name, "id_tail": receiver.id_tail}, ensure_ascii=False)
    session.add(
        WindowHandover(
            shipment_id=shipment.id,
            by_agent=receiver.by_agent,
            receiver=_sealed(shipment.id, "receiver", told),
            authorisation=receiver.authorisation if receiver.by_agent else None,
            signature=_sealed(shipment.id, "signature", signature),
            checked_by=actor,
            at=clock.now(),
        )
    )
    session.flush()
    transition(session, shipment, ShipmentEvent.PICK_UP, actor=actor)
    tell_above(session, shipment)
    tasks.end_all(session, shipment, actor=actor)
    audit.record(
        session,
        actor=actor,
        action="shipment.picked_up",
        object_type="shipment",
        object_id=shipment.id,
        hall_code=shipment.hall_code,
        data={"by_agent": receiver.by_agent},
    )


def _sealed(shipment_id: UUID, column: str, text: str) -> bytes:
    return crypto.seal(text, table="window_handover", column=column, row=shipment_id)
