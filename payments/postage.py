"""Postage that an applicant pays: an order of its own, never part of a non-tax bill (money rule M5).

It is opened for a shipment, paid like any bill, told to nobody at finance, and goes back by itself when the shipment
is called off.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.errors import Text
from payments import bills, repayment
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.refund_models import Refund
from payments.states import SETTLED, AttemptState, BillState, RefundState

PAYABLE_FOR = timedelta(days=1)
SUBJECT = "shipment"


def order(
    session: Session,
    *,
    region_code: str,
    shipment_id: UUID,
    amount_fen: int,
    payer: bills.Payer,
    title: Text,
    actor: str,
) -> Bill:
    """Open the order. Raises BillRefused."""
    wanted = bills.Order(
        region_code=region_code,
        lines=[bills.Line(bills.POSTAGE, decided_fen=amount_fen)],
        accepted_on=clock.today(),
        payer=payer,
        subject_type=SUBJECT,
        subject_id=str(shipment_id),
        title=title,
        due_on=clock.today() + PAYABLE_FOR,
    )
    return bills.issue(session, wanted, actor=actor)


def is_paid(session: Session, bill_id: UUID) -> bool:
    """Whether the money is there."""
    return session.scalar(select(Bill.state).where(Bill.id == bill_id)) in SETTLED


def call_off(session: Session, *, bill_id: UUID, actor: str, reason: str) -> None:
    """Nothing is owed any more, and what was paid goes back to the account that paid. Harmless when repeated.

    Raises BillBusy while somebody may be paying.
    """
    bill = bills.locked(session, bill_id)
    if bill.state == BillState.ISSUED:
        bills.void(session, bill_id=bill_id, actor=actor, reason=reason)
    if bill.state not in SETTLED:
        return
    attempt = session.scalars(
        select(Attempt).where(Attempt.bill_id == bill.id, Attempt.state == AttemptState.PAID)
    ).one()
    on_its_way = select(Refund.id).where(
        Refund.attempt_id == attempt.id, Refund.origin == "automatic", Refund.state != RefundState.CLOSED
    )
    if session.scalar(on_its_way) is None:
        repayment.order_return(session, bill, attempt, reason=reason)
