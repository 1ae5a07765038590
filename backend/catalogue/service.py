"""Changes to the catalogue: its version, and the publishing of the nine lists."""

from datetime import date
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.catalogue import lists, snapshot
from backend.catalogue.item_models import ListAddition, ListEdition, ListEntry
from backend.catalogue.models import CatalogueVersion
from backend.core import clock

Membership = dict[str, str | None]
"""Item → why it was added by hand, None when the rule names it."""


def mark_changed(session: Session) -> None:
    """Say that the catalogue or a fee standard is another one: every process rebuilds its snapshot within a second."""
    stamp, at = uuid4(), clock.now()
    statement = insert(CatalogueVersion).values(id=1, version=1, stamp=stamp, changed_at=at)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={"version": CatalogueVersion.version + 1, "stamp": stamp, "changed_at": at},
        )
    )


def publish_lists(session: Session, *, on: date) -> list[str]:
    """Publish a new edition, dated `on`, of every list whose items are others than last time; returns their tags.

    Whoever changes items calls this in the same transaction, with the catalogue's version row locked by
    `mark_changed`, so that two publishers cannot number the same edition.
    """
    session.flush()
    members = _members(session)
    published = []
    for tag in lists.RULES:
        version = session.scalar(select(func.max(ListEdition.version)).where(ListEdition.tag == tag)) or 0
        before = {
            entry.item_slug: entry.reason
            for entry in session.scalars(select(ListEntry).where(ListEntry.tag == tag, ListEntry.version == version))
        }
        if version and before == members[tag]:
            continue
        session.add(ListEdition(tag=tag, version=version + 1, published_on=on))
        session.flush()
        session.add_all(
            ListEntry(tag=tag, version=version + 1, item_slug=slug, reason=reason)
            for slug, reason in members[tag].items()
        )
        session.flush()
        published.append(tag)
    return published


def _members(session: Session) -> dict[str, Membership]:
    items = snapshot.read_items(session).values()
    reasons = {(row.tag, row.item_slug): row.reason for row in session.scalars(select(ListAddition))}
    return {
        tag: {item.slug: None if rule(item) else reasons[tag, item.slug] for item in items if tag in item.tags}
        for tag, rule in lists.RULES.items()
    }
