"""A case keeps the version of its item; an item that has ended takes no new ones."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from tests.backend.applications.people import LOOK, PLATE, QUERY, Filer, Office, publish


def test_a_case_keeps_the_version_it_was_handed_in_under(citizen_: Filer, session: Session) -> None:
    first = citizen_.file(PLATE)
    publish(session, PLATE, promise_days=2)
    second = citizen_.file(PLATE)
    session.expire_all()
    kept = dict(session.execute(select(Case.number, Case.item_version)).all())
    assert (kept[first["full_number"]], kept[second["full_number"]]) == (1, 2)
    promised = dict(session.execute(select(Case.item_version, Case.promise_days)).all())
    assert promised[2] == 2 != promised[1]


def test_an_item_that_has_ended_is_neither_begun_nor_handed_in(citizen_: Filer, session: Session) -> None:
    draft = citizen_.fill(citizen_.start(QUERY))
    ending = {"kind": "merged", "successor": PLATE, "note": {"zh": "两项合一", "en": "Two became one"}}
    publish(session, QUERY, ended=ending)
    begun = citizen_.post("/applications", {"item": QUERY})
    handed_in = citizen_.post(f"/applications/{draft['id']}/submit")
    for refused in (begun, handed_in):
        assert (refused.status_code, refused.json["code"], refused.json["successor"]) == (409, "item_ended", PLATE)
    session.expire_all()
    assert session.scalars(select(Case)).all() == []


def test_the_steps_of_its_own_version_stop_its_clock(citizen_: Filer, office: Office, session: Session) -> None:
    publish(session, PLATE, special_steps=[LOOK])
    older = citizen_.file(PLATE)
    publish(session, PLATE, special_steps=[])
    newer = citizen_.file(PLATE)
    for case in (older, newer):
        office.accepted(case)
        office.done("approver", case, "review")
    step = {"code": "look", "document": "告知一号"}
    assert office.do("approver", newer, "special-step", **step).json["code"] == "step_not_listed"
    assert office.done("approver", older, "special-step", **step)["state"] == "special"
    assert [one["name"] for one in office.case(older)["steps"]] == ["现场勘验"]
