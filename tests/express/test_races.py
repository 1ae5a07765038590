"""Races with real processes: one shipment at the courier for each order, whatever is lost and whoever dies."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from backend.core import clock, db
from backend.core.config import Settings
from express import doctor, policies, quoting
from express.address_book import party
from express.models import Direction, Payer
from express.sandbox.ems import api
from express.task_models import ShipmentTask
from tests.conftest import Clock, make_settings
from tests.express import racers
from tests.express.carriers.ems_site import Site, running_ems
from tests.express.conftest import ADDRESS, Desk, set_up
from tests.processes import processes

SCALE = int(os.environ.get("RACE_SCALE", "1"))
ORDERS, PROCESSES = 30 if SCALE == 1 else 50 * SCALE, 4
LOST = [
    {"endpoint": "020003", "kind": "drop_after", "times": 1_000_000, "ratio": 0.2},
    {"endpoint": "020003", "kind": "drop_before", "times": 1_000_000, "ratio": 0.1},
    {"endpoint": "050001", "kind": "drop_after", "times": 1_000_000, "ratio": 0.3},
]
"""Three of ten replies are lost, most of them after the order was taken."""


@dataclass
class Ring:
    """A database of its own, and EMS on the wire."""

    settings: Settings
    site: Site
    owner: UUID
    started: float

    def policy(self, **changes: object) -> UUID:
        with db.transaction() as session:
            return policies.save(
                session,
                actor="staff:1",
                **{
                    "priority": 1,
                    "name": "gov",
                    "payer": Payer.GOV,
                    "budget_code": "ZF",
                    "valid_from": clock.today(),
                    **changes,
                },
            ).id

    def quotes(self, count: int) -> list[UUID]:
        """So many different things to mail."""
        subject, made = Desk(Clock()).subject(person_id=self.owner), []
        with db.transaction() as session:
            for _ in range(count):
                wanted = quoting.wish(
                    session,
                    subject_type="case",
                    subject_id=uuid4().hex,
                    subject=subject,
                    direction=Direction.RESULT_OUT,
                    applicant=party(ADDRESS),
                    weight_g=300,
                )
                made.append(quoting.keep(session, wanted, 1000, owner_id=self.owner)[0].id)
        return made

    def states(self) -> Counter[str]:
        with db.transaction() as session:
            return Counter(session.scalars(text("SELECT state FROM shipment")))


@pytest.fixture
def ring(fresh_database: str) -> Iterator[Ring]:
    started = time.time()
    before = db._engine, db._sessions, db._autocommit_sessions
    racers.hurry(started, racers.ORDERING)
    with running_ems() as site:
        settings = make_settings(fresh_database)
        settings = replace(settings, ems_base=site.url + api.PATH)
        racers.connect(settings, started)
        with db.transaction() as session:
            set_up(session)
        yield Ring(settings, site, uuid4(), started)
        with db.transaction() as session:
            assert doctor.invariants(session) == []
    db.engine().dispose()
    db._engine, db._sessions, db._autocommit_sessions = before
    clock.replace(None)


def test_no_order_is_lost_or_doubled_with_lost_replies_and_killed_workers(ring: Ring) -> None:
    ring.policy()
    quotes = ring.quotes(ORDERS)
    with ProcessPoolExecutor(PROCESSES, mp_context=processes()) as pool:
        found = sum(
            pool.map(racers.order_all, *zip(*[(ring.settings, ring.started, ring.owner, quotes)] * 4, strict=True)),
            Counter[str](),
        )
    assert found == {"ordered": ORDERS, "quote_over": 3 * ORDERS}
    ring.site.faults(*LOST, seed=11)
    started = time.time() - (time.time() - ring.started) * racers.ORDERING / racers.WORKING
    racers.hurry(started, racers.WORKING)
    killed, seed, until = 0, 0, time.time() + 120 * SCALE
    while ring.states().keys() - {"ordered"}:
        assert time.time() < until, ring.states()
        workers = []
        for _ in range(PROCESSES):
            seed += 1
            workers.append(processes().Process(target=racers.work_and_die, args=(ring.settings, started, seed)))
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            killed += worker.exitcode == -9
    parcels = ring.site.simulator.office.parcels.values()
    assert len(parcels) == ORDERS
    with db.transaction() as session:
        kept = set(session.scalars(text("SELECT waybill FROM shipment")))
        assert session.scalars(text("SELECT count(*) FROM notification")).one() == ORDERS
        assert session.query(ShipmentTask).count() == 0
    assert kept == {parcel.waybill for parcel in parcels}
    assert killed > 2, "workers must have died"


def test_a_budget_is_never_overspent(ring: Ring) -> None:
    policy = ring.policy(yearly_cap_fen=10_000)
    each = [(ring.settings, ring.started, policy, 700, 10)] * PROCESSES
    with ProcessPoolExecutor(PROCESSES, mp_context=processes()) as pool:
        found = sum(pool.map(racers.spend_all, *zip(*each, strict=True)), Counter[bool]())
    assert found[True] == 14
    with db.transaction() as session:
        assert policies.spent(session, policy, 2026) == 9800
        session.execute(text("DELETE FROM payer_policy_year"))
