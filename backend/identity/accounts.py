"""账号: whom a hall's lead lets work in the hall. The platform's operator may also appoint leads, hall by hall.

A manager sees who has a role in their hall, and changes only accounts all of whose roles they may give themselves:
nobody takes over the account of somebody with more rights, nor one that works elsewhere too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from backend.core import audit, clock, crypto, errors
from backend.identity.models import LoginSession, Staff, StaffRole
from backend.identity.sessions import STAFF_IDLE
from backend.identity.staff import Credentials, UsernameTaken, add_account

GIVEN_BY_LEADS: Final = frozenset({"gate", "window_clerk", "approver", "issuing_desk", "partner"})
GIVEN_BY_OPERATORS: Final = GIVEN_BY_LEADS | {"hall_lead"}


class RoleNotYours(errors.Forbidden):
    """A role that this manager may not give."""

    code = "role_not_yours"
    title = errors.Text("这个角色你不能给，请找平台管理员", "You may not give this role. Ask the platform's operator")


class AccountOutOfReach(errors.Forbidden):
    """The account has rights beyond the manager's, or works in another hall too."""

    code = "account_out_of_reach"
    title = errors.Text(
        "这个账号还有别的大厅或更高的角色，请找平台管理员改",
        "This account has a higher role or works in another hall too. Ask the platform's operator",
    )


class OwnAccount(errors.Conflict):
    """Nobody changes their own account, so that nobody locks themselves out or raises themselves."""

    code = "own_account"
    title = errors.Text("不能改自己的账号，请找另一位主管", "You cannot change your own account. Ask another lead")


@dataclass(frozen=True)
class Manager:
    """Who manages accounts, of which hall; operators appoint leads too."""

    id: UUID
    hall_code: str
    appoints: bool

    @property
    def actor(self) -> str:
        return f"staff:{self.id}"

    @property
    def gives(self) -> frozenset[str]:
        return GIVEN_BY_OPERATORS if self.appoints else GIVEN_BY_LEADS

    def reaches(self, roles: Collection[tuple[str, str]]) -> bool:
        """Whether all these roles are the manager's to give; an operator's reach is every single hall."""
        return all(
            role in self.gives and (hall == self.hall_code or (self.appoints and hall != "*")) for role, hall in roles
        )


def of_hall(session: Session, manager: Manager) -> list[dict[str, Any]]:
    """Accounts with a role in the hall, by user name. Roles in every hall (`*`) are the platform's, not the hall's."""
    here = select(StaffRole.staff_id).where(StaffRole.hall_code == manager.hall_code)
    accounts = session.scalars(select(Staff).where(Staff.id.in_(here)).order_by(Staff.username)).all()
    return [view(session, manager, account) for account in accounts]


def view(session: Session, manager: Manager, account: Staff) -> dict[str, Any]:
    """One account as its manager sees it; of roles elsewhere only that there are some."""
    roles = _roles(session, account.id)
    sessions, seen_at = _sessions(session, account.id)
    locked = account.locked_until is not None and account.locked_until > clock.now()
    return {
        "id": account.id,
        "username": account.username,
        "display_name": account.display_name,
        "roles": sorted(role for role, hall in roles if hall == manager.hall_code),
        "elsewhere": any(hall != manager.hall_code for _, hall in roles),
        "active": account.active,
        "locked_until": account.locked_until if locked else None,
        "sessions": sessions,
        "seen_at": seen_at,
        "manageable": account.id != manager.id and manager.reaches(roles),
    }


def create(
    session: Session,
    manager: Manager,
    *,
    username: str,
    display_name: str,
    roles: Collection[str],
    reason: str,
    credentials: Credentials,
) -> Staff:
    """A new account of the hall. Raises RoleNotYours and UsernameTaken."""
    _refuse_roles(manager, roles)
    made = add_account(
        session,
        username=username,
        display_name=display_name,
        credentials=credentials,
        roles=[(role, manager.hall_code) for role in sorted(set(roles))],
    )
    if made is None:
        raise UsernameTaken()
    account = session.get_one(Staff, made)
    after = {"username": username, "display_name": display_name, "roles": sorted(set(roles))}
    _record(session, manager, account, "staff.created", reason, before={}, after=after)
    return account


