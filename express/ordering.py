"""Ordering, releasing, calling off and re-addressing shipments. What the carrier must hear is left to `carrying`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from backend.core import audit, clock, db
from backend.core.errors import Conflict, Text
from backend.core.states import record_event, transition
from express import address_book, notices, policies, quoting, snapshots, tasks
from express.carriers.base import Charge, Pickup, Region, ShipmentOrder
from express.errors import (
    AddressFixed,
    AlreadyShipped,
    PickupTimeWrong,
    QuoteOver,
    ShipmentNotFound,
    TooLateToCancel,
)
from express.models import Direction, Payer, Shipment, ShipmentEventRow
from express.money_models import PayerPolicy
from express.quoting import Quoted
from express.states import LIVE, ShipmentEvent, ShipmentState
from express.task_models import TaskKind
from express.tracking import Progress
from payments import bills, postage

SOON = timedelta(seconds=20)
"""The request that orders calls the carrier itself; if it dies, the worker does so after this."""
PICKUP_EARLIEST, PICKUP_LATEST = timedelta(minutes=30), timedelta(days=7)
MOST_ATTEMPTS = 9
WRONG_ADDRESS = ("1", "2", "3", "5")
ON_WAY = {
    ShipmentState.PLACING: ShipmentEvent.BEGIN,
    ShipmentState.UNPAID: ShipmentEvent.AWAIT_POSTAGE,
    ShipmentState.ASKED: ShipmentEvent.ASK,
}


def order(
    session: Session,
    *,
    quote_id: UUID,
    owner_id: UUID,
    carrier: str,
    region_code: str,
    pickup: Pickup | None,
    actor: str,
    by_staff: bool,
) -> Shipment:
    """Write the shipment of a quote; what it costs is counted or billed here. Raises QuoteOver, AlreadyShipped.

    Of a subject whose papers are not ready the hall is asked first, unless staff order it.
    """
    quoted = quoting.take(session, quote_id=quote_id, owner_id=owner_id)
    _demand_sensible(pickup)
    state = _first_state(quoted, by_staff=by_staff)
    row = _row(quoted, _charged(session, quoted), state=state, carrier=carrier, pickup=pickup, actor=actor)
    if state == ShipmentState.UNPAID:
        _open_postage(session, row, region_code, actor)
    if state == ShipmentState.PLACING:
        row.next_try_at = clock.now() + SOON
    shipment = _insert(session, row)
    record_event(session, ShipmentEventRow, shipment.id, None, state, ON_WAY[state], actor=actor)
    if by_staff:  # Who read the address to the applicant and heard it confirmed: no window quote exists without.
        _record(session, shipment, "shipment.address_confirmed", actor)
    if quoted.wish.remail:
        _close_former(session, shipment, actor)
    return shipment


def release(session: Session, *, shipment_id: UUID, hall_code: str, region_code: str, actor: str) -> Shipment:
    """The papers are ready: the courier is ordered, or the applicant is asked for the postage. Harmless if repeated."""
    shipment = in_hall(session, shipment_id, hall_code)
    if shipment.state in (ShipmentState.PLACING, ShipmentState.UNPAID):
        return shipment
    if shipment.payer == Payer.APPLICANT_PREPAID and shipment.estimate_fen:
        _open_postage(session, shipment, region_code, actor)
        session.flush()
        transition(session, shipment, ShipmentEvent.AWAIT_POSTAGE, actor=actor)
        notices.unpaid(session, shipment)
    else:
        shipment.next_try_at = clock.now()
        session.flush()
        transition(session, shipment, ShipmentEvent.RELEASE, actor=actor)
    return shipment


def paid(session: Session, shipment_id: UUID) -> None:
    """The postage is there: the courier is ordered next. Harmless if repeated."""
    shipment = locked(session, shipment_id)
    if shipment.state != ShipmentState.UNPAID or shipment.bill_id is None:
        return
    if postage.is_paid(session, shipment.bill_id):
        shipment.next_try_at = clock.now()
        session.flush()
        transition(session, shipment, ShipmentEvent.PAY, actor="system")


def cancel(session: Session, shipment: Shipment, *, actor: str, reason: str) -> None:
    """Call it off; with a courier ordered, `carrying.carry_on` finishes it. The caller holds the lock.

    Raises TooLateToCancel, and BillBusy while somebody may be paying the postage.
    """
    if shipment.state in (ShipmentState.CANCELLED, ShipmentState.CANCELLING):
        return
    if shipment.state == ShipmentState.ORDERED:
        shipment.next_try_at, shipment.tries, shipment.next_order = clock.now() + SOON, 0, None
        session.flush()
        transition(session, shipment, ShipmentEvent.START_CANCEL, actor=actor, reason=reason)
        return
    if shipment.state in (ShipmentState.PLACING, ShipmentState.UNKNOWN):
        raise Conflict(Text("正在下单，请过一分钟再取消", "It is being ordered. Cancel in a minute"))
    if shipment.state not in (ShipmentState.ASKED, ShipmentState.UNPAID, ShipmentState.REFUSED):
        raise TooLateToCancel()
    called_off(session, shipment, ShipmentEvent.CANCEL, actor=actor, reason=reason)


def called_off(session: Session, shipment: Shipment, event: ShipmentEvent, *, actor: str, reason: str) -> None:
    """Nothing will be sent: what it cost is given back, tasks about it end, its applicant is told."""
    if shipment.bill_id is not None:
        postage.call_off(session, bill_id=shipment.bill_id, actor=actor, reason=reason)
    policies.adjust(session, shipment, -(shipment.estimate_fen if shipment.actual_fen is None else shipment.actual_fen))
    shipment.next_try_at = shipment.next_track_at = shipment.next_order = None
    session.flush()
    transition(session, shipment, event, actor=actor, reason=reason)
    tasks.end_all(session, shipment, actor=actor)
    notices.cancelled(session, shipment)


def change_address(session: Session, shipment: Shipment, parts: Mapping[str, str], *, actor: str) -> None:
    """Another address of the applicant, while that is still possible. The caller holds the lock.

    Before a courier is ordered it is simply written anew, afterwards the order is called off and placed again. Out for
    delivery with a wrong address, staff pass it on to the courier, once. Raises AddressFixed.
    """
    known = snapshots.opened(shipment)
    if known is None:
        raise AddressFixed()
    new = address_book.party(address_book.checked(parts))
    old = snapshots.applicant(known, shipment.direction)
    far = (new.region.province, new.region.city) != (old.region.province, old.region.city)
    if far and shipment.payer == Payer.APPLICANT_PREPAID:
        raise AddressFixed(Text("邮费会变，请取消后重新下单", "The postage changes. Cancel it and order again"))
    changed = snapshots.with_applicant(known, shipment.direction, new)
    _record(session, shipment, "shipment.address", actor)
    if shipment.state in (ShipmentState.ASKED, ShipmentState.UNPAID):
        shipment.order = snapshots.seal(shipment.id, changed)
        session.flush()
    elif shipment.state == ShipmentState.REFUSED:
        next_attempt(shipment, changed)
        session.flush()
        transition(session, shipment, ShipmentEvent.CORRECT, actor=actor)
        tasks.vanish(session, shipment, TaskKind.NOT_PLACED, actor=actor)
    elif shipment.state == ShipmentState.ORDERED and shipment.attempt < MOST_ATTEMPTS:
        shipment.next_order = snapshots.seal(shipment.id, changed, "next_order")
        shipment.next_try_at, shipment.tries = clock.now() + SOON, 0
        session.flush()
        transition(session, shipment, ShipmentEvent.START_CANCEL, actor=actor, reason="改地址")
    elif _may_correct(session, shipment):
        shipment.next_order = snapshots.seal(shipment.id, changed, "next_order")
        session.flush()
        tasks.finish_kind(session, shipment, TaskKind.ASK_ADDRESS, actor=actor, outcome="new_address")
        tasks.open_task(session, shipment, TaskKind.PASS_ON_ADDRESS)
    else:
        raise AddressFixed()


def next_attempt(shipment: Shipment, changed: ShipmentOrder) -> None:
    """The order under a new number: the old one is over at the carrier."""
    shipment.attempt += 1
    shipment.number = snapshots.number(shipment.id, shipment.attempt)
    shipment.order = snapshots.seal(shipment.id, replace(changed, number=shipment.number, ordered_at=clock.now()))
    shipment.waybill, shipment.next_order, shipment.failure = None, None, None
    shipment.progress, shipment.progress_at, shipment.printed_at = None, None, None
    shipment.tries, shipment.next_try_at = 0, clock.now()


def locked(session: Session, shipment_id: UUID) -> Shipment:
    """The shipment, locked: whoever changes one takes this lock first. Raises ShipmentNotFound."""
    query = select(Shipment).where(Shipment.id == shipment_id).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise ShipmentNotFound()
    return found


def in_hall(session: Session, shipment_id: UUID, hall_code: str) -> Shipment:
    """One shipment of a hall, locked. Raises ShipmentNotFound."""
    shipment = locked(session, shipment_id)
    if shipment.hall_code != hall_code:
        raise ShipmentNotFound()
    return shipment


def mine(session: Session, shipment_id: UUID, person_id: UUID) -> Shipment:
    """One shipment of a citizen, locked. Raises ShipmentNotFound."""
    shipment = locked(session, shipment_id)
    if shipment.person_id != person_id:
        raise ShipmentNotFound()
    return shipment


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records were one person: shipments follow, but for one that both have ordered and that is not over."""
    mine = aliased(Shipment)
    both = (
        select(mine.id)
        .where(mine.person_id == person_id, mine.state.in_(LIVE), Shipment.state.in_(LIVE))
        .where(mine.subject_type == Shipment.subject_type, mine.subject_id == Shipment.subject_id)
        .where(mine.direction == Shipment.direction)
    )
    session.execute(
        update(Shipment)
        .where(Shipment.person_id == former_id, ~both.exists())
        .values(person_id=person_id)
        .execution_options(synchronize_session=False)
    )


