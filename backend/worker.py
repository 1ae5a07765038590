"""The worker: queued jobs by procrastinate, and the short loops that run every second or less.

`TASKS` is the one table of task names and handlers; upper features are deferred to by these names.
"""

import asyncio
import importlib
import logging
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import procrastinate
from sqlalchemy.dialects.postgresql import insert

from backend.core import audit, clock, context, crypto, db, idempotency, jobs, limits, metrics
from backend.core.config import Settings
from backend.core.tables import WorkerHeartbeat
from backend.files import storage
from backend.files.storage import DiskStorage
from backend.identity import sessions, staff

log = logging.getLogger(__name__)

TASKS: dict[str, str] = {
    "identity.person_merged": "backend.appointments.handlers:on_person_merged",
    "applications.person_merged": "backend.applications.handlers:on_person_merged",
    "bill.settled.case": "backend.applications.handlers:on_bill_settled",
    "shipment.handed_over.case": "backend.applications.handlers:on_shipment_delivered",
    "shipment.held.case": "backend.applications.handlers:on_shipment_held",
    "licences.person_merged": "backend.licences.handlers:on_person_merged",
    "hotline.person_merged": "backend.hotline.handlers:on_person_merged",
    "credit.person_merged": "backend.credit.handlers:on_person_merged",
    "appointments.cancel_closed": "backend.appointments.jobs:cancel_closed",
    "reports.write_export": "backend.reports.jobs:write_export",
}
"""Deferred by name, with the arguments of `jobs.defer`.

`bill.settled.SUBJECT_TYPE` hears in the worker that a bill of its subject is paid: subject_type, subject_id, bill_id.
"""

PERIODIC: tuple[tuple[str, str], ...] = (
    ("* * * * *", "backend.appointments.jobs:sweep_holds"),
    ("* * * * *", "backend.appointments.jobs:return_places"),
    ("* * * * *", "backend.appointments.jobs:cancel_closed"),
    ("*/10 * * * *", "backend.appointments.jobs:cancel_ended"),
    ("* * * * *", "backend.appointments.jobs:fall_to_onsite"),
    ("* * * * *", "backend.appointments.jobs:mark_missed"),
    ("*/10 * * * *", "backend.appointments.jobs:materialise_slots"),
    ("37 * * * *", "backend.appointments.jobs:forget_beats"),
    ("*/10 * * * *", "backend.queueing.jobs:close_days"),
    ("* * * * *", "backend.appointments.jobs:remind"),
    ("* * * * *", "backend.catalogue.versions.jobs:take_effect"),
    ("* * * * *", "notify.jobs:reconcile_receipts"),
    ("1-59/10 * * * *", "payments.jobs:expire_bills"),
    ("5 1 * * *", "payments.jobs:warn_overdue"),
    ("3-59/10 * * * *", "backend.applications.jobs:expire_applications"),
    ("7 * * * *", "backend.applications.jobs:lapse_unanswered"),
    ("11 * * * *", "backend.applications.jobs:end_special_steps"),
    ("13 * * * *", "backend.applications.jobs:recount_unknown"),
    ("*/5 * * * *", "backend.applications.jobs:warn_transfers"),
    ("30 0 * * *", "backend.applications.jobs:warn_overdue"),
    ("* * * * *", "backend.files.jobs:sweep"),
    ("* * * * *", "backend.licences.jobs:give_up_unanswered"),
    ("47 2 * * *", "backend.files.jobs:sweep_orphans"),
    ("7 1 * * *", "express.jobs:warn_overdue"),
    ("19 * * * *", "backend.reports.jobs:forget_exports"),
    ("27 * * * *", "backend.official.jobs:forget_callbacks"),
    ("*/10 * * * *", "backend.devices.jobs:forget_nonces"),
    ("23 * * * *", "backend.privacy.jobs:purge"),
)
"""Cron line (UTC) and function; each opens its own transactions and is safe to run twice."""