def change_roles(session: Session, manager: Manager, staff_id: UUID, *, roles: Collection[str], reason: str) -> Staff:
    """The account has exactly these roles in the hall from now on; they count with its next request.

    Raises NotFound, OwnAccount, AccountOutOfReach and RoleNotYours.
    """
    _refuse_roles(manager, roles)
    account = _mine(session, manager, staff_id)
    here = StaffRole.staff_id == staff_id, StaffRole.hall_code == manager.hall_code
    before = sorted(session.scalars(select(StaffRole.role).where(*here)))
    session.execute(delete(StaffRole).where(*here))
    rows = [{"staff_id": staff_id, "role": role, "hall_code": manager.hall_code} for role in sorted(set(roles))]
    session.execute(insert(StaffRole), rows)
    after = {"roles": sorted(set(roles))}
    _record(session, manager, account, "staff.roles_changed", reason, before={"roles": before}, after=after)
    return account


def set_active(session: Session, manager: Manager, staff_id: UUID, *, active: bool, reason: str) -> Staff:
    """停用 ends every session at once; 启用 also forgets failed logins. Raises as `change_roles`."""
    account = _mine(session, manager, staff_id)
    before, account.active = account.active, active
    if active:
        account.failures, account.locked_until = 0, None
    else:
        _end_sessions(session, staff_id)
    session.flush()
    action = "staff.unlocked" if active else "staff.locked_by_lead"
    _record(session, manager, account, action, reason, before={"active": before}, after={"active": active})
    return account


def reset(
    session: Session,
    manager: Manager,
    staff_id: UUID,
    *,
    password: bool,
    totp: bool,
    reason: str,
    credentials: Credentials,
) -> Staff:
    """A new password, a new secret of one-time codes, or both; every session ends. Raises as `change_roles`."""
    account = _mine(session, manager, staff_id)
    if password:
        account.password_hash = credentials.password_hash
        account.failures, account.locked_until = 0, None
    if totp:
        account.totp_secret = crypto.seal(credentials.secret, table="staff", column="totp_secret", row=account.id)
        account.totp_step = 0
    session.flush()
    ended = _end_sessions(session, staff_id)
    after = {"password": password, "totp": totp, "sessions_ended": ended}
    _record(session, manager, account, "staff.reset", reason, before={}, after=after)
    return account


def end_sessions(session: Session, manager: Manager, staff_id: UUID, *, reason: str) -> Staff:
    """Sign this member of staff out everywhere. Raises as `change_roles`."""
    account = _mine(session, manager, staff_id)
    ended = _end_sessions(session, staff_id)
    _record(session, manager, account, "staff.signed_out", reason, before={"sessions": ended}, after={"sessions": 0})
    return account


def _mine(session: Session, manager: Manager, staff_id: UUID) -> Staff:
    """The account, locked, when the manager may change it; one without a role in the hall does not exist for them."""
    account = session.scalars(
        select(Staff).where(Staff.id == staff_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    roles = _roles(session, staff_id)
    if account is None or not any(hall == manager.hall_code for _, hall in roles):
        raise errors.NotFound()
    if account.id == manager.id:
        raise OwnAccount()
    if not manager.reaches(roles):
        raise AccountOutOfReach()
    return account


def _roles(session: Session, staff_id: UUID) -> set[tuple[str, str]]:
    rows = session.execute(select(StaffRole.role, StaffRole.hall_code).where(StaffRole.staff_id == staff_id))
    return {(row.role, row.hall_code) for row in rows}


def _refuse_roles(manager: Manager, roles: Collection[str]) -> None:
    if not set(roles) <= manager.gives:
        raise RoleNotYours()


def _sessions(session: Session, staff_id: UUID) -> tuple[int, datetime | None]:
    live = (LoginSession.expires_at > clock.now()) & (LoginSession.seen_at > clock.now() - STAFF_IDLE)
    found = session.execute(
        select(func.count().filter(live).label("live"), func.max(LoginSession.seen_at).label("seen_at")).where(
            LoginSession.staff_id == staff_id
        )
    ).one()
    return found.live, found.seen_at


def _end_sessions(session: Session, staff_id: UUID) -> int:
    gone = session.scalars(
        delete(LoginSession).where(LoginSession.staff_id == staff_id).returning(LoginSession.id)
    ).all()
    return len(gone)


def _record(
    session: Session,
    manager: Manager,
    account: Staff,
    action: str,
    reason: str,
    *,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    audit.record(
        session,
        actor=manager.actor,
        action=action,
        object_type="staff",
        object_id=account.id,
        hall_code=manager.hall_code,
        reason=reason,
        data={"before": before, "after": after},
    )
