"""导出: one archive of everything about a person, one at a time, for a week."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock, db, retention
from backend.core.errors import NotFound
from backend.core.states import record_event, transition
from backend.files import storage
from backend.files.quarantine import register_owner
from backend.privacy.errors import CopyNotReady
from backend.privacy.models import ExportEventRow, PersonalExport
from backend.privacy.parts import PARTS
from backend.privacy.states import ExportEvent, ExportState

ACTOR = "system"
LEASE = timedelta(minutes=10)
MOST_TRIES = 5


def ask(session: Session, *, person_id: UUID) -> PersonalExport:
    """Begin one, or the one that is being made already: the unique index decides. The former one is taken away."""
    now = clock.now()
    made = session.scalars(
        insert(PersonalExport)
        .values(
            id=db.new_id(),
            state=ExportState.MAKING,
            state_at=now,
            person_id=person_id,
            asked_at=now,
            expires_at=now + timedelta(days=retention.days("exports")),
            parts=len(PARTS),
            next_try_at=now,
        )
        .on_conflict_do_nothing()
        .returning(PersonalExport)
    ).one_or_none()
    if made is None:
        mine = PersonalExport.person_id == person_id, PersonalExport.state == ExportState.MAKING
        return session.scalars(select(PersonalExport).where(*mine)).one()
    actor = f"person:{person_id}"
    record_event(session, ExportEventRow, made.id, None, ExportState.MAKING, ExportEvent.ASK, actor=actor)
    audit.record(session, actor=actor, action="person.export_asked", object_type="personal_export", object_id=made.id)
    former = PersonalExport.person_id == person_id, PersonalExport.id != made.id
    for one in session.scalars(select(PersonalExport).where(*former, PersonalExport.state != ExportState.GONE)):
        one.size = None
        transition(session, one, ExportEvent.EXPIRE, actor=actor)
    return made


def newest(session: Session, person_id: UUID) -> PersonalExport | None:
    """The one that is being made or may be fetched, or that could not be made."""
    mine = PersonalExport.person_id == person_id, PersonalExport.state != ExportState.GONE
    query = select(PersonalExport).where(*mine).order_by(PersonalExport.asked_at.desc()).limit(1)
    return session.scalars(query).one_or_none()


def fetch(session: Session, export_id: UUID, *, person_id: UUID) -> str:
    """The storage key of my finished archive; every fetch is logged. Raises NotFound, CopyNotReady."""
    found = session.get(PersonalExport, export_id)
    if found is None or found.person_id != person_id:
        raise NotFound()
    if found.state != ExportState.READY or found.expires_at <= clock.now() or found.object_key is None:
        raise CopyNotReady()
    audit.record(
        session,
        actor=f"person:{person_id}",
        action="person.export_fetched",
        object_type="personal_export",
        object_id=found.id,
    )
    return found.object_key


def claim(session: Session) -> PersonalExport | None:
    """One whose turn it is, leased to this worker: a killed one's comes due again."""
    now = clock.now()
    query = select(PersonalExport).where(PersonalExport.next_try_at <= now).order_by(PersonalExport.next_try_at)
    found = session.scalars(query.limit(1).with_for_update(skip_locked=True)).one_or_none()
    if found is None:
        return None
    if found.tries >= MOST_TRIES:
        found.next_try_at = None
        transition(session, found, ExportEvent.FAIL, actor=ACTOR)
        return None
    found.tries, found.next_try_at, found.done = found.tries + 1, now + LEASE, 0
    found.object_key = storage.object_key("export", found.id)
    session.flush()
    return found


def progress(session: Session, export_id: UUID, done: int) -> None:
    """So many features have been read."""
    found = session.get(PersonalExport, export_id, with_for_update=True)
    if found is not None and found.state == ExportState.MAKING:
        found.done = done
        session.flush()


def finished(session: Session, export_id: UUID, size: int) -> bool:
    """It may be fetched. False when it is wanted no more."""
    found = session.get_one(PersonalExport, export_id, with_for_update=True, populate_existing=True)
    if found.state != ExportState.MAKING:
        return False
    found.size, found.next_try_at, found.done = size, None, found.parts
    return transition(session, found, ExportEvent.FINISH, actor=ACTOR)


def over(session: Session, limit: int) -> list[tuple[UUID, str]]:
    """Archives that nobody may fetch any more, with their keys; they are marked so."""
    now = clock.now()
    late = (PersonalExport.state != ExportState.GONE) & (PersonalExport.expires_at <= now)
    left = (PersonalExport.state == ExportState.GONE) & PersonalExport.object_key.is_not(None)
    query = select(PersonalExport).where(or_(late, left)).limit(limit).with_for_update(skip_locked=True)
    found = session.scalars(query).all()
    for one in found:
        if one.state != ExportState.GONE:
            one.next_try_at = one.size = None
            transition(session, one, ExportEvent.EXPIRE, actor=ACTOR)
    return [(one.id, one.object_key) for one in found if one.object_key is not None]


def emptied(session: Session, ids: Sequence[UUID]) -> None:
    """The storage has forgotten these."""
    for one in session.scalars(select(PersonalExport).where(PersonalExport.id.in_(ids)).with_for_update()):
        if one.state == ExportState.GONE:
            one.object_key = None
    session.flush()


def take_away(session: Session, people: Sequence[UUID]) -> None:
    """The archives of a closed account; the contents go with the next run."""
    mine = PersonalExport.person_id.in_(people), PersonalExport.state != ExportState.GONE
    for one in session.scalars(select(PersonalExport).where(*mine).with_for_update()):
        one.next_try_at = one.size = None
        transition(session, one, ExportEvent.EXPIRE, actor=ACTOR)


def known_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of these storage keys that are an export's, so that they are nobody's orphans."""
    found = session.scalars(select(PersonalExport.object_key).where(PersonalExport.object_key.in_(keys)))
    return {key for key in found if key}


register_owner(known_keys)
