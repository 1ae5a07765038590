"""Files from the first byte to their end: beginning, parts, finishing, order, removal, and use of an earlier scan."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from backend.core import audit, clock, db
from backend.core.auth import Principal
from backend.core.errors import FieldError, NotFound, Text
from backend.core.states import record_event, transition
from backend.files import errors, names, storage, subjects
from backend.files.models import File, FileConsent, FileEvent, FilePart
from backend.files.states import Event, State

ENDINGS = {"application/pdf": ("pdf",), "image/jpeg": ("jpg", "jpeg"), "image/png": ("png",)}
MOST_OF_SUBJECT = 20
MOST_BYTES_OF_SUBJECT = 100 * 1024 * 1024
MOST_OF_PERSON = 200
MOST_BYTES_OF_PERSON = 500 * 1024 * 1024
"""What one application, and one citizen or member of staff, may hold at once (reliability S12)."""

CONSENT = "reuse-1"
"""Version of the sentence a citizen agrees to before an earlier scan is used again."""

_HIDING = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_RUNS = re.compile(
    r"\.(exe|com|scr|bat|cmd|msi|ps1|vbs|jse?|jar|hta|lnk|sh|php\d?|phtml|jspx?|aspx?|html?|svg|swf)\.", re.IGNORECASE
)
"""An ending of something that runs, before the last one."""
_LIVE = File.state != State.GONE


@dataclass(frozen=True)
class Announced:
    """A file that is about to come, as its sender describes it."""

    name: str
    media_type: str
    size: int
    sha256: bytes
    material: str | None = None


def begin(
    session: Session, announced: Announced, *, asker: Principal, subject: tuple[str, str], most_bytes: int
) -> File:
    """A file that waits for its bytes, behind the others of its material.

    Raises FileTooLarge, FileNameRefused, TooManyFiles, and NotFound where the asker may not add.
    """
    kind = _writable(session, asker, subject)
    if announced.size > most_bytes:
        raise errors.FileTooLarge(most_bytes=most_bytes)
    check_name(announced.name, announced.media_type)
    _make_room(session, asker, subject, announced.size)
    now, file_id = clock.now(), db.new_id()
    made = File(
        id=file_id,
        state=State.RECEIVING,
        state_at=now,
        subject_type=subject[0],
        subject_id=subject[1],
        material=announced.material,
        position=_next_position(session, subject, announced.material),
        person_id=asker.id if asker.kind == "citizen" else kind.person_of(session, subject[1]),
        uploaded_by=asker.actor,
        name=names.sealed(announced.name, file_id),
        media_type=announced.media_type,
        size=announced.size,
        sha256=announced.sha256,
        received=0,
        created_at=now,
        touched_at=now,
    )
    session.add(made)
    session.flush()
    record_event(session, FileEvent, file_id, None, State.RECEIVING, Event.BEGIN, actor=asker.actor)
    return made


def check_name(name: str, media_type: str) -> None:
    """Raises FileNameRefused unless the name is plain and ends as its type does."""
    base, _, ending = name.rpartition(".")
    plain = unicodedata.normalize("NFC", name) == name and not _HIDING.search(name) and not _RUNS.search(name)
    if not (plain and base.strip(". ") and ending.lower() in ENDINGS[media_type]):
        wrong = Text("文件名要以 .pdf、.jpg 或 .png 结尾", "The name must end with .pdf, .jpg or .png")
        raise errors.FileNameRefused(errors=[FieldError("/name", wrong)])


def next_part(session: Session, file_id: UUID, *, asker: Principal, offset: int, length: int) -> str:
    """The storage key for bytes that are about to be written at `offset`. Nothing is decided yet.

    Raises UploadEnded, and OffsetWrong unless they follow what has arrived.
    """
    found = own(session, file_id, asker)
    _demand_place(found, offset, length)
    return storage.object_key("part", found.id, offset, db.new_id())


def add_part(session: Session, file_id: UUID, *, offset: int, length: int, key: str) -> int:
    """Count a written part in, if no other was faster; gives the bytes received so far.

    Raises OffsetWrong for the slower one, whose content is then nobody's, and UploadEnded.
    """
    now = clock.now()
    moved = session.execute(
        update(File)
        .where(File.id == file_id, File.state == State.RECEIVING, File.received == offset, File.size >= offset + length)
        .values(received=offset + length, touched_at=now)
        .returning(File.received),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if moved is None:
        _demand_place(_fresh(session, File.id == file_id), offset, length)
        raise errors.UploadEnded()
    session.add(FilePart(file_id=file_id, offset=offset, size=length, object_key=key))
    session.flush()
    return offset + length


def _demand_place(found: File, offset: int, length: int) -> None:
    if found.state is not State.RECEIVING:
        raise errors.UploadEnded()
    if offset != found.received or length == 0 or offset + length > found.size:
        raise errors.OffsetWrong(received=found.received)


def finish(session: Session, file_id: UUID, *, asker: Principal) -> File:
    """All bytes are here: the checks begin. Asked again, it changes nothing. Raises UploadIncomplete."""
    found = own(session, file_id, asker, lock=True)
    if found.state is State.RECEIVING and found.received < found.size:
        raise errors.UploadIncomplete(received=found.received)
    if found.state is State.RECEIVING:
        found.next_check_at = found.touched_at = clock.now()
        session.flush()
    transition(session, found, Event.FINISH, actor=asker.actor)
    return found


def arrange(session: Session, ids: Sequence[UUID], *, asker: Principal, subject: tuple[str, str]) -> None:
    """Put files of one subject in this order. Raises NotFound for one that is not of this subject."""
    _writable(session, asker, subject)
    mine = {found.id: found for found in session.scalars(select(File).where(_of(subject)).with_for_update())}
    if not set(ids) <= set(mine):
        raise NotFound()
    for position, file_id in enumerate(ids):
        mine[file_id].position = position
    session.flush()


def remove(session: Session, file_id: UUID, *, asker: Principal) -> None:
    """Take a file away; its content is deleted within minutes. Asked again, it changes nothing."""
    found = own(session, file_id, asker, lock=True, gone_too=True)
    _remove(session, found, asker.actor)


def remove_all(session: Session, subject_type: str, subject_id: str, *, actor: str = "system") -> int:
    """Take away all files of a subject that has ended, such as an expired draft; their number."""
    found = session.scalars(select(File).where(_of((subject_type, subject_id))).with_for_update()).all()
    for one in found:
        _remove(session, one, actor)
    return len(found)


def _remove(session: Session, found: File, actor: str) -> None:
    found.next_check_at, found.touched_at, found.name = None, clock.now(), names.sealed("", found.id)
    session.flush()
    if transition(session, found, Event.REMOVE, actor=actor):
        audit.record(session, actor=actor, action="file.removed", object_type="file", object_id=found.id)


def move(session: Session, *, old: tuple[str, str], new: tuple[str, str]) -> int:
    """Files follow their subject when it becomes another, such as a draft that becomes a case; their number."""
    moved = session.scalars(
        update(File)
        .where(_of(old))
        .values(subject_type=new[0], subject_id=new[1], touched_at=clock.now())
        .returning(File.id),
        execution_options={"synchronize_session": False},
    )
    return len(moved.all())


def take_over(
    session: Session,
    file_ids: Sequence[UUID],
    *,
    asker: Principal,
    subject: tuple[str, str],
    material: str | None = None,
    valid_until: date | None = None,
) -> None:
    """Bind ready files of the asker, such as scans made at the window, to a subject.

    Raises NotFound for a file that is not theirs, FileNotReady, TooManyFiles.
    """
    kind = _writable(session, asker, subject)
    for file_id in file_ids:
        found = own(session, file_id, asker, lock=True)
        if found.state is not State.READY:
            raise errors.FileNotReady()
        _make_room(session, None, subject, found.size)
        found.person_id = kind.person_of(session, subject[1]) or found.person_id
        found.position = _next_position(session, subject, material)
        found.subject_type, found.subject_id = subject
        found.material, found.valid_until, found.touched_at = material, valid_until, clock.now()
        session.flush()


def use_again(
    session: Session,
    source_id: UUID,
    *,
    asker: Principal,
    subject: tuple[str, str],
    material: str | None,
    wording: str,
) -> File:
    """A ready copy of an earlier scan for another subject, with its holder's consent. The content is shared.

    Raises ConsentMissing, FileNotReady (also for one whose document has expired), NotFound for a stranger's.
    """
    if wording != CONSENT:
        raise errors.ConsentMissing(wording=CONSENT)
    _writable(session, asker, subject)
    source = _fresh(session, File.id == source_id, File.person_id == asker.id, _LIVE, lock=True)
    if source.state is not State.READY or has_expired(source):
        raise errors.FileNotReady()
    _make_room(session, asker, subject, source.size)
    now, file_id = clock.now(), db.new_id()
    name = names.opened(source.name, source.id)
    copy = File(
        id=file_id,
        state=State.READY,
        state_at=now,
        subject_type=subject[0],
        subject_id=subject[1],
        material=material,
        position=_next_position(session, subject, material),
        person_id=asker.id,
        uploaded_by=asker.actor,
        name=names.sealed(name, file_id),
        received=source.size,
        created_at=now,
        touched_at=now,
        copied_from=source.id,
        **{
            column: getattr(source, column)
            for column in (
                "media_type",
                "size",
                "sha256",
                "object_key",
                "pages",
                "width",
                "height",
                "valid_until",
            )
        },
    )
    session.add(copy)
    session.flush()
    session.add(FileConsent(file_id=file_id, source_id=source.id, person_id=asker.id, wording=wording, at=now))
    record_event(session, FileEvent, file_id, None, State.READY, Event.BEGIN, actor=asker.actor, reason=wording)
    audit.record(
        session,
        actor=asker.actor,
        action="file.used_again",
        object_type="file",
        object_id=file_id,
        data={"source": str(source.id), "wording": wording},
    )
    session.flush()
    return copy


def has_expired(found: File) -> bool:
    """Whether the document on this scan is no longer valid today."""
    return found.valid_until is not None and found.valid_until < clock.today()


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records were one person: files follow the one that remains."""
    session.execute(update(File).where(File.person_id == former_id).values(person_id=person_id))
    session.execute(
        update(File).where(File.uploaded_by == f"person:{former_id}").values(uploaded_by=f"person:{person_id}")
    )
    session.execute(
        update(File)
        .where(File.subject_type == "person", File.subject_id == str(former_id))
        .values(subject_id=str(person_id))
    )
    session.execute(update(FileConsent).where(FileConsent.person_id == former_id).values(person_id=person_id))