def _may_correct(session: Session, shipment: Shipment) -> bool:
    stuck = shipment.state == ShipmentState.UNDER_WAY and shipment.progress == Progress.FAILED
    wrong = stuck and shipment.detail_code in WRONG_ADDRESS
    return wrong and tasks.is_open(session, shipment, TaskKind.ASK_ADDRESS)


def _charged(session: Session, quoted: Quoted) -> PayerPolicy | None:
    """The policy that pays, with the sum counted. Raises QuoteOver when somebody else would pay by now."""
    for _ in range(policies.MOST_TRIES):
        payer, policy = quoting.who_pays(session, quoted.wish, quoted.estimate_fen)
        if payer != quoted.payer:
            raise QuoteOver()
        if policy is None or policies.spend(session, policy, year=clock.today().year, fen=quoted.estimate_fen):
            return policy
    raise QuoteOver()


def _first_state(quoted: Quoted, *, by_staff: bool) -> ShipmentState:
    wish = quoted.wish
    ready = by_staff or wish.remail or wish.subject.ready or wish.direction == Direction.MATERIAL_IN
    if not ready:
        return ShipmentState.ASKED
    prepaid = quoted.payer == Payer.APPLICANT_PREPAID and quoted.estimate_fen > 0
    return ShipmentState.UNPAID if prepaid else ShipmentState.PLACING


