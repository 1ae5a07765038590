"""Materials: what is asked for, what is given, who may see it; the result as a file."""

import json
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import clock, crypto
from backend.files.states import State
from backend.licences.models import LicenceFetch
from backend.licences.states import State as FetchState
from backend.province.kinds import Kind
from backend.province.models import FeedRow
from tests.backend.applications.conftest import MakeFiler
from tests.backend.applications.papers import add
from tests.backend.applications.people import PLATE, QUERY, Filer, Office
from tests.conftest import Clock

CARD, PHOTO = "social-card-apply", "social-card-apply.photo"


def began(who: Filer) -> dict[str, Any]:
    draft = who.start(CARD)
    who.send("PATCH", f"/applications/{draft['id']}", {"revision": 1, "answers": GENERAL})
    return draft


GENERAL = {"phone": "13900001111", "address": "测试路 1 号", "matter": "申领", "truthful": True}


def test_a_file_of_the_application_is_its_material(citizen_: Filer, session: Session) -> None:
    draft = began(citizen_)
    path, subject = f"/applications/{draft['id']}", ("application", draft["id"])
    assert citizen_.post(f"{path}/submit").json["errors"][0]["pointer"] == f"/materials/{PHOTO}"
    coming = add(session, subject, PHOTO, f"person:{citizen_.id}", state=State.RECEIVING, object_key=None)
    waiting = citizen_.post(f"{path}/submit")
    assert (waiting.status_code, waiting.json["code"]) == (409, "files_pending")
    session.delete(coming)
    add(session, subject, PHOTO, f"person:{citizen_.id}", valid_until=date(2026, 11, 23))
    expired = citizen_.get(path).json
    assert {row["id"]: row["done"] for row in expired["materials"]}[PHOTO] is False
    assert citizen_.post(f"{path}/submit").json["code"] == "answers_incomplete"
    two = [add(session, subject, PHOTO, f"person:{citizen_.id}", position=place) for place in (3, 2)]
    case = citizen_.post(f"{path}/submit").json
    [photo] = [row for row in case["materials"] if row["id"] == PHOTO]
    assert [row["id"] for row in photo["given"]][1:] == [str(two[1].id), str(two[0].id)]
    assert photo["given"][1]["name"] == "照片.jpg"


def test_who_may_see_and_add_files(make_filer: MakeFiler, session: Session, office: Office) -> None:
    owner, stranger = make_filer(), make_filer()
    draft = began(owner)
    about = {"subject_type": "application", "subject_id": draft["id"]}
    begin = {**about, "material": PHOTO, "name": "a.jpg", "media_type": "image/jpeg", "size": 10, "sha256": "0" * 64}
    query = f"/files?subject_type=application&subject_id={draft['id']}"
    assert owner.post("/files", begin).status_code == 201
    assert stranger.post("/files", begin).status_code == 404
    assert stranger.get(query).status_code == 404
    assert office.get("window_clerk", query).status_code == 404
    [file] = owner.get(query).json["files"]
    assert owner.send("DELETE", f"/files/{file['id']}").status_code == 204
    add(session, ("application", draft["id"]), PHOTO, f"person:{owner.id}")
    case = owner.post(f"/applications/{draft['id']}/submit").json
    assert owner.post("/files", begin).status_code == 404, "handed in is handed in"
    assert len(office.get("window_clerk", query).json["files"]) == 1
    elsewhere = Office(office.client, session, "SM")
    assert elsewhere.get("window_clerk", query).status_code == 404
    ask = {"words": "照片看不清", "materials": [{"name": PHOTO, "words": "请重新拍"}]}
    office.done("window_clerk", case, "correct", **ask)
    assert owner.post("/files", begin).status_code == 201


def test_a_download_is_agreed_to_handed_out_and_logged(make_filer: MakeFiler, session: Session, office: Office) -> None:
    owner, stranger = make_filer(), make_filer()
    case = owner.file(QUERY)
    path = f"/cases/{case['id']}"
    owner.send("PUT", f"{path}/delivery", {"way": "download", "consent": True})
    office.granted(case)
    clerk = f"staff:{UUID(int=7)}"
    result = add(session, ("case_result", case["id"]), None, clerk, media_type="application/pdf")
    query = f"/files?subject_type=case_result&subject_id={case['id']}"
    assert owner.get(query).status_code == 404, "not before it is handed out"
    assert owner.post(f"{path}/result").json["code"] == "result_missing"
    foreign = add(session, ("case", case["id"]), None, clerk)
    assert office.do("issuing_desk", case, "result", file_id=str(foreign.id)).json["code"] == "result_missing"
    done = office.done("issuing_desk", case, "result", file_id=str(result.id))
    assert done["result"]["digest"] == result.sha256.hex()
    assert stranger.post(f"{path}/result").json["code"] == "case_not_found"
    assert stranger.get(query).status_code == 404
    assert office.do("issuing_desk", case, "offer").json["code"] == "delivery_not_agreed"
    opened = owner.post(f"{path}/result").json
    assert opened == {"file_id": str(result.id), "digest": result.sha256.hex()}
    assert owner.get(path).json["state"] == "delivered"
    assert owner.post(f"{path}/result").status_code == 200
    assert len(owner.get(query).json["files"]) == 1