def own(session: Session, file_id: UUID, asker: Principal, *, lock: bool = False, gone_too: bool = False) -> File:
    """A file that this asker uploaded to a subject they may still change. Raises NotFound."""
    conditions = [File.id == file_id, File.uploaded_by == asker.actor]
    found = _fresh(session, *conditions, *([] if gone_too else [_LIVE]), lock=lock)
    _writable(session, asker, (found.subject_type, found.subject_id))
    return found


def readable(session: Session, file_id: UUID, asker: Principal) -> File:
    """A file that this asker may see: their own, or one of a subject they may read. Raises NotFound."""
    found = _fresh(session, File.id == file_id, _LIVE)
    if asker.kind == "citizen" and found.person_id == asker.id:
        return found
    if not subjects.of(found.subject_type).reads(session, asker, found.subject_id):
        raise NotFound()
    return found


def ready_files(session: Session, subject_type: str, subject_id: str) -> list[File]:
    """The files of a subject that may be shown, by material and in their order."""
    return _listed(session, (subject_type, subject_id), File.state == State.READY)


def unfinished(session: Session, subject_type: str, subject_id: str) -> list[File]:
    """Files of a subject that are still coming or being checked: whoever submits has to wait for them."""
    return _listed(session, (subject_type, subject_id), File.state.in_([State.RECEIVING, State.CHECKING]))


