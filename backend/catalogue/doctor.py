"""What must always hold about the catalogue, for `make doctor`."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.catalogue.item_models import Item, ItemHall
from backend.catalogue.lint import lint_catalogue
from backend.catalogue.models import ServiceWindow
from payments.models import FeeStandard


def invariants(session: Session) -> list[str]:
    """Broken rules, each with the item or income item concerned; empty when all is well."""
    return [
        *(str(finding) for finding in lint_catalogue(session)),
        *(f"catalogue: {slug} is offered at {hall}, which has no such window" for slug, hall in _misplaced(session)),
        *(f"payments: two fee standards of {code} overlap" for code in _overlapping_fees(session)),
    ]


def _misplaced(session: Session) -> list[tuple[str, str]]:
    served = select(ServiceWindow.hall_code, ServiceWindow.category_code).distinct().subquery()
    rows = session.execute(
        select(ItemHall.item_slug, ItemHall.hall_code)
        .join(Item, Item.slug == ItemHall.item_slug)
        .outerjoin(served, (served.c.hall_code == ItemHall.hall_code) & (served.c.category_code == Item.category_code))
        .where(served.c.hall_code.is_(None))
        .order_by(ItemHall.item_slug, ItemHall.hall_code)
    )
    return [(row.item_slug, row.hall_code) for row in rows]


def _overlapping_fees(session: Session) -> list[str]:
    following = func.lead(FeeStandard.valid_from).over(
        partition_by=FeeStandard.income_item_code, order_by=FeeStandard.valid_from
    )
    periods = select(FeeStandard.income_item_code, FeeStandard.valid_to, following.label("next_from")).subquery()
    return list(
        session.scalars(
            select(periods.c.income_item_code)
            .where(periods.c.next_from.is_not(None))
            .where(periods.c.valid_to.is_(None) | (periods.c.valid_to >= periods.c.next_from))
            .distinct()
            .order_by(periods.c.income_item_code)
        )
    )
