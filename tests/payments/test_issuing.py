"""开缴款书 at the HTTP edge: what may be charged, what the bill would say, and the bill itself."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from payments import jobs
from tests.backend import staff
from tests.payments.conftest import UNIT, Desk

BODY = {
    "lines": [{"item": "copy-a", "quantity": 2}, {"item": "levy"}],
    "accepted_on": "2026-11-20",
    "payer": {"name": "厦门测试有限公司", "kind": "organisation", "id_number": "91350299MA0000015P"},
    "subject_type": "counter",
    "subject_id": "c-1",
}
FINE = {**BODY, "lines": [{"item": "fine", "decided_fen": 20_000}], "subject_type": "decision"}

Ask = Callable[..., Any]


@pytest.fixture
def ask(client: FlaskClient, session: Session, desk: Desk) -> Ask:
    """A clerk of the hall asks."""
    clerk = staff.header(session, "XM", "window_clerk")

    def go(method: str, path: str, body: Any = None, who: dict[str, str] = clerk) -> Any:
        headers = {**who, "Idempotency-Key": uuid4().hex}
        return client.open(f"/api/v1/staff/{path}", method=method, headers=headers, json=body)

    return go


def test_only_what_is_confirmed_and_in_force_may_be_chosen(ask: Ask) -> None:
    first, second = ask("GET", "chargeable?on=2026-11-24").json["units"]
    assert (first["code"], first["name"]) == (UNIT, {"zh": "测试单位1", "en": "Test unit 1"})
    items = {item["code"]: item for item in first["items"]}
    assert list(items) == ["copy-a", "copy-b", "fine", "levy"], "what is free or a service price is not there"
    assert (items["copy-a"]["amount_fen"], items["copy-a"]["unit"]) == (12_000, "copy")
    assert (items["fine"]["kind"], items["fine"]["amount_fen"]) == ("penalty", None)
    assert [item["code"] for item in second["items"]] == ["elsewhere"]
    [unit] = ask("GET", "chargeable?on=2024-12-31").json["units"]
    assert [item["code"] for item in unit["items"]] == ["fine"], "no standard was in force"


def test_the_draft_says_what_the_bill_will_say_and_stores_nothing(ask: Ask, desk: Desk) -> None:
    shown = ask("POST", "bills/preview", {**BODY, "due_on": "2026-12-01"})
    assert shown.status_code == 200, shown.json
    draft = shown.json
    assert (draft["unit_name"], draft["notice_type"], draft["grows"]) == ("测试单位1", "ordinary", True)
    assert [(item["quantity"], item["fee_fen"]) for item in draft["items"]] == [(2, 24_000), (1, 100_000)]
    assert (draft["total_fen"], draft["due_on"]) == (124_000, "2026-12-01")
    assert desk.rows("SELECT count(*) FROM bill") == [(0,)]
    issued = ask("POST", "bills", {**BODY, "due_on": "2026-12-01"})
    assert issued.status_code == 201, issued.json
    assert (issued.json["total_fen"], issued.json["due_on"]) == (124_000, "2026-12-01")
    assert (issued.json["title"], issued.json["payer_name_masked"]) == ("copy-a等 2 项", "厦门**")
    named = {"title_zh": "办证", "title_en": "Papers", "lines": [{"item": "levy"}]}
    assert ask("POST", "bills", {**BODY, **named}).json["title"] == "办证"
    assert ask("POST", "bills/preview", BODY).json["due_on"] == "2026-12-24", "thirty days when nobody says"


def test_a_fine_takes_its_sum_from_the_decision_and_its_day_from_the_law(ask: Ask) -> None:
    draft = ask("POST", "bills/preview", FINE).json
    assert (draft["notice_type"], draft["total_fen"], draft["due_on"]) == ("penalty", 20_000, "2026-12-09")
    refused = ask("POST", "bills", {**FINE, "due_on": "2027-06-30"})
    assert (refused.status_code, refused.json["code"]) == (422, "bill_refused")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"due_on": "2026-11-23"}, 422, "bill_refused"),
        ({"lines": [{"item": "copy-a"}, {"item": "elsewhere"}]}, 422, "bill_refused"),
        ({"lines": [{"item": "copy-a"}, {"item": "fine", "decided_fen": 1}]}, 422, "bill_refused"),
        ({"lines": [{"item": "copy-a", "decided_fen": 1}]}, 422, "bill_refused"),
        ({"lines": [{"item": "free"}]}, 409, "nothing_to_charge"),
        ({"accepted_on": "2024-12-31"}, 409, "no_fee_in_force"),
        ({"lines": [{"item": "copy-a", "reduction_fen": 1}], "document": "厦财〔2026〕1号"}, 403, "decision_needed"),
        ({"due_on": "2026-12-25"}, 403, "decision_needed"),
        ({"due_on": "2026-12-25", "document": "厦财〔2026〕1号"}, 403, "decision_needed"),
    ],
)
def test_what_may_not_be_issued_is_refused_before_and_after(
    ask: Ask, desk: Desk, change: dict[str, Any], status: int, code: str
) -> None:
    for path in ("bills/preview", "bills"):
        refused = ask("POST", path, {**BODY, **change})
        assert (refused.status_code, refused.json["code"]) == (status, code)
    assert desk.rows("SELECT count(*) FROM bill") == [(0,)]


def test_m6_finance_reduces_and_defers_by_a_document(ask: Ask, desk: Desk, session: Session) -> None:
    finance = staff.header(session, "XM", "finance")
    lines = [{"item": "copy-a", "quantity": 2, "reduction_fen": 4_000}, {"item": "copy-b", "reduction_fen": 1_999}]
    body = {**BODY, "lines": lines, "due_on": "2027-01-31", "document": "厦财减〔2026〕1号"}
    draft = ask("POST", "bills/preview", body, finance).json
    assert [(item["reduction_fen"], item["fee_fen"]) for item in draft["items"]] == [(4_000, 20_000), (1_999, 0)]
    assert (draft["total_fen"], draft["due_on"]) == (20_000, "2027-01-31")
    made = ask("POST", "bills", body, finance).json
    assert (made["total_fen"], made["due_on"]) == (20_000, "2027-01-31")
    shown = ask("POST", "bills/look-up", {"pay_code": made["pay_code"]}, finance).json
    decided = {"document": "厦财减〔2026〕1号"}
    assert sorted(shown["reliefs"], key=lambda one: str(one["kind"])) == [
        {**decided, "kind": "deferral", "amount_fen": 0, "due_on": "2027-01-31"},
        {**decided, "kind": "reduction", "amount_fen": 5_999, "due_on": None},
    ]
    trail = "SELECT action, hall_code, data FROM audit_event WHERE object_id = :bill ORDER BY id"
    about = {**decided, "pay_code": made["pay_code"]}
    assert desk.rows(trail, bill=made["id"]) == [
        ("bill.reduction", "XM", {**about, "amount_fen": 5_999}),
        ("bill.deferral", "XM", {**about, "due_on": "2027-01-31"}),
    ]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"lines": [{"item": "copy-a", "reduction_fen": 12_001}]}, 422, "bill_refused"),
        ({"lines": [{"item": "copy-a", "reduction_fen": 12_000}]}, 409, "nothing_to_charge"),
        ({"lines": [{"item": "copy-a", "reduction_fen": -1}]}, 422, "invalid_input"),
        ({"lines": [{"item": "copy-a", "reduction_fen": 1}], "document": None}, 403, "decision_needed"),
        ({"lines": [{"item": "copy-a", "reduction_fen": 1}], "document": "字"}, 422, "invalid_input"),
        ({"due_on": "2026-12-25", "document": None}, 403, "decision_needed"),
        ({"due_on": "2026-12-24"}, 422, "bill_refused"),
        ({}, 422, "bill_refused"),
        ({"lines": FINE["lines"], "due_on": "2026-12-08"}, 422, "bill_refused"),
    ],
)
def test_m6_what_no_decision_allows_is_refused_and_stored_nowhere(
    ask: Ask, desk: Desk, session: Session, change: dict[str, Any], status: int, code: str
) -> None:
    finance = staff.header(session, "XM", "finance")
    body = {**BODY, "document": "厦财减〔2026〕1号", **change}
    for path in ("bills/preview", "bills"):
        refused = ask("POST", path, body, finance)
        assert (refused.status_code, refused.json["code"]) == (status, code)
    assert desk.rows("SELECT count(*) FROM bill") == [(0,)]
    assert desk.rows("SELECT count(*) FROM bill_relief") == [(0,)]


def test_a_fine_is_put_off_by_a_decision_and_grows_only_after_that(ask: Ask, desk: Desk, session: Session) -> None:
    finance = staff.header(session, "XM", "finance")
    late = {**FINE, "due_on": "2026-12-31", "document": "暂缓〔2026〕3号"}
    made = ask("POST", "bills", late, finance).json
    desk.clock.advance(days=30)
    jobs.grow_late()
    assert desk.rows("SELECT total_fen FROM bill") == [(20_000,)]
    assert made["due_on"] == "2026-12-31"


def test_an_unpaid_bill_is_deferred_to_a_later_day_by_finance_alone(ask: Ask, desk: Desk, session: Session) -> None:
    finance = staff.header(session, "XM", "finance")
    bill = ask("POST", "bills", BODY).json
    path, body = f"bills/{bill['id']}/deferral", {"due_on": "2027-02-01", "document": "厦财缓〔2026〕2号"}
    assert ask("POST", path, body).status_code == 403, "a clerk"
    refused = ask("POST", path, {**body, "due_on": bill["due_on"]}, finance)
    assert (refused.status_code, refused.json["code"]) == (422, "bill_refused")
    assert ask("POST", path, {**body, "document": ""}, finance).status_code == 422
    assert desk.rows("SELECT count(*) FROM bill_relief") == [(0,)]
    assert ask("POST", path, body, finance).json["due_on"] == "2027-02-01"
    desk.clock.advance(days=80)
    gone = ask("POST", path, {**body, "due_on": "2027-12-01"}, staff.header(session, "XM", "finance"))
    assert (gone.status_code, gone.json["code"]) == (409, "bill_not_open")


def test_who_only_checks_in_issues_nothing(ask: Ask, session: Session) -> None:
    gate = staff.header(session, "XM", "gate")
    for method, path in (("GET", "chargeable?on=2026-11-24"), ("POST", "bills/preview"), ("POST", "bills")):
        assert ask(method, path, None if method == "GET" else BODY, gate).status_code == 403
