"""Filling in: saved on every field, never overwritten by another device, kept thirty days, sealed."""

from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.applications import doctor, jobs
from backend.applications.models import Application
from backend.identity import family, organisations
from backend.identity.models import OrganisationAgent
from tests.backend.applications.conftest import MakeFiler
from tests.backend.applications.people import GENERAL, PASSPORT, QUERY, Filer
from tests.conftest import Clock


def test_the_form_says_what_is_asked_and_how_it_is_filed(citizen_: Filer) -> None:
    form = citizen_.get(f"/items/{PASSPORT}/form").json
    assert (form["mode"], form["level"]) == ("split", 2)
    assert form["pages"][0]["title"] == "为什么换护照"
    assert form["schema"]["properties"]["why"]["enum"][0] == "expiring"
    english = citizen_.get(f"/items/{PASSPORT}/form", en=True).json
    assert english["pages"][0]["fields"][0]["label"] == "Reason"
    assert {row["id"]: row["how"] for row in form["materials"]}["passport-renewal.loss"] == "generated"
    assert citizen_.get("/items/marriage-registration/form").json["mode"] == "guide"
    assert citizen_.get("/items/nothing/form").status_code == 404


def test_an_application_is_begun_once_and_resumed_on_any_device(citizen_: Filer) -> None:
    first = citizen_.start()
    saved = citizen_.send(
        "PATCH", f"/applications/{first['id']}", {"revision": 1, "answers": {"address": "测试路 1 号"}}
    ).json
    assert saved["revision"] == 2
    again = citizen_.start()
    assert again["id"] == first["id"]
    assert again["answers"] == {"address": "测试路 1 号"}
    assert [row["id"] for row in citizen_.get("/applications").json["applications"]] == [first["id"]]
    states = {task["key"]: task["state"] for task in again["tasks"]}
    assert states == {
        "who": "in_progress",
        "matter": "not_started",
        "promise": "not_started",
        "materials": "done",
        "check": "cannot_start",
    }
    done = citizen_.fill(again)
    assert {task["state"] for task in done["tasks"][:-1]} == {"done"}
    assert done["tasks"][-1]["state"] == "not_started"
    assert done["errors"] == []


def test_the_profile_answers_what_it_knows_and_only_masked(citizen_: Filer) -> None:
    draft = citizen_.start()
    assert draft["profile"] == {"name": "张*", "id_number": f"350***********{citizen_.number[-4:]}"}
    body = {"revision": 1, "answers": {"id_number": "350299199001010010"}}
    refused = citizen_.send("PATCH", f"/applications/{draft['id']}", body)
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/answers/id_number")


def test_two_devices_never_overwrite_each_other(citizen_: Filer) -> None:
    draft = citizen_.start()
    path = f"/applications/{draft['id']}"
    assert citizen_.send("PATCH", path, {"revision": 1, "answers": {"matter": "从手机"}}).status_code == 200
    late = citizen_.send("PATCH", path, {"revision": 1, "answers": {"matter": "从电脑"}})
    assert (late.status_code, late.json["code"]) == (409, "saved_elsewhere")
    assert (late.json["revision"], late.json["answers"]["matter"]) == (2, "从手机")
    assert citizen_.get(path).json["answers"]["matter"] == "从手机"


def test_half_typed_answers_are_kept_and_named(citizen_: Filer) -> None:
    draft = citizen_.start()
    saved = citizen_.send("PATCH", f"/applications/{draft['id']}", {"revision": 1, "answers": {"phone": "139"}}).json
    assert saved["answers"]["phone"] == "139"
    assert {"pointer": "/answers/phone", "detail": "手机号不对，是 11 位数字"} in saved["errors"]


def test_answers_of_an_earlier_application_are_there_already(citizen_: Filer) -> None:
    citizen_.file()
    draft = citizen_.start(PASSPORT)
    assert draft["answers"] == {"phone": GENERAL["phone"], "address": GENERAL["address"]}
    assert draft["from_earlier"] == ["address", "phone"]
    changed = citizen_.send(
        "PATCH", f"/applications/{draft['id']}", {"revision": 1, "answers": {"phone": "13900003333"}}
    )
    assert changed.json["from_earlier"] == ["address"]


def test_what_is_typed_is_sealed(citizen_: Filer, session: Session) -> None:
    citizen_.file(matter="绝密的事情")
    citizen_.fill(citizen_.start(), matter="绝密的事情")
    session.expire_all()
    stored = "".join(
        str(row)
        for table in ("application", "application_version", "service_case", "audit_event", "notification")
        for row in session.scalars(text(f"SELECT t::text FROM {table} t"))
    )
    for secret in ("绝密的事情", citizen_.number, citizen_.name, str(GENERAL["phone"])):
        assert secret not in stored
        assert secret.encode().hex() not in stored


