"""Races with real processes on PostgreSQL: one effect for each payment, whatever comes at once."""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from backend.core import clock, db
from backend.core.config import Settings
from backend.core.errors import Text
from payments import attempts, bills, doctor, jobs, ledger
from payments.attempt_models import Attempt
from payments.gateways.base import Channel, Scene
from payments.states import AttemptEvent
from tests.backend.appointments import racers as starters
from tests.conftest import make_settings
from tests.payments import racers
from tests.payments.conftest import add_income
from tests.payments.fake_channel import vars_of
from tests.processes import processes

SCALE = int(os.environ.get("RACE_SCALE", "1"))
PROCESSES = 4


@dataclass
class Ring:
    """A database of its own with income items."""

    settings: Settings
    payer: UUID

    def bill(self) -> UUID:
        order = bills.Order(
            region_code="350299",
            lines=[bills.Line("copy-a")],
            accepted_on=clock.today(),
            payer=bills.Payer("张测试", person_id=self.payer),
            subject_type="case",
            subject_id=uuid4().hex,
            title=Text("普通护照", "Passport"),
            hall_code="XM",
        )
        with db.transaction() as session:
            return bills.issue(session, order, actor="staff:race").id

    def open(self, count: int) -> list[Attempt]:
        """So many bills with an order each, all of which the channel took."""
        terms = attempts.Terms(Channel.WECHAT_PAY, Scene.H5, racers.APP, racers.MERCHANT, "192.0.2.7")
        made = []
        for _ in range(count):
            bill_id = self.bill()
            with db.transaction() as session:
                attempt_id = attempts.begin(session, bill_id=bill_id, terms=terms, payer_id=self.payer)
                attempt = session.get_one(Attempt, attempt_id)
                attempts.note(session, attempt, AttemptEvent.CREATED, actor="race")
                made.append(attempt)
        return made

    def rows(self, query: str) -> list[Any]:
        with db.transaction() as session:
            return [tuple(row) for row in session.execute(text(query))]

    def check(self) -> None:
        jobs.seal_books()
        with db.transaction() as session:
            assert doctor.invariants(session) == []
            assert ledger.broken_links(session) == []


@pytest.fixture
def ring(fresh_database: str) -> Iterator[Ring]:
    settings = make_settings(fresh_database)
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    starters.connect(settings)
    with db.transaction() as session:
        add_income(session)
    yield Ring(settings, uuid4())
    db.engine().dispose()
    clock.replace(None)
    db._engine, db._sessions, db._autocommit_sessions = before


def body_of(attempt: Attempt, event_id: str) -> bytes:
    content = {"event_id": event_id, "sent_at": clock.now().isoformat(), "signature": "good"}
    return json.dumps({**content, "payment": vars_of(racers.paid_answer(attempt.number))}).encode()


def test_p03_notices_in_parallel_shuffled_and_repeated_have_one_effect_each(ring: Ring) -> None:
    """300 payments with 1 to 15 notices each at full size, some under new ids (P4); seed 3."""
    draw = random.Random(3)
    made = ring.open(30 * SCALE)
    bodies = [
        body_of(attempt, f"E-{attempt.number}" if draw.random() < 0.7 else uuid4().hex)
        for attempt in made
        for _ in range(draw.randint(1, 15))
    ]
    draw.shuffle(bodies)
    taken = starters.race(racers.deliver_all, [(ring.settings, bodies[n::PROCESSES]) for n in range(PROCESSES)])
    assert taken == {"taken": len(bodies)}
    assert ring.rows("SELECT state, count(*) FROM bill GROUP BY state") == [("paid", len(made))]
    assert ring.rows("SELECT kind, count(*) FROM journal GROUP BY kind ORDER BY kind") == [
        ("payment", len(made)),
        ("settlement", len(made)),
    ]
    assert ring.rows("SELECT count(*) FROM notification WHERE template = 'bill_paid'") == [(len(made),)]
    ring.check()


