"""What must always hold about people, staff and their sessions, for `make doctor`."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from backend.core import clock
from backend.identity.models import LoginSession, Person, PersonLogin, Staff, StaffRole
from backend.identity.roles import PERMISSIONS
from backend.identity.sessions import CITIZEN_LIFE, PURGED_AFTER, STAFF_LIFE


def invariants(session: Session) -> list[str]:
    """Broken rules, each with the id of its row; empty when all is well."""
    return [
        f"identity: {kind} {row} {words}"
        for kind, words, query in (*_session_rules(), *_person_rules())
        for row in session.scalars(query)
    ]


def _session_rules() -> list[tuple[str, str, Select[Any]]]:
    def sessions(broken: ColumnElement[bool]) -> Select[Any]:
        return select(LoginSession.id).where(broken)

    lasts = LoginSession.expires_at - LoginSession.created_at
    of_staff = LoginSession.staff_id.is_not(None)
    of_merged = select(LoginSession.id).join(Person).where(Person.merged_into.is_not(None))
    return [
        ("session", "lasts longer than it may", sessions((lasts > CITIZEN_LIFE) | (of_staff & (lasts > STAFF_LIFE)))),
        ("session", "is over and still there", sessions(LoginSession.expires_at < clock.now() - PURGED_AFTER)),
        ("session", "of a citizen has a hall", sessions(~of_staff & LoginSession.hall_code.is_not(None))),
        ("session", "belongs to a person merged into another", of_merged),
    ]


def _person_rules() -> list[tuple[str, str, Select[Any]]]:
    kept = aliased(Person)
    chained = select(Person.id).join(kept, kept.id == Person.merged_into).where(kept.merged_into.is_not(None))
    logging_in = select(Person.id).join(PersonLogin).where(Person.merged_into.is_not(None)).distinct()
    unknown = select(Staff.username).join(StaffRole).where(StaffRole.role.not_in(PERMISSIONS)).distinct()
    return [
        ("person", "is merged into somebody who is merged", chained),
        ("person", "is merged and can still log in", logging_in),
        ("staff", "has a role that does not exist", unknown),
    ]
