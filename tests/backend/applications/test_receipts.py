"""受理回执: what an accepted case's applicant takes away, who may read it, and that it names nobody in full."""

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from backend.applications.models import ApplicationPaper
from backend.files.models import File
from tests.backend.applications import papers
from tests.backend.applications.conftest import MakeFiler
from tests.backend.applications.people import PASSPORT, QUERY, RENEWAL, Filer, Office


def test_there_is_a_receipt_from_the_acceptance_on(citizen_: Filer, office: Office) -> None:
    case = citizen_.file(QUERY)
    path = f"/cases/{case['id']}/receipt"
    assert citizen_.get(path).json["code"] == "not_accepted_yet"
    assert office.get("window_clerk", path).json["code"] == "not_accepted_yet"
    accepted = office.accepted(case)
    receipt = citizen_.get(path).json
    assert receipt == office.get("window_clerk", path).json
    assert (receipt["number"], receipt["full_number"]) == (case["number"], case["full_number"])
    assert receipt["hall"] == "厦门市行政服务中心"
    assert receipt["department"]
    dates = [receipt[name] for name in ("accepted_on", "promise_due_on", "law_due_on")]
    assert dates == [accepted[name] for name in ("accepted_on", "promise_due_on", "law_due_on")]
    assert (receipt["applicant"], receipt["id_number"][:3], receipt["id_number"][-4:]) == (
        "张*",
        "350",
        citizen_.number[-4:],
    )
    text = citizen_.get(path).text
    assert citizen_.number not in text
    assert citizen_.name not in text
    assert citizen_.get(path, en=True).json["item"] != receipt["item"]
    office.done("hall_lead", case, "terminate", reason="办事人去世")
    assert citizen_.get(path).json["accepted_on"] == receipt["accepted_on"], "and later"


def test_it_says_what_was_received_and_what_is_still_owed(citizen_: Filer, office: Office, session: Session) -> None:
    card = {"name": citizen_.name, "id_number": citizen_.number}
    draft = office.send("window_clerk", "POST", "/applications", {"item": PASSPORT, "citizen": card}).json
    path = f"/applications/{draft['id']}"
    office.send("window_clerk", "PATCH", path, {"revision": 1, "answers": RENEWAL})
    office.send("window_clerk", "PUT", f"{path}/papers", {"papers": ["passport-renewal.old-passport"]})
    case = office.send("window_clerk", "POST", f"{path}/submit", {}).json
    office.accepted(case)
    path = f"/cases/{case['id']}/receipt"
    receipt = office.get("window_clerk", path).json
    [old] = [one for one in receipt["received"] if one["name"] == "原护照"]
    assert (old["original"], old["copies"], old["pages"], old["looked_up"]) == (1, 0, 0, False)
    assert receipt["owed"] == []
    session.execute(delete(ApplicationPaper))
    papers.add(session, ("application", draft["id"]), "passport-renewal.old-passport", "staff:x")
    session.commit()
    [scanned] = [one for one in office.get("window_clerk", path).json["received"] if one["name"] == "原护照"]
    assert (scanned["original"], scanned["pages"]) == (0, 1)
    session.execute(update(File).where(File.material == "passport-renewal.old-passport").values(material="other"))
    session.commit()
    assert office.get("window_clerk", path).json["owed"] == ["原护照"]


def test_nobody_else_reads_it(citizen_: Filer, make_filer: MakeFiler, office: Office, session: Session) -> None:
    case = citizen_.file(QUERY)
    office.accepted(case)
    assert make_filer().get(f"/cases/{case['id']}/receipt").status_code == 404
    far = Office(office.client, session, "SM")
    assert far.get("window_clerk", f"/cases/{case['id']}/receipt").status_code == 404
