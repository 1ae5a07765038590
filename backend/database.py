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


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to a revision. Waits at most two seconds for any lock."""
    engine = sa.create_engine(url, connect_args={"options": "-c lock_timeout=2s"})
    try:
        with engine.connect() as connection:
            command.upgrade(config(connection), revision)
            connection.commit()
    finally:
        engine.dispose()
