"""Every invariant of the product in one place: `make doctor`, after restores and after race tests."""

import importlib

from backend.core import audit, db

FEATURES = ("backend.catalogue.doctor", "backend.appointments.doctor", "backend.queueing.doctor", "notify.doctor")
"""Modules with `invariants(session)`: sentences with row ids, empty when all is well."""


def examine() -> list[str]:
    """All broken invariants, each with the ids of the rows concerned."""
    findings: list[str] = []
    with db.transaction() as session:
        findings += [f"audit: event {event_id} does not match its seal" for event_id in audit.broken_links(session)]
        for name in FEATURES:
            findings += importlib.import_module(name).invariants(session)
    return findings
