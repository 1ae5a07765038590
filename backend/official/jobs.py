"""What the worker does for the official account."""

from backend.core import db
from backend.official import service


def forget_callbacks() -> None:
    """Pushes of yesterday are not repeated any more."""
    with db.transaction() as session:
        service.purge(session)
