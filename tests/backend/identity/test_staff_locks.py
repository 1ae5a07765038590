"""Guessing staff passwords: the account is locked, and so is the address the guesses come from."""

import subprocess
import sys
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from backend.core import crypto, db
from backend.core.audit import AuditEvent
from backend.identity import browser, staff
from backend.identity.models import LoginSource, Staff
from tests.conftest import Clock, make_settings

ROOT = Path(__file__).parent.parent.parent.parent
PASSWORD = "a-long-enough-password"  # noqa: S105 - made up here
SCRIPT = [sys.executable, "-m", "tests.backend.identity.staff_guessers"]
HERE, ELSEWHERE = "203.0.113.7", "203.0.113.8"


@pytest.fixture
def secret(session: Session, clock: Clock) -> str:
    made = staff.create_staff(session, username="gate", display_name="入口", password=PASSWORD, roles=[("gate", "XM")])
    session.commit()
    return made


def attempt(client: FlaskClient, clock: Clock, source: str, username: str = "gate", **given: str):
    body = {"username": username, "password": PASSWORD, "totp": "000000", **given}
    browser_ = client.application.test_client()
    return browser_.post("/api/v1/staff/session", json=body, environ_base={"REMOTE_ADDR": source})


def code(secret: str, clock: Clock) -> str:
    return staff.totp(secret, int(clock.now.timestamp()) // staff.STEP_S)


def guess_until_locked(client: FlaskClient, clock: Clock) -> None:
    """Fifty different names, so that no account is locked and no rate limit met."""
    for number in range(staff.SOURCE_LOCK_AFTER):
        assert attempt(client, clock, HERE, f"nobody-{number}").status_code == 401
        clock.advance(seconds=10)


def source_locks(session: Session) -> int:
    query = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "staff.source_locked")
    return session.scalars(query).one()


def test_fifty_failures_lock_the_source_for_fifteen_minutes(
    client: FlaskClient, session: Session, clock: Clock, secret: str
) -> None:
    guess_until_locked(client, clock)
    assert source_locks(session) == 1
    refused = attempt(client, clock, HERE, totp=code(secret, clock))
    wrong = attempt(client, clock, ELSEWHERE, password="not-the-right-password")
    assert {**refused.json, "instance": ""} == {**wrong.json, "instance": ""}
    assert (refused.status_code, refused.headers.get("Retry-After")) == (401, None)
    clock.advance(seconds=30)
    assert attempt(client, clock, ELSEWHERE, totp=code(secret, clock)).status_code == 200, "others come in"
    clock.advance(minutes=15)
    assert attempt(client, clock, HERE, totp=code(secret, clock)).status_code == 200
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "staff.source_locked")).one()
    assert HERE not in f"{event.object_id} {event.data} {event.reason}"


def test_a_locked_source_counts_nothing_and_is_not_locked_longer(
    client: FlaskClient, session: Session, clock: Clock, secret: str
) -> None:
    guess_until_locked(client, clock)
    locked_until = session.scalars(select(LoginSource.locked_until)).one()
    for _ in range(staff.LOCK_AFTER + 1):
        attempt(client, clock, HERE, password="not-the-right-password")
        clock.advance(seconds=31)
    session.expire_all()
    assert session.scalars(select(Staff.failures)).one() == 0, "a locked source cannot lock accounts"
    assert session.scalars(select(LoginSource.locked_until)).one() == locked_until
    assert source_locks(session) == 1


def test_a_success_forgets_only_its_own_accounts_failures(
    client: FlaskClient, session: Session, clock: Clock, secret: str
) -> None:
    staff.create_staff(session, username="lead", display_name="主管", password=PASSWORD, roles=[("hall_lead", "XM")])
    session.commit()
    for username in ("gate", "lead", "lead", "nobody"):
        attempt(client, clock, HERE, username, password="not-the-right-password")
    assert attempt(client, clock, HERE, totp=code(secret, clock)).status_code == 200
    session.expire_all()
    failures = {row.username: row.failures for row in session.execute(select(Staff.username, Staff.failures))}
    assert failures == {"gate": 0, "lead": 2}
    assert session.scalars(select(LoginSource.failures)).one() == 4


def test_failures_of_a_quarter_of_an_hour_ago_do_not_count(
    client: FlaskClient, session: Session, clock: Clock, secret: str
) -> None:
    attempt(client, clock, HERE, "nobody")
    clock.advance(minutes=15)
    attempt(client, clock, HERE, "nobody")
    assert session.scalars(select(LoginSource.failures)).one() == 1
    clock.advance(days=2)
    staff.purge(session)
    assert session.scalar(select(func.count()).select_from(LoginSource)) == 0


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
    ],
)
def test_a_subscriber_is_one_source(app, address: str, source: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert browser.source() == source


@pytest.mark.parametrize(
    ("processes", "each", "source_failures", "locks"),
    [(2, 24, 48, 0), (2, 25, 0, 1), (2, 60, 0, 1)],
    ids=["just below", "exactly", "far beyond"],
)
def test_parallel_failures_count_exactly(
    fresh_database: str, processes: int, each: int, source_failures: int, locks: int
) -> None:
    """Real processes; what comes after the lock is not counted, so the lock is set and audited once."""
    guessers = [
        subprocess.Popen(
            [*SCRIPT, fresh_database, HERE, "", str(each)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    for guesser in guessers:
        assert guesser.stdout
        assert guesser.stdout.readline() == "ready\n"
    for guesser in guessers:
        assert guesser.stdin
        guesser.stdin.write("go\n")
        guesser.stdin.flush()
    for guesser in guessers:
        with guesser:
            assert guesser.wait(60) == 0
    engine = create_engine(fresh_database)
    try:
        with Session(engine) as session:
            row = session.scalars(select(LoginSource)).one()
            assert row.failures == source_failures
            assert (row.locked_until is not None) == (locks == 1)
            assert source_locks(session) == locks
    finally:
        engine.dispose()


def test_parallel_failures_lock_an_account_once(fresh_database: str) -> None:
    settings = make_settings(fresh_database)
    crypto.configure(crypto.Keyring.from_settings(settings))
    engine = db.make_engine(settings)
    try:
        with Session(engine) as session, session.begin():
            staff.create_staff(session, username="gate", display_name="入口", password=PASSWORD, roles=[("gate", "XM")])
            account = session.scalars(select(Staff.id)).one()
        guesser = [*SCRIPT, fresh_database, HERE, str(account), "25"]
        subprocess.run(guesser, cwd=ROOT, input="go\n", text=True, check=True, timeout=60)
        with Session(engine) as session:
            row = session.scalars(select(Staff)).one()
            assert (row.failures, row.locked_until is not None) == (0, True)
            locked = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "staff.locked")
            assert session.scalars(locked).one() == 1
    finally:
        engine.dispose()
