"""The answer of /session, shared by citizens' and staff logins."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.catalogue.values import Hall
from backend.core.auth import Principal, request_language
from backend.core.db import transaction
from backend.identity import queries
from backend.identity.models import Staff, StaffRole


def session_state(principal: Principal | None) -> dict[str, Any]:
    """Anonymous, a citizen with masked data, or a member of staff with permissions."""
    if principal is None:
        return {"kind": "anonymous", "csrf_token": None, "me": None, "staff": None}
    state: dict[str, Any] = {"kind": principal.kind, "csrf_token": principal.csrf_token, "me": None, "staff": None}
    with transaction() as session:
        if principal.kind == "citizen":
            state["me"] = queries.me(session, principal.id)
            return state
        hall = _named([principal.hall_code], catalogue.halls(session))[0] if principal.hall_code else None
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


def halls_of_staff(session: Session, staff_id: UUID) -> list[dict[str, str]]:
    """Where a member of staff may work: the halls of their roles, or every hall with a role in all of them."""
    known = catalogue.halls(session)
    codes = set(session.scalars(select(StaffRole.hall_code).where(StaffRole.staff_id == staff_id)))
    if "*" in codes:
        codes = codes - {"*"} | {hall.code for hall in known}
    return _named(codes, known)


def _named(codes: Collection[str], known: Sequence[Hall]) -> list[dict[str, str]]:
    """In the catalogue's order, named in the language of the request; one that it lost comes last with its code."""
    names = {hall.code: hall.name.in_language(request_language()) for hall in known if hall.code in codes}
    lost = sorted(set(codes) - set(names))
    return [{"code": code, "name": name} for code, name in [*names.items(), *zip(lost, lost, strict=True)]]
