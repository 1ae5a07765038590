"""What the worker does for payments; every function opens its own transactions and may run twice."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core.config import Settings
from backend.core.db import retrying, transaction
from payments import attempts, bills, lateness, ledger, paying, refunding, refunds
from payments.alerts import alert
from payments.errors import BillBusy
from payments.registry import Gateways, gateways_of

T = TypeVar("T")

CALLERS = 4
BATCH = 100
MOST_BATCHES = 20


def poll_due(settings: Settings) -> None:
    """Ask channels about orders whose question is due, and close those whose time is over."""
    poll(gateways_of(settings))


def send_due(settings: Settings) -> None:
    """Send refunds that may leave, ask about those on their way, and mend notices that came too early."""
    send(gateways_of(settings))
    refunding.settle_pending(gateways_of(settings))


def poll(gateways: Gateways, callers: int = CALLERS) -> int:
    """As `poll_due`, with so many calls side by side; the number of attempts asked about."""
    handled = 0
    for _ in range(MOST_BATCHES):
        claimed = _claimed(attempts.claim_due)
        _side_by_side(callers, claimed, lambda claim: _look(gateways, claim))
        handled += len(claimed)
        if len(claimed) < BATCH:
            break
    return handled


def send(gateways: Gateways, callers: int = CALLERS) -> int:
    """As `send_due`, refunds only; their number."""
    claimed = _claimed(refunds.claim_due)
    _side_by_side(callers, claimed, lambda refund_id: refunding.send(gateways, refund_id))
    return len(claimed)


def expire_bills() -> None:
    """Bills past their due date that do not grow die (money rule M11)."""
    while True:
        with transaction() as session:
            if bills.expire(session) == 0:
                return


def grow_late() -> None:
    """Fines, and charges whose law says so, cost more each day after the due date, up to their cap (M7, M8, M11)."""
    with transaction() as session:
        late = lateness.late_bills(session)
    for bill_id in late:
        with suppress(BillBusy), transaction() as session:
            lateness.grow(session, bills.locked(session, bill_id))


def warn_overdue() -> None:
    """Refund cases that have waited longer than their working days."""
    with transaction() as session:
        late = refunds.overdue(session)
    for refund_id in late:
        alert("refund_overdue", refund=refund_id)


def seal_books() -> None:
    """Seal new journals into the chain."""
    with transaction() as session:
        ledger.seal(session)


@retrying
def _claimed(claim: Callable[[Session, int], list[T]]) -> list[T]:
    """A claim takes row locks in the order of its due times, so it may be chosen as a deadlock victim."""
    with transaction() as session:
        return claim(session, BATCH)


def _look(gateways: Gateways, claim: tuple[UUID, bool]) -> None:
    attempt_id, close = claim
    if close:
        paying.close_order(gateways, attempt_id)
    else:
        paying.look(gateways, attempt_id)


def _side_by_side(callers: int, work: Sequence[T], action: Callable[[T], None]) -> None:
    """A few at once: most of the time a call waits for its channel."""
    if callers == 1 or len(work) < 2:
        for item in work:
            action(item)
        return
    with ThreadPoolExecutor(callers) as pool:
        for done in [pool.submit(copy_context().run, action, item) for item in work]:
            done.result()
