"""The answer of /session, shared by citizens' and staff logins."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core.auth import Principal, request_language
from backend.core.db import transaction
from backend.identity import queries
from backend.identity.models import Staff


def session_state(principal: Principal | None) -> dict[str, Any]:
    """Anonymous, a citizen with masked data, or a member of staff with permissions."""
    if principal is None:
        return {"kind": "anonymous", "csrf_token": None, "me": None, "staff": None}
    state: dict[str, Any] = {"kind": principal.kind, "csrf_token": principal.csrf_token, "me": None, "staff": None}
    with transaction() as session:
        if principal.kind == "citizen":
            state["me"] = queries.me(session, principal.id)
            return state
        hall = _hall(session, principal.halls[0]) if principal.halls else None
        account = session.execute(select(Staff.username, Staff.display_name).where(Staff.id == principal.id)).one()
    state["staff"] = {
        "id": principal.id,
        "username": account.username,
        "display_name": account.display_name,
        "roles": sorted(principal.roles),
        "hall": hall,
        "permissions": sorted(principal.permissions),
    }
    return state


def _hall(session: Session, code: str) -> dict[str, str]:
    """A hall that the catalogue no longer has keeps its code for a name."""
    names = {hall.code: hall.name.in_language(request_language()) for hall in catalogue.halls(session)}
    return {"code": code, "name": names.get(code, code)}
