"""What files belong to, and who may see and add them: upper features register their kind of subject here."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core.auth import Principal
from backend.core.errors import NotFound

Rule = Callable[[Session, Principal, str], bool]


def _nobody_known(session: Session, subject_id: str) -> UUID | None:
    return None


def _its_id(session: Session, subject_id: str) -> str:
    return subject_id


@dataclass(frozen=True)
class SubjectType:
    """A kind of subject. The rules take the asker and the subject's id.

    `person_of` says whose papers they are, `number_of` under which number people know it.
    """

    name: str
    reads: Rule
    writes: Rule
    person_of: Callable[[Session, str], UUID | None] = _nobody_known
    number_of: Callable[[Session, str], str] = _its_id


_known: dict[str, SubjectType] = {}


def register(kind: SubjectType) -> None:
    """Make a kind of subject known to this process."""
    _known[kind.name] = kind


def of(name: str) -> SubjectType:
    """The kind with this name. Raises NotFound."""
    try:
        return _known[name]
    except KeyError:
        raise NotFound() from None


def _is_self(session: Session, asker: Principal, subject_id: str) -> bool:
    return asker.kind == "citizen" and str(asker.id) == subject_id


def _works_there(session: Session, asker: Principal, subject_id: str) -> bool:
    return asker.kind == "staff" and asker.hall_code == subject_id


register(SubjectType("person", reads=_is_self, writes=_is_self))
register(SubjectType("scan", reads=_works_there, writes=_works_there))
