"""Bills of a development run: a fee and a fine of made-up people, issued again once they are settled."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.errors import Text
from payments import amounts, bills
from payments.bill_models import Bill
from payments.states import BillState

SUBJECT = "demo-"
BILLS = (
    ("passport", "张测试", bills.Line("passport"), Text("普通护照", "Ordinary passport")),
    ("permit", "李测试", bills.Line("hk-macao-permit"), Text("往来港澳通行证", "Permit for Hong Kong and Macao")),
    ("fine", "张测试", bills.Line("penalty", decided_fen=20_000), Text("交通违法罚款", "Traffic fine")),
)


def issue(session: Session, *, region_code: str) -> None:
    """Issue what is missing; an open one stays as it is."""
    there = {bill.subject_id for bill in _open(session)}
    for name, payer, line, title in BILLS:
        if SUBJECT + name not in there:
            order = bills.Order(
                region_code=region_code,
                lines=[line],
                accepted_on=clock.today(),
                payer=bills.Payer(payer),
                subject_type="counter",
                subject_id=SUBJECT + name,
                title=title,
                hall_code="XM",
            )
            bills.issue(session, order, actor="system")


def open_bills(session: Session) -> list[str]:
    """One line for each that can be paid: code, payer's name, yuan, what for."""
    return [
        f"{bill.pay_code}  {bills.payer_name(bill)}  ¥{amounts.to_yuan(bill.total_fen)}  ({bill.title_zh})"
        for bill in _open(session)
    ]


def _open(session: Session) -> Iterator[Bill]:
    query = select(Bill).where(Bill.state == BillState.ISSUED, Bill.subject_id.startswith(SUBJECT))
    return iter(session.scalars(query.order_by(Bill.created_at, Bill.id)).all())
