"""The feed to the province: each case in its order, none lost, none twice, whatever the line does."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.core import clock, db
from backend.core.config import Settings
from backend.core.errors import ProviderRejected
from backend.province import doctor, jobs, platform, service
from backend.province.kinds import Kind
from backend.province.models import FeedRow
from backend.province.platform import Platform
from tests.backend.appointments import racers
from tests.backend.province import pushers
from tests.conftest import Clock, make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox

LIFE = (Kind.CASE, Kind.PROCESS, Kind.CORRECTION, Kind.FEE, Kind.RESULT, Kind.LICENCE, Kind.RATING)


@pytest.fixture(scope="module")
def provider(settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def province(provider: RunningSandbox, settings: Settings) -> Iterator[Platform]:
    found = platform.from_settings(provider.settings(settings))
    assert found
    yield found
    provider.reset()
    requests.post(f"{provider.url}/offices/api/reset", json={}, timeout=5)


def feed(provider: RunningSandbox) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{provider.url}/offices/api/state", timeout=5).json()["feed"]
    return found


def live(session: Session, case: str, kinds: tuple[Kind, ...] = LIFE) -> None:
    for kind in kinds:
        service.record(session, subject_id=case, kind=kind, payload={"number": case, "applicant": "张测试"})
    session.commit()


def kinds_of(provider: RunningSandbox) -> dict[str, list[int]]:
    return {case: [row["kind"] for row in rows] for case, rows in feed(provider)["rows"].items()}


def push(province: Platform) -> int:
    return jobs.push(province, side_by_side=1)


def test_everything_of_a_case_arrives_in_its_order(
    session: Session, province: Platform, provider: RunningSandbox, clock: Clock
) -> None:
    live(session, "case-1")
    assert push(province) == len(LIFE)
    assert push(province) == 0
    assert kinds_of(provider) == {"case-1": [int(kind) for kind in LIFE]}
    first = feed(provider)["rows"]["case-1"][0]
    assert first["payload"] == {"number": "case-1", "applicant": "张测试"}
    assert first["happened_at"] == "2026-11-24T01:00:00Z"
    assert doctor.invariants(session) == []
    assert "张测试" not in str(session.execute(text("SELECT f::text FROM province_feed f")).all())


def test_the_platform_away_for_an_hour_loses_nothing_and_repeats_nothing(
    session: Session, province: Platform, provider: RunningSandbox, clock: Clock
) -> None:
    provider.faults(province="outage")
    for minute in range(0, 60, 5):
        live(session, f"case-{minute % 15}", (Kind.CASE,) if minute < 15 else (Kind.PROCESS,))
        push(province)
        clock.advance(minutes=5)
    assert feed(provider)["rows"] == {}
    provider.faults(province="normal")
    clock.advance(minutes=10)
    assert push(province) == 12
    assert kinds_of(provider) == {f"case-{n}": [10, 20, 20, 20] for n in (0, 5, 10)}
    assert feed(provider)["repeats"] == 0
    assert doctor.invariants(session) == []


@pytest.mark.parametrize("fault", ["drop", "forged"])
def test_an_unknown_outcome_is_sent_again_under_its_serial(
    session: Session, province: Platform, provider: RunningSandbox, clock: Clock, fault: str
) -> None:
    live(session, "case-1", LIFE[:3])
    provider.faults(province=fault)
    assert push(province) == 1, "what follows waits"
    provider.faults(province="normal")
    clock.advance(seconds=6)
    assert push(province) == 3
    shown = feed(provider)
    assert shown["repeats"] == 1
    assert [row["kind"] for row in shown["rows"]["case-1"]] == [10, 20, 22]
    assert doctor.invariants(session) == []


def test_a_refusal_holds_its_case_alone_and_is_told_after_a_day(
    session: Session, province: Platform, provider: RunningSandbox, clock: Clock
) -> None:
    live(session, "case-1", LIFE[:3])
    second = session.scalars(select(FeedRow).where(FeedRow.position == 2)).one()
    real = province.push

    class Choosy:
        def push(self, row: service.Push) -> str:
            if row.row_id == second.id:
                raise ProviderRejected("province", "PAYLOAD_WRONG")
            return real(row)

    assert push(Choosy()) == 2
    live(session, "case-2", LIFE[:2])
    assert push(Choosy()) == 2
    assert kinds_of(provider) == {"case-1": [10], "case-2": [10, 20]}
    assert doctor.invariants(session) == []
    clock.advance(hours=25)
    session.expire_all()
    assert doctor.invariants(session) == ["province: case case-1: row 2 has not arrived for a day (PAYLOAD_WRONG)"]
    assert push(province) == 2
    assert kinds_of(provider)["case-1"] == [10, 20, 22]
    assert doctor.invariants(session) == []


def test_a_worker_that_was_killed_leaves_its_row_to_another(
    session: Session, province: Platform, provider: RunningSandbox, clock: Clock
) -> None:
    live(session, "case-1", LIFE[:2])
    with db.transaction() as other:
        assert len(service.claim_due(other, 10)) == 1
    assert push(province) == 0
    clock.advance(minutes=2)
    assert push(province) == 2


def test_a_case_begins_with_itself(session: Session) -> None:
    with pytest.raises(IntegrityError):
        service.record(session, subject_id="x", kind=Kind.PROCESS, payload={})
    session.rollback()
    service.record(session, subject_id="x", kind=Kind.CASE, payload={})
    with pytest.raises(IntegrityError):
        service.record(session, subject_id="x", kind=Kind.CASE, payload={})


def test_without_a_platform_rows_wait(session: Session, settings: Settings) -> None:
    live(session, "case-1", LIFE[:1])
    jobs.push_due(settings)
    assert session.scalar(text("SELECT sum(tries) FROM province_feed")) == 0


def test_writers_and_senders_at_once_keep_every_order(fresh_database: str, provider: RunningSandbox) -> None:
    """Two processes write of the same cases, two hand over; every case arrives whole and in order."""
    settings = provider.settings(make_settings(fresh_database))
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    racers.connect(settings)
    cases = [f"race-{n}" for n in range(4)]
    try:
        with db.transaction() as session:
            for case in cases:
                service.record(session, subject_id=case, kind=Kind.CASE, payload={})
        calls = [
            *((pushers.write, (settings, cases, 5)) for _ in range(2)),
            *((pushers.send, (settings, 4)) for _ in range(2)),
        ]
        racers.run_all(calls)
        found = platform.from_settings(settings)
        assert found
        jobs.push(found)
        arrived = kinds_of(provider)
        assert arrived == {case: [10] + [20] * 10 for case in cases}
        with db.transaction() as session:
            assert doctor.invariants(session) == []
    finally:
        db.engine().dispose()
        clock.replace(None)
        db._engine, db._sessions, db._autocommit_sessions = before
        requests.post(f"{provider.url}/offices/api/reset", json={}, timeout=5)
