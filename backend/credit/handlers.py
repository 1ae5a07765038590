"""Reactions to what other features tell."""

from uuid import UUID

from backend.core.db import transaction
from backend.credit import service


def on_person_merged(kept: str, former: str) -> None:
    """Two records were one person."""
    with transaction() as session:
        service.adopt(session, person_id=UUID(kept), former_id=UUID(former))