def test_without_consent_there_is_no_download(citizen_: Filer, session: Session, office: Office) -> None:
    case = citizen_.file(QUERY)
    office.granted(case)
    result = add(session, ("case_result", case["id"]), None, "staff:x")
    office.done("issuing_desk", case, "result", file_id=str(result.id))
    assert citizen_.post(f"/cases/{case['id']}/result").json["code"] == "delivery_not_agreed"
    assert citizen_.get(f"/files?subject_type=case_result&subject_id={case['id']}").status_code == 404


def test_the_thread_takes_files_of_this_case_only(make_filer: MakeFiler, session: Session) -> None:
    owner, other = make_filer(), make_filer()
    case, foreign = owner.file(PLATE), other.file(PLATE)
    mine = add(session, ("case", case["id"]), None, f"person:{owner.id}")
    theirs = add(session, ("case", foreign["id"]), None, f"person:{other.id}")
    path = f"/cases/{case['id']}/messages"
    refused = owner.post(path, {"words": "请看", "file_ids": [str(theirs.id)]})
    assert refused.json["code"] == "material_unusable"
    said = owner.post(path, {"words": "请看", "file_ids": [str(mine.id)]})
    assert said.json["messages"][0]["file_ids"] == [str(mine.id)]


def test_files_go_with_an_application_that_is_thrown_away(citizen_: Filer, session: Session, clock: Clock) -> None:
    draft = began(citizen_)
    kept = add(session, ("application", draft["id"]), PHOTO, f"person:{citizen_.id}")
    assert citizen_.send("DELETE", f"/applications/{draft['id']}").status_code == 204
    session.refresh(kept)
    assert kept.state == "gone"


def test_a_licence_that_was_found_is_a_material_and_an_expired_one_is_none(citizen_: Filer, session: Session) -> None:
    draft = citizen_.start(CARD)
    card = f"{CARD}.id-card"

    def fetched(state: FetchState, **found: Any) -> LicenceFetch:
        made = LicenceFetch(
            state=state,
            state_at=clock.now(),
            person_id=citizen_.id,
            subject_type="application",
            subject_id=draft["id"],
            item_slug=CARD,
            material=card,
            kind="id_card",
            purpose="申领",
            wording="licence-1",
            consented_at=clock.now(),
            **found,
        )
        session.add(made)
        session.commit()
        return made

    def given() -> list[tuple[str, str]]:
        shown = citizen_.get(f"/applications/{draft['id']}").json["materials"]
        [row] = [row for row in shown if row["id"] == card]
        return [(one["kind"], one["state"]) for one in row["given"]]

    fetched(FetchState.NOT_FOUND)
    assert given() == [("licence", "not_found")]
    whole = {"identifier": "1.2.3", "issuer": "x", "content_sha256": b"x" * 32, "view": b"x"}
    fetched(FetchState.FOUND, valid_until=date(2026, 11, 23), **whole)
    fetched(FetchState.FOUND, valid_until=date(2026, 11, 24), **whole)
    assert sorted(given()) == [("licence", "expired"), ("licence", "found"), ("licence", "not_found")]


def test_the_province_hears_every_step_in_order(citizen_: Filer, session: Session, office: Office) -> None:
    case = citizen_.file(PLATE)
    office.granted(case)
    rows = session.scalars(select(FeedRow).where(FeedRow.subject_id == case["id"]).order_by(FeedRow.position)).all()
    kinds = [Kind(row.kind).name for row in rows]
    assert kinds == ["CASE", "PROCESS", "PROCESS", "FEE", "PROCESS", "PROCESS"]
    told = [json.loads(crypto.unseal(row.payload, table="province_feed", column="payload", row=row.id)) for row in rows]
    assert [one.get("event") for one in told] == ["submit", "receive", "accept", None, "review", "grant"]
    assert told[-1]["document"] == "厦政准〔2026〕1号"
    for secret in (citizen_.number, citizen_.name):
        assert secret not in str(told)
