"""Short-lived links to contents: bound to one file and one session, good for five minutes (reliability S14)."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from backend.core import clock, crypto
from backend.core.auth import Principal
from backend.files import errors

LIFE = timedelta(minutes=5)


def make(file_id: UUID, asker: Principal) -> tuple[datetime, str]:
    """Until when a new link is good, and its query."""
    until = (clock.now() + LIFE).replace(microsecond=0)
    seconds = int(until.timestamp())
    return until, f"until={seconds}&seal={_seal(file_id, asker, seconds)}"


def check(file_id: UUID, asker: Principal, until: int, seal: str) -> None:
    """Raises LinkRefused for a link that was altered, has run out, or belongs to another session."""
    genuine = hmac.compare_digest(_seal(file_id, asker, until).encode(), seal.encode())
    if not genuine or until < clock.now().timestamp():
        raise errors.LinkRefused()


def _seal(file_id: UUID, asker: Principal, until: int) -> str:
    return crypto.blind_index(f"{file_id}/{asker.session_id}/{until}", field="file.link").hex()
