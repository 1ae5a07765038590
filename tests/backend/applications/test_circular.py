"""What the circular wants of cases: letters signed, credit asked, and nothing demanded beyond the published list."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import requests
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend.applications import demands
from backend.applications.case_models import CaseEventRow, MaterialDemand
from backend.applications.models import CommitmentSignature
from backend.catalogue import snapshot
from backend.catalogue.registers import service as registers
from backend.core import clock as business
from backend.core import crypto
from backend.core.audit import AuditEvent
from backend.core.config import Settings
from backend.core.sheets import read_csv, read_workbook
from backend.credit import jobs as credit
from backend.credit import platform, service
from backend.credit.models import CreditCheck
from backend.credit.platform import Platform
from backend.province.models import FeedRow
from backend.seed import data
from tests.backend import staff
from tests.backend.applications.conftest import MakeFiler
from tests.backend.applications.people import GENERAL, LOOK, PASSPORT, PLATE, QUERY, RENEWAL, Filer, Office, publish
from tests.conftest import Clock
from tests.sandbox_server import RunningSandbox, running_sandbox

LETTER = "true-statement"


def sign(filer: Filer, draft: dict[str, Any], version: int = 1, **more: Any) -> Any:
    path = f"/applications/{draft['id']}/commitment"
    return filer.send("PUT", path, {"version": version, "agreed": True, **more})


def new_words(session: Session, *, valid_from: date) -> None:
    words = {"title_zh": "信用承诺书", "title_en": "Letter", "text_zh": "新的承诺", "text_en": "New words"}
    registers.write_letter(session, LETTER, words, valid_from=valid_from, actor="staff:x")
    session.commit()
    snapshot.forget()


def test_24_2_the_letter_is_read_and_signed_before_anything_is_handed_in(
    citizen_: Filer, office: Office, session: Session
) -> None:
    publish(session, QUERY, commitment=LETTER)
    draft = citizen_.fill(citizen_.start(QUERY))
    assert (draft["commitment"]["version"], draft["commitment"]["signed_at"]) == (1, None)
    assert {"key": "commitment", "title": "信用承诺书", "state": "not_started"} in draft["tasks"]
    refused = citizen_.post(f"/applications/{draft['id']}/submit")
    assert [one["pointer"] for one in refused.json["errors"]] == ["/commitment"]
    assert sign(citizen_, draft, agreed=False).status_code == 422
    assert sign(citizen_, draft, version=2).json["code"] == "commitment_changed"
    signed = sign(citizen_, draft).json
    assert sign(citizen_, draft).status_code == 200, "twice is the same as once"
    assert (signed["commitment"]["signed_by"], signed["commitment"]["on_paper"]) == ("张*", False)
    case = citizen_.post(f"/applications/{draft['id']}/submit").json
    assert case["commitment"]["version"] == 1
    shown = office.case(case)["commitment"]
    assert (shown["signed_at"], shown["text"]) == (case["commitment"]["signed_at"], case["commitment"]["text"])
    rows = session.scalars(select(AuditEvent).where(AuditEvent.action == "application.commitment_signed")).all()
    assert [row.data for row in rows] == [{"letter": LETTER, "version": 1}]
    assert "张测试" not in str(session.execute(text("SELECT c::text FROM commitment_signature c")).all())


def test_24_2_where_a_letter_is_signed_nobody_promises_a_second_time(
    citizen_: Filer, office: Office, session: Session
) -> None:
    lettered = [item["slug"] for item in data.items() if item.get("commitment")]
    assert "company-registration" in lettered
    for slug in lettered:
        form = citizen_.get(f"/items/{slug}/form").json
        assert form["pages"]
        assert "agree" not in {field["kind"] for page in form["pages"] for field in page["fields"]}, slug
    plain = citizen_.start(QUERY)
    assert "truthful" in plain["schema"]["properties"]
    publish(session, QUERY, commitment=LETTER)
    draft = citizen_.get(f"/applications/{plain['id']}").json
    assert "truthful" not in draft["schema"]["properties"], "a letter that came while it was filled in"
    assert "promise" not in [task["key"] for task in draft["tasks"]]
    answers = {name: value for name, value in GENERAL.items() if name != "truthful"}
    citizen_.send("PATCH", f"/applications/{draft['id']}", {"revision": draft["revision"], "answers": answers})
    sign(citizen_, draft)
    case = citizen_.post(f"/applications/{draft['id']}/submit").json
    for shown in (case, office.case(case)):
        assert "promise" not in [page["key"] for page in shown["pages"]]


def test_24_2_new_words_mean_signing_again_but_not_for_what_was_handed_in(
    citizen_: Filer, office: Office, session: Session, clock: Clock
) -> None:
    publish(session, QUERY, commitment=LETTER)
    other = citizen_.fill(citizen_.start(QUERY))
    sign(citizen_, other)
    case = citizen_.post(f"/applications/{other['id']}/submit").json
    draft = citizen_.fill(citizen_.start(QUERY))
    sign(citizen_, draft)
    new_words(session, valid_from=business.today())
    changed = citizen_.get(f"/applications/{draft['id']}").json
    assert (changed["commitment"]["changed"], changed["commitment"]["version"]) == (True, 2)
    assert "再签一次" in citizen_.post(f"/applications/{draft['id']}/submit").json["errors"][0]["detail"]
    sign(citizen_, draft, version=2)
    assert citizen_.post(f"/applications/{draft['id']}/submit").json["commitment"]["text"] == "新的承诺"
    office.done("window_clerk", case, "correct", words="地址写清楚", fields=[{"name": "address", "words": "写清楚"}])
    assert sign(citizen_, other, version=2).json["code"] == "application_closed", "a running case keeps its words"
    again = citizen_.post(f"/applications/{other['id']}/submit").json
    assert (again["state"], again["commitment"]["version"]) == ("received", 1)
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE commitment_signature SET version = 1"))


def test_24_2_a_name_is_needed_and_a_window_notes_the_signed_paper(
    make_filer: MakeFiler, office: Office, session: Session
) -> None:
    publish(session, PASSPORT, commitment=LETTER)
    nobody, filer = make_filer(level=1), make_filer()
    assert sign(nobody, nobody.start(PASSPORT)).json["code"] == "level_required"
    body = {"item": PASSPORT, "citizen": {"name": filer.name, "id_number": filer.number}}
    draft = office.send("window_clerk", "POST", "/applications", body).json
    path = f"/applications/{draft['id']}"
    office.send("window_clerk", "PATCH", path, {"revision": 1, "answers": RENEWAL})
    office.send("window_clerk", "PUT", f"{path}/papers", {"papers": ["passport-renewal.old-passport"]})
    assert office.send("window_clerk", "POST", f"{path}/submit", {}).json["errors"][0]["pointer"] == "/commitment"
    office.send("window_clerk", "PUT", f"{path}/commitment", {"version": 1, "agreed": True})
    filed = office.send("window_clerk", "POST", f"{path}/submit", {}).json
    assert office.case(filed)["commitment"]["on_paper"] is True
    filer_draft = filer.start(PASSPORT)
    assert sign(filer, filer_draft).status_code == 200
    filer.send("DELETE", f"/applications/{filer_draft['id']}")
    left = session.scalars(select(CommitmentSignature.application_id)).all()
    assert UUID(filer_draft["id"]) not in left, "what was thrown away leaves no name"


@pytest.fixture(scope="module")
def provider(settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def credit_platform(provider: RunningSandbox, settings: Settings) -> Iterator[Platform]:
    found = platform.from_settings(provider.settings(settings))
    assert found
    yield found
    provider.reset()
    requests.post(f"{provider.url}/offices/api/reset", json={}, timeout=5)


@pytest.fixture
def _asks(session: Session) -> None:
    """One item of which the credit platform is asked."""
    publish(session, QUERY, credit_check=True)


def give_record(provider: RunningSandbox, number: str, records: str) -> None:
    body = {"person": number, "records": records}
    requests.post(f"{provider.url}/offices/api/credit", json=body, timeout=5).raise_for_status()


@pytest.mark.usefixtures("_asks")
def test_24_3_a_record_is_advice_with_its_reason_and_appeal_and_refuses_nothing(
    citizen_: Filer, office: Office, session: Session, credit_platform: Platform, provider: RunningSandbox
) -> None:
    give_record(provider, citizen_.number, "broken_promise")
    case = citizen_.file(QUERY)
    assert office.case(case)["credit"] is None, "asked at acceptance, not before"
    assert office.accepted(case)["credit"]["state"] == "asked"
    session.commit()
    assert (credit.ask(credit_platform), credit.ask(credit_platform)) == (1, 0)
    shown = office.case(case, "approver")["credit"]
    [record] = shown["records"]
    assert shown["state"] == "hit"
    assert "承诺" in record["reason"]
    assert "申诉" in record["appeal"]
    mine = citizen_.get(f"/cases/{case['id']}").json["credit"]
    assert mine == shown, "the applicant sees what is known of them, and how to object"
    assert office.case(case, "issuing_desk")["credit"] is None
    office.done("approver", case, "review")
    granted = office.done("approver", case, "decision", grant=True, document="厦政准〔2026〕1号")
    assert granted["state"] == "granted"
    [asked] = requests.get(f"{provider.url}/offices/api/state", timeout=5).json()["credit"]["asked"]
    assert asked["case_ref"] == case["full_number"]
    assert "供工作人员参考" in asked["purpose"]
    assert "承诺" not in str(session.execute(text("SELECT c::text FROM credit_check c")).all())


@pytest.mark.usefixtures("_asks")
def test_24_3_nothing_known_is_said_so(
    citizen_: Filer, office: Office, session: Session, credit_platform: Platform
) -> None:
    case = citizen_.file(QUERY)
    office.accepted(case)
    session.commit()
    credit.ask(credit_platform)
    assert office.case(case)["credit"]["state"] == "clear"
    other = citizen_.file(PLATE)
    office.accepted(other)
    assert office.case(other)["credit"] is None, "an item that needs none asks nothing"


@pytest.mark.usefixtures("_asks")
@pytest.mark.parametrize("fault", ["outage", "drop", "forged"])
def test_24_3_an_outage_leaves_a_note_and_the_case_goes_on(
    citizen_: Filer,
    office: Office,
    session: Session,
    credit_platform: Platform,
    provider: RunningSandbox,
    clock: Clock,
    fault: str,
) -> None:
    provider.faults(credit=fault)
    case = citizen_.file(QUERY)
    office.accepted(case)
    office.done("approver", case, "review")
    session.commit()
    for _ in range(len(service.WAITS_S) + 1):
        assert credit.ask(credit_platform) == 1
        clock.advance(seconds=601)
    assert credit.ask(credit_platform) == 0
    found = Office(office.client, session)
    shown = found.case(case)["credit"]
    assert (shown["state"], shown["failure"] is None) == ("away", False)
    provider.faults(credit="normal")
    found.done("approver", case, "credit")
    session.commit()
    credit.ask(credit_platform)
    assert found.case(case)["credit"]["state"] == "clear"
    assert found.done("approver", case, "decision", grant=True, document="一号文")["state"] == "granted"


@pytest.mark.usefixtures("_asks")
def test_24_3_without_a_platform_the_note_comes_at_once(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    office.accepted(case)
    session.commit()
    credit.ask(None)
    assert office.case(case)["credit"]["failure"] == "not_joined"
    assert office.do("approver", citizen_.file(PLATE), "credit").status_code == 404


def cancel(session: Session, name: str, on: date) -> None:
    entry = {
        "name_zh": name,
        "name_en": "Proof of it",
        "aliases": [],
        "basis": "厦府办〔2018〕138号",
        "instead_zh": "部门自己查",
        "instead_en": "the department looks it up",
        "cancelled_on": on,
    }
    registers.cancel_proof(session, entry, actor="staff:x")
    session.commit()
    snapshot.forget()


def test_20_1_a_cancelled_proof_is_asked_of_nobody(citizen_: Filer, office: Office, session: Session) -> None:
    paper = {"id": "residence", "name": {"zh": "居住情况证明", "en": "Residence"}, "source": "applicant", "copies": 1}
    publish(session, QUERY, materials=[paper])
    draft = citizen_.fill(citizen_.start(QUERY))
    assert citizen_.post(f"/applications/{draft['id']}/submit").json["errors"][0]["pointer"].startswith("/materials/")
    cancel(session, "居住情况证明", business.today())
    [asked] = citizen_.get(f"/applications/{draft['id']}").json["materials"]
    assert (asked["how"], asked["required"], asked["done"]) == ("nothing", False, True)
    assert asked["note"] == "“居住情况证明”已经取消，不用再交；改看：部门自己查"
    case = citizen_.post(f"/applications/{draft['id']}/submit").json
    thing = [{"name": f"{QUERY}.residence", "words": "请补上"}]
    refused = office.do("window_clerk", case, "correct", words="缺材料", materials=thing)
    assert refused.json["code"] == "proof_cancelled"
    assert "不用再交" in refused.json["errors"][0]["detail"]
    hidden = office.do("window_clerk", case, "correct", words="请补交居住情况证明", fields=[])
    assert (hidden.json["code"], hidden.json["errors"][0]["pointer"]) == ("proof_cancelled", "/words")
    assert office.case(case)["corrections"] == []


def test_20_1_it_counts_from_its_day(citizen_: Filer, session: Session, clock: Clock) -> None:
    paper = {"id": "residence", "name": {"zh": "居住情况证明", "en": "Residence"}, "source": "applicant", "copies": 1}
    publish(session, QUERY, materials=[paper])
    cancel(session, "居住情况证明", date(2026, 11, 25))
    draft = citizen_.start(QUERY)
    assert draft["materials"][0]["required"] is True
    clock.advance(days=1)
    assert citizen_.get(f"/applications/{draft['id']}").json["materials"][0]["required"] is False


def test_19_4_a_paper_that_is_not_on_the_list_is_flagged_to_the_lead(
    citizen_: Filer, office: Office, session: Session
) -> None:
    case = citizen_.file(QUERY)
    field = [{"name": "address", "words": "写清楚"}]
    office.done("window_clerk", case, "correct", words="请补交收入证明和其他相关材料", fields=field)
    office.send("window_clerk", "POST", f"/cases/{case['id']}/messages", {"words": "再带一份无犯罪记录证明来"})
    names = [one["name"] for one in office.case(case)["unlisted"]]
    assert set(names) == {"收入证明", "请补交收入证明和其他相关材料", "无犯罪记录证明"}
    days = f"first={business.today()}&last={business.today()}"
    assert office.get("window_clerk", f"/standard-tracking?{days}").status_code == 403
    listed = office.get("hall_lead", f"/standard-tracking?{days}").json
    assert listed["counts"] == {"all": 1, "materials": 1, "days": 0, "steps": 1, "open": 1}
    [row] = listed["cases"]
    assert sorted(one["place"] for one in row["unlisted"]) == ["correct", "correct", "message"]
    assert row["extra_steps"] == [{"step": "correct", "count": 1}]
    for one in row["unlisted"]:
        path = f"/material-demands/{one['id']}/settle"
        assert office.send("hall_lead", "POST", path, {"words": "已告诉办事人不用交"}).status_code == 200
    assert office.send("hall_lead", "POST", path, {"words": "再来一次"}).json["code"] == "demand_settled"
    assert office.get("hall_lead", f"/standard-tracking?{days}&kind=open").json["cases"] == []
    other = Office(office.client, session, hall="SM")
    assert other.get("hall_lead", f"/standard-tracking?{days}").json["counts"]["all"] == 0
    assert other.send("hall_lead", "POST", path, {"words": "不是我的"}).json["code"] == "demand_not_found"


def test_19_4_days_and_steps_beyond_the_standard_are_listed_and_counted(
    citizen_: Filer, office: Office, session: Session, clock: Clock
) -> None:
    publish(session, PLATE, special_steps=[LOOK], promise_days=1, law_days=20)
    late, fine = citizen_.file(PLATE), citizen_.file(QUERY)
    office.accepted(late)
    office.done("approver", late, "review")
    clock.advance(days=7)
    office = Office(office.client, session)
    office.done("approver", late, "decision", grant=True, document="一号文")
    citizen_.log_in_again(session)
    days = "first=2026-11-20&last=2026-12-31"
    operator = staff.header(session, "*", "platform_operator")
    listed = office.client.get(f"/api/v1/staff/standard-tracking?{days}", headers=operator).json
    [row] = listed["cases"]
    assert (row["id"], row["promise_days"], row["days_used"], row["late"]) == (late["id"], 1, 5, True)
    assert listed["counts"]["all"] == 2
    assert fine["id"] not in str(listed["cases"])
    only = office.client.get(f"/api/v1/staff/standard-tracking?{days}&hall=SM", headers=operator).json
    assert only["counts"]["all"] == 0
    path = f"/api/v1/staff/standard-tracking/table?{days}&lang=zh"
    header, cells = read_csv(office.client.get(path, headers=operator).text)
    shown = dict(zip(header, cells, strict=True))
    assert (shown["办件"], shown["承诺工作日"], shown["用了"]) == (late["number"], "1", "5")
    book = office.client.get(f"{path}&format=xlsx", headers=operator)
    assert read_workbook(book.data)[1][0] == late["number"]
    wrong = office.client.get("/api/v1/staff/standard-tracking?first=2026-12-01&last=2026-11-01", headers=operator)
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("请补交收入证明、银行流水", ["收入证明", "银行流水"]),
        ("麻烦您再提供一份单位授权委托书", ["单位授权委托书"]),
        ("照片看不清，请重新拍", []),
        ("根据需要提供有关材料", ["根据需要提供有关材料"]),
        ("地址写清楚", []),
    ],
)
def test_19_4_the_papers_that_a_request_names(words: str, names: list[str]) -> None:
    assert demands.asked_for(words) == names


def test_19_4_what_the_list_has_may_be_asked_for(citizen_: Filer, office: Office, session: Session) -> None:
    paper = {"id": "contract", "name": {"zh": "购房合同", "en": "Contract"}, "source": "applicant", "copies": 1}
    case = citizen_.file(QUERY)
    publish(session, QUERY, materials=[paper])
    office.send("window_clerk", "POST", f"/cases/{case['id']}/messages", {"words": "请补交购房合同复印件"})
    assert session.scalars(select(MaterialDemand)).all() == []


def test_21_3_nobody_is_billed_for_what_the_department_bears(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(PLATE)
    [code] = [fee.tariff.code for fee in snapshot.current(session).items[PLATE].fees]
    order = {
        "lines": [{"item": code, "quantity": 1}],
        "accepted_on": str(business.today()),
        "payer": {"name": "张测试"},
    }
    counter = {**order, "subject_type": "counter", "subject_id": "一号窗口"}
    assert office.send("window_clerk", "POST", "/bills/preview", counter).status_code == 200
    publish(session, PLATE, fee_borne_by="department")
    assert "部门出" in citizen_.get(f"/items/{PLATE}").json["fees"][0]["note"]
    of_case = {**order, "subject_type": "case", "subject_id": case["number"]}
    for path in ("/bills/preview", "/bills"):
        for body in (counter, of_case, {**of_case, "subject_id": case["id"]}):
            refused = office.send("window_clerk", "POST", path, body)
            assert (refused.status_code, refused.json["code"]) == (422, "department_bears")
    assert office.accepted(case)["fee_state"] == "none"


def test_23_1_every_decided_case_is_in_the_feed_with_its_decision(
    citizen_: Filer, office: Office, session: Session
) -> None:
    granted, refused = citizen_.file(QUERY), citizen_.file(PLATE)
    office.concluded(granted)
    office.accepted(refused)
    office.done("approver", refused, "review")
    office.done("approver", refused, "decision", grant=False, document="厦政不准〔2026〕2号", reason="不符合条件")
    office.done("issuing_desk", refused, "result", paper=True)
    session.expire_all()
    for case in (granted, refused):
        rows = session.scalars(select(FeedRow).where(FeedRow.subject_id == case["id"]).order_by(FeedRow.position)).all()
        moves = session.scalars(select(CaseEventRow.event).where(CaseEventRow.entity_id == UUID(case["id"]))).all()
        told = [_payload(row) for row in rows]
        assert [one["event"] for one in told if "event" in one] == list(moves), "every step, in order"
        assert told[-1]["decided_on"] == str(business.today())
        assert told[-1]["document"]
        assert rows[-1].kind == 30


def _payload(row: FeedRow) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(crypto.unseal(row.payload, table="province_feed", column="payload", row=row.id))
    return told


def test_the_four_ways_of_filing_are_told_apart(citizen_: Filer, session: Session) -> None:
    publish(session, PLATE, online_url="https://www.fujian.gov.cn/")
    modes = {slug: citizen_.get(f"/items/{slug}/form").json["mode"] for slug in (QUERY, PASSPORT, PLATE)}
    guide = citizen_.get("/items/marriage-registration/form").json["mode"]
    assert (modes, guide) == ({QUERY: "full", PASSPORT: "split", PLATE: "link"}, "guide")
    refused = citizen_.post("/applications", {"item": PLATE})
    assert (refused.json["code"], refused.json["url"]) == ("not_filed_online", "https://www.fujian.gov.cn/")
    assert citizen_.post("/applications", {"item": "marriage-registration"}).json["code"] == "not_filed_online"
    assert citizen_.file(QUERY)["state"] == "received"
    assert citizen_.start(PASSPORT)["mode"] == "split"


def test_credit_questions_follow_a_merged_person(make_filer: MakeFiler, office: Office, session: Session) -> None:
    publish(session, QUERY, credit_check=True)
    one, other = make_filer(), make_filer()
    office.accepted(one.file(QUERY))
    session.commit()
    service.adopt(session, person_id=other.id, former_id=one.id)
    assert session.scalars(select(CreditCheck.person_id)).all() == [other.id]
