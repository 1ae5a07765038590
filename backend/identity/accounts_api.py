"""The hall's accounts. The hall is the one the manager is signed in to, never one from the request."""

from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core import limits
from backend.core.auth import current_staff, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.identity import account_schemas as schemas
from backend.identity import accounts
from backend.identity.models import Staff
from backend.identity.staff import Credentials

blueprint = ApiBlueprint("hall-accounts", __name__, description="Accounts of a hall's staff")
blueprints = (blueprint,)

HASHES_PER_MINUTE = 20
ISSUER = "微政务"


@blueprint.get("/staff/accounts")
@staff("staff.manage")
@blueprint.response(200, schemas.AccountsSchema)
def list_accounts() -> dict[str, Any]:
    """Who works in my hall, and which roles I may give."""
    manager = _manager()
    with transaction() as session:
        return {"accounts": accounts.of_hall(session, manager), "gives": sorted(manager.gives)}


@blueprint.post("/staff/accounts")
@staff("staff.manage")
@blueprint.arguments(schemas.NewAccountSchema)
@blueprint.response(201, schemas.HandedOverSchema)
def create(body: dict[str, Any]) -> dict[str, Any]:
    """A new account. No Idempotency-Key: a stored answer would keep the password; the user name is unique instead."""
    manager, credentials = _manager(), _credentials()
    with transaction() as session:
        account = accounts.create(session, manager, **body, credentials=credentials)
        return _handed_over(session, manager, account, credentials, password=True, totp=True)


@blueprint.put("/staff/accounts/<uuid:staff_id>/roles")
@staff("staff.manage")
@blueprint.arguments(schemas.RolesSchema)
@blueprint.response(200, schemas.AccountSchema)
def change_roles(body: dict[str, Any], staff_id: UUID) -> dict[str, Any]:
    """Other roles in my hall, from the next request on."""
    manager = _manager()
    with transaction() as session:
        return accounts.view(session, manager, accounts.change_roles(session, manager, staff_id, **body))


@blueprint.put("/staff/accounts/<uuid:staff_id>/active")
@staff("staff.manage")
@blueprint.arguments(schemas.ActiveSchema)
@blueprint.response(200, schemas.AccountSchema)
def set_active(body: dict[str, Any], staff_id: UUID) -> dict[str, Any]:
    """停用: signed out everywhere at once and kept out; 启用."""
    manager = _manager()
    with transaction() as session:
        return accounts.view(session, manager, accounts.set_active(session, manager, staff_id, **body))


@blueprint.post("/staff/accounts/<uuid:staff_id>/reset")
@staff("staff.manage")
@blueprint.arguments(schemas.ResetSchema)
@blueprint.response(200, schemas.HandedOverSchema)
def reset(body: dict[str, Any], staff_id: UUID) -> dict[str, Any]:
    """A new password or secret of one-time codes, shown this once."""
    manager, credentials = _manager(), _credentials()
    with transaction() as session:
        account = accounts.reset(session, manager, staff_id, **body, credentials=credentials)
        return _handed_over(session, manager, account, credentials, password=body["password"], totp=body["totp"])


@blueprint.post("/staff/accounts/<uuid:staff_id>/sessions/end")
@staff("staff.manage")
@blueprint.arguments(schemas.WhySchema)
@blueprint.response(200, schemas.AccountSchema)
def end_sessions(body: dict[str, Any], staff_id: UUID) -> dict[str, Any]:
    """Sign this member of staff out everywhere."""
    manager = _manager()
    with transaction() as session:
        return accounts.view(session, manager, accounts.end_sessions(session, manager, staff_id, **body))


def _manager() -> accounts.Manager:
    principal = current_staff()
    return accounts.Manager(principal.id, principal.hall, "staff.appoint" in principal.permissions)


def _credentials() -> Credentials:
    limits.spend(f"staff-credentials:{current_staff().id}", capacity=HASHES_PER_MINUTE, per_seconds=60)
    return Credentials.fresh()


def _handed_over(
    session: Session, manager: accounts.Manager, account: Staff, made: Credentials, *, password: bool, totp: bool
) -> dict[str, Any]:
    label = quote(f"{ISSUER}:{account.username}")
    uri = f"otpauth://totp/{label}?{urlencode({'secret': made.secret, 'issuer': ISSUER})}"
    return {
        "account": accounts.view(session, manager, account),
        "password": made.password if password else None,
        "totp_secret": made.secret if totp else None,
        "totp_uri": uri if totp else None,
    }
