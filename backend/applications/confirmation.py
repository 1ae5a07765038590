"""确认码: the citizen's six digits for partner points and village staff who file for them (clauses 2.1 and 5.1)."""

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications.errors import FilingCodeWrong
from backend.applications.models import Application, FilingCode
from backend.core import audit, clock, crypto

LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5


def draw(session: Session, person_id: UUID) -> tuple[str, datetime]:
    """A fresh code and its end; an older one is worthless at once."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    ends = clock.now() + LIFE
    values = {"code_hash": _hash(person_id, code), "tries_left": TRIES, "expires_at": ends}
    session.execute(
        insert(FilingCode)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=[FilingCode.person_id], set_=values)
    )
    return code, ends


def try_once(session: Session, person_id: UUID) -> bytes | None:
    """Use up one try and return the stored hash; None when none is left. In a transaction of its own, so it counts."""
    return session.execute(
        update(FilingCode)
        .where(FilingCode.person_id == person_id, FilingCode.tries_left > 0, FilingCode.expires_at > clock.now())
        .values(tries_left=FilingCode.tries_left - 1)
        .returning(FilingCode.code_hash)
    ).scalar_one_or_none()


def redeem(session: Session, application: Application, code: str, stored: bytes | None, *, actor: str) -> None:
    """The code is used up and the application confirmed. Raises FilingCodeWrong."""
    person_id = application.person_id
    if stored is None or not hmac.compare_digest(stored, _hash(person_id, code)):
        raise FilingCodeWrong()
    mine = (FilingCode.person_id == person_id, FilingCode.code_hash == stored)
    if session.execute(delete(FilingCode).where(*mine).returning(FilingCode.person_id)).first() is None:
        raise FilingCodeWrong()
    application.confirmed_at = clock.now()
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="application.confirmed",
        object_type="application",
        object_id=application.id,
        hall_code=application.hall_code,
    )


def _hash(person_id: UUID, code: str) -> bytes:
    return crypto.blind_index(f"{person_id}:{code}", field="filing.code")
