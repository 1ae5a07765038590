"""Objects of the role matrix: an application, and a case for every step of its way."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications import confirmation, transfers
from backend.applications.case_models import Case, CasePart, MaterialDemand
from backend.applications.desk import Desk
from backend.applications.states import PartState
from backend.core import clock
from backend.credit import jobs as credit
from tests.backend.applications.papers import add
from tests.backend.applications.people import ANSWERS, LOOK, PASSPORT, PLATE, QUERY, Filer, Office, publish

LETTERED = "id-card-renewal"
FAR = "TA"
"""A hall that is neither the owner's nor the stranger's."""
Thing = tuple[str, str, str, dict[str, Any], dict[str, Any]]
Things = list[Thing]
"""Method, rule below /api/v1, owner (a role, or "citizen"), body, path."""


def things(session: Session, who: Filer, office: Office) -> Things:
    """One object for each route of applications and cases."""
    publish(session, PLATE, special_steps=[LOOK])
    parts = (_of_citizen, _of_front, _of_review, _of_counter, _of_circular)
    return [thing for part in parts for thing in part(session, who, office)]


def _with_result(session: Session, who: Filer, office: Office) -> str:
    """A case whose result came as a file, agreed to."""
    case = who.file(QUERY)
    who.send("PUT", f"/cases/{case['id']}/delivery", {"way": "download", "consent": True})
    office.granted(case)
    result = add(session, ("case_result", case["id"]), None, "staff:x")
    office.done("issuing_desk", case, "result", file_id=str(result.id))
    return str(case["id"])


def _of_citizen(session: Session, who: Filer, office: Office) -> Things:
    draft, full = who.start("vehicle-licence-replacement"), who.fill(who.start(PASSPORT))
    change = {"revision": 1, "answers": {"matter": "换一本"}}
    mine = "applications/<uuid:application_id>"
    found: Things = [
        (method, mine, "citizen", body, {"application_id": draft["id"]})
        for method, body in (("GET", {}), ("PATCH", change), ("DELETE", {}))
    ]
    found.append(("POST", f"{mine}/submit", "citizen", {}, {"application_id": full["id"]}))
    case, over = who.file(PLATE), who.file(PLATE)
    who.post(f"/cases/{over['id']}/withdraw")
    for method, rule, body in (
        ("GET", "", {}),
        ("POST", "/withdraw", {}),
        ("PUT", "/delivery", {"way": "window"}),
        ("GET", "/messages", {}),
        ("POST", "/messages", {"words": "什么时候办好"}),
        ("POST", "/messages/read", {}),
    ):
        found.append((method, f"cases/<uuid:case_id>{rule}", "citizen", body, {"case_id": case["id"]}))
    found.append(
        ("POST", "cases/<uuid:case_id>/result", "citizen", {}, {"case_id": _with_result(session, who, office)})
    )
    found.append(("POST", "cases/<uuid:case_id>/rating", "citizen", {"grade": 5}, {"case_id": over["id"]}))
    return found


def _of_front(session: Session, who: Filer, office: Office) -> Things:
    ask = {"words": "要改", "fields": [{"name": "phone", "words": "打不通"}], "materials": []}
    why = {"reason": "核对身份证"}
    submitted, received, leaving, coming = who.file(PASSPORT), who.file(QUERY), who.file(QUERY), who.file(QUERY)
    office.done("window_clerk", leaving, "send-on", to_hall=FAR, reason="归那边管")
    moved = session.get_one(Case, UUID(coming["id"]))
    moved.hall_code = FAR
    session.flush()
    transfers.send(session, moved, Desk(moved.person_id, FAR), to_hall=office.hall, reason="归那边管")
    session.commit()
    return [
        _post("window_clerk", submitted, "return", ask),
        _post("window_clerk", submitted, "pre-approve", {}),
        _post("window_clerk", submitted, "receive", {}),
        _post("window_clerk", received, "correct", ask),
        _post("window_clerk", received, "accept", {}),
        _post("window_clerk", received, "refuse", {**why, "document": "一号"}),
        _post("hall_lead", received, "terminate", why),
        _post("window_clerk", received, "send-on", {**why, "to_hall": FAR}),
        _post("window_clerk", received, "reveal", why),
        _post("window_clerk", received, "messages", {"words": "请看"}),
        _post("window_clerk", received, "messages/read", {}),
        _post("window_clerk", coming, "take-over", {}),
        _post("window_clerk", leaving, "call-back", why),
        ("GET", "staff/cases/<uuid:case_id>", "window_clerk", {}, {"case_id": received["id"]}),
        ("GET", "staff/cases/<uuid:case_id>/visit", "window_clerk", {}, {"case_id": received["id"]}),
        ("GET", "staff/cases/<uuid:case_id>/messages", "window_clerk", {}, {"case_id": received["id"]}),
    ]


def _of_review(session: Session, who: Filer, office: Office) -> Things:
    step = {"code": "look", "document": "告知一号"}
    accepted, joint, reviewing, paused = (who.file(item) for item in (QUERY, QUERY, PLATE, PLATE))
    for case in (accepted, reviewing, paused, joint):
        office.accepted(case)
    for case in (reviewing, paused, joint):
        office.done("approver", case, "review")
    office.done("approver", paused, "special-step", **step)
    part = CasePart(state=PartState.PENDING, state_at=clock.now(), case_id=UUID(joint["id"]), department_code="x")
    part.hall_code = office.hall
    session.add(part)
    session.commit()
    granted, concluded, ready, mailing, mailed = (who.file(PLATE) for _ in range(5))
    for case in (granted, concluded, ready, mailing, mailed):
        office.granted(case)
        session.get_one(Case, UUID(case["id"]), populate_existing=True).fee_state = "paid"
        session.commit()
    for case in (mailing, mailed):
        who.send("PUT", f"/cases/{case['id']}/delivery", {"way": "mail"})
    for case in (concluded, ready, mailing, mailed):
        office.done("issuing_desk", case, "result", paper=True)
    office.done("issuing_desk", ready, "offer")
    office.done("issuing_desk", mailed, "mail")
    opinion = "staff/cases/<uuid:case_id>/parts/<uuid:part_id>/opinion"
    agree = {"agree": True, "opinion": "同意"}
    return [
        ("GET", "cases/<uuid:case_id>/receipt", "citizen", {}, {"case_id": accepted["id"]}),
        ("GET", "staff/cases/<uuid:case_id>/receipt", "window_clerk", {}, {"case_id": accepted["id"]}),
        _post("approver", accepted, "review", {}),
        _post("hall_lead", accepted, "extension", {"days": 5, "reason": "要多看几天", "document": "一号"}),
        _post("approver", reviewing, "special-step", step),
        _post("approver", paused, "special-step/end", {}),
        _post("approver", reviewing, "decision", {"grant": True, "document": "一号"}),
        ("POST", opinion, "approver", agree, {"case_id": joint["id"], "part_id": part.id}),
        _post("issuing_desk", granted, "result", {"paper": True}),
        _post("issuing_desk", concluded, "offer", {}),
        _post("issuing_desk", mailing, "mail", {}),
        _post("issuing_desk", mailed, "come-back", {}),
        _post("issuing_desk", ready, "hand-over", office.taken(ready)),
    ]


def _of_counter(session: Session, who: Filer, office: Office) -> Things:
    begun = {"item": PASSPORT, "citizen": {"name": who.name, "id_number": who.number}}
    window, partner = (office.send(role, "POST", "/applications", begun).json for role in ("window_clerk", "partner"))
    filled = filled_in(office, "window_clerk", begun)
    code, _ = confirmation.draw(session, who.id)
    session.commit()
    mine, change = "staff/applications/<uuid:application_id>", {"revision": 1, "answers": {"why": "full"}}
    at, there = {"application_id": window["id"]}, {"application_id": partner["id"]}
    return [
        ("GET", mine, "window_clerk", {}, at),
        ("PATCH", mine, "window_clerk", change, at),
        ("PUT", f"{mine}/papers", "window_clerk", {"papers": []}, at),
        ("POST", f"{mine}/confirm", "partner", {"code": code}, there),
        ("POST", f"{mine}/submit", "window_clerk", {}, {"application_id": filled["id"]}),
    ]


def _of_circular(session: Session, who: Filer, office: Office) -> Things:
    """A letter to sign, a credit question to ask again, and a paper that was asked for beyond the list."""
    publish(session, LETTERED, commitment="true-statement")
    draft, body = who.start(LETTERED), {"version": 1, "agreed": True}
    begun = {"item": LETTERED, "citizen": {"name": who.name, "id_number": who.number}}
    window = office.send("window_clerk", "POST", "/applications", begun).json
    publish(session, PLATE, credit_check=True)
    asked = who.file(PLATE)
    office.accepted(asked)
    session.commit()
    credit.ask(None)
    office.send("window_clerk", "POST", f"/cases/{asked['id']}/messages", {"words": "请补交收入证明"})
    demand = session.scalars(select(MaterialDemand.id).where(MaterialDemand.case_id == UUID(asked["id"]))).one()
    settled = "staff/material-demands/<uuid:demand_id>/settle"
    signing = "applications/<uuid:application_id>/commitment"
    return [
        ("PUT", signing, "citizen", body, {"application_id": draft["id"]}),
        ("PUT", f"staff/{signing}", "window_clerk", body, {"application_id": window["id"]}),
        _post("approver", asked, "credit", {}),
        ("POST", settled, "hall_lead", {"words": "告诉他不用交"}, {"demand_id": demand}),
    ]


def filled_in(office: Office, role: str, begun: dict[str, Any]) -> dict[str, Any]:
    """An application begun and filled in at a counter."""
    made: dict[str, Any] = office.send(role, "POST", "/applications", begun).json
    body = {"revision": made["revision"], "answers": ANSWERS[begun["item"]]}
    saved = office.send(role, "PATCH", f"/applications/{made['id']}", body)
    assert saved.status_code == 200, saved.text
    found: dict[str, Any] = saved.json
    return found


def _post(role: str, case: dict[str, Any], what: str, body: dict[str, Any]) -> Thing:
    return ("POST", f"staff/cases/<uuid:case_id>/{what}", role, body, {"case_id": case["id"]})
