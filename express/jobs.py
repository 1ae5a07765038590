"""What the worker does for shipments; every function opens its own transactions and may run twice."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from backend.core import clock, holds
from backend.core.config import Settings
from backend.core.db import retrying, transaction
from express import carrying, following, ordering, quoting, tasks
from express.models import Shipment
from express.personal import ENDED
from express.registry import Couriers, couriers_of
from express.states import ShipmentState
from payments.bill_models import Bill
from payments.states import SETTLED, BillState

T = TypeVar("T")

CALLERS = 4
BATCH = 100
MOST_BATCHES = 20


def call_due(settings: Settings) -> None:
    """Order, ask after unknown outcomes, call off: whatever call is due."""
    call(couriers_of(settings))


def track_due(settings: Settings) -> None:
    """Ask where shipments are, and what they cost."""
    track(couriers_of(settings))
    ask_postage(couriers_of(settings))


def call(couriers: Couriers, callers: int = CALLERS) -> int:
    """As `call_due`, with so many calls side by side; the number of shipments handled."""
    _take_paid()
    return _work(carrying.claim_due, callers, lambda shipment_id: carrying.carry_on(couriers, shipment_id))


def track(couriers: Couriers, callers: int = CALLERS) -> int:
    """As `track_due`, tracking only; the number of shipments asked about."""
    return _work(following.claim_due, callers, lambda shipment_id: following.pull(couriers, shipment_id))


def ask_postage(couriers: Couriers, callers: int = CALLERS) -> int:
    """Ask for the real postage of collected shipments; their number."""
    return _work(carrying.claim_postage, callers, lambda shipment_id: carrying.ask_postage(couriers, shipment_id))


def warn_overdue() -> None:
    """Tasks whose working days are over."""
    with transaction() as session:
        tasks.warn_overdue(session)


def forget(settings: Settings) -> None:
    """Empty the addresses of shipments that ended long ago, and drop quotes whose time is over (PIPL, domain §2.5)."""
    before = clock.now() - timedelta(days=settings.express_retention_days)
    with transaction() as session:
        quoting.purge(session)
        session.execute(
            update(Shipment)
            .where(Shipment.state.in_(ENDED), Shipment.state_at < before)
            .where(holds.spares(holds.PERSON, Shipment.person_id))
            .where(or_(Shipment.order.is_not(None), Shipment.next_order.is_not(None)))
            .values(order=None, next_order=None)
            .execution_options(synchronize_session=False)
        )


@retrying
def _take_paid() -> None:
    """Shipments whose postage has come go on; those whose postage was never paid end."""
    with transaction() as session:
        rows = session.execute(
            select(Shipment.id, Bill.state)
            .join(Bill, Bill.id == Shipment.bill_id)
            .where(Shipment.state == ShipmentState.UNPAID, Bill.state != BillState.ISSUED)
            .limit(BATCH)
        ).all()
    for row in rows:
        with transaction() as session:
            if row.state in SETTLED:
                ordering.paid(session, row.id)
            else:
                _give_up(session, row.id)


def _give_up(session: Session, shipment_id: UUID) -> None:
    shipment = ordering.locked(session, shipment_id)
    if shipment.state == ShipmentState.UNPAID:
        ordering.cancel(session, shipment, actor="system", reason="一直没有付邮费")


def _work(claim: Callable[[Session, int], list[T]], callers: int, action: Callable[[T], None]) -> int:
    handled = 0
    for _ in range(MOST_BATCHES):
        claimed = _claimed(claim)
        _side_by_side(callers, claimed, action)
        handled += len(claimed)
        if len(claimed) < BATCH:
            break
    return handled


@retrying
def _claimed(claim: Callable[[Session, int], list[T]]) -> list[T]:
    """A claim takes row locks in the order of its due times, so it may be chosen as a deadlock victim."""
    with transaction() as session:
        return claim(session, BATCH)


def _side_by_side(callers: int, work: Sequence[T], action: Callable[[T], None]) -> None:
    """A few at once: most of the time a call waits for its carrier."""
    if callers == 1 or len(work) < 2:
        for item in work:
            action(item)
        return
    with ThreadPoolExecutor(callers) as pool:
        for done in [pool.submit(copy_context().run, action, item) for item in work]:
            done.result()
