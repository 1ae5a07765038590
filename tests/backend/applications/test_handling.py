"""A case from the inbox to the handed-over result: each role its part, each hall its cases, each day counted."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.applications import doctor, handlers, jobs, mailing, staff_api
from backend.applications.case_models import Case, CaseEventRow
from backend.applications.form_models import ItemFiling
from backend.core.audit import AuditEvent
from backend.core.config import Settings
from backend.identity.models import StaffRole
from express import queries as shipments
from express.errors import SubjectNotFound
from express.models import Direction
from express.subjects import Asking
from notify.models import Notification
from payments.bill_models import Bill
from tests.backend.applications import papers
from tests.backend.applications.conftest import MakeFiler
from tests.backend.applications.people import PASSPORT, PLATE, QUERY, Filer, Office, publish
from tests.conftest import Clock


def told(session: Session, filer: Filer) -> list[str]:
    session.expire_all()
    query = select(Notification.template).where(Notification.person_id == filer.id)
    return list(session.scalars(query.order_by(Notification.created_at, Notification.id)))


def box(office: Office, name: str, role: str = "window_clerk", **query: str) -> list[dict[str, Any]]:
    words = "".join(f"&{key}={value}" for key, value in query.items())
    cases: list[dict[str, Any]] = office.get(role, f"/cases?box={name}{words}").json["cases"]
    return cases


def test_all_online_from_the_inbox_to_the_counter(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    [row] = box(office, "front")
    assert (row["number"], row["owed_on"], row["colour"]) == (case["number"], "2026-12-01", "green")
    accepted = office.accepted(case)
    assert (accepted["accepted_on"], accepted["promise_due_on"]) == ("2026-11-24", "2026-11-25")
    assert accepted["law_due_on"] == "2026-12-22"
    office.done("approver", case, "review")
    decided = office.done("approver", case, "decision", grant=True, document="厦政准〔2026〕1号")
    assert decided["decision"] == {"granted": True, "on": "2026-11-24", "document": "厦政准〔2026〕1号", "reason": None}
    assert decided["deliver_by"] == "2026-12-08"
    office.done("issuing_desk", case, "result", paper=True, seal="镇(街道)审批专用章")
    office.done("issuing_desk", case, "offer")
    assert [one["id"] for one in box(office, "pickup", "issuing_desk")] == [case["id"]]
    taken = office.taken(case)
    for missing in ("identity_checked", "signature_id"):
        without = {name: value for name, value in taken.items() if name != missing}
        assert office.do("issuing_desk", case, "hand-over", **without).json["errors"][0]["pointer"] == f"/{missing}"
    assert office.do("issuing_desk", case, "hand-over", **{**taken, "identity_checked": False}).status_code == 422
    over = office.done("issuing_desk", case, "hand-over", **taken)
    assert over["state"] == "delivered"
    mine = citizen_.get(f"/cases/{case['id']}").json
    assert [one["event"] for one in mine["timeline"]] == [
        *("deliver", "offer", "conclude", "grant", "review", "accept", "receive", "submit")
    ]
    assert told(session, citizen_) == [
        *("case_received", "case_accepted", "case_decided", "case_result", "case_delivered")
    ]
    assert citizen_.post(f"/cases/{case['id']}/rating", {"grade": 5}).status_code == 204
    assert citizen_.post(f"/cases/{case['id']}/rating", {"grade": 1}).json["code"] == "rated_already"


def test_three_hands_are_three_people(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    for role, step, body in (
        ("approver", "accept", {}),
        ("issuing_desk", "accept", {}),
        ("window_clerk", "review", {}),
        ("window_clerk", "decision", {"grant": True, "document": "一号"}),
        ("approver", "result", {"paper": True}),
    ):
        assert office.do(role, case, step, **body).status_code == 403, (role, step)
    office.accepted(case)
    # Somebody with two roles is still one pair of hands.
    everything = office.header("window_clerk")
    clerk = session.scalars(select(Case.accepted_by).where(Case.id == case["id"])).one()
    give_role(session, clerk, "approver")
    office.headers["approver_too"] = everything
    assert office.do("approver_too", case, "review").json["code"] == "other_hand_needed"
    office.done("approver", case, "review")
    refused = office.do("approver_too", case, "decision", grant=True, document="一号")
    assert refused.json["code"] == "other_hand_needed"


def give_role(session: Session, staff_id: Any, role: str) -> None:
    session.add(StaffRole(staff_id=staff_id, role=role, hall_code="XM"))
    session.commit()


def test_the_database_keeps_the_three_hands_apart(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    office.granted(case)
    found = session.get_one(Case, case["id"])
    same = {"issued_by": found.decided_by}
    with pytest.raises(Exception, match="ck_service_case_hands"):
        session.execute(update(Case).where(Case.id == found.id).values(**same))
    session.rollback()


def test_corrections_are_told_once_and_everything(
    citizen_: Filer, office: Office, session: Session, clock: Clock
) -> None:
    case = citizen_.file(PASSPORT)
    office.done("window_clerk", case, "receive", papers=["passport-renewal.old-passport"])
    ask = {
        "words": "地址和旧护照要改",
        "fields": [{"name": "address", "words": "写到门牌号"}],
        "materials": [{"name": "passport-renewal.old-passport", "words": "看不清，请重新拍"}],
    }
    unlisted = {**ask, "materials": [{"name": "passport-renewal.id-card", "words": "请交身份证"}]}
    assert office.do("window_clerk", case, "correct", **unlisted).json["code"] == "material_not_asked_for"
    nameless = {**ask, "fields": [{"name": "shoe_size", "words": "请填"}]}
    assert office.do("window_clerk", case, "correct", **nameless).json["code"] == "material_not_asked_for"
    asked = office.done("window_clerk", case, "correct", **ask)
    assert (asked["state"], asked["reply_by"], asked["owed_on"]) == ("correcting", "2026-12-15", None)
    mine = citizen_.get(f"/cases/{case['id']}").json
    assert mine["correction"]["fields"] == ask["fields"]
    assert mine["can_edit"] is True
    draft = citizen_.get(f"/applications/{mine['application_id']}").json
    assert draft["correction"]["words"] == ask["words"]
    clock.advance(days=1)
    citizen_.fill(draft, address="测试路 1 号 302")
    again = citizen_.post(f"/applications/{draft['id']}/submit").json
    assert (again["id"], again["state"], again["accept_by"]) == (case["id"], "received", "2026-12-02")
    office = office_again(office)
    second = office.do("window_clerk", case, "correct", **ask)
    assert (second.status_code, second.json["code"]) == (409, "correction_told")
    assert "correct" not in office.case(case)["may"]
    assert told(session, citizen_) == ["case_received", "case_correction", "case_received"]


def test_a_pre_review_returns_and_passes(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(PASSPORT)
    assert office.do("window_clerk", case, "accept").json["code"] == "invalid_transition"
    office.done("window_clerk", case, "return", words="原因选得不对", fields=[{"name": "why", "words": "请再选"}])
    mine = citizen_.get(f"/cases/{case['id']}").json
    draft = citizen_.get(f"/applications/{mine['application_id']}").json
    citizen_.fill(draft, why="full")
    assert citizen_.post(f"/applications/{draft['id']}/submit").json["state"] == "submitted"
    passed = office.done("window_clerk", case, "pre-approve")
    assert (passed["state"], passed["reply_by"]) == ("pre_approved", "2026-12-15")
    assert told(session, citizen_)[-1] == "case_checked"
    assert office.done("window_clerk", case, "receive")["accept_by"] == "2026-12-01"


def test_silence_is_acceptance_on_the_day_the_papers_came(
    citizen_: Filer, office: Office, clock: Clock, settings: Settings, session: Session
) -> None:
    case = citizen_.file(QUERY)
    session.commit()
    clock.set(datetime(2026, 12, 1, 15, 0, tzinfo=UTC))  # 23:00 on the fifth working day in Xiamen
    jobs.accept_silent(settings)
    assert office_again(office).case(case)["state"] == "received"
    clock.set(datetime(2026, 12, 1, 16, 30, tzinfo=UTC))
    jobs.accept_silent(settings)
    jobs.accept_silent(settings)
    found = office_again(office).case(case)
    assert (found["state"], found["accepted_on"], found["colour"]) == ("accepted", "2026-11-24", "red")
    assert found["history"][0]["by"] is None


def test_who_does_not_answer_ends_it(citizen_: Filer, office: Office, clock: Clock, session: Session) -> None:
    case = citizen_.file(QUERY)
    office.done("window_clerk", case, "correct", words="要改", fields=[{"name": "matter", "words": "写清楚"}])
    clock.set(datetime(2026, 12, 15, 2, 0, tzinfo=UTC))
    citizen_.log_in_again(session)
    jobs.lapse_unanswered()
    assert office_again(office).case(case)["state"] == "correcting"
    clock.advance(days=1)
    jobs.lapse_unanswered()
    jobs.lapse_unanswered()
    mine = citizen_.get(f"/cases/{case['id']}").json
    assert (mine["state"], mine["reason"], mine["can_edit"]) == ("terminated", "没有在期限内补上", False)
    assert told(session, citizen_)[-1] == "case_ended"


def office_again(office: Office) -> Office:
    """The same hall after days have passed: sessions of staff end every evening."""
    return Office(office.client, office.session, office.hall)


def test_a_refusal_is_written_with_its_reason(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    assert office.do("window_clerk", case, "refuse", reason="不归我们管").status_code == 422
    office.done("window_clerk", case, "refuse", reason="不归我们管", document="厦政不受〔2026〕1号")
    mine = citizen_.get(f"/cases/{case['id']}").json
    assert (mine["state"], mine["reason"]) == ("not_accepted", "不归我们管")
    other = citizen_.file(QUERY)
    office.accepted(other)
    office.done("approver", other, "review")
    assert office.do("approver", other, "decision", grant=False, document="一号").status_code == 422
    office.done("approver", other, "decision", grant=False, document="厦政不准〔2026〕1号", reason="不符合条件")
    assert citizen_.get(f"/cases/{other['id']}").json["decision"]["granted"] is False
    assert told(session, citizen_)[1] == "case_not_accepted"


def test_only_the_lead_ends_a_dead_case(citizen_: Filer, office: Office) -> None:
    case = citizen_.file(QUERY)
    assert office.do("window_clerk", case, "terminate", reason="重复申请").status_code == 403
    assert office.done("hall_lead", case, "terminate", reason="重复申请")["state"] == "terminated"
    assert office.do("hall_lead", case, "terminate", reason="重复申请").json["code"] == "invalid_transition"


def test_a_fee_that_blocks_nothing_before_the_result(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(PLATE)
    office.granted(case)
    bill = session.scalars(select(Bill).where(Bill.subject_id == case["id"])).one()
    assert (bill.total_fen, bill.hall_code, bill.person_id) == (10_000, "XM", citizen_.id)
    assert office.do("issuing_desk", case, "result", paper=True).json["code"] == "fee_unpaid"
    assert citizen_.get(f"/cases/{case['id']}").json["fee"]["bills"][0]["total_fen"] == 10_000
    session.commit()
    handlers.on_bill_settled(subject_id=case["id"])
    handlers.on_bill_settled(subject_id=case["id"])
    assert office.done("issuing_desk", case, "result", paper=True)["fee_state"] == "paid"
    assert session.scalar(select(func.count()).where(AuditEvent.action == "case.fee_paid")) == 1


def test_a_fee_that_blocks_the_review_goes_on_when_it_is_paid(
    citizen_: Filer, office: Office, session: Session, clock: Clock
) -> None:
    session.add(ItemFiling(item_slug=PLATE, mode="full", fee_blocks="review", departments=[]))
    session.commit()
    case = citizen_.file(PLATE)
    waiting = office.accepted(case)
    assert (waiting["state"], waiting["owed_on"], waiting["promise_due_on"]) == ("awaiting_fee", None, "2026-12-01")
    assert office.do("approver", case, "review").json["code"] == "invalid_transition"
    clock.advance(days=2)
    session.commit()
    handlers.on_bill_settled(subject_id=case["id"])
    going = office_again(office).case(case)
    assert (going["state"], going["promise_due_on"], going["law_due_on"]) == ("accepted", "2026-12-03", "2026-12-15")


def test_what_the_department_bears_is_never_billed(citizen_: Filer, office: Office, session: Session) -> None:
    publish(session, PLATE, fee_borne_by="department")
    case = citizen_.file(PLATE)
    assert office.accepted(case)["fee_state"] == "none"
    assert session.scalar(select(func.count()).select_from(Bill)) == 0


def test_the_thread_counts_what_is_unread_and_owed(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    said = citizen_.post(f"/cases/{case['id']}/messages", {"words": "什么时候办好"}).json["messages"]
    assert said[0]["reply_by"] == "2026-11-26"
    assert [one["id"] for one in box(office, "asked")] == [case["id"]]
    assert office.case(case)["unread"] == 1
    answer = office.send("window_clerk", "POST", f"/cases/{case['id']}/messages", {"words": "明天"})
    assert answer.status_code == 201
    assert box(office, "asked") == []
    assert citizen_.get("/cases").json["cases"][0]["unread"] == 1
    assert citizen_.post(f"/cases/{case['id']}/messages/read").status_code == 204
    assert citizen_.get("/cases").json["cases"][0]["unread"] == 0
    assert told(session, citizen_)[-1] == "case_message"
    assert office.send("window_clerk", "POST", f"/cases/{case['id']}/messages/read", {}).status_code == 204
    assert office.case(case)["unread"] == 0


def test_several_at_once_each_for_itself(citizen_: Filer, office: Office) -> None:
    one, two, three = (citizen_.file(QUERY) for _ in range(3))
    office.accepted(two)
    unknown = "00000000-0000-7000-8000-000000000000"
    ids = [one["id"], two["id"], three["id"], unknown]
    answer = office.send("window_clerk", "POST", "/case-batches", {"event": "accept", "case_ids": ids}).json
    assert [row["code"] for row in answer["results"]] == [None, "invalid_transition", None, "case_not_found"]
    wrong = office.send("window_clerk", "POST", "/case-batches", {"event": "review", "case_ids": ids})
    assert wrong.status_code == 403
    taken = office.send("approver", "POST", "/case-batches", {"event": "review", "case_ids": ids[:3]}).json
    assert all(row["done"] for row in taken["results"])


def test_the_inbox_sorts_by_what_is_owed_and_finds_by_number(citizen_: Filer, office: Office, clock: Clock) -> None:
    first = citizen_.file(QUERY)
    clock.advance(days=1)
    second = citizen_.file(QUERY)
    office = office_again(office)
    assert [row["id"] for row in box(office, "front")] == [first["id"], second["id"]]
    office.accepted(second)
    counts = office.get("window_clerk", "/cases/counts").json
    assert (counts["boxes"]["front"], counts["boxes"]["review"], counts["overdue"]) == (1, 1, 0)
    assert [row["id"] for row in box(office, "review", number=second["number"])] == [second["id"]]
    assert box(office, "review", number=second["full_number"])[0]["id"] == second["id"]
    assert box(office, "review", item=PLATE) == []
    assert box(office, "front", state="submitted") == []
    for code in (first["number"], f"http://127.0.0.1:8000/cases/{first['id']}", first["full_number"]):
        assert office.send("window_clerk", "POST", "/cases/scan", {"code": code}).json["id"] == first["id"]
    assert office.send("window_clerk", "POST", "/cases/scan", {"code": "000"}).json["code"] == "case_not_found"
    clock.set(datetime(2026, 12, 2, 2, 0, tzinfo=UTC))
    office = office_again(office)
    assert {row["colour"] for row in box(office, "front")} == {"red"}
    for name in ("front", "review"):
        for row in box(office, name):
            for colour in ("green", "yellow", "orange", "red"):
                found = [one["id"] for one in box(office, name, colour=colour)]
                assert (row["id"] in found) == (row["colour"] == colour)


def test_pages_of_the_inbox_follow_each_other(
    citizen_: Filer, office: Office, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_api, "PAGE", 2)
    made = [citizen_.file(QUERY)["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = office.get("window_clerk", f"/cases?box=front{cursor}").json
        seen += [row["id"] for row in page["cases"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(made)
    assert page["next_cursor"] is None
    assert session.scalar(select(func.count()).select_from(CaseEventRow)) == 10


def test_full_names_only_for_a_reason_that_is_kept(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    seen = office.case(case)
    assert citizen_.number not in str(seen)
    assert citizen_.name not in str(seen)
    shown = office.do("window_clerk", case, "reveal", reason="核对身份证").json["answers"]
    assert (shown["id_number"], shown["name"]) == (citizen_.number, citizen_.name)
    kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.revealed")).one()
    assert (kept.reason, kept.hall_code) == ("核对身份证", "XM")
    assert office.do("issuing_desk", case, "reveal", reason="看看").status_code == 403


def test_the_applicant_chooses_how_the_result_comes(citizen_: Filer, office: Office) -> None:
    case = citizen_.file(PLATE)
    path = f"/cases/{case['id']}/delivery"
    refused = citizen_.send("PUT", path, {"way": "download"})
    assert refused.json["code"] == "delivery_not_agreed"
    chosen = citizen_.send("PUT", path, {"way": "mail"}).json["delivery"]
    assert (chosen["way"], chosen["pickup_hall"]) == ("mail", None)
    assert citizen_.send("PUT", path, {"way": "window", "pickup_hall": "TA"}).json["delivery"]["pickup_hall"] == "TA"
    office.granted(case)
    handlers.on_bill_settled(subject_id=case["id"])
    office.done("issuing_desk", case, "result", paper=True)
    assert office.do("issuing_desk", case, "mail").json["code"] == "delivery_not_agreed"
    office.done("issuing_desk", case, "offer")
    there = Office(office.client, office.session, "TA")
    assert there.case(case, "issuing_desk")["may"] == ["deliver"]
    assert there.done("issuing_desk", case, "hand-over", **there.taken(case))["state"] == "delivered"
    assert citizen_.send("PUT", path, {"way": "mail"}).json["code"] == "delivery_not_agreed"


def test_what_the_receiver_signed_is_kept_with_the_case(citizen_: Filer, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    office.granted(case)
    office.done("issuing_desk", case, "result", paper=True)
    office.done("issuing_desk", case, "offer")
    drawn = {"material": "hand-over.signature", "actor": "staff:any"}
    other = papers.add(session, ("case", str(citizen_.id)), **drawn)
    wrong = office.do("issuing_desk", case, "hand-over", identity_checked=True, signature_id=str(other.id))
    assert wrong.json["code"] == "material_unusable"
    mine = papers.add(session, ("case", case["id"]), **drawn)
    signed = {"identity_checked": True, "signature_id": str(mine.id), "authorisation": "委托书 1 号"}
    assert office.done("issuing_desk", case, "hand-over", **signed)["state"] == "delivered"
    kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.handed_over")).one()
    assert kept.data == {"signature": mine.sha256.hex(), "authorisation": "委托书 1 号"}


def test_staff_read_a_case_in_their_language(citizen_: Filer, office: Office) -> None:
    case = citizen_.file(QUERY)
    chinese = office.case(case)
    office.header("window_clerk")["Accept-Language"] = "en"
    read = [chinese, office.case(case)]
    assert [one["status"] for one in read] == ["已收件", "Received"]
    assert [one["item"]["name"] for one in read] == ["不动产登记信息查询", "Property record enquiry"]


def test_the_courier_brings_it(citizen_: Filer, office: Office, session: Session) -> None:
    cases = [citizen_.file(PLATE) for _ in range(2)]
    for case in cases:
        citizen_.send("PUT", f"/cases/{case['id']}/delivery", {"way": "mail"})
        office.granted(case)
        session.commit()
        handlers.on_bill_settled(subject_id=case["id"])
        office.done("issuing_desk", case, "result", paper=True)
        assert office.done("issuing_desk", case, "mail")["state"] == "mailed"
    session.commit()
    handlers.on_shipment_delivered(subject_id=cases[0]["id"])
    handlers.on_shipment_delivered(subject_id=cases[0]["id"])
    assert citizen_.get(f"/cases/{cases[0]['id']}").json["state"] == "delivered"
    back = office.done("issuing_desk", cases[1], "come-back")
    assert (back["state"], back["delivery"]["pickup_hall"]) == ("ready", "XM")


@pytest.mark.parametrize("mailed", [True, False])
def test_what_came_back_waits_at_the_window_by_itself(
    citizen_: Filer, office: Office, session: Session, monkeypatch: pytest.MonkeyPatch, *, mailed: bool
) -> None:
    """Also where the desk did not note that it went out; its shipment is handed over, and the case with it."""
    case = citizen_.file(PLATE)
    citizen_.send("PUT", f"/cases/{case['id']}/delivery", {"way": "mail"})
    office.granted(case)
    session.commit()
    handlers.on_bill_settled(subject_id=case["id"])
    office.done("issuing_desk", case, "result", paper=True)
    if mailed:
        office.done("issuing_desk", case, "mail")
    session.commit()
    for _ in range(2):
        handlers.on_shipment_held(subject_id=case["id"])
    waiting = citizen_.get(f"/cases/{case['id']}").json
    assert (waiting["state"], waiting["delivery"]["way"], waiting["hall"]["code"]) == ("ready", "window", "XM")
    monkeypatch.setattr(shipments, "is_held", lambda *_: True)
    refused = office.do("issuing_desk", case, "hand-over", **office.taken(case))
    assert (refused.status_code, refused.json["code"]) == (409, "result_in_cabinet")
    handlers.on_shipment_delivered(subject_id=case["id"], proof="window")
    assert citizen_.get(f"/cases/{case['id']}").json["state"] == "delivered"


def test_how_the_result_comes_is_chosen_with_the_application(citizen_: Filer, office: Office) -> None:
    draft = citizen_.start(PLATE)
    assert draft["delivery"]["ways"] == ["download", "window", "mail"]
    path = f"/applications/{draft['id']}"
    wish = {"revision": 1, "answers": {}, "delivery": "download"}
    assert citizen_.send("PATCH", path, wish).json["code"] == "delivery_not_agreed"
    assert citizen_.get(path).json["revision"] == 1
    agreed = citizen_.send("PATCH", path, {**wish, "delivery_consent": True}).json
    assert (agreed["delivery"]["way"], agreed["revision"]) == ("download", 2)
    case = citizen_.post(f"/applications/{citizen_.fill(agreed)['id']}/submit").json
    assert (case["delivery"]["way"], case["result"], case["rated"]) == ("download", None, False)


def test_a_case_can_be_mailed_by_its_own_people(make_filer: MakeFiler, office: Office, session: Session) -> None:
    owner, stranger = make_filer(), make_filer()
    case = owner.file(PLATE)
    mine = Asking(case["id"], owner.id)
    assert mailing.case(session, mine).directions == frozenset(), "nothing to bring for this item"
    office.granted(case)
    subject = mailing.case(session, mine)
    assert (subject.item_slug, subject.ready, subject.hall_code) == (PLATE, False, "XM")
    assert Direction.RESULT_OUT in subject.directions
    for asking in (Asking(case["id"], stranger.id), Asking(case["id"], None, hall="SM"), Asking("x", owner.id)):
        with pytest.raises(SubjectNotFound):
            mailing.case(session, asking)
    assert mailing.case(session, Asking(case["id"], None, hall="XM")).person_id == owner.id


def test_a_case_that_ends_owes_nothing(citizen_: Filer, office: Office, session: Session) -> None:
    for end in ("withdraw", "terminate"):
        case = citizen_.file(PLATE)
        office.accepted(case)
        if end == "withdraw":
            assert citizen_.post(f"/cases/{case['id']}/withdraw").status_code == 200
        else:
            office.done("hall_lead", case, "terminate", reason="重复申请")
        bill = session.scalars(select(Bill).where(Bill.subject_id == case["id"]), execution_options=FRESH).one()
        assert (bill.state, citizen_.get(f"/cases/{case['id']}").json["fee"]["state"]) == ("void", "none")
    assert doctor.invariants(session) == []


FRESH = {"populate_existing": True}


def test_two_records_of_one_person_keep_their_cases(make_filer: MakeFiler, session: Session) -> None:
    kept, former = make_filer(), make_filer()
    draft, case = former.start(PASSPORT), former.file(QUERY)
    same, mine = former.start(PLATE), kept.start(PLATE)
    session.commit()
    for _ in range(2):
        handlers.on_person_merged(str(kept.id), str(former.id))
    assert kept.get(f"/cases/{case['id']}").status_code == 200
    assert former.get(f"/cases/{case['id']}").status_code == 404
    assert {row["id"] for row in kept.get("/applications").json["applications"]} == {draft["id"], mine["id"]}
    assert same["id"] not in str(kept.get("/applications").json)


def test_a_missing_calendar_hides_figures_and_breaks_nothing(
    citizen_: Filer, office: Office, clock: Clock, session: Session
) -> None:
    case = citizen_.file(QUERY)
    office.accepted(case)
    clock.set(datetime(2027, 1, 5, 2, 0, tzinfo=UTC))
    citizen_.log_in_again(session)
    assert citizen_.get(f"/cases/{case['id']}").json["days_used"] is None
