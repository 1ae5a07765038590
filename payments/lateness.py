"""What a bill past its due date costs today: a fine's 加罚 (money rule M7), a charge's 滞纳金 by its law (M8).

Rate and cap are data of the income item. A bill none of whose items has a rule dies on its due date instead (M11), and
finance's own figure is never recomputed.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from backend.core import clock
from payments import amounts
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillItem
from payments.errors import BillBusy
from payments.models import IncomeItem
from payments.states import LIVE, BillState


def grows(income: Iterable[IncomeItem], source: str) -> bool:
    """Whether a bill of these items stays payable after its due date, at a figure that grows by the day."""
    return source != "finance" and any(item.kind == "penalty" or item.late_day_bp is not None for item in income)


def grow(session: Session, bill: Bill) -> bool:
    """Bring a bill past its due date to today's figure; True if that changed. The caller holds its lock.

    The figure belongs to a version, and no order of an older version may be open. Raises BillBusy.
    """
    today = clock.today()
    days = (today - bill.due_on).days
    if not bill.grows or bill.state != BillState.ISSUED or days <= 0 or bill.grown_on == today:
        return False
    found = session.execute(
        select(BillItem, IncomeItem)
        .join(IncomeItem, IncomeItem.code == BillItem.income_item_code)
        .where(BillItem.bill_id == bill.id)
    ).all()
    late = [(item, income.kind, _late(item, income, days)) for item, income in found]
    changed = any(charge != _added(item, kind) for item, kind, charge in late)
    if changed and session.scalar(select(Attempt.id).where(Attempt.bill_id == bill.id, Attempt.state.in_(LIVE))):
        raise BillBusy()
    for item, kind, charge in late:
        item.fee_fen += charge - _added(item, kind)
        setattr(item, _column(kind), charge)
    session.flush()
    total = sum(item.fee_fen for item, _, _ in late)
    values = {"total_fen": total, "version": Bill.version + 1} if changed else {}
    session.execute(update(Bill).where(Bill.id == bill.id).values(grown_on=today, **values))
    session.refresh(bill)
    return changed


def late_bills(session: Session) -> list[UUID]:
    """Bills past their due date whose figure was not looked at today."""
    query = select(Bill.id).where(
        Bill.state == BillState.ISSUED,
        Bill.grows,
        Bill.due_on < clock.today(),
        or_(Bill.grown_on.is_(None), Bill.grown_on < clock.today()),
    )
    return list(session.scalars(query))


def _late(item: BillItem, income: IncomeItem, days: int) -> int:
    base = item.standard_fen * item.quantity - item.reduction_fen
    return amounts.late_charge(base, days, day_bp=income.late_day_bp or 0, cap_percent=income.late_cap_percent or 0)


def _added(item: BillItem, kind: str) -> int:
    charge: int = getattr(item, _column(kind))
    return charge


def _column(kind: str) -> str:
    return "penalty_fen" if kind == "penalty" else "overdue_fen"
