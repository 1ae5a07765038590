"""Which form and which way of filing an item has today."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.errors import NotFiledOnline
from backend.applications.form_models import GENERAL, CaseText, ItemFiling, ServiceForm
from backend.applications.forms import Form
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item
from backend.core import clock

Mode = Literal["guide", "link", "split", "full"]

CITY_HALL = "XM"


@dataclass(frozen=True)
class Filing:
    """How an item is filed: `departments` answer side by side, `owner_hall` is in charge."""

    mode: Mode
    fee_blocks: str
    owner_hall: str
    departments: tuple[str, ...]

    @property
    def joint(self) -> bool:
        """联合办理."""
        return bool(self.departments)


def filing_of(session: Session, item: Item) -> Filing:
    """The item's row, or what its depth says: 1 guide, 2 to 4 split, 5 all online; an own site means a link."""
    row = session.get(ItemFiling, item.slug)
    owner = row.owner_hall if row else None
    if owner is None:
        halls = item.booking.hall_codes
        owner = halls[0] if halls and CITY_HALL not in halls else CITY_HALL
    if row is None:
        return Filing(_mode(item), "result", owner, ())
    return Filing(cast("Mode", row.mode), row.fee_blocks, owner, tuple(row.departments))


def demand_online(item: Item, filing: Filing) -> None:
    """Raises ItemEnded, and NotFiledOnline for an item that is only explained here or filed elsewhere."""
    catalogue.demand_open(item)
    if filing.mode in {"guide", "link"}:
        raise NotFiledOnline(mode=filing.mode, url=item.online_url)


def form_of(session: Session, item_slug: str, on: date | None = None) -> Form:
    """The newest version in force for the item, or of the general form."""
    query = (
        select(ServiceForm)
        .where(ServiceForm.item_slug.in_((item_slug, GENERAL)), ServiceForm.valid_from <= (on or clock.today()))
        .order_by(ServiceForm.item_slug == GENERAL, ServiceForm.version.desc())
        .limit(1)
    )
    return _form(session.scalars(query).one())


def version_of(session: Session, form_item: str, version: int) -> Form:
    """The very version that an application was begun with."""
    return _form(session.get_one(ServiceForm, (form_item, version)))


def texts(session: Session) -> list[CaseText]:
    """Words that staff choose from."""
    return list(session.scalars(select(CaseText).order_by(CaseText.purpose, CaseText.position)))


def _mode(item: Item) -> Mode:
    if item.online_url:
        return "link"
    if item.depth == 1:
        return "guide"
    return "full" if item.depth == 5 else "split"


def _form(row: ServiceForm) -> Form:
    return Form(row.item_slug, row.version, row.schema, row.pages, row.materials, row.fees)


def item_of(session: Session, slug: str) -> tuple[Item, Filing]:
    """An item with its way of filing. Raises ItemNotFound."""
    item = catalogue.item(session, slug)
    return item, filing_of(session, item)
