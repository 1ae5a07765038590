"""Every figure and every group of a ledger drawn at random equals a slow recount that shares no code with it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import postgres
from backend.app import create_app
from backend.applications.states import CaseState
from backend.core import calendar, clock, crypto, db
from backend.core.config import Settings
from backend.reports import jobs
from backend.reports.models import CaseLedger, CaseLedgerDue
from tests.backend import staff
from tests.backend.reports.city import HALLS, City
from tests.backend.reports.recount import Pair, Recount, local
from tests.conftest import make_settings

CASES, SEED = 2_000, 20181123
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
PERIODS = ((date(2026, 1, 1), date(2026, 12, 31)), (date(2026, 3, 15), date(2026, 7, 2)), (date(2026, 5, 5),) * 2)


@pytest.fixture(scope="module")
def connected(server: postgres.Embedded, seeded_template: str) -> Iterator[Settings]:
    """A city of this module's own, to look at only."""
    name = f"city_{uuid4().hex[:12]}"
    server.create(name, template=seeded_template)
    settings, before = make_settings(server.url(name)), (db._engine, db._sessions, db._autocommit_sessions)
    crypto.configure(crypto.Keyring.from_settings(settings))
    calendar.forget()
    clock.replace(lambda: NOW)
    db._engine = None
    db.configure(settings)
    yield settings
    db.engine().dispose()
    db._engine, db._sessions, db._autocommit_sessions = before
    clock.replace(None)
    calendar.forget()
    server.drop(name)


