"""Setting fee standards. Periods of one income item never overlap; the lock on the income item decides races."""

from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core.db import new_id
from backend.core.errors import Conflict, Text
from payments.models import FeeStandard, IncomeItem
from payments.queries import IncomeItemNotFound


class FeeOverlap(Conflict):
    """Another standard of the same income item is in force on one of these days."""

    code = "fee_overlap"
    title = Text("这段时间已经有收费标准", "Another fee standard is in force in that period")


def set_standard(
    session: Session,
    *,
    code: str,
    valid_from: date,
    valid_to: date | None,
    amount_fen: int,
    unit: str,
    legal_basis: str | None,
    verified: bool,
) -> None:
    """Write the standard that begins on `valid_from`; both days are included, None means until further notice.

    Raises IncomeItemNotFound, and FeeOverlap when another standard covers one of these days.
    """
    if session.scalar(select(IncomeItem.code).where(IncomeItem.code == code).with_for_update()) is None:
        raise IncomeItemNotFound(income_item=code)
    overlapping = select(FeeStandard.valid_from).where(
        FeeStandard.income_item_code == code,
        FeeStandard.valid_from != valid_from,
        or_(FeeStandard.valid_to.is_(None), FeeStandard.valid_to >= valid_from),
    )
    if valid_to is not None:
        overlapping = overlapping.where(FeeStandard.valid_from <= valid_to)
    other = session.scalar(overlapping.limit(1))
    if other is not None:
        raise FeeOverlap(income_item=code, valid_from=other.isoformat())
    values = {
        "valid_to": valid_to,
        "amount_fen": amount_fen,
        "unit": unit,
        "legal_basis": legal_basis,
        "verified": verified,
    }
    statement = insert(FeeStandard).values(id=new_id(), income_item_code=code, valid_from=valid_from, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["income_item_code", "valid_from"], set_=values))