def _row(
    quoted: Quoted,
    policy: PayerPolicy | None,
    *,
    state: ShipmentState,
    carrier: str,
    pickup: Pickup | None,
    actor: str,
) -> Shipment:
    wish, shipment_id = quoted.wish, db.new_id()
    subject, (sender, receiver) = wish.subject, wish.ends
    number = snapshots.number(shipment_id, 1)
    placed = ShipmentOrder(
        number=number,
        ordered_at=clock.now(),
        sender=sender,
        receiver=receiver,
        weight_g=wish.weight_g,
        charge=Charge.RECEIVER if quoted.payer == Payer.RECEIVER_COD else Charge.ACCOUNT,
        pickup=pickup,
        in_person=subject.certificate and wish.direction != Direction.MATERIAL_IN,
    )
    return Shipment(
        id=shipment_id,
        state=state,
        state_at=clock.now(),
        number=number,
        carrier=carrier,
        direction=wish.direction,
        subject_type=wish.subject_type,
        subject_id=wish.subject_id,
        item_slug=subject.item_slug,
        category_code=subject.category_code,
        title_zh=subject.title.zh,
        title_en=subject.title.en,
        certificate=placed.in_person,
        hall_code=subject.hall_code,
        division_code=wish.division_code,
        applicant_type=subject.applicant_type,
        person_id=subject.person_id,
        ordered_by=actor,
        order=snapshots.seal(shipment_id, placed),
        payer=quoted.payer,
        policy_id=policy.id if policy else None,
        budget_code=policy.budget_code if policy else None,
        estimate_fen=quoted.estimate_fen,
        weight_g=wish.weight_g,
        transit_days=transit_days(sender.region, receiver.region),
        created_at=clock.now(),
    )


