"""A version takes effect: its content becomes the rows that citizens see."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.catalogue import item_models, service, snapshot
from backend.catalogue.versions import content
from backend.catalogue.versions.models import ItemVersion
from backend.catalogue.versions.states import VersionEvent, VersionState
from backend.core import audit, clock
from backend.core.states import transition


def take_effect_due(session: Session) -> list[str]:
    """Put every scheduled version in force whose time has come; returns the items.

    The catalogue's version row is locked first, so that two workers do not write the same item.
    """
    now = clock.now()
    due = select(ItemVersion).where(ItemVersion.state == VersionState.SCHEDULED, ItemVersion.effective_at <= now)
    if session.scalars(due.limit(1)).first() is None:
        return []
    service.mark_changed(session)
    versions = session.scalars(due.order_by(ItemVersion.effective_at).with_for_update()).all()
    for version in versions:
        put_in_force(session, version, actor="system")
    service.publish_lists(session, on=clock.today())
    return [version.item_slug for version in versions]


def put_in_force(session: Session, version: ItemVersion, *, actor: str) -> None:
    """Write the item's rows from a scheduled version and end the one before; the caller marks the catalogue changed."""
    before = session.scalars(
        select(ItemVersion).where(
            ItemVersion.item_slug == version.item_slug, ItemVersion.state == VersionState.IN_FORCE
        )
    ).first()
    if before is not None:
        transition(session, before, VersionEvent.SUPERSEDE, actor=actor)
    transition(session, version, VersionEvent.TAKE_EFFECT, actor=actor)
    write(session, version)
    audit.record(
        session,
        actor=actor,
        action="items.in_force",
        object_type="item_version",
        object_id=f"{version.item_slug}/{version.number}",
    )
    snapshot.forget()


def write(session: Session, version: ItemVersion) -> None:
    """Replace the item's rows by what the version says."""
    if version.effective_at is None:
        raise ValueError("a version without a date cannot be written")
    rows = content.rows_of(
        version.item_slug,
        version.content,
        number=version.number,
        effective_on=clock.civil(version.effective_at).date(),
        updated_at=version.saved_at,
    )
    session.merge(rows.item)
    session.flush()
    for table in (item_models.ItemHall, item_models.ItemMaterial, item_models.ItemFee):
        session.execute(delete(table).where(table.item_slug == version.item_slug))
    session.add_all([*rows.halls, *rows.materials, *rows.fees])
    session.flush()
