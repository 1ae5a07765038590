"""What the rest of the product sees of the catalogue: frozen values, never rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from backend.core.errors import Text
from payments.queries import Tariff

ItemObject = Literal["person", "legal", "both"]
ItemKind = Literal["licence", "registration", "filing", "service"]
HandleArea = Literal["city", "division", "hall"]
MailPayer = Literal["gov", "applicant", "none"]
MaterialSource = Literal["applicant", "licence_library", "eproof", "none"]

TO_BE_CONFIRMED = Text("地址待核实", "Address to be confirmed")


@dataclass(frozen=True)
class Category:
    """Window category: one queue and one ticket prefix."""

    code: str
    prefix: str
    name: Text
    walk_in_only: bool


@dataclass(frozen=True)
class OpeningHours:
    """Xiamen wall-clock times, "09:00", on these weekdays; 1 = Monday."""

    weekdays: tuple[int, ...]
    start: str
    end: str


@dataclass(frozen=True)
class Hall:
    """Service hall. `lat` and `lng` are good for ordering by distance; unless verified, not for a map pin.

    `windows`: the category each window number is planned for.
    """

    code: str
    name: Text
    short_name: Text
    division_code: str
    division_name: Text
    address: Text | None
    address_verified: bool
    lat: float | None
    lng: float | None
    location_verified: bool
    hours: tuple[OpeningHours, ...]
    hours_verified: bool
    phones: tuple[str, ...]
    categories: tuple[Category, ...]
    windows: Mapping[int, str]

    @property
    def address_line(self) -> Text:
        """The address as it may be printed in a message: a fact, or a sentence that says it is none."""
        return self.address if self.address and self.address_verified else TO_BE_CONFIRMED


@dataclass(frozen=True)
class Material:
    """Material of an item and where it comes from."""

    id: str
    name: Text
    source: MaterialSource
    original: int
    copies: int
    exempt: bool
    note: Text | None
    wording_document: str | None


@dataclass(frozen=True)
class Step:
    """One step of a guide."""

    title: Text
    text: Text


@dataclass(frozen=True)
class ItemFee:
    """An income item that an item may charge."""

    tariff: Tariff
    note: Text | None


@dataclass(frozen=True)
class Mail:
    """Which directions go by courier, and who pays."""

    inward: bool
    outward: bool
    payer: MailPayer


@dataclass(frozen=True)
class BookableItem:
    """What a booking must know of an item. `minutes` for the first person, `extra_minutes` for each further one."""

    slug: str
    code: str
    name_zh: str
    name_en: str
    category_code: str
    family: str
    minutes: int
    extra_minutes: int
    max_items: int
    max_people: int
    level: int
    hall_codes: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """Item with its guide. Days are working days; `popularity` 1 is asked for most often, 0 is not ranked."""

    slug: str
    code: str
    name: Text
    summary: Text
    aliases: tuple[str, ...]
    category: Category
    department: Text
    popularity: int
    object: ItemObject
    kind: ItemKind
    instant: bool
    law_days: int | None
    promise_days: int | None
    visits: int
    visits_reason: Text | None
    depth: int
    handle_area: HandleArea
    self_service: bool
    partners: tuple[str, ...]
    mail: Mail
    online_url: str | None
    free: bool
    conditions: tuple[Text, ...]
    steps: tuple[Step, ...]
    materials: tuple[Material, ...]
    fees: tuple[ItemFee, ...]
    booking: BookableItem
    consult_phone: str
    verified: bool
    updated_at: datetime
    tags: tuple[str, ...] = ()

    @property
    def bookable(self) -> bool:
        """Whether some hall takes it."""
        return bool(self.booking.hall_codes)


@dataclass(frozen=True)
class ListEntry:
    """An item on a published list; `reason` is set when it was added by hand."""

    item_slug: str
    reason: str | None


@dataclass(frozen=True)
class Edition:
    """A list as it was published on a day."""

    version: int
    published_on: date
    entries: tuple[ListEntry, ...]


@dataclass(frozen=True)
class PublishedList:
    """One of the nine lists with its editions, newest first."""

    tag: str
    name: Text
    editions: tuple[Edition, ...]
