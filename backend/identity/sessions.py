"""Sessions: opaque 256-bit tokens, stored hashed (reliability S1, S4)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from backend.core import clock, crypto, db
from backend.core.auth import Principal
from backend.core.prepared import Prepared
from backend.identity.models import LoginSession, Person, Staff, StaffRole
from backend.identity.roles import permissions_of

CITIZEN_LIFE = timedelta(days=30)
STAFF_LIFE = timedelta(hours=12)
STAFF_IDLE = timedelta(minutes=30)
TOUCH_EVERY = timedelta(minutes=5)
PURGED_AFTER = timedelta(days=1)
"""By then the hourly purge has come by, unless no worker runs."""


@dataclass(frozen=True)
class Started:
    """A new session: the token goes to the client, and nowhere else."""

    token: str
    csrf_token: str
    max_age_s: int


class _Live(NamedTuple):
    id: UUID
    person_id: UUID | None
    staff_id: UUID | None
    hall_code: str | None
    csrf_token: str
    seen_at: datetime
    level: int | None
    roles: str | None


_SESSION, _PERSON = cast("Table", LoginSession.__table__), cast("Table", Person.__table__)
_STAFF, _ROLE = cast("Table", Staff.__table__), cast("Table", StaffRole.__table__)
_ROLES = (
    select(func.string_agg(_ROLE.c.role + "@" + _ROLE.c.hall_code, " "))
    .where(_ROLE.c.staff_id == _STAFF.c.id)
    .correlate(_STAFF)
    .scalar_subquery()
)
_BY_TOKEN = Prepared(
    select(
        _SESSION.c.id,
        _SESSION.c.person_id,
        _SESSION.c.staff_id,
        _SESSION.c.hall_code,
        _SESSION.c.csrf_token,
        _SESSION.c.seen_at,
        _PERSON.c.level,
        _ROLES.label("roles"),
    )
    .outerjoin(_PERSON, _PERSON.c.id == _SESSION.c.person_id)
    .outerjoin(_STAFF, _STAFF.c.id == _SESSION.c.staff_id)
    .where(
        _SESSION.c.token_hash == bindparam("token_hash"),
        _SESSION.c.expires_at > bindparam("now", type_=db.UTCDateTime()),
        func.coalesce(_STAFF.c.active, True),
    )
)
"""One statement a request."""


def load_principal(token: str) -> Principal | None:
    """The principal of a live session, or None."""
    now = clock.now()
    with db.reading() as session:
        asked = {"token_hash": crypto.token_hash(token), "now": now}
        found = _BY_TOKEN.run(session, asked)
        if not found:
            return None
        row = _Live(*found[0])
        if row.staff_id is not None and now - row.seen_at > STAFF_IDLE:
            return None
        if now - row.seen_at > TOUCH_EVERY:
            session.execute(update(LoginSession).where(LoginSession.id == row.id).values(seen_at=now))
    if row.person_id is not None:
        return Principal("citizen", row.person_id, row.id, level=row.level or 0, csrf_token=row.csrf_token)
    pairs = [pair.split("@") for pair in (row.roles or "").split()]
    roles = frozenset(role for role, hall in pairs if hall in {"*", row.hall_code})
    return Principal(
        "staff",
        cast("UUID", row.staff_id),
        row.id,
        roles=roles,
        permissions=permissions_of(roles),
        hall_code=row.hall_code if roles else None,
        csrf_token=row.csrf_token,
    )


def start(
    session: Session,
    *,
    person_id: UUID | None = None,
    staff_id: UUID | None = None,
    replacing: UUID | None = None,
) -> Started:
    """Open a session with a fresh token; the one this browser had before (`replacing`) ends (fixation).

    Staff begin in their only hall, or in the first of several.
    """
    if replacing:
        end(session, replacing)
    life = CITIZEN_LIFE if person_id else STAFF_LIFE
    started = Started(secrets.token_urlsafe(32), secrets.token_urlsafe(24), int(life.total_seconds()))
    now = clock.now()
    session.execute(
        insert(LoginSession).values(
            id=db.new_id(),
            token_hash=crypto.token_hash(started.token),
            person_id=person_id,
            staff_id=staff_id,
            hall_code=select(func.min(StaffRole.hall_code))
            .where(StaffRole.staff_id == staff_id, StaffRole.hall_code != "*")
            .scalar_subquery(),
            csrf_token=started.csrf_token,
            created_at=now,
            seen_at=now,
            expires_at=now + life,
        )
    )
    return started


def move(session: Session, session_id: UUID, hall_code: str) -> None:
    """Work in another hall from now on; whether one may is the caller's to decide."""
    session.execute(update(LoginSession).where(LoginSession.id == session_id).values(hall_code=hall_code))


def end(session: Session, session_id: UUID) -> None:
    """Log out: the token is worthless from now on."""
    session.execute(delete(LoginSession).where(LoginSession.id == session_id))


def purge(session: Session) -> None:
    """Drop sessions whose time is over."""
    session.execute(delete(LoginSession).where(LoginSession.expires_at < clock.now()))
