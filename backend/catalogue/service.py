"""Changes to the catalogue: its version, and the publishing of the nine lists."""

from datetime import date
from uuid import uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.catalogue import lists, queries, snapshot
from backend.catalogue.item_models import ListAddition, ListEdition, ListEntry
from backend.catalogue.models import CatalogueVersion
from backend.core import audit, clock
from backend.core.errors import InvalidInput, Text


class ListChangeRefused(InvalidInput):
    """An item is on this list by its rule already, or was not added by hand."""

    code = "list_change_refused"
    title = Text("清单的规则已经包含它，或者它不是手工加的", "The rule names it already, or it was not added by hand")


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


def add_to_list(session: Session, *, tag: str, slug: str, reason: str, actor: str) -> None:
    """Put an item on a list that its rule does not name, and publish the list.

    Raises ItemNotFound, ItemEnded, ListChangeRefused.
    """
    mark_changed(session)
    if lists.RULES[tag](queries.open_item(session, slug)):
        raise ListChangeRefused()
    row = insert(ListAddition).values(tag=tag, item_slug=slug, reason=reason)
    session.execute(row.on_conflict_do_update(index_elements=["tag", "item_slug"], set_={"reason": reason}))
    _tell(session, "lists.added", tag, actor, reason, {"item": slug})


def remove_from_list(session: Session, *, tag: str, slug: str, reason: str, actor: str) -> None:
    """Take an item off a list that was added by hand, and publish the list. Raises ListChangeRefused."""
    mark_changed(session)
    gone = delete(ListAddition).where(ListAddition.tag == tag, ListAddition.item_slug == slug)
    if session.scalar(gone.returning(ListAddition.item_slug)) is None:
        raise ListChangeRefused()
    _tell(session, "lists.removed", tag, actor, reason, {"item": slug})


def _tell(session: Session, action: str, tag: str, actor: str, reason: str, data: dict[str, str]) -> None:
    audit.record(
        session, actor=actor, action=action, object_type="published_list", object_id=tag, reason=reason, data=data
    )
    publish_lists(session, on=clock.today())
    snapshot.forget()


def _members(session: Session) -> dict[str, Membership]:
    items = snapshot.read_items(session).values()
    reasons = {(row.tag, row.item_slug): row.reason for row in session.scalars(select(ListAddition))}
    return {
        tag: {item.slug: None if rule(item) else reasons[tag, item.slug] for item in items if tag in item.tags}
        for tag, rule in lists.RULES.items()
    }
