"""What a bench runs against: the seeded city on an embedded PostgreSQL, product and baselines under gunicorn."""

import os
import platform
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from flask import Flask

from backend import database, development, postgres
from backend.appointments import jobs
from backend.core import clock, crypto, db
from backend.core.config import Settings
from backend.seed import loader, opening
from tests.bench.clients import Load, Measured, Scenario
from tests.bench.stock import BEGINS, Stock, connect
from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
PROCESSES, THREADS = 2, 8
SERVERS = {"product": "backend.wsgi:app", "bare": "tests.bench.bare:app"}


@dataclass(frozen=True)
class Site:
    """The running servers, the stock they share and the load."""

    product: int
    bare: int
    folder: Path
    database_url: str
    app: Flask
    stock: Stock
    load: Load

    def measure(
        self, name: str, scenario: Scenario, clients: int, window_s: float, *, good: tuple[int, ...]
    ) -> Measured:
        """One window against `product` or `bare`, with the processor time of its workers and of PostgreSQL."""
        port = self.product if name == "product" else self.bare
        web, database_processes = _workers(name), self._database()
        before = _cpu_s(web), _cpu_s(database_processes)
        seen = self.load.measure(port, scenario, clients, window_s, good=good)
        seen.web_cpu_s, seen.database_cpu_s = _cpu_s(web) - before[0], _cpu_s(database_processes) - before[1]
        return seen

    def _database(self) -> list[psutil.Process]:
        with connect(self.database_url) as connection:
            backend = psutil.Process(connection.info.backend_pid)
            postmaster = backend.parent()
            assert postmaster
            return [child for child in postmaster.children() if child != backend]

    def serving(self) -> list[tuple[str, psutil.Process]]:
        """The product's web workers and every process of PostgreSQL."""
        return [
            *(("gunicorn", worker) for worker in _workers("product")),
            *(("postgresql", process) for process in self._database()),
        ]

    def memory_mib(self) -> dict[str, list[float]]:
        """Proportional memory of every worker, by server."""
        return {
            name: [round(worker.memory_full_info().pss / 2**20, 1) for worker in _workers(name)]
            for name in ("product", "bare")
        }


@contextmanager
def running() -> Iterator[Site]:
    """Everything started, and stopped again whatever happens."""
    var_dir = ROOT / "var" / "bench"
    folder = var_dir / "bare"
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (var_dir / "log").glob("*.log"):
        stale.unlink()
    ahead = clock.instant(BEGINS, datetime.min.time().replace(hour=9)) - datetime.now(UTC)
    clock.replace(lambda: datetime.now(UTC) + ahead)
    server = postgres.start(var_dir)
    database_name = f"bench_{uuid4().hex[:12]}"
    server.create(database_name)
    processes: list[development.Processes] = []
    load = Load()
    try:
        ports = free_port(), free_port()
        common = {
            "CLOCK_OFFSET_S": str(int(ahead.total_seconds())),
            "BENCH_FOLDER": str(folder),
            "WEB_PROCESSES": str(PROCESSES),
            "WEB_THREADS": str(THREADS),
            "PROMETHEUS_MULTIPROC_DIR": str(var_dir / "metrics"),
        }
        (var_dir / "metrics").mkdir(exist_ok=True)
        environ = development.environment(var_dir, server.url(database_name), ports[0], ports[0])
        environ |= common | {"DATABASE_URL": server.url(database_name), "PORT": str(ports[0]), "VAR_DIR": str(var_dir)}
        app = _seeded(Settings.from_env(environ))
        stock = Stock(server.url(database_name))
        (folder / "slots.txt").write_text("\n".join(map(str, stock.slots)))
        for (name, application), port in zip(SERVERS.items(), ports, strict=True):
            started = development.Processes(var_dir)
            started.environ = {**environ, "PORT": str(port)}
            processes.append(started)
            # A long measurement is more than the requests of one process, and a process that ends closes connections.
            started.start(name, "gunicorn", "-c", "backend/gunicorn.conf.py", "--max-requests", "0", application)
            started.wait_until_answers(f"http://127.0.0.1:{port}/livez")
        yield Site(ports[0], ports[1], folder, server.url(database_name), app, stock, load)
    finally:
        handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        load.stop()
        for started in processes:
            started.stop()
        clock.replace(None)
        if db._engine is not None:
            db.engine().dispose()
        server.drop(database_name)
        server.stop()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _seeded(settings: Settings) -> Flask:
    """Migrations, seed and slots; and the application in this process, for preparing."""
    from backend.app import create_app

    database.upgrade(settings.database_url)
    app = create_app(settings)
    crypto.configure(crypto.Keyring.from_settings(settings))
    with db.transaction() as session:
        loader.load(session)
    with db.transaction() as session:
        opening.load(session)
    jobs.materialise_slots()
    return app


def facts(site: Site) -> dict[str, Any]:
    """What the figures depend on."""
    with connect(site.database_url) as connection:
        version = connection.execute("SHOW server_version").fetchone()
        settings = connection.execute(
            "SELECT name, setting FROM pg_settings"
            " WHERE name IN ('fsync', 'synchronous_commit', 'shared_buffers', 'max_connections')"
        ).fetchall()
    model = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cpus": os.cpu_count(),
        "cpu": model[0] if model else platform.processor(),
        "memory_mib": round(psutil.virtual_memory().total / 2**20),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": version[0] if version else "?",
        "postgresql_settings": dict(settings),
        "gunicorn": f"{PROCESSES} processes x {THREADS} threads",
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _workers(name: str) -> list[psutil.Process]:
    masters = [child for child in psutil.Process().children() if SERVERS[name] in child.cmdline()]
    return [worker for master in masters for worker in master.children()]


def _cpu_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes if process.is_running()]
    return float(sum(used.user + used.system for used in times))