def test_p32_clicks_from_several_devices_open_one_order(ring: Ring) -> None:
    bill_id = ring.bill()
    clicked = starters.race(racers.click_all, [(ring.settings, bill_id, ring.payer, 10)] * PROCESSES)
    assert len(clicked) == 1, clicked
    assert ring.rows("SELECT count(*) FROM payment_attempt") == [(1,)]


def test_p34_p35_closing_and_paying_at_the_same_moment_settles_once(ring: Ring) -> None:
    """The notice arrives while the deadline closes the order; whoever is first, the money counts."""
    made = ring.open(20 * SCALE)
    orders = {attempt.id: attempts.pay_order(attempt) for attempt in made}
    bodies = [body_of(attempt, uuid4().hex) for attempt in made]
    calls = [
        (racers.close_all, (ring.settings, [attempt.id for attempt in made], orders)),
        (racers.deliver_all, (ring.settings, bodies)),
        (racers.deliver_all, (ring.settings, bodies[::-1])),
    ]
    starters.run_all(calls)
    assert ring.rows("SELECT state, count(*) FROM payment_attempt GROUP BY state") == [("paid", len(made))]
    ring.check()


def test_p39_partial_refunds_at_once_never_exceed_the_payment(ring: Ring) -> None:
    [attempt] = ring.open(1)
    racers.deliver_all(ring.settings, [body_of(attempt, "E1")])
    asked = starters.race(racers.ask_all, [(ring.settings, attempt.bill_id, 5000, 5)] * PROCESSES)
    assert asked == {"asked": 2, "refund_too_much": 18}
    assert ring.rows("SELECT reserved_fen, refund_parts FROM payment_attempt") == [(10_000, 2)]
    ring.check()


def test_p25_with_every_notice_lost_polling_finds_all(ring: Ring) -> None:
    """1,000 payments at full size."""
    made = ring.open(100 * SCALE)
    starters.connect(ring.settings)
    clock.replace(lambda: starters.NOW + attempts.FIRST_POLL)
    assert jobs.poll(racers.gateways(racers.PaidChannel())) == len(made)
    assert ring.rows("SELECT state, count(*) FROM bill GROUP BY state") == [("paid", len(made))]
    ring.check()


def test_workers_killed_at_random_lose_nothing(ring: Ring) -> None:
    """Each call kills its worker with twenty in a hundred; half of the money must go back by refund (seeds 1, 2, …)."""
    made = ring.open(20 * SCALE)
    for attempt in made[::2]:
        with db.transaction() as session:
            row = session.get_one(Attempt, attempt.id)
            attempts.start_closing(session, row, actor="race")
            attempts.closed(session, row, actor="race")
            bills.void(session, bill_id=attempt.bill_id, actor="staff:race", reason="争")
    racers.deliver_all(ring.settings, [body_of(attempt, uuid4().hex) for attempt in made[::2]])
    context, killed = processes(), 0
    for seed in range(1, 200):
        worker = context.Process(target=racers.work_and_die, args=(ring.settings, seed))
        worker.start()
        worker.join(60)
        killed += worker.exitcode != 0
        with db.transaction() as session:
            session.execute(text("UPDATE payment_attempt SET next_poll_at = now() WHERE next_poll_at IS NOT NULL"))
            session.execute(text("UPDATE payment_attempt SET next_refund_at = NULL"))
            session.execute(text("UPDATE refund SET next_try_at = now() WHERE next_try_at IS NOT NULL"))
        if worker.exitcode == 0 and not ring.rows(
            "SELECT 1 FROM payment_attempt WHERE next_poll_at IS NOT NULL "
            "UNION ALL SELECT 1 FROM refund WHERE next_try_at IS NOT NULL"
        ):
            break
    assert killed > 0
    assert ring.rows("SELECT state, count(*) FROM payment_attempt GROUP BY state ORDER BY state") == [
        ("paid", len(made) // 2),
        ("returned", len(made) // 2),
    ]
    clock.replace(lambda: datetime.now(UTC))
    ring.check()
