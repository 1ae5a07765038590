"""What is decided about a file that has arrived: claimed for a check, accepted, refused, or tried again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from backend.core import audit, clock, holds
from backend.core.states import transition
from backend.files import names
from backend.files.checking import Outcome
from backend.files.models import File, FilePart
from backend.files.states import Event, State

ACTOR = "system"
LEASE = timedelta(minutes=2)
WAITS_S = (5, 15, 60, 180, 600)
"""Seconds to the next try after each failure; the last goes on for ever (reliability S13)."""
ALARM_AFTER = timedelta(minutes=30)
ABANDONED = timedelta(hours=24)
UNUSED = timedelta(days=30)
LOOSE_SUBJECTS = ("person", "scan")
_owners: set[Callable[[Session, Sequence[str]], set[str]]] = set()


@dataclass(frozen=True)
class Task:
    """A file to check: where its bytes lie and what they were announced to be."""

    file_id: UUID
    media_type: str
    size: int
    sha256: bytes
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """What was stored of an accepted file."""

    key: str
    size: int
    sha256: bytes


def claim_due(session: Session, limit: int) -> list[Task]:
    """Files whose check is due; each is leased, so another worker leaves it alone for two minutes."""
    now = clock.now()
    found = session.scalars(
        select(File)
        .where(File.next_check_at <= now, File.state == State.CHECKING)
        .order_by(File.next_check_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for one in found:
        one.next_check_at = now + LEASE
    session.flush()
    return [_task(session, one) for one in found]


def _task(session: Session, found: File) -> Task:
    parts = select(FilePart.object_key).where(FilePart.file_id == found.id).order_by(FilePart.offset)
    return Task(found.id, found.media_type, found.size, found.sha256, tuple(session.scalars(parts)))


def accept(session: Session, task: Task, outcome: Outcome, kept: Kept) -> bool:
    """The file may be shown from now on. False when it was taken away, or decided about, in the meantime."""
    found = _still_checking(session, task.file_id)
    if found is None:
        return False
    found.object_key, found.size, found.sha256 = kept.key, kept.size, kept.sha256
    found.pages, found.width, found.height = outcome.pages, outcome.width, outcome.height
    found.next_check_at, found.failure = None, None
    session.flush()
    transition(session, found, Event.ACCEPT, actor=ACTOR)
    return True


def refuse(session: Session, task: Task, refusal: str, *, found_by_scanner: str | None = None) -> None:
    """The file is not taken; what arrived is deleted. A virus is a matter for the audit trail too."""
    found = _still_checking(session, task.file_id)
    if found is None:
        return
    found.refusal, found.next_check_at, found.failure = refusal, None, None
    session.flush()
    transition(session, found, Event.REFUSE, actor=ACTOR, reason=refusal)
    if found_by_scanner is not None:
        audit.record(
            session,
            actor=ACTOR,
            action="file.infected",
            object_type="file",
            object_id=found.id,
            data={"found": found_by_scanner, "uploaded_by": found.uploaded_by},
        )


def try_again(session: Session, file_id: UUID, failure: str) -> None:
    """There was no verdict: it stays in quarantine until there is one."""
    found = _still_checking(session, file_id)
    if found is not None:
        wait = WAITS_S[min(found.tries, len(WAITS_S) - 1)]
        found.tries, found.failure = min(found.tries + 1, 1000), failure
        found.next_check_at = clock.now() + timedelta(seconds=wait)
        session.flush()


def _still_checking(session: Session, file_id: UUID) -> File | None:
    query = select(File).where(File.id == file_id, File.state == State.CHECKING).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def abandon(session: Session, limit: int) -> int:
    """Take away uploads nobody went on with for a day, and what belongs to nothing after a month; their number."""
    now = clock.now()
    loose = File.state.in_([State.READY, State.REFUSED]) & File.subject_type.in_(LOOSE_SUBJECTS)
    loose &= holds.spares(holds.PERSON, File.person_id)
    found = session.scalars(
        select(File)
        .where(
            or_(
                (File.state == State.RECEIVING) & (File.touched_at < now - ABANDONED),
                loose & (File.touched_at < now - UNUSED),
            )
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for one in found:
        one.name = names.sealed("", one.id)
        transition(session, one, Event.REMOVE, actor=ACTOR, reason="abandoned")
    return len(found)


def useless_parts(session: Session, limit: int) -> list[tuple[UUID, int, str]]:
    """Parts of files that need them no more: file, offset, key."""
    ended = (State.READY, State.REFUSED, State.GONE)
    query = select(FilePart.file_id, FilePart.offset, FilePart.object_key).join(File, File.id == FilePart.file_id)
    return [tuple(row) for row in session.execute(query.where(File.state.in_(ended)).limit(limit))]  # type: ignore[misc]


def drop_parts(session: Session, parts: Sequence[tuple[UUID, int, str]]) -> None:
    """Forget parts whose contents are deleted."""
    session.execute(delete(FilePart).where(FilePart.object_key.in_([key for *_, key in parts])))


def useless_contents(session: Session, limit: int) -> list[tuple[UUID, str | None]]:
    """Files that are gone but still name a content: file, and its key when no copy needs it.

    A copy is made under a lock on a ready file, so once all that share a content are gone, nobody can copy it.
    """
    other = aliased(File)
    needed = exists().where(other.object_key == File.object_key, other.state != State.GONE)
    query = select(File.id, File.object_key, needed.label("needed"))
    rows = session.execute(query.where(File.state == State.GONE, File.object_key.is_not(None)).limit(limit))
    return [(row.id, None if row.needed else row.object_key) for row in rows]


def drop_contents(session: Session, file_ids: Sequence[UUID]) -> None:
    """Forget the contents of files that are gone."""
    found = session.scalars(select(File).where(File.id.in_(file_ids), File.state == State.GONE)).all()
    for one in found:
        one.object_key = None
    session.flush()


def register_owner(owner: Callable[[Session, Sequence[str]], set[str]]) -> None:
    """An upper feature keeps contents of its own in the storage: `owner` gives those of some keys that are its."""
    _owners.add(owner)


def known_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of these keys that a file or a part names, or that an upper feature keeps."""
    parts = session.scalars(select(FilePart.object_key).where(FilePart.object_key.in_(keys)))
    contents = session.scalars(select(File.object_key).where(File.object_key.in_(keys)))
    others = [key for owner in _owners for key in owner(session, keys)]
    return {*parts, *(key for key in contents if key), *others}


def waiting_too_long(session: Session) -> int:
    """How many files have been in quarantine for more than half an hour."""
    query = select(func.count()).select_from(File)
    late = (File.state == State.CHECKING) & (File.state_at < clock.now() - ALARM_AFTER)
    return session.scalar(query.where(late)) or 0
