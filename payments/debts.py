"""What an order of ours pays, as the 非税缴费 channel asks for it each time (domain sheet §1.4)."""

from sqlalchemy import select

from backend.core.db import transaction
from payments import bills
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillItem
from payments.gateways.wechat_nontax import NonTaxItem, NonTaxNotice, Owed, Unit
from payments.models import CollectingUnit

KINDS = {"ordinary": 1, "penalty": 2}


def owed(number: str) -> Owed:
    """The unit and the notice behind an attempt's number. Opens a transaction of its own."""
    with transaction() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.number == number)).one()
        bill = session.get_one(Bill, attempt.bill_id)
        items = session.scalars(select(BillItem).where(BillItem.bill_id == bill.id).order_by(BillItem.position))
        unit = session.get_one(CollectingUnit, bill.unit_code)
        return Owed(
            Unit(bill.unit_code, unit.name_zh, bill.region_code),
            NonTaxNotice(
                items=tuple(
                    NonTaxItem(item.income_item_code, item.name_zh, item.fee_fen, item.overdue_fen, item.penalty_fen)
                    for item in items
                ),
                created_at=bill.created_at,
                kind=KINDS[bill.notice_type],
                number=bill.pay_code,
                payer_name=bills.payer_name(bill),
                due_on=bill.due_on,
            ),
        )
