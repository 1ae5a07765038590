"""What the worker does about versions."""

from backend.catalogue.versions import projection
from backend.core import db


def take_effect() -> None:
    """Every minute: versions whose time has come are put in force."""
    with db.transaction() as session:
        projection.take_effect_due(session)
