"""Staff accounts: argon2id, TOTP, lock-out per account and source (reliability S5 to S7)."""

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import ColumnElement, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.core import audit, clock, crypto, db, errors, limits
from backend.identity.models import LoginSource, Staff, StaffRole
from backend.identity.roles import PERMISSIONS

STEP_S = 30
LOCK_AFTER = 10
LOCKED_FOR = timedelta(minutes=15)
SOURCE_LOCK_AFTER = 50
"""Failures within fifteen minutes. A hall's staff share one address: each of fifty may be wrong once in a morning,
while a guesser is left with 200 tries an hour over all accounts together."""
LEAST_PASSWORD = 15
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY = _hasher.hash(secrets.token_urlsafe())
"""Checked when the account does not exist, so that both answers take the same time."""


class NotYourHall(errors.Forbidden):
    """A hall in which this member of staff has no role, or no hall at all: both look the same."""

    code = "not_your_hall"
    title = errors.Text("你不在这个大厅工作，请选别的大厅", "You do not work at this hall. Choose another")


class LoginRefused(errors.Unauthenticated):
    """Wrong name, password or one-time code, or locked: all look the same."""

    code = "staff_login_refused"
    title = errors.Text("账号、密码或动态码不对", "The user name, password or one-time code is wrong")


class UsernameTaken(errors.Conflict):
    """User names are unique over all halls."""

    code = "username_taken"
    title = errors.Text("这个账号名已经有人用了，请换一个", "This user name is taken. Choose another")

    def __init__(self) -> None:
        super().__init__(errors=[errors.FieldError("/username", self.title)])