def test_a_forgotten_application_expires_with_its_answers(citizen_: Filer, session: Session, clock: Clock) -> None:
    draft = citizen_.fill(citizen_.start())
    clock.advance(days=29)
    session.commit()
    jobs.expire_applications()
    assert citizen_.get(f"/applications/{draft['id']}").json["state"] == "open"
    clock.advance(days=1)
    jobs.expire_applications()
    session.expire_all()
    gone = session.get_one(Application, draft["id"])
    assert gone.state == "expired"
    citizen_.log_in_again(session)
    assert citizen_.get(f"/applications/{draft['id']}").json["answers"] == {}
    late = citizen_.send("PATCH", f"/applications/{draft['id']}", {"revision": 2, "answers": {"matter": "还能填吗"}})
    assert late.json["code"] == "application_closed"
    assert citizen_.start()["id"] != draft["id"]


def test_doctor_names_answers_that_outlived_their_time_by_a_day(
    citizen_: Filer, session: Session, clock: Clock
) -> None:
    draft = citizen_.fill(citizen_.start())
    clock.advance(days=31)
    session.commit()
    assert doctor.invariants(session) == []
    clock.advance(minutes=1)
    told = f"applications: application {draft['id']}: its time is over and it still holds answers"
    assert doctor.invariants(session) == [told]
    session.commit()
    jobs.expire_applications()
    assert doctor.invariants(session) == []


def test_throwing_away_takes_the_answers_at_once(citizen_: Filer, session: Session) -> None:
    draft = citizen_.fill(citizen_.start())
    assert citizen_.send("DELETE", f"/applications/{draft['id']}").status_code == 204
    assert citizen_.get("/applications").json["applications"] == []
    assert citizen_.get(f"/applications/{draft['id']}").json["answers"] == {}
    assert citizen_.post(f"/applications/{draft['id']}/submit").json["code"] == "application_closed"


def test_only_for_whom_one_may_act(make_filer: MakeFiler, session: Session) -> None:
    agent, stranger = make_filer(), make_filer()
    refused = agent.post("/applications", {"item": QUERY, "person_id": str(stranger.id)})
    assert refused.json["code"] == "applicant_not_allowed"
    child = family.add(session, agent_id=agent.id, name="小测试", id_number="350299201203010043", relation="child")
    session.commit()
    assert agent.start(person_id=str(child.person_id))["for_self"] is False
    body = organisations.register(session, person_id=agent.id, name="测试公司", credit_code="91350299MA0000015P")
    session.commit()
    of_company = agent.start("vehicle-licence-replacement", organisation_id=str(body.id))
    assert of_company["applicant"] == "测试公司"
    other = {"item": "vehicle-licence-replacement", "organisation_id": str(body.id)}
    assert stranger.post("/applications", other).json["code"] == "applicant_not_allowed"
    assert agent.post("/applications", {**other, "item": QUERY}).json["code"] == "applicant_not_allowed"
    assert agent.post("/applications", {"item": "company-change"}).json["code"] == "applicant_not_allowed"
    for path in ("", "/submit"):
        answer = stranger.send(
            "POST" if path else "GET", f"/applications/{of_company['id']}{path}", {} if path else None
        )
        assert answer.json["code"] == "application_not_found"


def test_an_agent_who_was_removed_sees_nothing_at_once(make_filer: MakeFiler, session: Session) -> None:
    manager, agent = make_filer(), make_filer()
    body = organisations.register(session, person_id=manager.id, name="测试公司", credit_code="91350299MA0000015P")
    session.add(
        OrganisationAgent(organisation_id=body.id, person_id=agent.id, role="agent", created_at=body.created_at)
    )
    session.commit()
    draft = agent.start("vehicle-licence-replacement", organisation_id=str(body.id))
    organisations.remove_agent(session, actor_id=manager.id, organisation_id=body.id, person_id=agent.id)
    session.commit()
    assert agent.get(f"/applications/{draft['id']}").status_code == 404


def test_an_item_that_is_filed_elsewhere_is_refused_with_its_reason(citizen_: Filer) -> None:
    refused = citizen_.post("/applications", {"item": "marriage-registration"})
    assert (refused.status_code, refused.json["code"], refused.json["mode"]) == (409, "not_filed_online", "guide")


def test_the_saved_row_lives_thirty_days_from_the_last_touch(citizen_: Filer, session: Session, clock: Clock) -> None:
    draft = citizen_.start()
    clock.advance(days=10)
    citizen_.send("PATCH", f"/applications/{draft['id']}", {"revision": 1, "answers": {"matter": "换"}})
    session.expire_all()
    found = session.scalars(select(Application.expires_at).where(Application.id == draft["id"])).one()
    assert found == clock.now + timedelta(days=30)
