"""A worker that was killed leaves its job behind; another takes it up."""

import asyncio

import procrastinate
from sqlalchemy import create_engine, text

from backend import worker
from backend.core import db, jobs
from tests.conftest import make_settings


def test_the_job_of_a_killed_worker_is_queued_again(fresh_database: str, isolated: None) -> None:
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    db.configure(make_settings(fresh_database))
    try:
        with db.transaction() as session:
            jobs.defer(session, "identity.person_merged", kept="a", former="b")
            jobs.defer(session, "identity.person_merged", kept="c", former="d")
    finally:
        db.engine().dispose()
        db._engine, db._sessions, db._autocommit_sessions = before
    engine = create_engine(fresh_database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for age, job in (("1 hour", 1), ("1 second", 2)):
            connection.execute(
                text(
                    "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) "
                    "VALUES (now() - CAST(:age AS interval)) RETURNING id) "
                    "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead) WHERE id = :job"
                ),
                {"age": age, "job": job},
            )
        asyncio.run(_take_up(fresh_database))
        states = connection.execute(text("SELECT id, status::text FROM procrastinate_jobs ORDER BY id")).all()
    engine.dispose()
    assert [tuple(row) for row in states] == [(1, "todo"), (2, "doing")]


async def _take_up(address: str) -> None:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=address))
    async with app.open_async():
        await worker._take_up(app, 0)
