"""Whose application a counter fills in, and which of them it may touch."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.errors import ApplicationNotFound
from backend.applications.models import Application
from backend.applications.states import FRONT
from backend.core.auth import Principal
from backend.core.errors import FieldError, InvalidInput, Text
from backend.identity import people, service


def person_of_card(session: Session, *, name: str, id_number: str) -> UUID:
    """The person of a checked id number, made when unknown. Raises InvalidInput when the names differ."""
    found = people.by_document(session, id_number) or service.create_unseen(session, id_number=id_number, name=name)
    if not people.is_called(session, found, name):
        wrong = Text("姓名和证件号对不上，请再看一下证件", "Name and number do not belong together")
        raise InvalidInput(errors=[FieldError("/citizen/name", wrong)])
    return found


def channel_of(principal: Principal) -> str:
    """Whoever receives papers sits at a window; everybody else is a partner point (clauses 2.1 and 5.1)."""
    return "window" if FRONT in principal.permissions else "partner"


def begun_here(session: Session, application_id: UUID, *, actor: str, hall_code: str, lock: bool) -> Application:
    """An application that this member of staff began in this hall. Raises ApplicationNotFound for any other."""
    query = select(Application).where(
        Application.id == application_id, Application.started_by == actor, Application.hall_code == hall_code
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise ApplicationNotFound()
    return found
