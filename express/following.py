"""What the carrier's events change: where a shipment is, whether it counts as handed over, tasks, notices.

The standing is read from the whole list each time, so push and pull, early and late, give the same (domain §2.3).
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, metrics
from backend.core.db import retrying, transaction
from backend.core.states import transition
from express import handing, notices, ordering, tasks, tracking
from express.alerts import alert
from express.carriers.base import CarrierError, TrackEvent
from express.models import Shipment, TrackRow
from express.registry import Couriers
from express.states import SHIPMENT, ShipmentEvent, ShipmentState
from express.task_models import TaskKind
from express.tracking import Progress, Standing

log = logging.getLogger(__name__)

EVERY = timedelta(hours=4)
"""How often the carrier is asked; pushes come in between."""
OUT_EVERY = timedelta(hours=1)
STOPS_AFTER = timedelta(days=3)
"""A final state may still be taken back for so long."""
ACTOR = "carrier"
IN_PERSON = "10"
LEFT_SOMEWHERE = ("30", "50")
WINDOW_PROOFS = ("window", "remailed")
CAUSES: dict[TaskKind, frozenset[tuple[str, str]]] = {
    TaskKind.REFUSED: frozenset({("705", "7")}),
    TaskKind.ASK_ADDRESS: frozenset({("705", "2"), ("705", "3"), ("705", "5")}),
    TaskKind.RETURNED: frozenset({("711", "")}),
    TaskKind.LOST: frozenset({("987", ""), ("988", ""), ("705", tracking.LOST_REASON)}),
}
"""Events (code, detail) that ask for a person; an empty detail stands for every one."""


def watch(shipment: Shipment) -> None:
    """Begin to follow a waybill."""
    shipment.progress, shipment.progress_at, shipment.detail_code = Progress.ORDERED, shipment.created_at, ""
    shipment.next_track_at = clock.now() + OUT_EVERY


@retrying
def take(waybill: str, events: Sequence[TrackEvent], *, source: str) -> bool:
    """Store events and apply them, in a transaction of its own. False for a waybill that is not ours (any more)."""
    with transaction() as session:
        query = select(Shipment).where(Shipment.waybill == waybill).with_for_update()
        shipment = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
        if shipment is None:
            metrics.TRACK_EVENTS.labels(source, "unknown_waybill").inc(len(events))
            return False
        new = _store(session, shipment, events, source)
        metrics.TRACK_EVENTS.labels(source, "new").inc(new)
        metrics.TRACK_EVENTS.labels(source, "repeat").inc(len(events) - new)
        if new:
            apply(session, shipment)
        return True


def pull(couriers: Couriers, shipment_id: UUID) -> None:
    """Ask the carrier where it is."""
    with transaction() as session:
        row = session.execute(select(Shipment.carrier, Shipment.waybill).where(Shipment.id == shipment_id)).one()
    if row.waybill is None:
        return
    try:
        events = couriers.call(row.carrier, "track", lambda carrier: carrier.track(row.waybill))
    except CarrierError as trouble:
        log.info("not_tracked", extra={"shipment": str(shipment_id), "code": trouble.code})
        _ask_somebody_else(couriers, row.waybill)
    else:
        take(row.waybill, events, source="pull")


def _ask_somebody_else(couriers: Couriers, waybill: str) -> None:
    """Where one is set up; off by default, as it needs an agreement on data processing (domain sheet §2.4)."""
    if couriers.fallback is None:
        return
    try:
        events = couriers.fallback.track(waybill)
    except CarrierError as trouble:
        log.info("fallback_silent", extra={"code": trouble.code})
    else:
        take(waybill, events, source=tracking.FALLBACK)


def claim_due(session: Session, limit: int) -> list[UUID]:
    """Shipments to be asked about now; the next question is set here, and none after the end of a final state."""
    now = clock.now()
    rows = session.execute(
        select(Shipment.id, Shipment.state, Shipment.state_at, Shipment.progress)
        .where(Shipment.next_track_at <= now)
        .order_by(Shipment.next_track_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    due = []
    for row in rows:
        under_way = row.state in (ShipmentState.ORDERED, ShipmentState.CANCELLING, ShipmentState.UNDER_WAY)
        over = not under_way and now >= row.state_at + STOPS_AFTER
        every = OUT_EVERY if row.progress == Progress.OUT else EVERY
        session.execute(
            update(Shipment)
            .where(Shipment.id == row.id)
            .values(next_track_at=None if over else now + every)
            .execution_options(synchronize_session=False)
        )
        due.append(row.id)
    return due


def apply(session: Session, shipment: Shipment) -> None:
    """Bring the shipment to the standing of all its events. The caller holds the lock."""
    events = tracking.trusted(session.scalars(select(TrackRow).where(TrackRow.waybill == shipment.waybill)))
    standing = tracking.state_of(events)
    for code in standing.unknown:
        log.warning("unknown_track_code", extra={"code": code, "shipment": str(shipment.id)})
    before = (shipment.progress, shipment.progress_at, shipment.detail_code)
    after = (standing.progress, standing.since or shipment.created_at, standing.detail)
    if shipment.proof in WINDOW_PROOFS or shipment.state == ShipmentState.HELD:
        return
    shipment.progress, shipment.progress_at, shipment.detail_code = after
    shipment.collected_at = standing.collected_at
    shipment.expected_at = _expected(shipment, standing)
    session.flush()
    if before != after:
        _move(session, shipment, standing)
    _tasks(session, shipment, events)
    if before != after:
        notices.progress(session, shipment, before[0])


def _store(session: Session, shipment: Shipment, events: Sequence[TrackEvent], source: str) -> int:
    """How many of them were new."""
    if not events:
        return 0
    rows = [
        {
            "waybill": event.waybill,
            "trace_no": event.trace_no,
            "shipment_id": shipment.id,
            "op_time": event.op_time,
            "op_code": event.op_code,
            "op_name": event.op_name[:80],
            "detail_code": event.detail_code,
            "province": event.province[:40],
            "city": event.city[:40],
            "office": event.office[:80],
            "source": source,
            "received_at": clock.now(),
        }
        for event in events
        if event.waybill == shipment.waybill
    ]
    stored = insert(TrackRow).on_conflict_do_nothing().returning(TrackRow.trace_no)
    return len(session.execute(stored, rows).all()) if rows else 0


def _move(session: Session, shipment: Shipment, standing: Standing) -> None:
    """The state and the proof of hand-over that follow from the standing."""
    event, before, proven = standing.event, shipment.state, _is_proof(shipment, standing)
    shipment.delivered_at = standing.since if standing.progress == Progress.DELIVERED else None
    if shipment.next_track_at is None:
        shipment.next_track_at = clock.now() + EVERY
    session.flush()
    if before == ShipmentState.CLOSED and event == ShipmentEvent.SHOW_DELIVERED and proven:
        return
    if (before, event) not in SHIPMENT.steps and (before, event) not in SHIPMENT.repeats:
        log.warning("track_not_fitting", extra={"shipment": str(shipment.id), "state": before, "event": event})
        return
    if event == ShipmentEvent.SHOW_CANCELLED and (before, event) in SHIPMENT.steps and standing.collected_at is None:
        ordering.called_off(session, shipment, event, actor=ACTOR, reason="快递公司撤单")
        return
    transition(session, shipment, event, actor=ACTOR, reason=standing.progress)
    if before == ShipmentState.CANCELLED != shipment.state:
        alert("sent_though_cancelled", shipment=shipment.id)
    if before == ShipmentState.CLOSED:
        shipment.proof = None
        session.flush()
    if shipment.state == ShipmentState.DELIVERED and proven:
        shipment.proof = "carrier"
        session.flush()
        transition(session, shipment, ShipmentEvent.PROVE, actor=ACTOR, reason=f"704+{standing.detail}")
        handing.tell_above(session, shipment)


def _is_proof(shipment: Shipment, standing: Standing) -> bool:
    """A certificate is handed over only to the receiver in person; other papers by any delivery."""
    return standing.progress == Progress.DELIVERED and (not shipment.certificate or standing.detail == IN_PERSON)


def _tasks(session: Session, shipment: Shipment, events: Sequence[TrackRow]) -> None:
    """Tasks for what stands, and an end to those whose cause was taken back."""
    stands = {(event.op_code, event.detail_code) for event in tracking.effective(events)}
    anything = {(code, "") for code, _ in stands}
    for kind, causes in CAUSES.items():
        if not causes & (stands | anything):
            tasks.vanish(session, shipment, kind, actor=ACTOR)
        elif not tasks.had(session, shipment, kind):
            _open_caused(session, shipment, kind)
    waits = shipment.state == ShipmentState.DELIVERED
    left = shipment.detail_code in LEFT_SOMEWHERE
    for kind, wanted in (
        (TaskKind.CERTIFICATE_ALARM, waits and left),
        (TaskKind.CONFIRM_RECEIPT, waits and not left),
    ):
        if wanted:
            tasks.open_task(session, shipment, kind, f"704+{shipment.detail_code}")
        else:
            tasks.vanish(session, shipment, kind, actor=ACTOR)


def _open_caused(session: Session, shipment: Shipment, kind: TaskKind) -> None:
    if kind == TaskKind.ASK_ADDRESS:
        if shipment.address_asked or shipment.state != ShipmentState.UNDER_WAY:
            return
        shipment.address_asked = True
        session.flush()
    tasks.open_task(session, shipment, kind, shipment.detail_code)


def _expected(shipment: Shipment, standing: Standing) -> datetime | None:
    """When it should arrive, counted from the collection."""
    return standing.collected_at + timedelta(days=shipment.transit_days) if standing.collected_at else None
