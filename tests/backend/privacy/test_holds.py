"""法律保全: placed with a document, lifted by two, and respected by every purge."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from backend.core import audit
from backend.privacy import doctor, jobs
from payments.bill_models import Bill
from tests.backend import staff
from tests.backend.privacy.life import Life, Sealed, found

REASON = "厦门市思明区人民法院调查令〔2026〕1号"


class Operator:
    """A platform operator with a session."""

    def __init__(self, life: Life) -> None:
        self.life, self.header = life, staff.header(life.session, "XM", "platform_operator")

    def send(self, method: str, path: str = "", body: object = None) -> Any:
        headers = {**self.header, "Idempotency-Key": f"{self.life.client}{path}{body}"[-80:]}
        url = f"/api/v1/staff/legal-holds{path}"
        return self.life.client.open(url, method=method, json=body, headers=headers)

    def place(self, kind: str, number: str) -> Any:
        return self.send("POST", "", {"subject_type": kind, "number": number, "reason": REASON})


def test_a_person_a_case_and_a_bill_are_held_by_what_staff_know_of_them(session: Session, life: Life) -> None:
    bill = life.paid()
    number = session.get_one(Case, UUID(life.withdrawn()["id"])).short_number
    one = Operator(life)
    placed = [
        one.place(kind, typed) for kind, typed in (("person", life.number), ("case", number), ("bill", bill.pay_code))
    ]
    assert [answer.status_code for answer in placed] == [201, 201, 201]
    assert [answer.json["subject"] for answer in placed] == ["钱*", number, bill.pay_code]
    assert (
        one.send("POST", "", {"subject_type": "person", "number": life.number, "reason": REASON + "又"}).status_code
        == 409
    )
    assert one.place("person", "350299199001010010").status_code == 404
    assert one.place("case", "nothing").json["code"] == "hold_subject_unknown"
    assert one.send("POST", "", {"subject_type": "person", "number": "1", "reason": ""}).status_code == 422
    assert {hold["state"] for hold in one.send("GET").json["holds"]} == {"active"}
    rows = str(session.execute(text("SELECT * FROM legal_hold")).all())
    assert life.number not in rows
    trail = session.scalars(select(audit.AuditEvent.reason).where(audit.AuditEvent.action == "hold.placed")).all()
    assert trail == [REASON] * 3


def test_two_people_lift_it(session: Session, life: Life) -> None:
    one, other = Operator(life), Operator(life)
    hold = one.place("person", life.number).json["id"]
    assert one.send("POST", f"/{hold}/lift/answer", {"agree": True}).status_code == 409, "nobody asked"
    asked = one.send("POST", f"/{hold}/lift", {"reason": "案件已结"})
    assert (asked.json["state"], asked.json["may_answer"]) == ("lifting", False)
    refused = one.send("POST", f"/{hold}/lift/answer", {"agree": True})
    assert (refused.status_code, refused.json["code"]) == (409, "lift_same_person")
    kept = other.send("POST", f"/{hold}/lift/answer", {"agree": False})
    assert (kept.json["state"], kept.json["lift_reason"]) == ("active", None)
    assert one.send("POST", f"/{hold}/lift", {"reason": "案件真的结了"}).status_code == 200
    assert life.me.get("/me/data").json["held"] is True, "it holds until the second person agrees"
    assert [one["may_answer"] for one in other.send("GET").json["holds"]] == [True]
    lifted = other.send("POST", f"/{hold}/lift/answer", {"agree": True})
    assert lifted.json["state"] == "lifted"
    assert life.me.get("/me/data").json["held"] is False
    assert one.place("person", life.number).status_code in (200, 201), "a new order is a new hold"


def test_no_purge_takes_what_is_held(session: Session, life: Life, sealed: Sealed) -> None:
    life.everything()
    life.handed_over()
    life.records()
    one, other = Operator(life), Operator(life)
    hold = one.place("person", life.number).json["id"]
    before = found(session, sealed, life.marks)
    life.clock.advance(days=4000)
    jobs.purge()
    session.expire_all()
    kept = found(session, sealed, life.marks)
    assert {name: kept.get(name) for name in before if name not in EPHEMERAL} == {
        name: marks for name, marks in before.items() if name not in EPHEMERAL
    }
    assert doctor.invariants(session) == []
    one.header, other.header = (staff.header(session, "XM", "platform_operator") for _ in range(2))
    one.send("POST", f"/{hold}/lift", {"reason": "案件已结"})
    assert other.send("POST", f"/{hold}/lift/answer", {"agree": True}).json["state"] == "lifted"
    jobs.purge()
    session.expire_all()
    assert "service_case" not in found(session, sealed, life.marks)
    assert "bill" not in found(session, sealed, life.marks)


EPHEMERAL = {"sms_code", "idempotency_key", "province_feed"}
"""Codes of ten minutes, answers of three days; what the province got is held with the case, not with the person."""


def test_a_held_case_and_a_held_bill_stay_whole_while_others_go(session: Session, life: Life) -> None:
    life.records()
    case = session.scalars(select(Case)).one()
    bill = session.scalars(select(Bill).where(Bill.subject_type == "case", Bill.state != "void")).all()[-1]
    one = Operator(life)
    one.place("case", case.short_number)
    one.place("bill", bill.pay_code)
    life.clock.advance(days=4000)
    jobs.purge()
    session.expire_all()
    assert session.get_one(Case, case.id).emptied_at is None
    assert session.get_one(Bill, bill.id).payer_id_number is not None


def test_doctor_names_what_a_purge_took_under_a_hold(session: Session, life: Life) -> None:
    made = life.withdrawn()
    case = session.get_one(Case, UUID(made["id"]))
    one = Operator(life)
    one.place("case", case.short_number)
    life.clock.advance(days=1)
    session.execute(text("UPDATE service_case SET emptied_at = :now"), {"now": life.clock.now})
    session.commit()
    assert doctor.invariants(session) == [f"holds: case {case.id} was emptied under a hold"]
