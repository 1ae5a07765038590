"""The catalogue in memory: one immutable snapshot a process, rebuilt when the catalogue's version changes."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import lists, models
from backend.catalogue.item_models import (
    Item as ItemRow,
)
from backend.catalogue.item_models import (
    ItemFee as ItemFeeRow,
)
from backend.catalogue.item_models import (
    ItemHall,
    ItemMaterial,
    ListAddition,
    ListEdition,
)
from backend.catalogue.item_models import (
    ListEntry as ListEntryRow,
)
from backend.catalogue.item_models import (
    PublishedList as ListRow,
)
from backend.catalogue.search import Document, SearchIndex
from backend.catalogue.values import (
    BookableItem,
    Category,
    Edition,
    Hall,
    Item,
    ItemFee,
    ListEntry,
    Mail,
    Material,
    OpeningHours,
    PublishedList,
    Step,
)
from backend.core.errors import Text
from payments import queries as payments

CHECK_SECONDS = 1.0
"""How stale a snapshot may be: the version is read at most this often."""

UNRANKED = 1_000_000

Version = tuple[int, UUID | None]

R = TypeVar("R")


@dataclass(frozen=True)
class Snapshot:
    """Everything the public sees. Items stand most popular first, halls and categories in their own order."""

    version: Version
    halls: Mapping[str, Hall]
    categories: Mapping[str, Category]
    items: Mapping[str, Item]
    lists: Mapping[str, PublishedList]
    search: SearchIndex


_lock = threading.Lock()
_kept: Snapshot | None = None
_checked_at = float("-inf")


def current(session: Session) -> Snapshot:
    """The snapshot of the catalogue in force, at most CHECK_SECONDS old. Other threads keep the old one meanwhile."""
    global _kept, _checked_at
    kept = _kept
    if kept is not None and time.monotonic() - _checked_at < CHECK_SECONDS:
        return kept
    if not _lock.acquire(blocking=kept is None) and kept is not None:
        return kept
    try:
        kept = _kept
        if kept is None or time.monotonic() - _checked_at >= CHECK_SECONDS:
            version = read_version(session)
            if kept is None or kept.version != version:
                kept = build(session, version)
            _kept, _checked_at = kept, time.monotonic()
        return kept
    finally:
        _lock.release()


def forget() -> None:
    """Drop this process's snapshot: after a load in the same process, and between tests."""
    global _kept
    _kept = None


def read_version(session: Session) -> Version:
    """The version in the database; (0, None) for an empty catalogue."""
    row = session.execute(select(models.CatalogueVersion.version, models.CatalogueVersion.stamp)).one_or_none()
    return (row.version, row.stamp) if row else (0, None)


def build(session: Session, version: Version) -> Snapshot:
    """Read every table once. The version is read before, so a change during the read only causes another build."""
    categories = _categories(session)
    items = read_items(session)
    return Snapshot(
        version=version,
        halls=_halls(session, categories),
        categories=categories,
        items=items,
        lists=_lists(session),
        search=SearchIndex(
            [Document(item.slug, (item.name.zh, *item.aliases, item.name.en)) for item in items.values()]
        ),
    )


def _categories(session: Session) -> dict[str, Category]:
    return {
        row.code: Category(row.code, row.prefix, Text(row.name_zh, row.name_en), row.walk_in_only)
        for row in _rows(session, models.WindowCategory, "position")
    }


def _halls(session: Session, categories: Mapping[str, Category]) -> dict[str, Hall]:
    rows = _rows(session, models.Hall, "position")
    divisions = {row.code: Text(row.name_zh, row.name_en) for row in session.scalars(select(models.Division))}
    windows: dict[str, dict[int, str]] = defaultdict(dict)
    for window in session.scalars(select(models.ServiceWindow).order_by(models.ServiceWindow.number)):
        windows[window.hall_code][window.number] = window.category_code
    return {
        row.code: Hall(
            code=row.code,
            name=Text(row.name_zh, row.name_en),
            short_name=Text(row.short_name_zh, row.short_name_en),
            division_code=row.division_code,
            division_name=divisions[row.division_code],
            address=_optional(row.address_zh, row.address_en),
            address_verified=row.address_verified,
            lat=row.lat,
            lng=row.lng,
            location_verified=row.location_verified,
            hours=tuple(OpeningHours(tuple(part["weekdays"]), part["from"], part["to"]) for part in row.hours),
            hours_verified=row.hours_verified,
            phones=tuple(phone["number"] for phone in row.phones if phone["verified"]),
            categories=tuple(category for code, category in categories.items() if code in windows[row.code].values()),
            windows=dict(windows[row.code]),
        )
        for row in rows
    }


