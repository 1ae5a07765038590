"""What an issue's numbers ask of the dispatcher: storms, killed workers, and no personal data anywhere."""

import json
import logging
import os
from collections import Counter
from datetime import timedelta

import pytest

from backend.core import db
from backend.core.config import Settings
from notify import doctor
from notify.jobs import dispatch_due
from notify.outcomes import BACK_OFF
from tests.conftest import Clock
from tests.notify.conftest import PARAMS, reachable, rows, write_notice
from tests.notify.senders import send_and_die
from tests.notify.test_dispatch import SEND
from tests.processes import processes
from tests.sandbox_server import RunningSandbox

SCALE = int(os.environ.get("RACE_SCALE", "1"))
NOTICES = 200 * SCALE
KILLS = 20 * SCALE


def test_a_storm_loses_nothing(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    """30 % of calls fail at random (seed 11), and WeChat is away for ten minutes of a clock that the test moves."""
    person = reachable(sandbox, "zhang")
    for _ in range(NOTICES):
        write_notice(person, useless_after=clock.now + timedelta(days=2))
    assert rows(database, "SELECT count(*) FROM notification WHERE read_at IS NULL") == [(NOTICES,)], "inbox at once"
    sandbox.faults(fail_ratio=0.3, seed=11)
    for minute in range(60):
        sandbox.faults(wechat="outage" if 3 <= minute < 13 else "normal")
        dispatch_due(database)
        clock.advance(minutes=1)
        if minute > 13 and rows(database, "SELECT count(*) FROM notification WHERE state = 'queued'") == [(0,)]:
            break
    for _ in range(44):
        clock.advance(hours=1)
        dispatch_due(database)
    final = dict(rows(database, "SELECT state, count(*) FROM notification GROUP BY state"))
    given_up = final.get("failed", 0)
    assert final["sent"] + given_up == NOTICES
    tried = rows(database, "SELECT attempts FROM notification WHERE state = 'failed'")
    assert tried == [(len(BACK_OFF),)] * given_up, "given up only after every attempt"
    assert given_up <= NOTICES // 500
    delivered = Counter(message["client_id"] for message in sandbox.messages("zhang"))
    assert len(delivered) == final["sent"]
    assert set(delivered.values()) == {1}
    with db.transaction() as session:
        assert doctor.invariants(session) == []


def test_killed_workers_send_nothing_twice(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    """A worker dies between sending and recording; the repeat falls into the ten minutes in which WeChat drops it.

    The clock stands still meanwhile, so that no lease of a dead worker ends before all have run.
    """
    person = reachable(sandbox, "li")
    context, killed = processes(), 0
    for number in range(KILLS):
        write_notice(person)
        worker = context.Process(target=send_and_die, args=(database, number, clock.now))
        worker.start()
        worker.join(60)
        killed += worker.exitcode != 0
    lost = rows(database, "SELECT count(*) FROM notification WHERE state = 'queued'")[0][0]
    assert lost == killed > 0
    clock.advance(seconds=61)
    dispatch_due(database)
    assert rows(database, "SELECT state, count(*) FROM notification GROUP BY state") == [("sent", KILLS)]
    unknown = rows(database, "SELECT count(*) FROM delivery WHERE state = 'unknown' AND error_code = 'worker_lost'")
    assert unknown == [(killed,)]
    assert sandbox.calls(SEND) == KILLS + killed
    assert len(sandbox.messages("li")) == KILLS


def test_no_message_and_no_log_line_tells_who_it_is(
    sandbox: RunningSandbox, database: Settings, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A canary: the person's name, number and phone are in the sandbox, and nowhere in what we write or send."""
    caplog.set_level(logging.DEBUG)
    person = reachable(sandbox, "zhang")
    known = sandbox.person("zhang")
    write_notice(person, params={**PARAMS, "person": "张**"})
    sandbox.faults(wechat="busy")
    dispatch_due(database)
    sandbox.faults(wechat="normal")
    clock.advance(minutes=1)
    dispatch_due(database)
    sent = json.dumps(sandbox.messages("zhang"), ensure_ascii=False)
    queued = str(rows(database, "SELECT args::text FROM procrastinate_jobs"))
    kept = str(rows(database, "SELECT params::text, link, dedupe_key FROM notification"))
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for place in (sent, queued, kept, logged):
        for canary in (known["name"], known["id_number"], known["phone"], known["openid_official"]):
            assert canary not in place
