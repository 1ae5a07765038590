"""The catalogue in memory: one immutable snapshot a process, rebuilt when the catalogue's version changes."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import JSON, select
from sqlalchemy.orm import Session

from backend.catalogue import assembly, lists, models
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
from backend.catalogue.registers import queries as registers
from backend.catalogue.search import Document, SearchIndex
from backend.catalogue.values import (
    CancelledProof,
    Category,
    Edition,
    Ended,
    Hall,
    Item,
    Letter,
    ListEntry,
    OpeningHours,
    PublishedList,
)
from backend.catalogue.versions.models import ItemVersion
from backend.catalogue.versions.states import VersionState
from backend.core import clock
from backend.core.errors import Text

CHECK_SECONDS = 1.0
"""How stale a snapshot may be: the version is read at most this often."""

PATIENCE_SECONDS = 0.5
"""How long a request waits while another reads a changed catalogue. What it would get instead is kept by phones for a
minute, and may be from before a quiet night; a catalogue of thousands of items takes longer to read."""

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
    divisions: Mapping[str, Text]
    letters: Mapping[str, tuple[Letter, ...]]
    """Versions of each letter of commitment, the newest first."""
    cancelled: tuple[CancelledProof, ...]
    """The latest first; some may only begin on a later day."""
    search: SearchIndex


_lock = threading.Lock()
_kept: Snapshot | None = None
_checked_at = float("-inf")


def current(session: Session) -> Snapshot:
    """The snapshot of the catalogue in force, at most CHECK_SECONDS old, or older after PATIENCE_SECONDS of waiting."""
    global _kept, _checked_at
    kept = _kept
    if kept is not None and time.monotonic() - _checked_at < CHECK_SECONDS:
        return kept
    if not _lock.acquire(timeout=-1 if kept is None else PATIENCE_SECONDS) and kept is not None:
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


def letter_on(catalogue: Snapshot, code: str | None, on: date) -> Letter | None:
    """The version of a letter that is valid on a day; None without a letter or before its first day."""
    return next((one for one in catalogue.letters.get(code or "", ()) if one.valid_from <= on), None)


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
    categories = assembly.categories(session)
    items = read_items(session)
    return Snapshot(
        version=version,
        halls=_halls(session, categories),
        categories=categories,
        items=items,
        lists=_lists(session),
        divisions=divisions(session),
        letters=_letters(session),
        cancelled=_cancelled(session),
        search=SearchIndex(
            [
                Document(item.slug, (item.name.zh, *item.aliases, item.name.en))
                for item in items.values()
                if item.ended is None
            ]
        ),
    )


def _halls(session: Session, categories: Mapping[str, Category]) -> dict[str, Hall]:
    rows = _rows(session, models.Hall, "position")
    names = divisions(session)
    windows: dict[str, dict[int, str]] = defaultdict(dict)
    for window in session.scalars(select(models.ServiceWindow).order_by(models.ServiceWindow.number)):
        windows[window.hall_code][window.number] = window.category_code
    return {
        row.code: Hall(
            code=row.code,
            name=Text(row.name_zh, row.name_en),
            short_name=Text(row.short_name_zh, row.short_name_en),
            division_code=row.division_code,
            division_name=names[row.division_code],
            address=assembly.optional(row.address_zh, row.address_en),
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
    known, endings = assembly.lookups(session), _endings(session)
    found: dict[str, Item] = {}
    for row in rows:
        item = assembly.assemble(row, known, halls=halls[row.slug], materials=materials[row.slug], fees=fees[row.slug])
        found[row.slug] = replace(
            item, ending=endings.get(row.slug), tags=lists.tags_of(item, frozenset(added[row.slug]))
        )
    return found


def _endings(session: Session) -> dict[str, Ended]:
    """Endings that are published and not yet in force, by item."""
    ended = ItemVersion.content["ended"]
    rows = session.execute(
        select(ItemVersion.item_slug, ItemVersion.effective_at, ended).where(
            ItemVersion.state == VersionState.SCHEDULED, ended != JSON.NULL
        )
    )
    return {
        slug: Ended(
            clock.civil(at).date(),
            said["kind"],
            said["successor"],
            Text(**said["note"]) if said["note"] else None,
        )
        for slug, at, said in rows
        if at is not None
    }


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


def divisions(session: Session) -> dict[str, Text]:
    """Every division's name, by code."""
    return {row.code: Text(row.name_zh, row.name_en) for row in _rows(session, models.Division, "code")}


def _letters(session: Session) -> dict[str, tuple[Letter, ...]]:
    letters: dict[str, list[Letter]] = defaultdict(list)
    for row in registers.commitments(session):
        title, text = Text(row.title_zh, row.title_en), Text(row.text_zh, row.text_en)
        letters[row.code].append(Letter(row.code, row.version, title, text, row.valid_from))
    return {code: tuple(versions) for code, versions in letters.items()}


def _cancelled(session: Session) -> tuple[CancelledProof, ...]:
    return tuple(
        CancelledProof(
            name=Text(row.name_zh, row.name_en),
            basis=row.basis,
            instead=assembly.optional(row.instead_zh, row.instead_en),
            cancelled_on=row.cancelled_on,
            verified=row.verified,
            aliases=tuple(row.aliases),
        )
        for row in registers.cancelled_proofs(session)
    )


def _rows(session: Session, table: type[R], order: str) -> Sequence[R]:
    return session.scalars(select(table).order_by(getattr(table, order))).all()


def _by_item(rows: Iterable[Any]) -> Mapping[str, list[Any]]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.item_slug].append(row)
    return grouped
