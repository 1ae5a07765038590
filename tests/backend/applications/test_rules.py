"""Special steps, extension, joint handling, hand-overs between halls, filing at a counter."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications import doctor, jobs
from backend.applications.case_models import Case, CaseSpecial, CaseTransfer
from backend.applications.form_models import ItemFiling
from backend.core import calendar
from backend.core.audit import AuditEvent
from notify.models import Notification
from tests.backend.applications.conftest import MakeFiler
from tests.backend.applications.people import LOOK, PASSPORT, PLATE, QUERY, RENEWAL, Filer, Office, id_number, publish
from tests.conftest import Clock


@pytest.fixture
def _step(session: Session) -> None:
    """A listed step of five working days for one item."""
    publish(session, PLATE, special_steps=[LOOK])


def under_review(filer: Filer, office: Office, item: str = PLATE) -> dict[str, Any]:
    case = filer.file(item)
    office.accepted(case)
    office.done("approver", case, "review")
    return case


def later(office: Office) -> Office:
    return Office(office.client, office.session, office.hall)


@pytest.mark.usefixtures("_step")
def test_only_a_listed_step_pauses_and_at_most_its_days(citizen_: Filer, office: Office, session: Session) -> None:
    case = under_review(citizen_, office)
    assert office.case(case)["promise_due_on"] == "2026-12-01"
    for code, days in (("hearing", None), ("nothing", None), ("look", 6)):
        body = {"code": code, "days": days, "document": "告知一号"}
        assert office.do("approver", case, "special-step", **body).json["code"] == "step_not_listed"
    assert office.do("approver", case, "special-step", **body).json["errors"][0]["detail"] == "最多 5 个工作日"
    paused = office.done("approver", case, "special-step", code="look", document="告知一号")
    assert (paused["state"], paused["promise_due_on"], paused["law_due_on"]) == ("special", "2026-12-08", "2026-12-22")
    assert paused["specials"][0]["ends_by"] == "2026-12-01"
    told = session.scalars(select(Notification).where(Notification.template == "case_special")).one()
    assert told.params["reason"] == "现场勘验"
    assert office.do("approver", case, "decision", grant=True, document="一号").json["code"] == "invalid_transition"


@pytest.mark.usefixtures("_step")
def test_a_step_that_ends_early_gives_its_days_back(citizen_: Filer, office: Office, clock: Clock) -> None:
    case = under_review(citizen_, office)
    office.done("approver", case, "special-step", code="look", document="告知一号")
    clock.advance(days=2)
    office = later(office)
    ended = office.done("approver", case, "special-step/end")
    assert (ended["state"], ended["promise_due_on"], ended["days_used"]) == ("reviewing", "2026-12-03", 0)
    again = office.do("approver", case, "special-step", code="look", document="告知二号")
    assert again.json["code"] == "step_not_listed", "each step once"


@pytest.mark.usefixtures("_step")
def test_a_step_that_lasts_too_long_is_ended(citizen_: Filer, office: Office, clock: Clock, session: Session) -> None:
    case = under_review(citizen_, office)
    office.done("approver", case, "special-step", code="look", document="告知一号")
    session.commit()
    clock.set(datetime(2026, 12, 1, 2, 0, tzinfo=UTC))
    jobs.end_special_steps()
    assert later(office).case(case)["state"] == "special"
    clock.set(datetime(2026, 12, 4, 2, 0, tzinfo=UTC))
    jobs.end_special_steps()
    jobs.end_special_steps()
    found = later(office).case(case)
    assert (found["state"], found["promise_due_on"], found["days_used"]) == ("reviewing", "2026-12-08", 3)
    assert session.scalars(select(CaseSpecial.ended_on)).one() == date(2026, 12, 1)
    assert doctor.invariants(session) == []


def test_a_limit_is_extended_once_by_approval(citizen_: Filer, office: Office, session: Session) -> None:
    case = under_review(citizen_, office)
    body = {"days": 10, "reason": "要多核对几天", "document": "厦政延〔2026〕1号"}
    assert office.do("approver", case, "extension", **body).status_code == 403
    refused = office.do("hall_lead", case, "extension", **{**body, "days": 11}).json
    assert (refused["code"], refused["errors"][0]["pointer"]) == ("extension_used", "/days")
    extended = office.done("hall_lead", case, "extension", **body)
    assert (extended["extended_days"], extended["promise_due_on"]) == (10, "2026-12-15")
    assert office.do("hall_lead", case, "extension", **{**body, "days": 1}).json["code"] == "extension_used"
    kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.extended")).one()
    assert kept.data == {"days": 10, "document": "厦政延〔2026〕1号"}


def test_departments_answer_side_by_side_before_the_decision(citizen_: Filer, office: Office, session: Session) -> None:
    departments = ["natural-resources", "construction"]
    session.add(ItemFiling(item_slug=QUERY, mode="full", departments=departments, fee_blocks="result"))
    session.commit()
    case = under_review(citizen_, office, QUERY)
    seen = office.case(case)
    assert (seen["joint"], seen["law_days"], seen["law_due_on"]) == (True, 45, None)
    first, second = (part["id"] for part in seen["parts"])
    listed = office.get("approver", "/cases?box=joint").json["cases"]
    assert [row["id"] for row in listed] == [case["id"]]
    decision = {"grant": True, "document": "一号"}
    assert office.do("approver", case, "decision", **decision).json["code"] == "opinions_missing"
    agree = {"agree": True, "opinion": "同意"}
    office.done("approver", case, f"parts/{first}/opinion", **agree)
    same = office.do("approver", case, f"parts/{second}/opinion", **agree)
    assert same.json["code"] == "other_hand_needed"
    colleague = Office(office.client, session)
    assert colleague.do("approver", case, f"parts/{first}/opinion", **agree).json["code"] == "invalid_transition"
    colleague.done("approver", case, f"parts/{second}/opinion", agree=False, opinion="规划不符")
    assert office.do("approver", case, "decision", **decision).json["code"] == "opinions_missing"
    refused = {"grant": False, "document": "一号", "reason": "规划不符"}
    assert office.done("approver", case, "decision", **refused)["state"] == "denied"
    limit = {"days": 15, "reason": "多部门要会商", "document": "一号"}
    other = under_review(citizen_, office, QUERY)
    assert office.done("hall_lead", other, "extension", **limit)["extended_days"] == 15


def test_due_dates_come_with_the_calendar(citizen_: Filer, office: Office, session: Session, clock: Clock) -> None:
    session.add(ItemFiling(item_slug=QUERY, mode="full", departments=["construction"], fee_blocks="result"))
    session.commit()
    case = under_review(citizen_, office, QUERY)
    assert office.case(case)["law_due_on"] is None
    session.add(calendar.CalendarYear(year=2027, source="test"))
    session.commit()
    calendar.forget()
    jobs.recount_unknown()
    assert office.case(case)["law_due_on"] == "2027-01-26"


def test_papers_travel_with_a_receipt(citizen_: Filer, office: Office, session: Session, clock: Clock) -> None:
    there, far = Office(office.client, session, "SM"), Office(office.client, session, "TA")
    case = citizen_.file(QUERY)
    for hall, code in (("XM", "transfer_not_allowed"), ("HL", "transfer_not_allowed"), ("ZZ", "hall_not_found")):
        refused = office.do("window_clerk", case, "send-on", to_hall=hall, reason="归那边管")
        assert refused.json["code"] == code
    assert office.case(case)["to_halls"] == ["HC", "JM", "SM", "TA"]
    sent = office.done("window_clerk", case, "send-on", to_hall="SM", reason="归那边管")
    assert (sent["transfer"]["overdue"], sent["may"]) == (False, [])
    assert office.do("window_clerk", case, "accept").json["code"] == "in_transit"
    assert [row["id"] for row in there.get("window_clerk", "/cases?box=incoming").json["cases"]] == [case["id"]]
    assert there.do("window_clerk", case, "accept").json["code"] == "case_not_found"
    assert far.do("window_clerk", case, "take-over").json["code"] == "case_not_found"
    session.commit()
    clock.set(datetime(2026, 11, 25, 9, 1, tzinfo=UTC))
    jobs.warn_transfers()
    jobs.warn_transfers()
    alarms = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.transfer_overdue")).all()
    assert [alarm.data for alarm in alarms] == [{"to": "SM"}]
    there = later(there)
    assert there.case(case)["transfer"]["overdue"] is True
    received = there.done("window_clerk", case, "take-over")
    assert (received["hall_code"], received["transfer"]) == ("SM", None)
    assert there.done("window_clerk", case, "take-over")["hall_code"] == "SM"
    assert later(office).get("window_clerk", f"/cases/{case['id']}").json["code"] == "case_not_found"
    assert there.accepted(case)["state"] == "accepted"
    mine = citizen_.get(f"/cases/{case['id']}").json
    assert "材料转到思明区政务服务中心了" in [row["words"] for row in mine["timeline"]]
    assert session.scalars(select(CaseTransfer.received_by)).one() is not None


def test_papers_can_be_called_back(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    assert office.do("window_clerk", case, "call-back", reason="发错了").json["code"] == "case_not_found"
    office.done("window_clerk", case, "send-on", to_hall="SM", reason="归那边管")
    assert office.done("window_clerk", case, "call-back", reason="发错了")["transfer"] is None
    there = Office(office.client, session, "SM")
    assert there.get("window_clerk", f"/cases/{case['id']}").json["code"] == "case_not_found"


def begin(office: Office, role: str, filer: Filer, item: str = PASSPORT, **changes: str) -> Any:
    citizen = {"name": filer.name, "id_number": filer.number, **changes}
    return office.send(role, "POST", "/applications", {"item": item, "citizen": citizen})


def test_the_window_files_for_whoever_stands_there(citizen_: Filer, office: Office, session: Session) -> None:
    assert begin(office, "window_clerk", citizen_, name="李测试").json["errors"][0]["pointer"] == "/citizen/name"
    assert begin(office, "window_clerk", citizen_, id_number="350299199001010011").status_code == 422
    draft = begin(office, "window_clerk", citizen_).json
    assert draft["profile"]["name"] == "张*"
    path = f"/applications/{draft['id']}"
    office.send("window_clerk", "PATCH", path, {"revision": 1, "answers": RENEWAL})
    refused = office.send("window_clerk", "PUT", f"{path}/papers", {"papers": ["passport-renewal.id-card"]})
    assert refused.json["code"] == "material_not_asked_for", "免提交"
    office.send("window_clerk", "PUT", f"{path}/papers", {"papers": ["passport-renewal.old-passport"]})
    filed = office.send("window_clerk", "POST", f"{path}/submit", {}).json
    assert filed["state"] == "received"
    mine = citizen_.get(f"/cases/{filed['id']}").json
    [given] = [row["given"] for row in mine["materials"] if row["id"] == "passport-renewal.old-passport"]
    assert given[0]["kind"] == "paper"
    colleague = Office(office.client, session)
    assert colleague.send("window_clerk", "GET", path).json["code"] == "application_not_found"
    assert session.get_one(Case, filed["id"]).filed_hall == "XM"


def test_a_stranger_to_us_is_made_from_the_card(citizen_: Filer, office: Office) -> None:
    fresh = begin(office, "window_clerk", citizen_, name="新测试", id_number=id_number())
    assert (fresh.status_code, fresh.json["applicant"]) == (201, "新*")


def test_a_partner_files_only_what_the_citizen_confirms(
    make_filer: MakeFiler, office: Office, session: Session
) -> None:
    filer, other = make_filer(), make_filer()
    draft = begin(office, "partner", filer).json
    path = f"/applications/{draft['id']}"
    office.send("partner", "PATCH", path, {"revision": 1, "answers": RENEWAL})
    assert office.send("partner", "POST", f"{path}/submit", {}).json["code"] == "not_confirmed"
    drawn = filer.post("/me/filing-code").json["code"]
    foreign = other.post("/me/filing-code").json["code"]
    wrong = foreign if foreign != drawn else f"{(int(drawn) + 1) % 10**6:06d}"
    assert office.send("partner", "POST", f"{path}/confirm", {"code": wrong}).json["code"] == "filing_code_wrong"
    assert office.send("partner", "POST", f"{path}/confirm", {"code": drawn}).status_code == 200
    again = office.send("partner", "POST", f"{path}/confirm", {"code": drawn})
    assert again.json["code"] == "filing_code_wrong", "a code is used once"
    assert office.send("partner", "PUT", f"{path}/papers", {"papers": []}).status_code == 403
    filed = office.send("partner", "POST", f"{path}/submit", {}).json
    assert filed["state"] == "submitted"
    for route in ("/cases", f"/cases/{filed['id']}", "/cases/counts"):
        assert office.get("partner", route).status_code == 403, "cannot read cases"
    assert filer.get(f"/cases/{filed['id']}").json["number"] == filed["number"]
    assert office.case({"id": filed["id"]})["channel"] == "partner"


def test_a_code_has_five_tries_and_ten_minutes(citizen_: Filer, office: Office, clock: Clock) -> None:
    path = f"/applications/{begin(office, 'partner', citizen_).json['id']}/confirm"
    code = citizen_.post("/me/filing-code").json["code"]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        assert office.send("partner", "POST", path, {"code": wrong}).status_code == 422
    assert office.send("partner", "POST", path, {"code": code}).json["code"] == "filing_code_wrong"
    code = citizen_.post("/me/filing-code").json["code"]
    clock.advance(minutes=10)
    assert office.send("partner", "POST", path, {"code": code}).json["code"] == "filing_code_wrong"
    code = citizen_.post("/me/filing-code").json["code"]
    assert office.send("partner", "POST", path, {"code": code}).status_code == 200
