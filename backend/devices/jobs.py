"""Housekeeping of devices."""

from backend.core import db
from backend.devices import access


def forget_nonces() -> None:
    """Drop nonces whose requests are too old to be sent again."""
    with db.transaction() as session:
        access.forget_nonces(session)
