"""The nine lists by hand, cancelled proofs, letters of commitment, and what is counted about items."""

from copy import deepcopy
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend.catalogue import queries, reports, snapshot
from backend.catalogue.registers.models import CommitmentText
from backend.catalogue.versions import service
from backend.core.sheets import read_csv, read_workbook
from tests.backend.catalogue.test_items_api import SLUG, Operator, citizen
from tests.conftest import Clock

pytestmark = pytest.mark.usefixtures("seed", "clock")
PROOF = {
    "name": {"zh": "无犯罪记录证明", "en": "Proof of no criminal record"},
    "basis": "某办〔2026〕1号",
    "cancelled_on": "2026-11-24",
}


@pytest.fixture
def wang(client: FlaskClient, session: Session) -> Operator:
    return Operator(client, session)


@pytest.fixture
def li(client: FlaskClient, session: Session) -> Operator:
    return Operator(client, session)


def test_an_item_is_put_on_a_list_with_a_reason_and_taken_off(wang: Operator, client: FlaskClient) -> None:
    before = citizen(client, "/lists/upfront")
    assert "fund-leaving" not in {item["slug"] for item in before["items"]}
    body = {"item": "fund-leaving", "reason": "银行网点试点"}
    wang.call("POST", "/staff/lists/upfront/additions", {**body, "reason": " "}, status=422)
    wang.call("POST", "/staff/lists/upfront/additions", body)
    after = citizen(client, "/lists/upfront")
    assert after["version"] == before["version"] + 1
    assert {item["slug"]: item["reason"] for item in after["items"]}["fund-leaving"] == "银行网点试点"
    old = citizen(client, f"/lists/upfront?version={before['version']}")
    assert [item["slug"] for item in old["items"]] == [item["slug"] for item in before["items"]]
    assert [one["version"] for one in after["editions"]] == [after["version"], before["version"]]
    wang.call("POST", "/staff/lists/upfront/additions/remove", {**body, "reason": "试点结束"})
    assert "fund-leaving" not in {item["slug"] for item in citizen(client, "/lists/upfront")["items"]}


def test_what_the_rule_names_needs_no_hand_and_nothing_else_can_be_taken_off(wang: Operator) -> None:
    listed = {"item": "social-card-apply", "reason": "试点"}
    for path in ("additions", "additions/remove"):
        refused = wang.call("POST", f"/staff/lists/upfront/{path}", listed, status=422)
        assert refused["code"] == "list_change_refused"
    assert wang.call("POST", "/staff/lists/nothing/additions", listed, status=404)["code"] == "list_not_found"
    assert wang.call("POST", "/staff/lists/publication", {}) == {"published": []}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_list_goes_into_a_spreadsheet(client: FlaskClient, kind: str) -> None:
    shown = citizen(client, "/lists/zero-trip")
    answer = client.get(f"/api/v1/lists/zero-trip/table?format={kind}")
    header, *rows = read_csv(answer.text) if kind == "csv" else read_workbook(answer.data)
    assert header[0] == "实施编码"
    assert {row[2] for row in rows} == {item["name"] for item in shown["items"]}
    assert all(len(row[0]) == 31 and row[5] == "1" for row in rows)


def test_a_cancelled_proof_cannot_be_asked_for(wang: Operator, li: Operator, client: FlaskClient) -> None:
    demanded = {"id": "record", "name": {"zh": "无犯罪记录 证明", "en": "Criminal record"}, "source": "applicant"}
    li.publish(wang.submitted(materials=[demanded]))
    entries = wang.call("POST", "/staff/cancelled-proofs", PROOF, status=201)["proofs"]
    mine = next(one for one in entries if one["name"] == PROOF["name"])
    assert [item["slug"] for item in mine["demanded_by"]] == [SLUG]
    version = wang.draft(popularity=9)
    assert [one["code"] for one in version["findings"]] == ["cancelled_proof"]
    body = {"note": "改好了", "revision": version["revision"]}
    wang.call("POST", f"/staff/items/versions/{version['id']}/submission", body, status=422)
    assert wang.draft(materials=[{**demanded, "source": "eproof", "exempt": True}])["findings"] == []
    assert PROOF["name"]["zh"] in {one["name"] for one in citizen(client, "/cancelled-proofs")["proofs"]}
    assert wang.call("POST", "/staff/cancelled-proofs", PROOF, status=409)["code"] == "proof_already_cancelled"


def test_a_proof_counts_from_its_day_and_can_be_put_right(wang: Operator, client: FlaskClient, clock: Clock) -> None:
    later = {**PROOF, "cancelled_on": "2026-11-25"}
    entries = wang.call("POST", "/staff/cancelled-proofs", later, status=201)["proofs"]
    mine = next(one for one in entries if one["name"] == PROOF["name"])
    assert PROOF["name"]["zh"] not in str(citizen(client, "/cancelled-proofs"))
    changed = {**later, "basis": "某办〔2026〕2号", "reason": "写错了文号"}
    entries = wang.call("PUT", f"/staff/cancelled-proofs/{mine['id']}", changed)["proofs"]
    assert next(one for one in entries if one["id"] == mine["id"])["basis"] == "某办〔2026〕2号"
    clock.advance(days=1)
    assert PROOF["name"]["zh"] in str(citizen(client, "/cancelled-proofs"))


