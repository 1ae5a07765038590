"""个人信息: what the credit platform answered about the applicant of a case. It is kept and deleted with the case."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.core.errors import Text
from backend.core.personal import Part, People, Section
from backend.credit import service
from backend.credit.models import CreditCheck


def forget(session: Session, case_id: UUID) -> None:
    """What was asked for this case. Its event rows hold ids only."""
    session.execute(delete(CreditCheck).where(CreditCheck.case_id == case_id))


def _gives(session: Session, people: People) -> list[Section]:
    asked = session.scalars(select(CreditCheck).where(CreditCheck.person_id.in_(people)).order_by(CreditCheck.asked_at))
    rows = [{"at": one.asked_at, "number": one.case_number, "credit": service.records(one)} for one in asked]
    return [Section("credit", Text("信用信息查询", "Credit records that were asked for"), rows)]


def _erases(_: Session, __: People) -> None:
    """An open case stands against a closing, and a closed one keeps what it rested on."""


PART = Part("credit", gives=_gives, erases=_erases)
