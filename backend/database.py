"""Migrations from the command line and from tests."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

ROOT = Path(__file__).parent.parent


def config(connection: sa.Connection) -> Config:
    """Alembic's configuration bound to one connection."""
    settings = Config(toml_file=str(ROOT / "pyproject.toml"))
    settings.set_main_option("script_location", str(ROOT / "backend" / "migrations"))
    settings.attributes["connection"] = connection
    return settings


class DatabaseUnusable(Exception):
    """Nothing answers at DATABASE_URL, or it refuses. The message never holds the address, which has a password."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to a revision. Waits at most two seconds for any lock. Raises DatabaseUnusable."""
    engine = sa.create_engine(url, connect_args={"options": "-c lock_timeout=2s", "connect_timeout": 5})
    try:
        with _connected(engine) as connection:
            command.upgrade(config(connection), revision)
            connection.commit()
    finally:
        engine.dispose()


def _connected(engine: sa.Engine) -> sa.Connection:
    try:
        return engine.connect()
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise DatabaseUnusable(f"The database of DATABASE_URL cannot be used: {reason}") from None
