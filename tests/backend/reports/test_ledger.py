"""The ledger follows what happens to a case, through the product's own steps."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from backend.catalogue import snapshot
from backend.core import clock as core_clock
from backend.core.sheets import read_workbook
from backend.queueing.models import Ticket
from backend.queueing.ordering import Kind
from backend.queueing.states import State as Number
from backend.ratings import service as ratings
from backend.reports import exports, jobs, ledger
from backend.reports.models import CaseLedger, CaseLedgerDue, ReportExport
from backend.reports.states import ExportState
from tests.backend import staff
from tests.backend.applications.people import PASSPORT, QUERY, Filer, Office, filer
from tests.conftest import Clock

NOVEMBER = "first=2026-11-01&last=2026-11-30"


@pytest.fixture
def who(session: Session, client: FlaskClient, clock: Clock) -> Filer:
    snapshot.forget()
    return filer(session, client, name="甲乙丙丁")


@pytest.fixture
def office(session: Session, client: FlaskClient, clock: Clock) -> Office:
    return Office(client, session)


def row(session: Session, case: dict[str, Any]) -> CaseLedger:
    jobs.refresh_ledger()
    return session.get_one(CaseLedger, UUID(case["id"]), populate_existing=True)


def test_a_download_is_no_visit_and_a_window_is_one(session: Session, who: Filer, office: Office) -> None:
    case = who.file(QUERY)
    assert (row(session, case).visits, row(session, case).closed_on) == (0, None)
    office.concluded(case)
    done = row(session, case)
    assert (done.visits, done.outcome, done.closed_on) == (0, "granted", date(2026, 11, 24))
    office.done("issuing_desk", case, "offer")
    office.done("issuing_desk", case, "hand-over", **office.taken(case))
    given = row(session, case)
    assert (given.visits, given.declared_visits, given.delivery) == (1, 0, "window")


def test_originals_brought_and_the_result_fetched_on_another_day_are_two_visits(
    session: Session, who: Filer, office: Office, clock: Clock
) -> None:
    case = who.file(PASSPORT)
    office.done("window_clerk", case, "pre-approve")
    office.done("window_clerk", case, "receive")
    assert row(session, case).visits == 1
    same_day = ledger_of_hand_over(session, office, case, clock, days=0)
    assert same_day.visits == 1, "what is done on one day at one hall is one visit"


def test_fetched_on_another_day(session: Session, who: Filer, office: Office, clock: Clock) -> None:
    case = who.file(PASSPORT)
    office.done("window_clerk", case, "receive")
    assert ledger_of_hand_over(session, office, case, clock, days=2).visits == 2


def ledger_of_hand_over(
    session: Session, office: Office, case: dict[str, Any], clock: Clock, *, days: int
) -> CaseLedger:
    office.granted(case)
    session.get_one(Case, UUID(case["id"]), populate_existing=True).fee_state = "paid"
    session.commit()
    office.done("issuing_desk", case, "result", paper=True)
    office.done("issuing_desk", case, "offer")
    clock.advance(days=days)
    if days:
        office.headers.clear()
        office = Office(office.client, session)
    office.done("issuing_desk", case, "hand-over", **office.taken(case))
    return row(session, case)


def test_a_bad_rating_counts_until_it_is_set_aside(session: Session, who: Filer, office: Office, clock: Clock) -> None:
    case = who.file(QUERY)
    office.concluded(case)
    made = ratings.rate(
        session, subject_type="case", subject_id=case["id"], hall_code="XM", person_id=None, grade=1, words=None
    )
    session.commit()
    assert (row(session, case).grade, row(session, case).bad_answered) == (1, False)
    ratings.set_aside(session, rating_id=made.id, staff_actor="staff:x", reason="不是这次服务")
    session.commit()
    assert (row(session, case).grade, row(session, case).bad_answered) == (None, None)


def test_a_change_that_is_not_committed_when_the_row_is_written_is_due_again(
    session: Session, who: Filer, office: Office
) -> None:
    case = who.file(QUERY)
    jobs.refresh_ledger()
    assert session.scalars(select(CaseLedgerDue)).all() == []
    office.accepted(case)
    assert {one.case_id for one in session.scalars(select(CaseLedgerDue))} == {case["id"]}
    assert row(session, case).accepted_on == core_clock.today()


def test_a_number_that_was_served_for_a_case_is_a_visit(session: Session, who: Filer) -> None:
    case = who.file(QUERY)
    jobs.refresh_ledger()
    now, application = core_clock.now(), session.get_one(Case, UUID(case["id"])).application_id
    number = Ticket(
        state=Number.WAITING, state_at=now, hall_code="SM", day=core_clock.today(), category_code="x", seq=1
    )
    number.prefix, number.source, number.kind, number.link = "Z", "desk", Kind.WALK_IN, "a-link"
    number.due_at, number.created_at, number.matter_id = now, now, application
    session.add(number)
    session.commit()
    assert row(session, case).visits == 0, "nobody was served yet"
    session.execute(update(Ticket).where(Ticket.id == number.id).values(state=Number.DONE))
    session.commit()
    assert {one.case_id for one in session.scalars(select(CaseLedgerDue))} == {case["id"]}
    assert row(session, case).visits == 1


def test_what_is_called_a_case_and_is_none_is_passed_over(session: Session, clock: Clock) -> None:
    session.add_all([CaseLedgerDue(case_id="nothing"), CaseLedgerDue(case_id=str(UUID(int=7)))])
    session.commit()
    jobs.refresh_ledger()
    assert session.scalars(select(CaseLedgerDue)).all() == []


def test_an_evaluator_sees_nobody(client: FlaskClient, session: Session, who: Filer, office: Office) -> None:
    case = who.file(QUERY)
    office.concluded(case)
    jobs.refresh_ledger()
    evaluator = staff.header(session, "XM", "evaluator")
    made = office_export(client, evaluator)
    seen = [
        client.get(f"/api/v1/staff/{path}", headers=evaluator)
        for path in (
            "reports/choices",
            f"reports/figures?{NOVEMBER}&by=department",
            f"reports/cases?{NOVEMBER}",
            f"reports/visits?{NOVEMBER}",
            f"report-exports/{made['id']}/file",
        )
    ]
    assert {answer.status_code for answer in seen} == {200}
    assert seen[2].json["total"] == 1
    for hidden in (who.name, who.number, "13900001111", case["id"], case["number"], str(who.id)):
        assert all(hidden.encode() not in answer.data for answer in seen), hidden
        assert hidden not in str(_cells(seen[4].data))
    for path in ("staff/cases", f"staff/cases/{case['id']}", "staff/audit", "staff/accounts"):
        assert client.get(f"/api/v1/{path}", headers=evaluator).status_code == 403, path


def office_export(client: FlaskClient, who: dict[str, str], **body: Any) -> dict[str, Any]:
    headers = {**who, "Idempotency-Key": "a-key-of-the-export-test"}
    wanted = {"first": "2026-11-01", "last": "2026-11-30", **body}
    answer = client.post("/api/v1/staff/report-exports", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    jobs.write_export(answer.json["id"])
    found: Any = client.get(f"/api/v1/staff/report-exports/{answer.json['id']}", headers=who).json
    return found


def _cells(content: bytes) -> list[list[str]]:
    return read_workbook(content)


def test_a_lead_sees_the_own_hall_whatever_is_asked(
    client: FlaskClient, session: Session, who: Filer, office: Office
) -> None:
    office.concluded(who.file(QUERY))
    jobs.refresh_ledger()
    for hall, total in (("XM", 1), ("SM", 0)):
        lead = staff.header(session, hall, "hall_lead")
        for asked in ("", "&hall=XM"):
            found = client.get(f"/api/v1/staff/reports/cases?{NOVEMBER}{asked}", headers=lead).json
            assert found["total"] == total
            assert all(one["number"] for one in found["cases"])
        assert client.get("/api/v1/staff/reports/choices", headers=lead).json["hall"] == hall


def test_wrong_questions_are_refused(client: FlaskClient, session: Session, clock: Clock) -> None:
    who = staff.header(session, "XM", "evaluator")
    for query, pointer in (
        ("first=2026-11-30&last=2026-11-01", "/last"),
        (f"{NOVEMBER}&department=nobody", "/department"),
        (f"{NOVEMBER}&hall=nowhere", "/hall"),
        ("first=2026-11-30", "/last"),
        ("first=1900-01-01&last=2026-11-30", "/first"),
    ):
        answer = client.get(f"/api/v1/staff/reports/figures?{query}", headers=who)
        assert answer.status_code == 422, query
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    for query in (f"{NOVEMBER}&cursor=nonsense", f"{NOVEMBER}&cursor=WyJhIiwiYiJd"):
        assert client.get(f"/api/v1/staff/reports/cases?{query}", headers=who).status_code == 422


def test_an_export_tells_its_progress_can_be_stopped_and_is_forgotten(
    client: FlaskClient, session: Session, who: Filer, office: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.reports.exports.STEP", 1)
    for _ in range(3):
        office.concluded(who.file(QUERY))
    jobs.refresh_ledger()
    operator = staff.header(session, "XM", "platform_operator")
    seen: list[tuple[int, int]] = []
    before = exports.note_progress

    def noted(opened: Session, export_id: UUID, rows: int) -> bool:
        going_on = before(opened, export_id, rows)
        now = opened.get_one(ReportExport, export_id, populate_existing=True)
        seen.append((now.done, now.total))
        return going_on

    monkeypatch.setattr("backend.reports.exports.note_progress", noted)
    made = office_export(client, operator)
    assert seen == [(1, 3), (2, 3), (3, 3), (3, 3)]
    assert (made["state"], made["done"], made["total"]) == (ExportState.DONE, 3, 3)
    path = f"/api/v1/staff/report-exports/{made['id']}"
    cells = _cells(client.get(f"{path}/file", headers=operator).data)
    assert len(cells) == 4
    assert cells[0][0] == "办件号"
    key = {"Idempotency-Key": "another-key-of-the-test"}
    stopped = client.post(f"{path}/cancel", json={}, headers={**operator, **key})
    assert (stopped.status_code, stopped.json["code"]) == (409, "invalid_transition")
    clock.advance(days=7)
    jobs.forget_exports()
    later = staff.header(session, "XM", "platform_operator")
    assert client.get(f"{path}/file", headers=later).status_code == 404, "somebody else's"


def test_a_cancelled_export_is_not_written(client: FlaskClient, session: Session, clock: Clock) -> None:
    operator = staff.header(session, "XM", "platform_operator")
    headers = {**operator, "Idempotency-Key": "the-key-of-the-cancelled"}
    wanted = {"first": "2026-11-01", "last": "2026-11-30", "watch": "overdue"}
    made = client.post("/api/v1/staff/report-exports", json=wanted, headers=headers).json
    path = f"/api/v1/staff/report-exports/{made['id']}"
    assert client.post(f"{path}/cancel", json={}, headers=headers).json["state"] == "cancelled"
    jobs.write_export(made["id"])
    assert client.get(path, headers=operator).json["state"] == "cancelled"
    assert client.get(f"{path}/file", headers=operator).status_code == 409
    assert client.get("/api/v1/staff/report-exports", headers=operator).json["exports"][0]["watch"] == "overdue"


def test_rows_are_written_in_batches(session: Session, who: Filer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "BATCH", 1)
    for _ in range(2):
        who.file(QUERY)
    jobs.refresh_ledger()
    assert len(session.scalars(select(CaseLedger)).all()) == 2
