"""Telling finance: one short transaction, one call, one short transaction, step by step for each bill."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from backend.core import clock
from backend.core.config import Settings
from backend.core.db import retrying, transaction
from backend.core.errors import ProviderError, ProviderRejected
from payments import receipts, settlement
from payments.bill_models import Bill
from payments.gateways import finance_http
from payments.gateways.finance import Finance, FinanceLine
from payments.receipts import Task
from payments.states import BillState

BATCH = 50
MOST_BATCHES = 20
MOST_STEPS = 4
"""Steps of one bill in a row: notice, confirmation, electronic bill, and one in hand."""
RED_REASON = "退费冲红"
VOID_REASON = "缴款书作废或逾期"


def tell_due(settings: Settings) -> None:
    """Tell finance what it must hear now."""
    finance = finance_http.from_settings(settings)
    if finance is not None:
        tell(finance)


def look_for_other_channels(settings: Settings) -> None:
    """Bills that were paid today in cash, by card or at a bank show as paid here, long before the day is reconciled."""
    finance = finance_http.from_settings(settings)
    if finance is not None:
        settle_other_channels(finance, clock.today())


def tell(finance: Finance) -> int:
    """As `tell_due`; the number of bills looked at."""
    handled = 0
    for _ in range(MOST_BATCHES):
        with transaction() as session:
            claimed = receipts.claim_due(session, BATCH)
        for bill_id in claimed:
            for _ in range(MOST_STEPS):
                if not _step(finance, bill_id):
                    break
        handled += len(claimed)
        if len(claimed) < BATCH:
            break
    return handled


def settle_other_channels(finance: Finance, day: date) -> int:
    """Apply finance's list of a day to bills that are still open; how many were settled by it."""
    lines = [line for line in finance.payments(day) if line.order_no is None]
    return sum(_settle(line) for line in lines)


@retrying
def _settle(line: FinanceLine) -> bool:
    with transaction() as session:
        bill = session.scalars(
            select(Bill).where(
                Bill.region_code == line.region_code,
                Bill.pay_code == line.pay_code,
                Bill.state == BillState.ISSUED,
                Bill.total_fen == line.amount_fen,
            )
        ).one_or_none()
        if bill is None:
            return False
        return settlement.settle_elsewhere(session, bill_id=bill.id, paid_at=line.paid_at, actor="finance:list")


def _step(finance: Finance, bill_id: UUID) -> bool:
    """One step; False when there is no further one now."""
    with transaction() as session:
        task = receipts.next_task(session, bill_id)
        if task is None:
            receipts.rest(session, bill_id)
            return False
    try:
        return _call(finance, task)
    except ProviderError as error:
        with transaction() as session:
            refused = isinstance(error, ProviderRejected)
            receipts.failed(session, bill_id, task.step, error.provider_code, refused=refused)
        return False


def _call(finance: Finance, task: Task) -> bool:
    """Make the call of a task and write its answer; False when the next step has to wait. Raises ProviderError."""
    if task.notice is not None:
        notice = finance.issue_notice(task.notice)
        with transaction() as session:
            receipts.registered(session, task, notice)
    elif task.confirmation is not None:
        confirmed = finance.confirm(task.confirmation)
        with transaction() as session:
            receipts.confirmed(session, task.bill_id, confirmed)
    elif task.standing is not None:
        red = finance.red_write(f"R{task.standing.id.hex}", task.standing.code, task.standing.number, RED_REASON)
        with transaction() as session:
            receipts.cancelled(session, task, red)
    elif task.ebill is not None:
        issued = finance.issue_ebill(task.ebill)
        with transaction() as session:
            if issued is None:
                receipts.still_issuing(session, task.bill_id)
                return False
            receipts.issued(session, task, issued)
    else:
        finance.void_notice(task.region_code, task.pay_code, VOID_REASON)
        with transaction() as session:
            receipts.withdrawn(session, task.bill_id)
    return True