@dataclass(frozen=True)
class Credentials:
    """What a member of staff signs in with, and its hash. Slow to make: outside any transaction."""

    password: str
    password_hash: str
    secret: str
    """TOTP secret, base32."""

    @classmethod
    def of(cls, password: str, secret: str | None = None) -> "Credentials":
        return cls(password, hashed(password), secret or base64.b32encode(secrets.token_bytes(20)).decode())

    @classmethod
    def fresh(cls) -> "Credentials":
        """A password of 20 letters and digits in groups of four, none of which look alike: 99 bits."""
        groups = ("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(5))
        return cls.of("-".join(groups))


@dataclass(frozen=True)
class Attempt:
    """What the slow password check needs; read in one transaction, judged outside it."""

    staff_id: UUID | None
    password_hash: str
    locked: bool
    """The account or the source: nothing is checked, nothing counted."""


def create_staff(
    session: Session,
    *,
    username: str,
    display_name: str,
    password: str,
    roles: list[tuple[str, str | None]],
    secret: str | None = None,
) -> str:
    """A new account; returns the TOTP secret (base32), which is shown once. Raises InvalidInput."""
    unknown = [role for role, _ in roles if role not in PERMISSIONS]
    if len(password) < LEAST_PASSWORD or unknown:
        raise errors.InvalidInput(errors.Text("密码至少 15 位，角色要存在", "15 characters at least, and known roles"))
    made = Credentials.of(password, secret)
    account = add_account(
        session, username=username, display_name=display_name, credentials=made, roles=[*dict.fromkeys(roles)]
    )
    if account is None:
        raise UsernameTaken()
    audit.record(session, actor="system", action="staff.created", object_type="staff", object_id=account)
    return made.secret


def add_account(
    session: Session,
    *,
    username: str,
    display_name: str,
    credentials: "Credentials",
    roles: Sequence[tuple[str, str | None]],
) -> UUID | None:
    """The new account's id, or None when somebody has this user name: the index decides."""
    row = db.new_id()
    made = session.scalar(
        upsert(Staff)
        .values(
            id=row,
            username=username,
            display_name=display_name,
            password_hash=credentials.password_hash,
            totp_secret=crypto.seal(credentials.secret, table="staff", column="totp_secret", row=row),
        )
        .on_conflict_do_nothing()
        .returning(Staff.id)
    )
    if made is not None and roles:
        rows = [{"staff_id": made, "role": role, "hall_code": hall or "*"} for role, hall in roles]
        session.execute(upsert(StaffRole).on_conflict_do_nothing(), rows)
    return made


def works_at(session: Session, staff_id: UUID, hall_code: str) -> bool:
    """Whether this member of staff has a role there; a role that is being taken away is waited for."""
    query = select(StaffRole.role).where(StaffRole.staff_id == staff_id, StaffRole.hall_code.in_((hall_code, "*")))
    return session.scalars(query.limit(1).with_for_update(read=True)).first() is not None


def look_up(session: Session, username: str, source: str) -> Attempt:
    """The account to check, or a stand-in when there is none."""
    row = session.execute(
        select(Staff.id, Staff.password_hash, Staff.locked_until).where(Staff.username == username, Staff.active)
    ).one_or_none()
    until = session.scalar(select(LoginSource.locked_until).where(LoginSource.source_index == _source_index(source)))
    now = clock.now()
    locked = any(moment is not None and moment > now for moment in (until, row.locked_until if row else None))
    if row is None:
        return Attempt(None, _NOBODY, locked)
    return Attempt(row.id, row.password_hash, locked)


def password_fits(attempt: Attempt, password: str) -> bool:
    """The slow check, outside any transaction."""
    try:
        return _hasher.verify(attempt.password_hash, password) and not attempt.locked
    except VerificationError:
        return False


def hashed(password: str) -> str:
    """What is stored of a password. Slow: outside any transaction."""
    return _hasher.hash(password)


def use_code(session: Session, staff_id: UUID, code: str) -> bool:
    """Accept a TOTP code of this or the neighbouring steps, each step once (RFC 6238 §5.2).

    The UPDATE decides against a lead who locks the account or resets the secret at the same moment.
    """
    sealed = session.scalar(select(Staff.totp_secret).where(Staff.id == staff_id))
    if sealed is None:
        return False
    secret = crypto.unseal(sealed, table="staff", column="totp_secret", row=staff_id)
    now = int(clock.now().timestamp()) // STEP_S
    for step in (now - 1, now, now + 1):
        if hmac.compare_digest(totp(secret, step), code):
            used = session.execute(
                update(Staff)
                .where(Staff.id == staff_id, Staff.totp_step < step, unlocked(Staff.locked_until))
                .where(Staff.active, Staff.totp_secret == sealed)
                .values(totp_step=step)
                .returning(Staff.id)
            )
            return used.first() is not None
    return False


def succeeded(session: Session, staff_id: UUID) -> None:
    """Forget earlier failures."""
    session.execute(update(Staff).where(Staff.id == staff_id).values(failures=0, locked_until=None))
    audit.record(session, actor=f"staff:{staff_id}", action="staff.logged_in", object_type="staff", object_id=staff_id)


def failed(session: Session, staff_id: UUID | None, source: str) -> None:
    """Count a failure of the account, if there is one, and of the source; enough of them lock for fifteen minutes."""
    if staff_id is not None:
        _count_account(session, staff_id)
    _count_source(session, _source_index(source))


def _count_account(session: Session, staff_id: UUID) -> None:
    failures = session.scalar(
        update(Staff)
        .where(Staff.id == staff_id, unlocked(Staff.locked_until))
        .values(failures=Staff.failures + 1)
        .returning(Staff.failures)
    )
    if failures is not None and failures >= LOCK_AFTER:
        session.execute(
            update(Staff).where(Staff.id == staff_id).values(failures=0, locked_until=clock.now() + LOCKED_FOR)
        )
        audit.record(session, actor="system", action="staff.locked", object_type="staff", object_id=staff_id)


def _count_source(session: Session, index: bytes) -> None:
    now = clock.now()
    old = LoginSource.since <= now - LOCKED_FOR
    failures = session.scalar(
        upsert(LoginSource)
        .values(source_index=index, failures=1, since=now)
        .on_conflict_do_update(
            index_elements=[LoginSource.source_index],
            set_={
                "failures": case((old, 1), else_=LoginSource.failures + 1),
                "since": case((old, now), else_=LoginSource.since),
            },
            where=unlocked(LoginSource.locked_until),
        )
        .returning(LoginSource.failures)
    )
    if failures is not None and failures >= SOURCE_LOCK_AFTER:
        session.execute(
            update(LoginSource)
            .where(LoginSource.source_index == index)
            .values(failures=0, since=now, locked_until=now + LOCKED_FOR)
        )
        audit.record(
            session, actor="system", action="staff.source_locked", object_type="login_source", object_id=index.hex()
        )


def unlocked(until: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    """Whether an account or a source may be tried now."""
    return until.is_(None) | (until <= clock.now())


def _source_index(source: str) -> bytes:
    return crypto.blind_index(source, field="staff.source")


def purge(session: Session) -> None:
    """Forget sources without a failure for a day."""
    session.execute(delete(LoginSource).where(LoginSource.since < clock.now() - timedelta(days=1)))


def limit(username: str, source: str) -> None:
    """Slow down guessing: 10 tries in 5 minutes for each account and source, 60 for each source."""
    account = crypto.blind_index(username, field="staff.limit").hex()
    limits.spend(f"staff-login:{account}:{source}", capacity=10, per_seconds=300)
    limits.spend(f"staff-source:{source}", capacity=60, per_seconds=300)


def totp(secret: str, step: int) -> str:
    """RFC 6238 with SHA-1 and six digits, as authenticator apps compute it."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


DEMO: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("gate.xm", "市大厅入口", (("gate", "XM"),)),
    ("window.xm", "市大厅窗口", (("window_clerk", "XM"),)),
    ("lead.xm", "市大厅主管", (("hall_lead", "XM"),)),
    ("approve.xm", "市大厅审批", (("approver", "XM"),)),
    ("issue.xm", "市大厅出件", (("issuing_desk", "XM"),)),
    ("bank.xm", "银行代办点", (("partner", "XM"),)),
    ("window.sm", "思明大厅窗口", (("window_clerk", "SM"),)),
    ("gate.sm", "思明大厅入口", (("gate", "SM"),)),
    ("gate.both", "市大厅和思明大厅入口", (("gate", "XM"), ("gate", "SM"))),
    ("operator", "平台管理员", (("platform_operator", "*"),)),
    ("reviewer", "平台审核员", (("platform_operator", "*"),)),
    ("eval.xm", "第三方评估", (("evaluator", "*"),)),
    ("finance.one", "财政审核一", (("finance", "*"),)),
    ("finance.two", "财政审核二", (("finance", "*"),)),
)
"""User name, display name and roles of a development run's accounts."""


def seed_demo(session: Session, *, password: str, secret: str) -> None:
    """Demo accounts of a development run, unless they are there."""
    for username, name, roles in DEMO:
        if session.scalar(select(Staff.id).where(Staff.username == username)) is None:
            create_staff(
                session, username=username, display_name=name, password=password, roles=list(roles), secret=secret
            )


def demo_logins(*, password: str, secret: str) -> list[str]:
    """One line for each demo account: user, password, one-time code secret, and the code of this moment."""
    code = totp(secret, int(clock.now().timestamp()) // STEP_S)
    return [f"{username}  {password}  {secret}  {code}  ({name})" for username, name, _ in DEMO]
