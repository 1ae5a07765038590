"""An item's way from a draft to what citizens see: written by one person, published by another."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.catalogue import service as catalogue
from backend.catalogue.lint import Finding
from backend.catalogue.versions import checks, content, projection
from backend.catalogue.versions.errors import (
    DateInThePast,
    FourEyes,
    ItemHasFaults,
    NothingChanged,
    SlugTaken,
    VersionNotFound,
    VersionNotOpen,
)
from backend.catalogue.versions.models import ItemVersion, ItemVersionEvent
from backend.catalogue.versions.states import OPEN, VersionEvent, VersionState
from backend.core import audit, clock
from backend.core.db import new_id
from backend.core.errors import FieldError, PreconditionFailed
from backend.core.states import record_event, transition

SEED = "system"


def begin(session: Session, slug: str, *, actor: str, of: int | None = None) -> ItemVersion:
    """A draft of an item's next version: its open version if there is one, else a copy of the one in force.

    `of` copies an earlier version instead. Raises VersionNotFound.
    """
    open_one = _open(session, slug)
    if open_one is not None:
        return open_one
    base = _in_force(session, slug) if of is None else by_number(session, slug, of)
    if base is None:
        raise VersionNotFound()
    return _add(session, slug, base.content, actor=actor, base=base.number)


def begin_new(session: Session, slug: str, given: Mapping[str, Any], *, actor: str) -> ItemVersion:
    """The first draft of a new item. Raises SlugTaken."""
    if session.scalars(select(ItemVersion.id).where(ItemVersion.item_slug == slug).limit(1)).first():
        raise SlugTaken()
    return _add(session, slug, content.complete(slug, given), actor=actor, base=None)


def save(
    session: Session, version_id: UUID, *, given: Mapping[str, Any], revision: int, actor: str
) -> tuple[ItemVersion, list[Finding]]:
    """Keep what was written, faults and all; returns them too. Raises VersionNotOpen, PreconditionFailed."""
    version = _locked(session, version_id)
    if version.state != VersionState.DRAFT:
        raise VersionNotOpen()
    if version.revision != revision:
        raise PreconditionFailed()
    wanted = content.complete(version.item_slug, given)
    if wanted != version.content:
        changed = sorted(name for name in wanted if wanted[name] != version.content.get(name))
        version.content = wanted
        version.revision = revision + 1
        version.saved_at = clock.now()
        if actor not in version.editors:
            version.editors = [*version.editors, actor]
        session.flush()
        _record(session, version, "saved", actor, data={"fields": changed})
    return version, faults(session, version)


def submit(session: Session, version_id: UUID, *, note: str, revision: int, actor: str) -> ItemVersion:
    """Send a draft to review; `note` says what is new. Raises ItemHasFaults, NothingChanged, PreconditionFailed."""
    version = _locked(session, version_id)
    if version.revision != revision:
        raise PreconditionFailed()
    current = _in_force(session, version.item_slug)
    if current is not None and current.content == version.content:
        raise NothingChanged()
    _refuse_faults(session, version, on=clock.today())
    version.note, version.answer = note, None
    session.flush()
    if transition(session, version, VersionEvent.SUBMIT, actor=actor, reason=note):
        _record(session, version, "submitted", actor, reason=note)
    return version


def give_back(session: Session, version_id: UUID, *, reason: str, actor: str) -> ItemVersion:
    """Back to its author, with what is to be done."""
    version = _locked(session, version_id)
    version.answer = reason
    session.flush()
    transition(session, version, VersionEvent.GIVE_BACK, actor=actor, reason=reason)
    _record(session, version, "given_back", actor, reason=reason)
    return version


def publish(session: Session, version_id: UUID, *, effective_on: date | None, actor: str) -> ItemVersion:
    """Publish a reviewed version, in force from the start of a later Xiamen day, or at once.

    Raises FourEyes when the publisher wrote any of it, DateInThePast, ItemHasFaults.
    """
    catalogue.mark_changed(session)
    version = _locked(session, version_id)
    if actor in version.editors:
        raise FourEyes()
    today = clock.today()
    if effective_on is not None and effective_on < today:
        raise DateInThePast()
    at_once = effective_on is None or effective_on == today
    _refuse_faults(session, version, on=effective_on or today)
    version.reviewed_by = actor
    version.effective_at = clock.now() if at_once else clock.instant(effective_on or today, time.min)
    session.flush()
    transition(session, version, VersionEvent.PUBLISH, actor=actor, reason=version.note)
    _record(
        session,
        version,
        "published",
        actor,
        reason=version.note,
        data={"effective_on": str(effective_on or today)},
    )
    if at_once:
        projection.put_in_force(session, version, actor=actor)
        catalogue.publish_lists(session, on=today)
    return version


def discard(session: Session, version_id: UUID, *, reason: str, actor: str) -> ItemVersion:
    """Give up a draft, or what waits for review, or call off what is published but not yet in force."""
    catalogue.mark_changed(session)
    version = _locked(session, version_id)
    event = VersionEvent.CALL_OFF if version.state == VersionState.SCHEDULED else VersionEvent.DISCARD
    if transition(session, version, event, actor=actor, reason=reason):
        _record(session, version, "called_off" if event == VersionEvent.CALL_OFF else "discarded", actor, reason=reason)
    return version


def plant(session: Session, slug: str, given: Mapping[str, Any], *, since: date) -> None:
    """The seed's item: version 1 in force since that day, or a further version when the seed says something else.

    Once a person has written a version, the item is theirs and the seed leaves it alone.
    """
    wanted = content.complete(slug, given)
    versions = session.scalars(select(ItemVersion).where(ItemVersion.item_slug == slug)).all()
    current = next((one for one in versions if one.state == VersionState.IN_FORCE), None)
    if any(version.editors for version in versions) or (current is not None and current.content == wanted):
        return
    version = _insert(session, slug, wanted, actor=SEED, base=current.number if current else None, editors=[])
    version.reviewed_by = SEED
    version.effective_at = clock.now() if current else clock.instant(since, time.min)
    session.flush()
    for event in (VersionEvent.SUBMIT, VersionEvent.PUBLISH):
        transition(session, version, event, actor=SEED)
    projection.put_in_force(session, version, actor=SEED)


def faults(session: Session, version: ItemVersion) -> list[Finding]:
    """What is wrong with a version today."""
    return checks.findings(session, version.item_slug, version.content, on=clock.today())


def by_number(session: Session, slug: str, number: int) -> ItemVersion:
    """One version of an item. Raises VersionNotFound."""
    found = session.scalars(
        select(ItemVersion).where(ItemVersion.item_slug == slug, ItemVersion.number == number)
    ).first()
    if found is None:
        raise VersionNotFound()
    return found


def _open(session: Session, slug: str) -> ItemVersion | None:
    return session.scalars(
        select(ItemVersion).where(ItemVersion.item_slug == slug, ItemVersion.state.in_(OPEN))
    ).first()


def _in_force(session: Session, slug: str) -> ItemVersion | None:
    return session.scalars(
        select(ItemVersion).where(ItemVersion.item_slug == slug, ItemVersion.state == VersionState.IN_FORCE)
    ).first()


def _add(session: Session, slug: str, words: content.Content, *, actor: str, base: int | None) -> ItemVersion:
    version = _insert(session, slug, words, actor=actor, base=base, editors=[actor])
    _record(session, version, "begun", actor)
    return version


def _insert(
    session: Session, slug: str, words: content.Content, *, actor: str, base: int | None, editors: list[str]
) -> ItemVersion:
    """The new draft, or the open version that another session began in the same moment."""
    now = clock.now()
    last = select(func.coalesce(func.max(ItemVersion.number), 0) + 1).where(ItemVersion.item_slug == slug)
    row = insert(ItemVersion).values(
        id=new_id(),
        item_slug=slug,
        number=last.scalar_subquery(),
        state=VersionState.DRAFT,
        state_at=now,
        content=words,
        base_number=base,
        editors=editors,
        created_at=now,
        saved_at=now,
    )
    made = session.scalar(row.on_conflict_do_nothing().returning(ItemVersion.id))
    version = session.get(ItemVersion, made) if made else _open(session, slug)
    if version is None:
        raise SlugTaken()
    if made:
        record_event(session, ItemVersionEvent, version.id, None, VersionState.DRAFT, VersionEvent.BEGIN, actor=actor)
    return version


def _locked(session: Session, version_id: UUID) -> ItemVersion:
    found = session.get(ItemVersion, version_id, with_for_update=True)
    if found is None:
        raise VersionNotFound()
    return found


def _refuse_faults(session: Session, version: ItemVersion, *, on: date) -> None:
    found = checks.findings(session, version.item_slug, version.content, on=on)
    if found:
        raise ItemHasFaults(errors=[FieldError(f"/content{one.pointer}", one.text) for one in found])


def _record(
    session: Session,
    version: ItemVersion,
    what: str,
    actor: str,
    *,
    reason: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    audit.record(
        session,
        actor=actor,
        action=f"items.{what}",
        object_type="item_version",
        object_id=f"{version.item_slug}/{version.number}",
        reason=reason,
        data=data,
    )
