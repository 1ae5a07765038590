"""Paying at a window: the clerk scans the payer's code (18 digits from 10 to 15), shows one, or asks finance for cash.

Either code opens an attempt like any other; the channel's own word alone makes it paid. While the payer types a
password, or the channel does not answer, the page asks again every few seconds: one number, never a second charge.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core.db import transaction
from backend.core.errors import InvalidInput, Text
from payments import attempts, bill_queries, locks, paying, settlement
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.errors import ChannelBusy
from payments.gateways.base import Scene
from payments.gateways.finance import BillStatus, Finance
from payments.registry import STAFF_WAYS, WAYS, Gateways
from payments.states import SETTLED, AttemptState, BillState

PAYERS_CODE = re.compile(r"1[0-5][0-9]{16}")


class PayersCodeWrong(InvalidInput):
    """What was scanned is not a payer's code: those have 18 digits and begin with 10 to 15."""

    code = "payers_code_wrong"
    title = Text("这不是付款码，请让对方打开付款码再扫", "That is not a payment code. Ask to open the code again")


class Phase(StrEnum):
    """What the clerk's page says."""

    SHOWING = "showing"
    ASKING = "asking"
    TYPING = "typing"
    PAID = "paid"
    FAILED = "failed"
    CHECKING = "checking"
    RETURNED = "returned"


PHASES = {
    AttemptState.NEW: Phase.ASKING,
    AttemptState.CREATE_UNKNOWN: Phase.ASKING,
    AttemptState.CLOSING: Phase.ASKING,
    AttemptState.CREATED: Phase.TYPING,
    AttemptState.PAID: Phase.PAID,
    AttemptState.CREATE_FAILED: Phase.FAILED,
    AttemptState.CLOSED: Phase.FAILED,
    AttemptState.SUSPENSE: Phase.CHECKING,
    AttemptState.PAID_LATE: Phase.CHECKING,
    AttemptState.REFUND_DUE: Phase.RETURNED,
    AttemptState.RETURNED: Phase.RETURNED,
}


def phase_of(attempt: Attempt) -> Phase:
    """What the page says of an attempt; SHOWING is a code on our screen that nobody has paid yet."""
    phase = PHASES[attempt.state]
    return Phase.SHOWING if phase is Phase.TYPING and attempt.scene == Scene.NATIVE else phase


def checked_code(scanned: str) -> str:
    """The payer's code in what the scanner gave. Raises PayersCodeWrong."""
    code = re.sub(r"\s", "", scanned)
    if not PAYERS_CODE.fullmatch(code):
        raise PayersCodeWrong()
    return code


def terms(
    gateways: Gateways, bill: Bill, *, way_name: str, client_ip: str, auth_code: str | None = None
) -> attempts.Terms:
    """Terms of a payer whom we do not know. Raises WayNotOffered when none of the unit's channels can do it."""
    channel, account = gateways.chosen(bill.unit_code, way_name)
    way = WAYS.get(way_name) or STAFF_WAYS[way_name]
    return attempts.Terms(
        channel=channel,
        scene=way.scene,
        app_id=account.app_ids[way.app],
        merchant_id=account.gateway.merchant_id,
        client_ip=client_ip,
        auth_code=auth_code,
    )


def charge(gateways: Gateways, begin: Callable[[int], UUID]) -> UUID:
    """Charge the scanned code once; what came of it is read from the attempt.

    Raises PreviousStillOpen while an earlier order of the bill may still be paid, ChannelRefused.
    """
    try:
        attempt_id = paying.pay(gateways, begin)
    except ChannelBusy as unknown:
        attempt_id = UUID(unknown.extension["attempt_id"])
    paying.look(gateways, attempt_id)
    return attempt_id


def of_hall(session: Session, attempt_id: UUID, hall_code: str) -> Attempt:
    """An attempt of a bill of this hall. Raises BillNotFound."""
    bill, attempt = locks.by_id(session, attempt_id)
    bill_queries.in_hall(session, bill.id, hall_code)
    return attempt


def look_at_finance(finance: Finance, bill_id: UUID) -> bool:
    """Whether finance has the money of a bill, from cash, card or a bank: then it is settled here at once."""
    with transaction() as session:
        bill = session.get_one(Bill, bill_id)
    if bill.state != BillState.ISSUED:
        return bill.state in SETTLED
    answer = finance.query_bill(bill.region_code, bill.pay_code)
    exact = answer.status is BillStatus.PAID and answer.total_fen == bill.total_fen
    if not exact or answer.paid_at is None or answer.order_no is not None:
        return False
    with transaction() as session:
        settlement.settle_elsewhere(session, bill_id=bill_id, paid_at=answer.paid_at, actor="finance:window")
        return session.get_one(Bill, bill_id, populate_existing=True).state in SETTLED
