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
FeeBearer = Literal["applicant", "department"]
MailPayer = Literal["gov", "applicant", "none"]
MaterialSource = Literal["applicant", "licence_library", "eproof", "none"]
EndKind = Literal["abolished", "merged"]

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
    pre_check: bool = False
    """先审后约: booked online only once its papers have been looked at; a walk-in never needs that (clause 12)."""


@dataclass(frozen=True)
class SpecialStep:
    """特殊环节: a step whose time is not counted, at most so many working days (circular clause 22)."""

    id: str
    name: Text
    basis: str
    condition: Text
    days: int
    standard: Text | None


@dataclass(frozen=True)
class DistrictDays:
    """A district that promises another time than the city, in working days."""

    division_code: str
    promise_days: int


@dataclass(frozen=True)
class Ended:
    """When and why an item is no longer done, and what takes its place."""

    on: date
    kind: EndKind
    successor: str | None
    note: Text | None


@dataclass(frozen=True)
class OfflineFiling:
    """Why a filing 备案 has neither an online way nor a terminal; valid only with both approvals (clause 3)."""

    reason: str
    committee_document: str
    reform_document: str


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
    version: int = 1
    handling_code: str | None = None
    district_days: tuple[DistrictDays, ...] = ()
    special_steps: tuple[SpecialStep, ...] = ()
    commitment: str | None = None
    fee_borne_by: FeeBearer = "applicant"
    credit_check: bool = False
    offline_filing: OfflineFiling | None = None
    ended: Ended | None = None
    ending: Ended | None = None
    """An ending that is published and begins on a later day."""

    def done_on(self, day: date) -> bool:
        """Whether it may be booked and filed on a day, as far as is published now."""
        return self.ended is None and (self.ending is None or day < self.ending.on)

    @property
    def bookable(self) -> bool:
        """Whether some hall takes it."""
        return bool(self.booking.hall_codes) and self.ended is None

    @property
    def paid_by_department(self) -> bool:
        """Whether its fees are never billed, because the department bears them (circular clause 21)."""
        return self.fee_borne_by == "department"

    def promised_in(self, division_code: str) -> int | None:
        """The working days promised in a division: its own promise, else the city's."""
        own = (one.promise_days for one in self.district_days if one.division_code == division_code)
        return next(own, self.promise_days)


@dataclass(frozen=True)
class Letter:
    """One version of a letter of commitment 信用承诺书."""

    code: str
    version: int
    title: Text
    text: Text
    valid_from: date


@dataclass(frozen=True)
class CancelledProof:
    """A proof that nobody may ask for any more, and what serves instead."""

    name: Text
    basis: str
    instead: Text | None
    cancelled_on: date
    verified: bool
    aliases: tuple[str, ...] = ()

    @property
    def no_longer(self) -> Text:
        """Why nobody may ask for it, and what serves instead."""
        zh, en = self.name
        if self.instead is None:
            return Text(f"“{zh}”已经取消，不用再交", f"{en} is cancelled and need not be given any more")
        return Text(
            f"“{zh}”已经取消，不用再交；改看：{self.instead.zh}",
            f"{en} is cancelled and need not be given any more. Instead: {self.instead.en}",
        )


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
