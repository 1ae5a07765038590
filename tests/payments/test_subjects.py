"""What is paid for hears of it: a job by name in the settling transaction, for subjects that somebody handles."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from backend import worker
from backend.core import db, jobs
from backend.core.db import transaction
from payments import attempts, bills, settlement
from payments import jobs as jobs_of_payments
from tests.conftest import make_settings
from tests.payments.cases import paid
from tests.payments.conftest import Desk

TASK = "bill.settled.case"
heard: list[dict[str, Any]] = []


def hear(**arguments: Any) -> None:
    """The handler of a feature above payments."""
    heard.append(arguments)


@pytest.fixture
def case_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feature that owns cases and has put its handler into the worker's table."""
    heard.clear()
    monkeypatch.setitem(worker.TASKS, TASK, f"{__name__}:hear")
    monkeypatch.setattr(jobs, "_handled", frozenset(worker.TASKS))


def queued(desk: Desk) -> list[Any]:
    rows = desk.rows("SELECT task_name, args - 'request_id' FROM procrastinate_jobs WHERE task_name LIKE 'bill.%'")
    return [(task, dict(arguments)) for task, arguments in rows]


def announced(bill: Any) -> list[Any]:
    arguments = {"subject_type": "case", "subject_id": bill.subject_id, "bill_id": str(bill.id)}
    return [(TASK, arguments)]


@pytest.mark.usefixtures("case_feature")
def test_the_subject_is_told_once_however_often_the_channel_says_so(desk: Desk) -> None:
    bill, attempt = paid(desk)
    assert queued(desk) == announced(bill)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    desk.poll()
    assert queued(desk) == announced(bill)


@pytest.mark.usefixtures("case_feature")
def test_money_at_a_bank_tells_the_subject_too(desk: Desk) -> None:
    bill = desk.bill()
    with transaction() as session:
        settlement.settle_elsewhere(session, bill_id=bill.id, paid_at=desk.clock.now, actor="finance:list")
    assert queued(desk) == announced(bill)


@pytest.mark.usefixtures("case_feature")
def test_money_in_suspense_tells_the_subject_when_two_people_settle_it(desk: Desk) -> None:
    bill = desk.bill(bills.Line("fine", decided_fen=20_000))
    attempt = desk.pay(bill)
    desk.wechat.pay(attempt.number, amount_fen=20_600)
    desk.clock.advance(days=16)
    desk.poll()
    jobs_of_payments.grow_late()
    assert (desk.state(attempt), queued(desk)) == ("suspense", [])
    with transaction() as session:
        attempts.propose(session, attempt_id=attempt.id, proposal="settle", actor="staff:1", reason="金额已对上")
    with transaction() as session:
        attempts.confirm(session, attempt_id=attempt.id, proposal="settle", actor="staff:2")
    assert queued(desk) == announced(bill)


@pytest.mark.usefixtures("case_feature")
def test_nothing_is_told_of_what_was_not_committed_or_nobody_handles(desk: Desk) -> None:
    bill = desk.bill()

    def settle_and_break() -> None:
        with transaction() as session:
            settlement.settle_elsewhere(session, bill_id=bill.id, paid_at=desk.clock.now, actor="finance:list")
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        settle_and_break()
    paid(desk, desk.bill(subject_type="decision"))
    assert queued(desk) == []


def test_without_the_feature_nothing_is_queued(desk: Desk) -> None:
    paid(desk)
    assert queued(desk) == []


@pytest.mark.usefixtures("case_feature", "isolated")
def test_the_worker_hands_the_job_to_the_handler_of_its_table(fresh_database: str) -> None:
    settings = make_settings(fresh_database)
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    db.configure(settings)
    told = {"subject_id": "A1", "bill_id": "B1"}
    try:
        with db.transaction() as session:
            jobs.announce(session, "bill.settled", subject_type="case", **told)
            jobs.announce(session, "bill.settled", subject_type="shipment", **told)
    finally:
        db.engine().dispose()
        db._engine, db._sessions, db._autocommit_sessions = before
    asyncio.run(work_off(settings))
    assert heard == [{"subject_type": "case", **told}]


async def work_off(settings: Any) -> None:
    app = worker.queue(settings)
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False)


def test_the_web_process_knows_the_worker_s_table() -> None:
    """Notices settle bills there: without the table they would tell nobody."""
    code = (
        "from tests.conftest import make_settings\n"
        "from backend.core import config, jobs\n"
        "config.Settings.from_env = classmethod(lambda cls: make_settings('postgresql://unused/unused'))\n"
        "import backend.wsgi, backend.worker\n"
        "assert jobs._handled == frozenset(backend.worker.TASKS) != frozenset()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