LOOPS: tuple[tuple[float, str], ...] = (
    (0.5, "notify.jobs:dispatch_due"),
    (1.0, "backend.worker:seal_audit"),
    (1.0, "payments.jobs:poll_due"),
    (1.0, "payments.jobs:send_due"),
    (1.0, "payments.jobs:seal_books"),
    (1.0, "backend.files.jobs:check_due"),
    (2.0, "backend.hotline.jobs:send_due"),
    (2.0, "backend.province.jobs:push_due"),
    (2.0, "backend.credit.jobs:ask_due"),
    (10.0, "notify.jobs:measure_waiting"),
    (5.0, "payments.receipt_jobs:tell_due"),
    (5.0, "payments.recovery:recover_due"),
    (60.0, "payments.jobs:grow_late"),
    (2.0, "backend.reports.jobs:refresh_ledger"),
    (600.0, "backend.applications.jobs:accept_silent"),
    (60.0, "payments.reconciliation.jobs:reconcile_due"),
    (1.0, "express.jobs:call_due"),
    (15.0, "express.jobs:track_due"),
    (3600.0, "backend.worker:forget_old_keys"),
    (3600.0, "express.jobs:forget"),
    (600.0, "payments.receipt_jobs:look_for_other_channels"),
    (3600.0, "payments.keeping:forget_notices"),
    (3.0, "backend.privacy.jobs:make_exports"),
    (60.0, "backend.privacy.jobs:erase_due"),
    (10.0, "backend.worker:beat"),
)
"""Seconds between runs and function."""

MAX_TRIES = 10
TAKE_UP = "backend.worker:take_up"


def seal_audit() -> None:
    """Seal new audit rows into the chain."""
    with db.transaction() as session:
        audit.seal(session)


def beat() -> None:
    """Say that this worker is alive."""
    name = f"{socket.gethostname()}"
    row = insert(WorkerHeartbeat).values(name=name, at=clock.now())
    with db.transaction() as session:
        session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"at": row.excluded.at}))


def forget_old_keys() -> None:
    """Drop idempotency keys, sessions, failed logins and rate buckets whose time is over."""
    with db.transaction() as session:
        idempotency.purge(session)
        sessions.purge(session)
        staff.purge(session)
    limits.purge()


def resolve(path: str) -> Callable[..., Any]:
    """`package.module:function` → the function."""
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish what has begun."""
    crypto.configure(crypto.Keyring.from_settings(settings))
    storage.configure(DiskStorage.from_settings(settings))
    db.configure(settings)
    jobs.register(TASKS)
    stop = threading.Event()
    loops = [
        threading.Thread(target=_loop, args=(path, resolve(path), seconds, stop, settings), name=path, daemon=True)
        for seconds, path in LOOPS
    ]
    for loop in loops:
        loop.start()
    try:
        asyncio.run(_run_queue(settings))
    finally:
        stop.set()
        for loop in loops:
            loop.join(timeout=10)


def queue(settings: Settings) -> procrastinate.App:
    """The queue with the handlers of TASKS."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=settings.database_url))
    for name, path in TASKS.items():
        app.task(name=name, retry=procrastinate.RetryStrategy(max_attempts=MAX_TRIES, exponential_wait=2))(
            _handler(name, path)
        )
    return app


async def _run_queue(settings: Settings) -> None:
    app = queue(settings)
    for cron, path in PERIODIC:
        task = app.task(name=path, queueing_lock=path)(_periodic(path))
        app.periodic(cron=cron)(task)
    app.periodic(cron="* * * * *")(app.task(name=TAKE_UP, queueing_lock=TAKE_UP)(partial(_take_up, app)))
    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=4, install_signal_handlers=False, delete_jobs="successful", shutdown_graceful_timeout=20
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.cancel)
        try:
            await worker
        except asyncio.CancelledError:
            log.info("worker_stopped")


async def _take_up(app: procrastinate.App, timestamp: int) -> None:
    """Jobs of workers that were killed go back into the queue; every handler may run twice."""
    for job in await app.job_manager.get_stalled_jobs():
        log.warning("job_taken_up", extra={"job": job.task_name})
        await app.job_manager.retry_job(job)


def _handler(name: str, path: str) -> Callable[..., None]:
    function = resolve(path)

    def handle(request_id: str = "-", **arguments: Any) -> None:
        context.request_id.set(request_id)
        _measured(name, function, **arguments)

    return handle


def _periodic(path: str) -> Callable[[int], None]:
    function = resolve(path)

    def tick(timestamp: int) -> None:
        context.request_id.set(uuid4().hex)
        _measured(path, function)

    return tick


def _measured(name: str, function: Callable[..., Any], **arguments: Any) -> None:
    try:
        function(**arguments)
    except Exception:
        metrics.JOBS.labels(name, "failed").inc()
        log.exception("job_failed", extra={"job": name})
        raise
    metrics.JOBS.labels(name, "done").inc()


def _loop(name: str, function: Callable[..., Any], seconds: float, stop: threading.Event, settings: Settings) -> None:
    """Run again and again; a failure is logged and the loop goes on."""
    wants_settings = function.__code__.co_argcount > 0
    while not stop.is_set():
        context.request_id.set(uuid4().hex)
        try:
            function(settings) if wants_settings else function()
        except Exception:
            log.exception("loop_failed", extra={"loop": name})
            stop.wait(5)
        stop.wait(seconds)
