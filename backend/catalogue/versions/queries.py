"""Versions as others read them: the one in force at an instant, the history, the list of items to manage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from backend.catalogue import assembly
from backend.catalogue.values import Item, SpecialStep
from backend.catalogue.versions import checks
from backend.catalogue.versions.content import Content
from backend.catalogue.versions.errors import VersionNotFound
from backend.catalogue.versions.models import ItemVersion
from backend.catalogue.versions.states import OPEN, VersionState
from backend.core import clock

PUBLISHED = (VersionState.IN_FORCE, VersionState.SUPERSEDED)


@dataclass(frozen=True)
class Published:
    """A version as it was, is or will be shown: its number, its words and the item they describe."""

    number: int
    effective_at: datetime
    content: Content
    item: Item


def item_version(session: Session, slug: str, at: datetime) -> Published:
    """The version of an item in force at an instant; a running case keeps the one of its acceptance.

    Before the first version, the first. Raises VersionNotFound.
    """
    published = select(ItemVersion).where(ItemVersion.item_slug == slug, ItemVersion.state.in_(PUBLISHED))
    newest = published.order_by(ItemVersion.effective_at.desc(), ItemVersion.number.desc()).limit(1)
    row = session.scalars(newest.where(ItemVersion.effective_at <= at)).first()
    row = row or session.scalars(published.order_by(ItemVersion.number).limit(1)).first()
    if row is None or row.effective_at is None:
        raise VersionNotFound()
    on = clock.civil(row.effective_at).date()
    item = checks.value(slug, row.content, assembly.lookups(session), number=row.number, on=on, updated_at=row.saved_at)
    return Published(row.number, row.effective_at, row.content, item)


def special_steps(session: Session, slug: str, number: int) -> tuple[SpecialStep, ...]:
    """The special steps that a version lists: only these may stop a clock (circular clause 22)."""
    listed = select(ItemVersion.content["special_steps"]).where(
        ItemVersion.item_slug == slug, ItemVersion.number == number
    )
    return tuple(assembly.special_step(one) for one in session.scalars(listed).one())


def published_counts(session: Session, versions: set[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
    """(item, version) → how many steps its guide names, and how many materials it may ask for."""
    rows = session.execute(
        select(
            ItemVersion.item_slug, ItemVersion.number, ItemVersion.content["steps"], ItemVersion.content["materials"]
        ).where(tuple_(ItemVersion.item_slug, ItemVersion.number).in_(versions))
    )
    return {
        (slug, number): (len(steps), sum(not part["exempt"] and part["source"] != "none" for part in materials))
        for slug, number, steps, materials in rows
    }


def history(session: Session, slug: str) -> Sequence[ItemVersion]:
    """Every version of an item, the newest first. Raises VersionNotFound when there is none."""
    found = session.scalars(
        select(ItemVersion).where(ItemVersion.item_slug == slug).order_by(ItemVersion.number.desc())
    ).all()
    if not found:
        raise VersionNotFound()
    return found


def managed(session: Session) -> list[dict[str, Any]]:
    """Every item with its version in force and its open one, by slug."""
    wanted = (*OPEN, VersionState.IN_FORCE)
    rows: dict[str, dict[str, ItemVersion | None]] = {}
    for version in session.scalars(
        select(ItemVersion).where(ItemVersion.state.in_(wanted)).order_by(ItemVersion.item_slug)
    ):
        kept = rows.setdefault(version.item_slug, {"in_force": None, "open": None})
        kept["in_force" if version.state == VersionState.IN_FORCE else "open"] = version
    return [{"slug": slug, **versions} for slug, versions in rows.items()]
