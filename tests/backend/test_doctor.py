"""`make doctor` finds every kind of damage, names the rows and says so with its exit code."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend import development, doctor
from backend.core import audit, clock, db, idempotency, jobs
from backend.core.config import Settings
from backend.identity import service, sessions, staff
from tests.conftest import make_settings

ROOT = Path(__file__).parent.parent.parent
PHONE = "13900000009"
OPEN_KEY = """
    INSERT INTO idempotency_key (owner_id, route, key, body_hash, created_at) VALUES (:owner, 'r', 'k', '', :at)
"""
ONE_BOOKED_BY_NOBODY = """
    UPDATE slot_quota SET booked = 1 WHERE channel = 'online' AND slot_id IN
    (SELECT slot_id FROM slot_quota WHERE channel = 'online' AND capacity > 0 LIMIT 1) RETURNING slot_id
"""


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture
def examined(session: Session):
    """What doctor says after the seed's own rows are sealed and some damage was done."""
    audit.seal(session)
    session.commit()
    assert doctor.examine() == []

    def damage(*statements: str, **values: object) -> list[str]:
        for statement in statements:
            session.execute(text(statement), values)
        session.commit()
        return doctor.examine()

    return damage


def test_a_changed_audit_row_is_named(session: Session, examined) -> None:
    audit.record(session, actor="system", action="test", object_type="test", object_id=1)
    audit.seal(session)
    last = session.scalar(text("SELECT max(id) FROM audit_event"))
    found = examined(
        "ALTER TABLE audit_event DISABLE TRIGGER append_only",
        "UPDATE audit_event SET action = 'forged' WHERE id = :id",
        id=last,
    )
    assert found == [f"audit: event {last} does not match its seal"]


def test_a_row_that_nobody_seals_is_named(session: Session, examined) -> None:
    audit.record(session, actor="system", action="test", object_type="test", object_id=1)
    last = session.scalar(text("SELECT max(id) FROM audit_event"))
    assert examined("SELECT 1") == [], "a worker has an hour"
    late = clock.now() + timedelta(minutes=61)
    clock.replace(lambda: late)
    try:
        assert examined("SELECT 1") == [f"audit: event {last} waits for its seal"]
    finally:
        clock.replace(None)


def test_keys_without_answer_or_end_are_named(session: Session, examined) -> None:
    owner = uuid4()
    for key in ("fresh", "old", "open"):
        idempotency.once(session, owner_id=owner, route="r", key=key, body={}, status=200, effect=lambda: {"ok": True})
    found = examined(
        "UPDATE idempotency_key SET created_at = now() - interval '97 hours' WHERE key = 'old'",
        "UPDATE idempotency_key SET answer = NULL WHERE key = 'open'",
    )
    assert found == [
        f"idempotency: key r/{owner}/open has no answer though its effect was committed",
        f"idempotency: key r/{owner}/old is older than 72 hours",
    ]


def test_lost_jobs_are_named(session: Session, examined) -> None:
    for _ in range(3):
        jobs.defer(session, "some.task")
    failed, left, _ = session.scalars(text("SELECT id FROM procrastinate_jobs ORDER BY id DESC LIMIT 3"))
    found = examined(
        "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = :failed",
        "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = :left",
        failed=failed,
        left=left,
    )
    assert found == [
        f"jobs: job {left} (some.task) was left by its worker",
        f"jobs: job {failed} (some.task) gave up",
    ]


@pytest.mark.parametrize(
    ("damage", "kind", "words"),
    [
        (
            "UPDATE login_session SET expires_at = created_at + interval '31 days'",
            "session",
            "lasts longer than it may",
        ),
        ("UPDATE login_session SET hall_code = 'XM'", "session", "of a citizen has a hall"),
        (
            "UPDATE login_session SET created_at = now() - interval '32 days', expires_at = now() - interval '2 days'",
            "session",
            "is over and still there",
        ),
    ],
)
def test_broken_sessions_are_named(session: Session, examined, damage: str, kind: str, words: str) -> None:
    person = service.log_in(session, provider="phone", subject=PHONE, current=None, phone=PHONE)
    sessions.start(session, person_id=person)
    row = session.scalar(text("SELECT id FROM login_session"))
    assert examined(damage) == [f"identity: {kind} {row} {words}"]


def test_merged_people_and_unknown_roles_are_named(session: Session, examined) -> None:
    phones = [f"1390000000{digit}" for digit in range(3)]
    first, second, third = (
        service.log_in(session, provider="phone", subject=phone, current=None, phone=phone) for phone in phones
    )
    sessions.start(session, person_id=first)
    row = session.scalar(text("SELECT id FROM login_session"))
    staff.create_staff(
        session, username="gate", display_name="入口", password="a-long-test-password", roles=[("gate", "XM")]
    )
    found = examined(
        "UPDATE person SET merged_into = :second WHERE id = :first",
        "UPDATE person SET merged_into = :third WHERE id = :second",
        "UPDATE staff_role SET role = 'wizard'",
        first=first,
        second=second,
        third=third,
    )
    assert sorted(found) == sorted(
        [
            f"identity: session {row} belongs to a person merged into another",
            f"identity: person {first} is merged into somebody who is merged",
            f"identity: person {first} is merged and can still log in",
            f"identity: person {second} is merged and can still log in",
            "identity: staff gate has a role that does not exist",
        ]
    )


def test_a_large_city_is_read_in_peace(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = SimpleNamespace(invariants=lambda reading: [reading.scalar(text("SHOW statement_timeout"))])
    monkeypatch.setitem(sys.modules, "asked", asked)
    monkeypatch.setattr(doctor, "FEATURES", ("asked",))
    assert "0" in doctor.examine()


def test_the_command_says_it_with_its_exit_code(tmp_path: Path, seeded_database: str) -> None:
    environ = {**os.environ, **development.environment(tmp_path, seeded_database, 8000, 8001)}

    def command() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "backend.cli", "doctor"],
            cwd=ROOT,
            env={**environ, "DATABASE_URL": seeded_database},
            capture_output=True,
            text=True,
            check=False,
        )

    healthy = command()
    assert (healthy.returncode, healthy.stdout) == (0, "all invariants hold\n"), healthy.stdout + healthy.stderr
    owner = uuid4()
    engine = db.make_engine(make_settings(seeded_database))
    with Session(engine) as session, session.begin():
        key = {"owner": owner, "at": datetime.now(UTC)}
        session.execute(text(OPEN_KEY), key)
        slot = session.scalar(text(ONE_BOOKED_BY_NOBODY))
    engine.dispose()
    broken = command()
    assert broken.returncode == 1
    assert set(broken.stdout.splitlines()) == {
        f"idempotency: key r/{owner}/k has no answer though its effect was committed",
        f"appointments: quota {slot}/online: booked counter differs from appointments and places on their way back",
    }
