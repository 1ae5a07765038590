"""Staff of tests."""

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.identity import sessions
from backend.identity.models import Staff
from backend.identity.staff import create_staff


def header(session: Session, hall: str = "XM", role: str = "gate") -> dict[str, str]:
    """A new member of staff of one hall: the header of their session."""
    made = token(session, hall, role)
    session.commit()
    return {"Authorization": f"Bearer {made}"}


def token(session: Session, hall: str = "XM", role: str = "gate") -> str:
    """The same: the token of their session."""
    username = f"staff-{uuid4().hex[:12]}"
    create_staff(
        session, username=username, display_name="工作人员", password="a-long-test-password", roles=[(role, hall)]
    )
    staff_id = session.scalars(select(Staff.id).where(Staff.username == username)).one()
    return sessions.start(session, staff_id=staff_id).token