def of_subject(session: Session, asker: Principal, subject: tuple[str, str]) -> list[File]:
    """All files of a subject, whatever became of them. Raises NotFound where the asker may not read."""
    if not subjects.of(subject[0]).reads(session, asker, subject[1]):
        raise NotFound()
    return _listed(session, subject, _LIVE)


def earlier(session: Session, person_id: UUID, material: str) -> list[File]:
    """Ready scans of one's own for a material, newest first; not those whose document has expired."""
    found = session.scalars(
        select(File)
        .where(File.person_id == person_id, File.material == material, File.state == State.READY)
        .order_by(File.created_at.desc())
        .limit(MOST_OF_SUBJECT)
    )
    return [one for one in found if not has_expired(one)]


def _listed(session: Session, subject: tuple[str, str], which: ColumnElement[bool]) -> list[File]:
    order = (File.material.nulls_first(), File.position, File.id)
    return list(session.scalars(select(File).where(_of(subject), which).order_by(*order)))


def _of(subject: tuple[str, str]) -> ColumnElement[bool]:
    return (File.subject_type == subject[0]) & (File.subject_id == subject[1]) & _LIVE


def _fresh(session: Session, *which: ColumnElement[bool], lock: bool = False) -> File:
    query = select(File).where(*which).execution_options(populate_existing=True)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound()
    return found


def _writable(session: Session, asker: Principal, subject: tuple[str, str]) -> subjects.SubjectType:
    kind = subjects.of(subject[0])
    if not kind.writes(session, asker, subject[1]):
        raise NotFound()
    return kind


def _next_position(session: Session, subject: tuple[str, str], material: str | None) -> int:
    last = select(func.max(File.position)).where(_of(subject), File.material.is_not_distinct_from(material))
    return (session.scalar(last) or 0) + 1


def _make_room(session: Session, asker: Principal | None, subject: tuple[str, str], size: int) -> None:
    """Counted under a lock on who is counted, so that two at once cannot both take the last place."""
    scopes = [("/".join(subject), _of(subject), MOST_OF_SUBJECT, MOST_BYTES_OF_SUBJECT)]
    if asker is not None:
        scopes.append((asker.actor, (File.uploaded_by == asker.actor) & _LIVE, MOST_OF_PERSON, MOST_BYTES_OF_PERSON))
    for name, which, most, most_bytes in scopes:
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"files:{name}", 0))))
        count, used = session.execute(select(func.count(), func.coalesce(func.sum(File.size), 0)).where(which)).one()
        if count >= most or used + size > most_bytes:
            raise errors.TooManyFiles(most_files=most, most_bytes=most_bytes)
