"""The table of classes covers every table, is written out in docs, and what it says happens: on its day, not before."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend import worker
from backend.applications import drafts
from backend.applications import jobs as application_jobs
from backend.core import idempotency, retention
from backend.core.config import Settings
from backend.core.db import Base
from backend.core.retention import CLASSES, IMPERSONAL
from backend.files import jobs as file_jobs
from backend.files import quarantine
from backend.identity import sessions
from backend.privacy import jobs
from backend.privacy.page import page
from express import jobs as express_jobs
from payments import keeping
from tests.backend.privacy.life import Life

ROOT = Path(__file__).parents[3]
SOMEBODY = {"person_id", "filer_id", "booker_id", "agent_id", "owner_id", "payer_id", "receiver", "words", "holder"}

PROBES: dict[str, tuple[str, str]] = {
    "login": ("sms_code", "expires_at"),
    "sessions": ("login_session WHERE person_id IS NOT NULL", "created_at"),
    "repeats": ("idempotency_key", "created_at"),
    "drafts": ("application WHERE octet_length(answers) > 32 AND state IN ('open', 'expired')", "saved_at"),
    "cases": ("service_case WHERE state = 'delivered' AND emptied_at IS NULL", "state_at"),
    "cases_ended": ("service_case WHERE state = 'withdrawn' AND emptied_at IS NULL", "state_at"),
    "files": ("file WHERE subject_type = 'person' AND state <> 'gone'", "touched_at"),
    "licences": ("licence_fetch WHERE subject_type = 'loose'", "state_at"),
    "province": ("province_feed WHERE octet_length(payload) > 32", "sent_at"),
    "visits": ("appointment", "(day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'"),
    "tickets": ("ticket", "(day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'"),
    "ratings": ("rating WHERE words IS NOT NULL", "at"),
    "hotline": ("hotline_ticket", "created_at"),
    "notices": ("notification", "created_at"),
    "shipping": ('shipment WHERE "order" IS NOT NULL', "state_at"),
    "handovers": ("window_handover", "at"),
    "payers": ("bill WHERE payer_id_number IS NOT NULL", "state_at"),
    "paying": ('payment_attempt WHERE octet_length("order") > 32', "state_at"),
    "payment_notices": ("channel_event WHERE raw IS NOT NULL", "received_at"),
    "exports": ("personal_export WHERE state <> 'gone'", "asked_at"),
    "requests": ("erasure", "state_at"),
    "unseen": ("person WHERE level = 0 AND name IS NOT NULL", "created_at"),
}
"""Of each class with days: where its rows are, and the moment its days run from."""


def test_every_table_that_may_tell_of_somebody_has_one_class() -> None:
    classed = [table for one in CLASSES for table in one.tables]
    assert len(classed) == len(set(classed))
    assert not set(classed) & set(IMPERSONAL)
    tables = Base.metadata.tables
    assert set(classed) | set(IMPERSONAL) <= set(tables)
    telling = {
        name
        for name, table in tables.items()
        if any(isinstance(column.type, LargeBinary) or column.name in SOMEBODY for column in table.columns)
    }
    assert telling - set(classed) - set(IMPERSONAL) == set()


def test_the_page_in_docs_is_current() -> None:
    assert (ROOT / "docs" / "retention.md").read_text() == page(), "run `make diagrams`"


def test_every_purge_is_there_and_is_run_by_the_worker() -> None:
    for one in CLASSES:
        assert worker.resolve(one.purge) is not None
    run = {path for _, path in (*worker.PERIODIC, *worker.LOOPS)}
    assert {"backend.privacy.jobs:purge", "backend.privacy.jobs:make_exports", "express.jobs:forget"} <= run


def test_the_days_are_those_the_code_goes_by(settings: Settings) -> None:
    assert timedelta(days=retention.days("drafts")) == drafts.KEPT
    assert timedelta(days=retention.days("files")) == quarantine.UNUSED
    assert timedelta(days=retention.days("repeats")) == idempotency.KEPT
    assert timedelta(days=retention.days("sessions")) == sessions.CITIZEN_LIFE
    assert settings.express_retention_days == retention.days("shipping")
    assert settings.payment_notice_days == retention.days("payment_notices")
    with pytest.raises(ValueError, match="account"):
        retention.days("account")


def test_anybody_may_read_the_classes(life: Life) -> None:
    shown = life.client.get("/api/v1/retention").json["classes"]
    assert [one["code"] for one in shown] == [one.code for one in CLASSES]
    assert all(one[name]["zh"] and one[name]["en"] for one in shown for name in ("name", "since", "after", "basis"))


def test_event_rows_go_only_in_a_purge_and_the_audit_never(session: Session, life: Life) -> None:
    life.visit()
    for statement in ("DELETE FROM appointment_event", "UPDATE appointment_event SET reason = NULL"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(text(statement))
    retention.purging(session)
    with session.begin_nested() as taken_back:
        session.execute(text("DELETE FROM appointment_event"))
        taken_back.rollback()
    for table in ("audit_event", "legal_hold_event", "bill_event", "journal"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(text(f"DELETE FROM {table}"))


def small_world(life: Life) -> None:
    """Something of every class, all of it over by now."""
    session = life.session
    life.everything()
    life.handed_over()
    life.records()
    life.withdrawn()
    life.shelf()
    life._licence("x", subject_type="loose")
    life.me.post("/me/exports")
    life.me.post("/me/erasure", {"understood": True})
    assert life.me.send("DELETE", "/me/erasure").status_code == 204
    session.execute(text("DELETE FROM family_link"))
    session.execute(text("UPDATE province_feed SET sent_at = :now, receipt = 'r'"), {"now": life.clock.now})
    session.execute(text("UPDATE hotline_ticket SET state = 'refused', next_try_at = NULL"))
    session.commit()
    jobs.make_exports()
    session.expire_all()


def night(life: Life, settings: Settings) -> None:
    """What the worker does, as often as it takes."""
    for _ in range(2):
        application_jobs.expire_applications()
        express_jobs.forget(settings)
        keeping.forget_notices(settings)
        worker.forget_old_keys()
        jobs.make_exports()
        jobs.purge()
    file_jobs.sweep()
    life.session.expire_all()


def rows(session: Session, code: str) -> int:
    return session.execute(text(f"SELECT count(*) FROM {PROBES[code][0]}")).scalar_one()


def test_each_class_is_gone_on_its_day_and_not_an_hour_early(session: Session, life: Life, settings: Settings) -> None:
    small_world(life)
    assert set(PROBES) == {one.code for one in CLASSES if one.days is not None}
    assert {code: rows(session, code) for code in PROBES if not rows(session, code)} == {}
    ends: dict[str, tuple[datetime, datetime]] = {}
    for code, (table, moment) in PROBES.items():
        kept = timedelta(days=retention.days(code))
        first, last = session.execute(text(f"SELECT min({moment}), max({moment}) FROM {table}")).one()
        ends[code] = first + kept, last + kept
    hour = timedelta(hours=1)
    steps = sorted(
        [(first - hour, code, True) for code, (first, _) in ends.items()]
        + [(last + hour, code, False) for code, (_, last) in ends.items()]
    )
    before = {code: rows(session, code) for code in PROBES}
    for at, code, there in steps:
        life.clock.set(at)
        night(life, settings)
        assert rows(session, code) == (before[code] if there else 0), (code, at, there)
    assert session.execute(text("SELECT count(*) FROM service_case")).scalar_one() == 2, "facts stay"
    assert session.execute(text("SELECT count(*) FROM rating")).scalar_one() == 1
