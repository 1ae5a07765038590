"""What can be mailed: each upper feature tells, for its own kind of subject, what a shipment must know of it.

This package knows no case, appointment or item. `backend/app.py` hands in the resolvers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core.errors import Text
from express.errors import SubjectNotFound
from express.models import Direction


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody's wish to mail. `person_id` is the citizen who asks, None for staff, who then ask for `hall`.

    `item` and `hall` are given where the subject itself does not tell them, as with another system's case number.
    """

    subject_id: str
    person_id: UUID | None
    item: str | None = None
    hall: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """The thing behind a shipment. `ready`: its papers may be sent at once; otherwise the hall says when.

    `certificate` asks for a hand-over in person. `person_id` is whose it is, when that is known.
    """

    item_slug: str
    category_code: str
    title: Text
    hall_code: str
    applicant_type: str
    directions: frozenset[Direction]
    certificate: bool
    person_id: UUID | None = None
    ready: bool = False


Resolver = Callable[[Session, Asking], Subject]
"""Raises SubjectNotFound for what is not there or belongs to somebody else."""


def resolve(resolvers: Mapping[str, Resolver], session: Session, subject_type: str, asking: Asking) -> Subject:
    """The subject, by the resolver of its kind. Raises SubjectNotFound."""
    if subject_type not in resolvers:
        raise SubjectNotFound()
    return resolvers[subject_type](session, asking)
