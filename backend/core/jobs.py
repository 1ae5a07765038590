"""Background jobs: procrastinate on our own PostgreSQL.

A job is deferred on the session's own connection, so it exists exactly when its cause was committed.
Tasks are deferred by name; backend/worker.py holds the one table of names and handlers.
"""

from typing import Any

import procrastinate
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core import context

_app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def defer(session: Session, task: str, *, lock: str | None = None, **arguments: Any) -> None:
    """Queue `task` in the caller's transaction. Arguments are JSON: ids, not copies."""
    connection = session.connection().connection.driver_connection
    job = _app.configure_task(task, allow_unknown=True, lock=lock, connection=connection)
    job.defer(request_id=context.request_id.get(), **arguments)


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