def letter(text: str, valid_from: str) -> dict[str, Any]:
    return {
        "code": "true-statement",
        "title": {"zh": "信用承诺书", "en": "Letter"},
        "text": {"zh": text, "en": "I commit myself"},
        "valid_from": valid_from,
    }


def test_a_letter_s_new_words_are_a_new_version(
    wang: Operator, client: FlaskClient, session: Session, clock: Clock
) -> None:
    item = "/items/sole-trader-registration"
    assert citizen(client, item)["commitment"]["version"] == 1
    wang.call("POST", "/staff/commitment-letters", letter("新的承诺", "2026-11-23"), status=422)
    letters = wang.call("POST", "/staff/commitment-letters", letter("新的承诺", "2026-12-01"), status=201)["letters"]
    assert [(one["version"], one["valid"]) for one in letters] == [(2, False), (1, True)]
    assert citizen(client, item)["commitment"]["version"] == 1
    clock.set(datetime(2026, 12, 1, 2, 0, tzinfo=UTC))
    assert citizen(client, item)["commitment"]["text"] == "新的承诺"
    signed = queries.letter_of(session, queries.item(session, "sole-trader-registration"), on=date(2026, 11, 30))
    assert signed
    assert signed.version == 1
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(update(CommitmentText).values(text_zh="改掉"))


def test_districts_that_promise_different_times_are_shown(wang: Operator, li: Operator) -> None:
    assert wang.call("GET", "/staff/item-reports/time-limits")["items"] == []
    days = [{"division": "350203", "promise_days": 2}, {"division": "350206", "promise_days": 5}]
    li.publish(wang.submitted(promise_days=3, law_days=20, district_days=days))
    snapshot.forget()
    report = wang.call("GET", "/staff/item-reports/time-limits")
    (one,) = report["items"]
    by_district = {own["division"]["name"]: own["promise_days"] for own in one["districts"]}
    assert (one["slug"], one["city_days"], one["spread"], report["total"]) == (SLUG, 3, 3, 46)
    assert (by_district["思明区"], by_district["湖里区"], by_district["集美区"]) == (2, 5, 3)
    table = wang.client.get("/api/v1/staff/item-reports/time-limits/table?lang=zh", headers=wang.header)
    header, row = read_csv(table.text)
    assert dict(zip(header, row, strict=True))["思明区"] == "2"


def test_a_promise_above_the_law_is_a_fault_in_a_district_too(wang: Operator) -> None:
    version = wang.draft(law_days=20, district_days=[{"division": "350203", "promise_days": 21}])
    assert [one["pointer"] for one in version["findings"]] == ["/district_days/0/promise_days"]


def test_a_tenth_of_the_special_steps_is_an_exact_tenth(
    wang: Operator, li: Operator, session: Session, clock: Clock
) -> None:
    at_first = reports.special_steps(session, since=date(2018, 8, 1), on=date(2026, 11, 24))
    assert (at_first.before, at_first.now, at_first.gone, at_first.reached) == (13, 13, Fraction(0), False)
    content = service.by_number(session, "planning-permit", 1).content
    steps = deepcopy(content["special_steps"])
    li.publish(wang.submitted("planning-permit", special_steps=steps[1:]))
    path = "/staff/item-reports/special-steps?since=2018-08-01"
    counted = wang.call("GET", path)
    assert (counted["before"], counted["now"], counted["gone_percent"], counted["reached"]) == (13, 12, "7.6", False)
    ending = {"kind": "abolished", "successor": None, "note": None}
    li.publish(wang.submitted("vehicle-repair-filing", ended=ending))
    counted = wang.call("GET", path)
    assert (counted["now"], counted["gone_percent"], counted["reached"]) == (11, "15.3", True)
    assert wang.call("GET", f"{path[:-10]}2010-01-01")["gone_percent"] is None


def test_a_filing_that_cannot_be_online_needs_both_approvals(wang: Operator) -> None:
    allowed = {"reason": "要当面核对", "committee_document": "", "reform_document": ""}
    for documents, faults in (
        ({}, ["filing_not_online"]),
        ({"committee_document": "厦管委〔2026〕1号"}, ["filing_not_online"]),
        ({"reform_document": "厦审改〔2026〕1号"}, ["filing_not_online"]),
        ({"committee_document": "厦管委〔2026〕1号", "reform_document": "厦审改〔2026〕1号"}, []),
    ):
        version = wang.draft(kind="filing", offline_filing={**allowed, **documents})
        assert [one["code"] for one in version["findings"]] == faults
