"""What happens to applications and cases by time alone. Each is safe to run twice."""

from backend.applications import drafts
from backend.core.db import transaction


def expire_applications() -> None:
    """Applications nobody touched for thirty days, batch by batch."""
    while True:
        with transaction() as session:
            if len(drafts.expire(session)) < drafts.EXPIRE_BATCH:
                return
