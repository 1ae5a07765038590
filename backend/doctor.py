"""Every invariant of the product in one place: `make doctor`, after restores and after race tests."""

import importlib

from sqlalchemy import text

from backend.core import audit, db, idempotency, jobs

FEATURES = (
    "backend.files.doctor",
    "backend.province.doctor",
    "backend.catalogue.doctor",
    "backend.identity.doctor",
    "backend.appointments.doctor",
    "backend.queueing.doctor",
    "backend.applications.doctor",
    "backend.reports.doctor",
    "backend.devices.doctor",
    "payments.doctor",
    "payments.reconciliation.doctor",
    "express.doctor",
    "notify.doctor",
    "backend.privacy.doctor",
)
"""Modules with `invariants(session)`: sentences with row ids, empty when all is well."""

AT_LEISURE = text("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
"""A city's tables take longer to read than any request may."""


def examine() -> list[str]:
    """All broken invariants, each with the ids of the rows concerned."""
    findings: list[str] = []
    with db.transaction() as session:
        session.execute(AT_LEISURE)
        findings += [f"audit: event {event_id} does not match its seal" for event_id in audit.broken_links(session)]
        findings += [f"audit: event {event_id} waits for its seal" for event_id in audit.long_unsealed(session)]
        findings += [f"idempotency: key {key} {words}" for key, words in idempotency.broken_keys(session)]
        findings += [f"jobs: job {job_id} {words}" for job_id, words in jobs.broken_jobs(session)]
        for name in FEATURES:
            findings += importlib.import_module(name).invariants(session)
    return findings
