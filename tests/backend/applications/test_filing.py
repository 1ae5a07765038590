"""Handing in: one application, one case, however often; what is missing is named; who may."""

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.applications import numbers
from backend.applications.case_models import Case
from backend.applications.models import Application, ApplicationVersion
from backend.core.audit import AuditEvent
from notify.models import Notification
from tests.backend.applications.conftest import MakeFiler
from tests.backend.applications.people import PASSPORT, PLATE, QUERY, Filer
from tests.conftest import Clock


def test_an_application_becomes_a_case_with_its_numbers_and_a_notice(citizen_: Filer, session: Session) -> None:
    case = citizen_.file()
    assert case["state"] == "received"
    assert re.fullmatch(r"[0-9A-Z]{31}202611240001", case["full_number"])
    assert len(case["full_number"]) == 43
    assert numbers.is_short_number(case["number"])
    assert case["accept_by"] == "2026-12-01"
    assert case["next"] == "5 个工作日内告诉你能不能受理"
    assert [row["event"] for row in case["timeline"]] == ["receive", "submit"]
    assert case["answers"]["id_number"].startswith("350****")
    assert case["can_withdraw"] is True
    told = session.scalars(select(Notification.template).where(Notification.person_id == citizen_.id)).all()
    assert told == ["case_received"]
    assert session.scalar(select(func.count()).where(AuditEvent.action == "case.submitted")) == 1
    assert citizen_.file(PLATE)["full_number"][-4:] == "0001"
    assert citizen_.get("/cases").json["cases"][1]["id"] == case["id"]


def test_the_same_application_twice_is_one_case(citizen_: Filer, session: Session) -> None:
    draft = citizen_.fill(citizen_.start())
    path = f"/applications/{draft['id']}/submit"
    first = citizen_.post(path, key="one")
    again = citizen_.post(path, key="one")
    other = citizen_.post(path, key="two")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json["id"]) == (201, first.json["id"])
    assert session.scalar(select(func.count()).select_from(Case)) == 1
    assert session.scalar(select(func.count()).select_from(ApplicationVersion)) == 1


def test_what_is_missing_is_named_and_nothing_is_handed_in(citizen_: Filer, session: Session) -> None:
    draft = citizen_.fill(citizen_.start("social-card-apply") | {"item": {"slug": QUERY}}, matter=None, phone="1")
    refused = citizen_.post(f"/applications/{draft['id']}/submit")
    assert (refused.status_code, refused.json["code"]) == (422, "answers_incomplete")
    assert [row["pointer"] for row in refused.json["errors"]] == [
        "/answers/phone",
        "/answers/matter",
        "/materials/social-card-apply.photo",
    ]
    english = citizen_.post(f"/applications/{draft['id']}/submit", en=True).json["errors"]
    assert english[1]["detail"] == "Fill in: What do you need?"
    session.expire_all()
    assert session.get_one(Application, draft["id"]).state == "open"
    assert session.scalar(select(func.count()).select_from(Case)) == 0


def test_nobody_files_without_a_real_name(make_filer: MakeFiler) -> None:
    draft = make_filer(level=1)
    started = draft.start()
    filled = draft.fill(started)
    refused = draft.post(f"/applications/{filled['id']}/submit")
    assert (refused.status_code, refused.json["code"], refused.json["required_level"]) == (403, "level_required", 2)


def test_a_case_at_the_window_waits_to_be_looked_at(citizen_: Filer) -> None:
    case = citizen_.file(PASSPORT)
    assert (case["state"], case["accept_by"]) == ("submitted", None)
    assert case["fee"] == {"state": "later", "blocks": "result", "bills": []}
    ways = {row["id"].split(".")[1] for row in case["materials"]}
    assert ways == {"old-passport", "id-card", "photo"}


def test_a_stranger_sees_nothing_of_a_case(make_filer: MakeFiler) -> None:
    owner, stranger = make_filer(), make_filer()
    case = owner.file()
    for method, path in (("GET", ""), ("POST", "/withdraw"), ("GET", "/messages"), ("POST", "/messages/read")):
        answer = stranger.send(method, f"/cases/{case['id']}{path}", None if method == "GET" else {})
        assert answer.json["code"] == "case_not_found"
    assert stranger.get("/cases").json == {"cases": [], "next_cursor": None}


def test_extra_fields_change_nothing(citizen_: Filer) -> None:
    extra = {"item": QUERY, "state": "submitted", "level": 3}
    assert citizen_.post("/applications", extra).status_code == 422
    draft = citizen_.start()
    body = {"revision": 1, "answers": {}, "channel": "window"}
    assert citizen_.send("PATCH", f"/applications/{draft['id']}", body).status_code == 422


def test_withdrawing_ends_it(citizen_: Filer, session: Session) -> None:
    case = citizen_.file()
    withdrawn = citizen_.post(f"/cases/{case['id']}/withdraw", {"reason": "不办了"}).json
    assert (withdrawn["state"], withdrawn["can_withdraw"]) == ("withdrawn", False)
    assert citizen_.post(f"/cases/{case['id']}/withdraw", {}).json["code"] == "invalid_transition"
    assert citizen_.post(f"/applications/{case['application_id']}/submit").json["state"] == "withdrawn"
    told = select(Notification.template).where(Notification.person_id == citizen_.id).order_by(Notification.created_at)
    assert session.scalars(told).all()[-1] == "case_withdrawn"


def test_pages_of_cases_follow_each_other(citizen_: Filer, clock: Clock) -> None:
    first = citizen_.file()
    for _ in range(20):
        clock.advance(seconds=61)
        citizen_.file()
    page = citizen_.get("/cases").json
    rest = citizen_.get(f"/cases?cursor={page['next_cursor']}").json
    assert (len(page["cases"]), [row["id"] for row in rest["cases"]]) == (20, [first["id"]])
    assert citizen_.get("/cases?cursor=x").status_code == 422


def test_short_numbers_notice_a_slip() -> None:
    good = "26112400001" + numbers.check_digit("26112400001")
    assert numbers.is_short_number(good)
    for place in range(11):
        wrong = good[:place] + str((int(good[place]) + 1) % 10) + good[place + 1 :]
        assert not numbers.is_short_number(wrong)
    swapped = good[:6] + good[7] + good[6] + good[8:]
    assert swapped == good or not numbers.is_short_number(swapped)
    assert not numbers.is_short_number("２６１１２４０００１２")
