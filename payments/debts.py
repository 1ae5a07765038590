"""What an order of ours pays, as the 非税缴费 channel asks for it each time (domain sheet §1.4)."""

from sqlalchemy import select

from backend.core.db import transaction
from payments import bills
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillItem
from payments.gateways.wechat_nontax import NonTaxItem, NonTaxNotice, Owed, Unit

KINDS = {"ordinary": 1, "penalty": 2}


def owed(number: str) -> Owed:
    """The unit and the notice behind an attempt's number. Opens a transaction of its own.

    Departments' names are not known here: the unit goes by its code.
    """
    with transaction() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.number == number)).one()
        bill = session.get_one(Bill, attempt.bill_id)
        items = session.scalars(select(BillItem).where(BillItem.bill_id == bill.id).order_by(BillItem.position))
        return Owed(
            Unit(bill.unit_code, bill.unit_code, bill.region_code),
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
