"""Calls to the carrier: short transaction, call, short transaction (ARCHITECTURE §4). An unknown outcome is asked for.

A try that died in between counts as unknown: `failure` is empty then, though `tries` is not.
"""

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.db import retrying, transaction
from backend.core.states import transition
from express import following, notices, ordering, snapshots, tasks
from express.alerts import alert
from express.carriers.base import (
    AddressRefused,
    Busy,
    CallFailed,
    CarrierError,
    OutcomeUnknown,
    OutOfRange,
    Placed,
    PostageNotReady,
    Refused,
    ShipmentOrder,
    TooLate,
)
from express.models import Payer, Shipment
from express.policies import adjust
from express.registry import Couriers
from express.states import TO_CALL, ShipmentEvent, ShipmentState
from express.task_models import TaskKind

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
WAITS_S = (5, 15, 30, 60, 180, 600, 1800)
"""Seconds to the next try after each; the last goes on for ever."""
MOST_FAILURES = 3
"""The carrier's platform did not take the call: three tries, then a person (domain sheet §2.1)."""
ASK_POSTAGE = timedelta(hours=12)
ACTOR = "carrier"


def claim_due(session: Session, limit: int) -> list[UUID]:
    """Shipments whose next call is due; each is leased, so another worker leaves it alone."""
    now = clock.now()
    ids = session.scalars(
        select(Shipment.id)
        .where(Shipment.next_try_at <= now, Shipment.state.in_(TO_CALL))
        .order_by(Shipment.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(
        update(Shipment)
        .where(Shipment.id.in_(ids))
        .values(next_try_at=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return list(ids)


def carry_on(couriers: Couriers, shipment_id: UUID) -> None:
    """Whatever call this shipment waits for; nothing when it waits for none."""
    begun = _begin(shipment_id)
    if begun is None:
        return
    order, carrier, waybill, state, asks = begun
    if state == ShipmentState.CANCELLING:
        _cancel(couriers, shipment_id, order, carrier, waybill)
    elif not asks or _find(couriers, shipment_id, order, carrier):
        _place(couriers, shipment_id, order, carrier)


@retrying
def _begin(shipment_id: UUID) -> tuple[ShipmentOrder, str, str | None, ShipmentState, bool] | None:
    """Note that a call begins, before it is made."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        order = snapshots.opened(shipment)
        if shipment.state not in TO_CALL or order is None:
            return None
        cut_short = shipment.tries > 0 and shipment.failure is None
        asks = shipment.state == ShipmentState.UNKNOWN or cut_short
        shipment.tries, shipment.failure = min(shipment.tries + 1, 1000), None
        shipment.next_try_at = clock.now() + LEASE
        return order, shipment.carrier, shipment.waybill, shipment.state, asks


def _find(couriers: Couriers, shipment_id: UUID, order: ShipmentOrder, carrier: str) -> bool:
    """Ask by our number; True when the carrier has nothing under it and it is to be ordered."""
    try:
        placed = couriers.call(carrier, "find", lambda one: one.find(order))
    except CarrierError as trouble:
        _note(shipment_id, ShipmentEvent.LOSE, trouble)
        return False
    if placed is not None:
        _placed(shipment_id, order, placed)
        return False
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.state not in (ShipmentState.UNKNOWN, ShipmentState.PLACING):
            return False
        transition(session, shipment, ShipmentEvent.ABSENT, actor=ACTOR)
    return True


def _place(couriers: Couriers, shipment_id: UUID, order: ShipmentOrder, carrier: str) -> None:
    try:
        placed = couriers.call(carrier, "place", lambda one: one.place(order))
    except OutcomeUnknown as trouble:
        _note(shipment_id, ShipmentEvent.LOSE, trouble)
    except Refused as refusal:
        _refused(shipment_id, refusal)
    except (Busy, CallFailed) as trouble:
        _not_taken(shipment_id, trouble)
    else:
        _placed(shipment_id, order, placed)


@retrying
def _placed(shipment_id: UUID, order: ShipmentOrder, placed: Placed) -> None:
    """The waybill is there. An order that somebody called off at the carrier is placed under the next number."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.number != order.number or shipment.state not in (ShipmentState.PLACING, ShipmentState.UNKNOWN):
            return
        if placed.cancelled:
            _give_to_staff(session, shipment, "called_off", "快递公司那边已经取消")
            return
        shipment.waybill, shipment.failure, shipment.tries, shipment.next_try_at = placed.waybill, None, 0, None
        following.watch(shipment)
        session.flush()
        transition(session, shipment, ShipmentEvent.ORDERED, actor=ACTOR)
        notices.ordered(session, shipment)


@retrying
def _note(shipment_id: UUID, event: ShipmentEvent, trouble: CarrierError) -> None:
    """It may have worked: ask before anything else."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.state in (ShipmentState.PLACING, ShipmentState.UNKNOWN):
            _later(shipment, trouble)
            session.flush()
            transition(session, shipment, event, actor=ACTOR, reason=trouble.code[:80])
    log.warning("carrier_silent", extra={"shipment": str(shipment_id), "code": trouble.code})


@retrying
def _not_taken(shipment_id: UUID, trouble: CarrierError) -> None:
    """Nothing happened: the same again later, three times where the platform itself refuses."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.state != ShipmentState.PLACING:
            return
        _later(shipment, trouble)
        session.flush()
        if isinstance(trouble, CallFailed) and shipment.tries >= MOST_FAILURES:
            _give_to_staff(session, shipment, trouble.code, trouble.message)


@retrying
def _refused(shipment_id: UUID, refusal: Refused) -> None:
    """The carrier says no: staff read its words, the applicant is asked to correct an address."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.state != ShipmentState.PLACING:
            return
        _give_to_staff(session, shipment, refusal.code, refusal.message)
        if isinstance(refusal, (OutOfRange, AddressRefused)):
            notices.refused(session, shipment)


def _give_to_staff(session: Session, shipment: Shipment, code: str, message: str) -> None:
    shipment.failure, shipment.next_try_at, shipment.tries = f"{code} {message}"[:200], None, 0
    session.flush()
    transition(session, shipment, ShipmentEvent.REFUSE, actor=ACTOR, reason=code[:80])
    tasks.open_task(session, shipment, TaskKind.NOT_PLACED, shipment.failure)


def _cancel(couriers: Couriers, shipment_id: UUID, order: ShipmentOrder, carrier: str, waybill: str | None) -> None:
    try:
        couriers.call(carrier, "cancel", lambda one: one.cancel(order.number, waybill or "", "用户取消"))
    except (Busy, CallFailed, OutcomeUnknown) as trouble:
        _cancel_later(shipment_id, trouble)
    except Refused as refusal:
        _kept(shipment_id, refusal)
    else:
        _cancelled(shipment_id)


@retrying
def _cancelled(shipment_id: UUID) -> None:
    """Called off; with another address waiting it is placed anew under the next number."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.state != ShipmentState.CANCELLING:
            return
        following_order = snapshots.opened(shipment, "next_order")
        if following_order is None:
            ordering.called_off(session, shipment, ShipmentEvent.CANCEL, actor=ACTOR, reason="已取消")
            return
        ordering.next_attempt(shipment, following_order)
        shipment.next_track_at = None
        session.flush()
        transition(session, shipment, ShipmentEvent.REPLACE, actor=ACTOR)


@retrying
def _kept(shipment_id: UUID, refusal: Refused) -> None:
    """Too late, or refused: it goes on as it was, and its applicant hears of it."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.state != ShipmentState.CANCELLING:
            return
        shipment.next_order, shipment.next_try_at, shipment.tries = None, None, 0
        session.flush()
        transition(session, shipment, ShipmentEvent.KEEP, actor=ACTOR, reason=refusal.code[:80])
        if not isinstance(refusal, TooLate):
            tasks.open_task(session, shipment, TaskKind.NOT_CANCELLED, f"{refusal.code} {refusal.message}")
        notices.not_cancelled(session, shipment)


@retrying
def _cancel_later(shipment_id: UUID, trouble: CarrierError) -> None:
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.state != ShipmentState.CANCELLING:
            return
        _later(shipment, trouble)
        if shipment.tries == MOST_FAILURES:
            tasks.open_task(session, shipment, TaskKind.NOT_CANCELLED, trouble.code)


def _later(shipment: Shipment, trouble: CarrierError) -> None:
    shipment.failure = trouble.code[:80] or "unknown"
    shipment.next_try_at = clock.now() + timedelta(seconds=WAITS_S[min(shipment.tries, len(WAITS_S)) - 1])


def claim_postage(session: Session, limit: int) -> list[UUID]:
    """Shipments on their way whose real postage nobody knows yet; asked for twice a day."""
    now = clock.now()
    ids = session.scalars(
        select(Shipment.id)
        .where(
            Shipment.collected_at.is_not(None),
            Shipment.actual_fen.is_(None),
            Shipment.payer != Payer.RECEIVER_COD,
            or_(Shipment.postage_asked_at.is_(None), Shipment.postage_asked_at < now - ASK_POSTAGE),
        )
        .order_by(Shipment.collected_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(
        update(Shipment)
        .where(Shipment.id.in_(ids))
        .values(postage_asked_at=now)
        .execution_options(synchronize_session=False)
    )
    return list(ids)


def ask_postage(couriers: Couriers, shipment_id: UUID) -> None:
    """What the carrier charges, for the settlement (domain sheet §2.1, 050001)."""
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        carrier, number, waybill = shipment.carrier, shipment.number, shipment.waybill or ""
    try:
        charged = couriers.call(carrier, "postage", lambda one: one.postage(number, waybill))
    except PostageNotReady:
        return
    except CarrierError as trouble:
        log.info("postage_unknown", extra={"shipment": str(shipment_id), "code": trouble.code})
        return
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        if shipment.actual_fen is not None or shipment.waybill != waybill:
            return
        adjust(session, shipment, charged.fen - shipment.estimate_fen)
        shipment.actual_fen, shipment.actual_weight_g = charged.fen, charged.weight_g
        shipment.list_fen = charged.list_fen
        if shipment.payer == Payer.APPLICANT_PREPAID and charged.fen > shipment.estimate_fen:
            alert("dearer", shipment=shipment_id)
