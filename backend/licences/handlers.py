"""Reactions to what other features tell."""

from uuid import UUID

from sqlalchemy import update

from backend.core.db import transaction
from backend.licences.models import LicenceFetch


def on_person_merged(kept: str, former: str) -> None:
    """Two records were one person: what was looked up follows the one that remains."""
    with transaction() as session:
        session.execute(update(LicenceFetch).where(LicenceFetch.person_id == UUID(former)).values(person_id=UUID(kept)))
