"""个人信息: uploaded files. A case's files are kept and removed with the case, by `files.remove_all`."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.files import names, service
from backend.files.models import File
from backend.files.states import State

OWN = "person"
"""The kind of subject that is a citizen's own shelf, and nobody's record."""


def contents(session: Session, people: People) -> list[tuple[str, str]]:
    """What is stored of a person's files: a name for each within an archive, and its key in the storage."""
    found = session.scalars(
        select(File).where(File.person_id.in_(people), File.state == State.READY).order_by(File.created_at)
    )
    return [(f"{number:03d}-{_name(one)}", str(one.object_key)) for number, one in enumerate(found, 1)]


def _name(one: File) -> str:
    return names.opened(one.name, one.id)


def _gives(session: Session, people: People) -> list[Section]:
    found = session.scalars(
        select(File).where(File.person_id.in_(people), File.state != State.GONE).order_by(File.created_at)
    )
    rows = [
        {"at": one.created_at, "file": _name(one), "material": one.material, "state": one.state, "size": one.size}
        for one in found
    ]
    return [Section("files", Text("上传的文件", "Uploaded files"), rows)]


def _erases(session: Session, people: People) -> None:
    """Their own shelf is emptied. The contents leave the storage with the next sweep."""
    for one in people:
        service.remove_all(session, OWN, str(one))


PART = Part("files", gives=_gives, erases=_erases)