@pytest.fixture(scope="module")
def session(connected: Settings) -> Iterator[Session]:
    with Session(db.engine(), expire_on_commit=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(connected: Settings) -> FlaskClient:
    return create_app(connected, connect=False).test_client()


@pytest.fixture(scope="module")
def counted(session: Session) -> Recount:
    city = City(session, SEED)
    city.cases(CASES)
    city.waits()
    city.write(session)
    jobs.refresh_ledger()
    return Recount(session)


def test_rows_and_figures_are_those_of_a_slow_recount(client: FlaskClient, session: Session, counted: Recount) -> None:
    assert {case["state"] for case in counted.cases} == {str(state) for state in CaseState}
    assert session.scalars(select(CaseLedgerDue)).all() == []
    rows = {row.case_id: row for row in session.scalars(select(CaseLedger))}
    for case in counted.cases:
        row = rows.pop(case["row"].id)
        assert (row.visits, row.days_used, row.closed_on, row.returned, row.delivery, row.paid, row.grade) == (
            *(case[name] for name in ("trips", "days", "closed", "returned", "way", "paid", "grade")),
        )
        assert (row.department_code, row.declared_visits, row.bad_answered) == (
            *(case[name] for name in ("department", "declared", "answered")),
        )
    assert rows == {}
    who = staff.header(session, "XM", "evaluator")
    for first, last in PERIODS:
        for by in ("department", "division", "hall", "month"):
            answer = client.get(f"/api/v1/staff/reports/figures?first={first}&last={last}&by={by}", headers=who).json
            _same(answer["total"], counted, [one for one in _done(counted, first, last)], set(HALLS), first, last)
            _groups(answer["groups"], counted, by, first, last)
        for filters, wanted in (
            ("&hall=SM", lambda case: case["row"].hall_code == "SM"),
            ("&department=market", lambda case: case["department"] == "market"),
            ("&division=350200", lambda case: case["row"].hall_code == "XM"),
        ):
            found = client.get(f"/api/v1/staff/reports/figures?first={first}&last={last}{filters}", headers=who).json
            part = [case for case in _done(counted, first, last) if wanted(case)]
            halls = {"&hall=SM": {"SM"}, "&division=350200": {"XM"}}.get(filters)
            _same(found["total"], counted, part, halls, first, last)


def test_the_list_behind_a_figure_has_as_many_rows(client: FlaskClient, session: Session, counted: Recount) -> None:
    who, days = staff.header(session, "XM", "platform_operator"), "first=2026-01-01&last=2026-12-31"
    figures = client.get(f"/api/v1/staff/reports/figures?{days}", headers=who).json["total"]
    kinds = client.get("/api/v1/staff/reports/choices", headers=who).json["indicators"]
    cases = {one["code"] for one in kinds if one["kind"] == "cases" and not one["code"].startswith("days")}
    for figure in (one for one in figures if one["code"] in cases):
        query = f"{days}&indicator={figure['code']}&side="
        sides = {side: _walk(client, who, query + side) for side in ("counted", "rest", "all")}
        assert len(sides["counted"]) == figure["numerator"], figure
        assert len(sides["all"]) == figure["denominator"], figure
        assert sorted(sides["counted"] + sides["rest"]) == sorted(sides["all"])


def test_the_lists_for_inspection(client: FlaskClient, session: Session, counted: Recount) -> None:
    who, today = staff.header(session, "XM", "platform_operator"), date(2026, 11, 24)
    late = {one.case_id for one in counted.all["messages"] if one.reply_by and one.reply_by < today}
    wanted: dict[str, Callable[[dict[str, Any]], bool]] = {
        "overdue": lambda case: _late(case, today),
        "returned": lambda case: case["returned"] > 1,
        "bad_rated": lambda case: case["grade"] in (1, 2),
        "late_reply": lambda case: case["closed"] is None and case["row"].id in late,
        "more_visits": lambda case: case["trips"] > case["declared"],
    }
    first, last = date(2026, 2, 1), date(2026, 9, 30)
    for watch, is_on in wanted.items():
        expected = [
            str(case["row"].id)
            for case in counted.cases
            if is_on(case) and (first <= case["closed"] <= last if case["closed"] else _submitted(case) <= last)
        ]
        found = _walk(client, who, f"first={first}&last={last}&watch={watch}")
        assert sorted(found) == sorted(expected), watch
        assert expected, watch


def test_items_that_took_more_visits(client: FlaskClient, session: Session, counted: Recount) -> None:
    who = staff.header(session, "XM", "evaluator")
    found = client.get("/api/v1/staff/reports/visits?first=2026-01-01&last=2026-12-31", headers=who).json["items"]
    tally: dict[str, list[int]] = defaultdict(list)
    for case in _done(counted, date(2026, 1, 1), date(2026, 12, 31)):
        tally[case["row"].item_slug].append(case["trips"] - case["declared"])
    expected = {slug: (len(over), sum(one > 0 for one in over)) for slug, over in tally.items() if max(over) > 0}
    assert {one["item"]["code"]: (one["cases"], one["more"]) for one in found} == expected


def _late(case: dict[str, Any], today: date) -> bool:
    row = case["row"]
    decided_late = bool(row.decided_on and row.promise_due_on and row.decided_on > row.promise_due_on)
    return decided_late or bool(case["closed"] is None and row.owed_on and row.owed_on < today)


def _submitted(case: dict[str, Any]) -> date:
    return local(case["row"].submitted_at)


def _done(counted: Recount, first: date, last: date) -> list[dict[str, Any]]:
    return [case for case in counted.cases if case["done"] and first <= case["closed"] <= last]


def _walk(client: FlaskClient, who: dict[str, str], query: str) -> list[str]:
    """Ids of every page; the total says how many."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"/api/v1/staff/reports/cases?{query}{cursor and f'&cursor={cursor}'}", headers=who).json
        found += [one["id"] for one in page["cases"]]
        cursor = page["next_cursor"]
    assert len(found) == len(set(found)) == page["total"]
    return found


def _same(
    shown: list[dict[str, Any]],
    counted: Recount,
    part: list[dict[str, Any]],
    halls: set[str] | None,
    first: date,
    last: date,
) -> None:
    expected: dict[str, Pair] = counted.figures(part)
    if halls is not None:
        expected |= counted.waits(halls, first, last)
    found = {one["code"]: (one["numerator"], one["denominator"]) for one in shown if _of_items(one["code"])}
    assert {code: pair for code, pair in found.items() if pair != (0, 0)} == {
        code: pair for code, pair in expected.items() if pair != (0, 0)
    }


def _of_items(code: str) -> bool:
    return not code.startswith(("items_", "promise_"))


def _groups(shown: list[dict[str, Any]], counted: Recount, by: str, first: date, last: date) -> None:
    keys: dict[str, Callable[[dict[str, Any]], str]] = {
        "department": lambda case: str(case["department"]),
        "division": lambda case: counted.division[case["row"].hall_code],
        "hall": lambda case: str(case["row"].hall_code),
        "month": lambda case: str(case["closed"].replace(day=1)),
    }
    parts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in _done(counted, first, last):
        parts[keys[by](case)].append(case)
    assert set(parts) <= {group["key"] for group in shown}
    for group in shown:
        key, begin, end, halls = group["key"], first, last, None
        if by == "month":
            month = date.fromisoformat(key)
            following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
            begin, end = max(first, month), min(last, date.fromordinal(following.toordinal() - 1))
            halls = set(HALLS)
        elif by == "hall":
            halls = {key}
        elif by == "division":
            halls = {code for code in HALLS if counted.division[code] == key}
        _same(group["figures"], counted, parts[key], halls, begin, end)
