"""Several workers reconcile one day at once: every difference is one row, every payment is booked once."""

import os
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from backend import doctor
from backend.core import clock, db
from backend.core.config import Settings
from backend.core.errors import Text
from payments import attempts, bills, ledger
from payments.gateways.base import Scene
from tests.conftest import make_settings
from tests.payments import recon_racers
from tests.payments.conftest import add_income
from tests.processes import processes

SCALE = int(os.environ.get("RACE_SCALE", "1"))
PAYMENTS = 30 * SCALE
WORKERS = 3


@pytest.fixture
def arena(fresh_database: str) -> Iterator[Settings]:
    settings = make_settings(fresh_database)
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    recon_racers.connect(settings, recon_racers.MORNING)
    yield settings
    db.engine().dispose()
    clock.replace(None)
    db._engine, db._sessions, db._autocommit_sessions = before


def orders() -> list[str]:
    """Orders of as many bills, of which no notice ever came."""
    terms = attempts.Terms(
        channel="wechat_pay",
        scene=Scene.H5,
        app_id="wx-official",
        merchant_id="test-merchant",
        client_ip="192.0.2.7",
    )
    numbers = []
    with db.transaction() as session:
        add_income(session)
    for number in range(PAYMENTS):
        with db.transaction() as session:
            order = bills.Order(
                region_code="350299",
                lines=(bills.Line("copy-a"),),
                accepted_on=recon_racers.DAY,
                payer=bills.Payer("张测试"),
                subject_type="counter",
                subject_id=str(number),
                title=Text("普通护照", "Passport"),
            )
            bill = bills.issue(session, order, actor="test")
            attempt_id = attempts.begin(session, bill_id=bill.id, terms=terms, payer_id=None)
        numbers.append(attempt_id.hex)
    return numbers


def rows(query: str) -> list[tuple[object, ...]]:
    with db.reading() as session:
        return [tuple(row) for row in session.execute(text(query))]


def test_a_day_reconciled_by_several_workers_at_once_is_reconciled_once(arena: Settings) -> None:
    numbers = orders()
    context, start_at = processes(), time.time() + 1.5
    workers = [context.Process(target=recon_racers.reconcile, args=(arena, numbers, start_at)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    clock.replace(lambda: recon_racers.NEXT_DAY)
    assert rows("SELECT count(*), count(DISTINCT number) FROM recon_line") == [(PAYMENTS, PAYMENTS)]
    assert rows("SELECT kind, state, count(*) FROM recon_difference GROUP BY 1, 2") == [
        ("lost_notice", "closed", PAYMENTS)
    ]
    assert rows("SELECT state, count(*) FROM bill GROUP BY 1") == [("paid", PAYMENTS)]
    assert rows("SELECT count(*) FROM journal WHERE kind = 'payment'") == [(PAYMENTS,)]
    with db.transaction() as session:
        while ledger.seal(session):
            pass
    assert [finding for finding in doctor.examine() if finding.startswith("payments")] == []
