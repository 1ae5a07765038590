"""A hundred thousand cases: how long inbox, search and every report take at the API, on the machine as it is."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import requests
from sqlalchemy.orm import Session

from backend.core import db
from backend.reports import jobs
from tests.backend import staff
from tests.backend.reports.city import City
from tests.bench import report
from tests.bench.site import Site, facts
from tests.bench.stock import connect

CASES = 100_000
MODELS = 2_000
"""Drawn and counted one by one; the others are copies of their rows."""
TARGET_MS = 300.0
TIMES, WARM = 40, 3
SEED = 20181123

PERIOD = "first=2026-01-01&last=2026-12-31"
REPORTS = {
    **{f"figures by {by}": f"figures?{PERIOD}&by={by}" for by in ("department", "division", "hall", "month")},
    "figures of a hall": f"figures?{PERIOD}&by=month&hall=XM",
    "cases behind a figure": f"cases?{PERIOD}&indicator=mailed&side=rest",
    **{
        f"list: {watch}": f"cases?{PERIOD}&watch={watch}"
        for watch in ("overdue", "returned", "bad_rated", "late_reply", "more_visits")
    },
    "items behind a figure": f"items?{PERIOD}&indicator=items_one&side=all",
    "items with more visits": f"visits?{PERIOD}",
    "progress of items": f"progress?{PERIOD}",
    "table of figures": f"figures/table?{PERIOD}&by=department",
}
BOXES = ("front", "waiting", "review", "issue", "over", "incoming", "joint", "pickup", "asked")

COPIED = {
    "application": {"id": "{new}"},
    "service_case": {
        "id": "{new}",
        "application_id": "{application_id}",
        "number": "lpad(k::text, 10, '0') || right(m.number, 33)",
        "short_number": "lpad(k::text, 4, '0') || right(m.short_number, 8)",
    },
    "service_case_event": {"entity_id": "{entity_id}"},
    "visit_matter": {
        "id": "{new}",
        "case_id": "{case_id}",
        "number": "lpad(k::text, 4, '0') || right(m.number, 8)",
    },
    "case_message": {"id": "{new}", "case_id": "{case_id}"},
    "case_ledger": {
        "case_id": "{case_id}",
        "number": "lpad(k::text, 4, '0') || right(m.number, 8)",
    },
}
"""What differs in a copy; every other column is the model's."""


def run(site: Site) -> bool:
    """Measure, print and write; False when a target is missed."""
    written = _prepare(site)
    with db.transaction() as session:
        lead = staff.token(session, "XM", "hall_lead")
        evaluator = staff.token(session, "XM", "evaluator")
    number = _one(site, "SELECT short_number FROM service_case WHERE hall_code = 'XM' ORDER BY id LIMIT 1")
    asked: dict[str, tuple[str, str]] = {
        **{f"inbox: {box}": (lead, f"cases?box={box}") for box in BOXES},
        "inbox: red": (lead, "cases?box=review&colour=red"),
        "counts of the boxes": (lead, "cases/counts"),
        "search by number": (lead, f"cases?box=over&number={number}"),
        **{f"report: {name}": (evaluator, f"reports/{path}") for name, path in REPORTS.items()},
    }
    took = {name: _times(site, token, path) for name, (token, path) in asked.items()}
    took["search by code"] = _times(site, lead, "cases/scan", {"code": number})
    p95 = {name: report.ms(sorted(seconds), 95) for name, seconds in took.items()}
    met = max(p95.values()) <= TARGET_MS
    report.write(
        "reports",
        {
            "cases": CASES,
            "p50_ms": {name: report.ms(sorted(seconds), 50) for name, seconds in took.items()},
            "p95_ms": p95,
            "ledger_rows_per_second": round(written, 1),
            "target_ms": TARGET_MS,
            "met": met,
            "machine": facts(site),
        },
    )
    print(f"{CASES} cases: milliseconds for 95 of 100 requests (target {TARGET_MS:.0f})")
    for name, value in sorted(p95.items(), key=lambda pair: -pair[1]):
        print(f"  {name:34}{value:>9.1f}{'' if value <= TARGET_MS else '   MISSED'}")
    print(f"  rows of the ledger written a second: {written:.0f}\n  {'met' if met else 'MISSED'}")
    return met


def _prepare(site: Site) -> float:
    """Models through the product's own ledger, then their copies; returns how many rows a second were written."""
    with Session(db.engine()) as session:
        city = City(session, SEED)
        city.cases(MODELS)
        city.waits()
        city.write(session)
    began = time.perf_counter()
    jobs.refresh_ledger()
    written = MODELS / (time.perf_counter() - began)
    with connect(site.database_url) as connection:
        connection.execute("SET session_replication_role = replica")  # the ledger's rows are copied, not written anew
        for table, changed in COPIED.items():
            connection.execute(_copy(connection, table, changed), {"copies": CASES // MODELS - 1})
    site.stock.vacuum()
    return written


def _copy(connection: psycopg.Connection[Any], table: str, changed: dict[str, str]) -> str:
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " AND is_identity = 'NO' ORDER BY ordinal_position",
        (table,),
    )
    columns = [row[0] for row in rows]
    ids = {name: f"md5(m.{name}::text || k)::uuid" for name in columns} | {"new": "md5(m.id::text || k)::uuid"}
    values = ", ".join(changed[name].format(**ids) if name in changed else f'm."{name}"' for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} m, generate_series(1, %(copies)s::int) k"


def _times(site: Site, token: str, path: str, body: dict[str, str] | None = None) -> Sequence[float]:
    """Seconds of each of many requests, one after the other."""
    url = f"http://127.0.0.1:{site.product}/api/v1/staff/{path}"
    found = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        ask: Callable[[], requests.Response] = (
            (lambda: session.get(url, timeout=30))
            if body is None
            else (lambda: session.post(url, json=body, timeout=30))
        )
        for turn in range(WARM + TIMES):
            began = time.perf_counter()
            answer = ask()
            if turn >= WARM:
                found.append(time.perf_counter() - began)
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
    return found


def _one(site: Site, query: str) -> str:
    with connect(site.database_url) as connection:
        row = connection.execute(query).fetchone()
        assert row
        return str(row[0])