def read_items(session: Session) -> dict[str, Item]:
    """Every item as the database has it, most popular first.

    What points is read before what it points at, so that a load committed meanwhile leaves no loose end.
    """
    rows = sorted(_rows(session, ItemRow, "slug"), key=lambda row: row.popularity or UNRANKED)
    fees = _by_item(_rows(session, ItemFeeRow, "position"))
    materials = _by_item(_rows(session, ItemMaterial, "position"))
    halls = _by_item(_rows(session, ItemHall, "hall_code"))
    added: dict[str, set[str]] = defaultdict(set)
    for addition in session.scalars(select(ListAddition)):
        added[addition.item_slug].add(addition.tag)
    tariffs = payments.tariffs(session)
    categories = _categories(session)
    departments = {row.code: Text(row.name_zh, row.name_en) for row in session.scalars(select(models.Department))}
    found: dict[str, Item] = {}
    for row in rows:
        item = _item(
            row,
            categories[row.category_code],
            departments[row.department_code],
            hall_codes=tuple(link.hall_code for link in halls[row.slug]),
            materials=tuple(_material(material) for material in materials[row.slug]),
            fees=tuple(
                ItemFee(tariffs[fee.income_item_code], _optional(fee.note_zh, fee.note_en)) for fee in fees[row.slug]
            ),
        )
        found[row.slug] = replace(item, tags=lists.tags_of(item, frozenset(added[row.slug])))
    return found


def _item(
    row: ItemRow,
    category: Category,
    department: Text,
    *,
    hall_codes: tuple[str, ...],
    materials: tuple[Material, ...],
    fees: tuple[ItemFee, ...],
) -> Item:
    return Item(
        slug=row.slug,
        code=row.code,
        name=Text(row.name_zh, row.name_en),
        summary=Text(row.summary_zh, row.summary_en),
        aliases=tuple(row.aliases),
        category=category,
        department=department,
        popularity=row.popularity,
        object=row.object,
        kind=row.kind,
        instant=row.instant,
        law_days=row.law_days,
        promise_days=row.promise_days,
        visits=row.visits,
        visits_reason=_optional(row.visits_reason_zh, row.visits_reason_en),
        depth=row.depth,
        handle_area=row.handle_area,
        self_service=row.self_service,
        partners=tuple(row.partners),
        mail=Mail(row.mail_in, row.mail_out, row.mail_payer),
        online_url=row.online_url,
        free=row.free,
        conditions=tuple(_pair(condition) for condition in row.conditions),
        steps=tuple(Step(_pair(step["title"]), _pair(step["text"])) for step in row.steps),
        materials=materials,
        fees=fees,
        booking=_bookable(row, hall_codes),
        consult_phone=row.consult_phone,
        verified=row.verified,
        updated_at=row.updated_at,
    )


def _bookable(row: ItemRow, hall_codes: tuple[str, ...]) -> BookableItem:
    return BookableItem(
        slug=row.slug,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        category_code=row.category_code,
        family=row.family,
        minutes=row.minutes,
        extra_minutes=row.extra_minutes,
        max_items=row.max_items,
        max_people=row.max_people,
        level=row.level,
        hall_codes=hall_codes,
    )


def _material(row: ItemMaterial) -> Material:
    return Material(
        id=row.id,
        name=Text(row.name_zh, row.name_en),
        source=row.source,
        original=row.original,
        copies=row.copies,
        exempt=row.exempt,
        note=_optional(row.note_zh, row.note_en),
        wording_document=row.wording_document,
    )


def _lists(session: Session) -> dict[str, PublishedList]:
    entries: dict[tuple[str, int], list[ListEntry]] = defaultdict(list)
    for entry in session.scalars(select(ListEntryRow).order_by(ListEntryRow.item_slug)):
        entries[entry.tag, entry.version].append(ListEntry(entry.item_slug, entry.reason))
    editions: dict[str, list[Edition]] = defaultdict(list)
    for row in session.scalars(select(ListEdition).order_by(ListEdition.version.desc())):
        editions[row.tag].append(Edition(row.version, row.published_on, tuple(entries[row.tag, row.version])))
    return {
        row.tag: PublishedList(row.tag, Text(row.name_zh, row.name_en), tuple(editions[row.tag]))
        for row in _rows(session, ListRow, "position")
    }


def _rows(session: Session, table: type[R], order: str) -> Sequence[R]:
    return session.scalars(select(table).order_by(getattr(table, order))).all()


def _by_item(rows: Iterable[Any]) -> Mapping[str, list[Any]]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.item_slug].append(row)
    return grouped


def _pair(texts: Mapping[str, str]) -> Text:
    return Text(texts["zh"], texts["en"])


def _optional(zh: str | None, en: str | None) -> Text | None:
    return Text(zh, en or zh) if zh else None
