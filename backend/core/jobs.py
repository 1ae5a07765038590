"""Background jobs: procrastinate on our own PostgreSQL.

A job is deferred on the session's own connection, so it exists exactly when its cause was committed.
Tasks are deferred by name; backend/worker.py holds the one table of names and handlers.
"""

from collections.abc import Iterable
from typing import Any

import procrastinate
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core import context

_app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
_handled: frozenset[str] = frozenset()


def register(tasks: Iterable[str]) -> None:
    """The names in the worker's table: web and worker say them at their start, so that `announce` knows who listens."""
    global _handled
    _handled = frozenset(tasks)


def defer(session: Session, task: str, *, lock: str | None = None, **arguments: Any) -> None:
    """Queue `task` in the caller's transaction. Arguments are JSON: ids, not copies."""
    connection = session.connection().connection.driver_connection
    job = _app.configure_task(task, allow_unknown=True, lock=lock, connection=connection)
    job.defer(request_id=context.request_id.get(), **arguments)


def announce(session: Session, event: str, *, subject_type: str, **arguments: Any) -> None:
    """Queue `EVENT.SUBJECT_TYPE` for the feature that owns the subject, which the caller does not know.

    Nothing is queued when no feature handles that: a job without a handler would fail for ever.
    """
    task = f"{event}.{subject_type}"
    if task in _handled:
        defer(session, task, subject_type=subject_type, **arguments)


def broken_jobs(session: Session) -> list[tuple[int, str]]:
    """Jobs that gave up, or whose worker is gone, for `make doctor`."""
    rows = session.execute(
        text("""
        SELECT j.id, j.task_name, j.status::text AS status FROM procrastinate_jobs j
        LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
        WHERE j.status = 'failed'
           OR j.status = 'doing' AND coalesce(w.last_heartbeat, '-infinity') < now() - interval '5 minutes'
        ORDER BY j.id
        """)
    )
    words = {"failed": "gave up", "doing": "was left by its worker"}
    return [(row.id, f"({row.task_name}) {words[row.status]}") for row in rows]