def transit_days(start: Region, end: Region) -> int:
    """Days that it usually takes: one within a city, two within a province, three beyond; ours, no promise."""
    if (start.province, start.city) == (end.province, end.city):
        return 1
    return 2 if start.province == end.province else 3


def _insert(session: Session, shipment: Shipment) -> Shipment:
    """The unique index decides between two orders for the same thing."""
    names = [column.name for column in Shipment.__table__.columns]
    values = {name: value for name in names if (value := getattr(shipment, name)) is not None}
    row = insert(Shipment).values(**values).on_conflict_do_nothing().returning(Shipment.id)
    if session.execute(row).first() is None:
        raise AlreadyShipped(shipment_id=_known(session, shipment))
    return session.get_one(Shipment, shipment.id)


def _known(session: Session, shipment: Shipment) -> str | None:
    """The id of the one that is there: the index names the same person."""
    there = session.scalar(
        select(Shipment.id).where(
            Shipment.subject_type == shipment.subject_type,
            Shipment.subject_id == shipment.subject_id,
            Shipment.direction == shipment.direction,
            Shipment.person_id == shipment.person_id,
            Shipment.state.in_(LIVE),
        )
    )
    return str(there) if there else None


def _open_postage(session: Session, shipment: Shipment, region_code: str, actor: str) -> None:
    known = snapshots.opened(shipment)
    assert known is not None, "a shipment that is not sent keeps its address"
    bill = postage.order(
        session,
        region_code=region_code,
        shipment_id=shipment.id,
        amount_fen=shipment.estimate_fen,
        payer=bills.Payer(snapshots.applicant(known, shipment.direction).name, person_id=shipment.person_id),
        title=Text(f"快递费：{shipment.title_zh}", f"Delivery: {shipment.title_en}"),
        actor=actor,
    )
    shipment.bill_id = bill.id


def _close_former(session: Session, shipment: Shipment, actor: str) -> None:
    """What lay in the cabinet is on its way again."""
    former = session.scalars(
        select(Shipment)
        .where(
            Shipment.subject_type == shipment.subject_type,
            Shipment.subject_id == shipment.subject_id,
            Shipment.direction == shipment.direction,
            Shipment.person_id == shipment.person_id,
            Shipment.state == ShipmentState.HELD,
        )
        .with_for_update()
    ).all()
    for one in former:
        one.proof = "remailed"
        session.flush()
        transition(session, one, ShipmentEvent.REMAIL, actor=actor)


def _record(session: Session, shipment: Shipment, action: str, actor: str) -> None:
    audit.record(session, actor=actor, action=action, object_type="shipment", object_id=shipment.id)


def _demand_sensible(pickup: Pickup | None) -> None:
    if pickup is None:
        return
    now: datetime = clock.now()
    if not now + PICKUP_EARLIEST <= pickup.ends_at <= now + PICKUP_LATEST or pickup.begins_at >= pickup.ends_at:
        raise PickupTimeWrong()
