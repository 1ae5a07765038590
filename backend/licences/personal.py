"""个人信息: licences that were looked up with consent. What a case used is kept with the case."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.core import holds, retention
from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.licences.models import LicenceFetch

OF_APPLICATIONS = "application"
"""Subjects whose feature says itself when their licences go: `forget`."""


def forget(session: Session, subject_type: str, subject_id: str) -> None:
    """What was looked up for this subject. The consents stay in the audit trail."""
    session.execute(
        delete(LicenceFetch).where(LicenceFetch.subject_type == subject_type, LicenceFetch.subject_id == subject_id)
    )


def purge(session: Session, limit: int) -> int:
    """Delete what was looked up a month ago and for no application; the number."""
    old = (
        select(LicenceFetch.id)
        .where(LicenceFetch.subject_type != OF_APPLICATIONS, LicenceFetch.state_at < retention.before("licences"))
        .where(holds.spares(holds.PERSON, LicenceFetch.person_id))
        .limit(limit)
    )
    gone = session.execute(delete(LicenceFetch).where(LicenceFetch.id.in_(old)).returning(LicenceFetch.id))
    return len(gone.all())


def _gives(session: Session, people: People) -> list[Section]:
    found = session.scalars(
        select(LicenceFetch).where(LicenceFetch.person_id.in_(people)).order_by(LicenceFetch.consented_at)
    )
    rows = [
        {
            "at": one.consented_at,
            "purpose": one.purpose,
            "material": one.material,
            "number": one.identifier,
            "issuer": one.issuer,
        }
        for one in found
    ]
    return [Section("licences", Text("经你同意查询的电子证照", "Licences looked up with your consent"), rows)]


def _erases(session: Session, people: People) -> None:
    session.execute(
        delete(LicenceFetch).where(LicenceFetch.person_id.in_(people), LicenceFetch.subject_type != OF_APPLICATIONS)
    )


PART = Part("licences", gives=_gives, erases=_erases, purges=purge)
