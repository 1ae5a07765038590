"""Steps that many tests take: a paid bill, and a refund as far as it should be."""

from typing import Any

from backend.core import db
from payments import refunds
from payments.bill_models import Bill
from payments.gateways.base import RefundStatus
from payments.refund_models import Refund
from tests.payments.conftest import Desk


def paid(desk: Desk, bill: Bill | None = None) -> tuple[Any, Any]:
    """A bill paid at WeChat, and its attempt."""
    bill = bill or desk.bill()
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    return bill, attempt


def ask(desk: Desk, bill: Any, amount: int = 5000, **changes: Any) -> Refund:
    """A refund that the citizen asks for."""
    values = {"ground": "over_collected", "reason": "多收了", "actor": "person:1", "by_unit": False}
    with db.transaction() as session:
        return refunds.request(session, bill_id=bill.id, amount_fen=amount, **{**values, **changes})


def approve(desk: Desk, refund: Refund, unit: str = "staff:1", finance: str = "staff:2") -> None:
    """Both approvals."""
    with db.transaction() as session:
        refunds.approve_by_unit(session, refund_id=refund.id, hall_code="XM", actor=unit)
    with db.transaction() as session:
        refunds.approve_by_finance(session, refund_id=refund.id, actor=finance)


def finish(desk: Desk, refund: Refund, status: RefundStatus = RefundStatus.SUCCESS) -> None:
    """The channel's last word, told by a notice."""
    desk.wechat.finish(refund.number, status)
    desk.notify(desk.wechat, desk.wechat.refund_notice(refund.number))
