"""Items out as files and in again: codes and unknown fields survive, and only what differs becomes a draft."""

import base64
import io
import json
import zipfile
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.catalogue.versions import service
from backend.core.sheets import read_csv, read_workbook
from tests.backend.catalogue.test_items_api import SLUG, Operator

pytestmark = pytest.mark.usefixtures("seed", "clock")
KINDS = ("json", "csv", "xlsx")


@pytest.fixture
def wang(client: FlaskClient, session: Session) -> Operator:
    return Operator(client, session)


def fetched(who: Operator, kind: str) -> bytes:
    answer = who.client.get(f"/api/v1/staff/items/export?format={kind}", headers=who.header)
    assert answer.status_code == 200
    return answer.data


def sent(who: Operator, kind: str, content: bytes, status: int = 200) -> Any:
    text = base64.b64encode(content).decode() if kind == "xlsx" else content.decode()
    answer = who.call("POST", "/staff/items/import", {"format": kind, "content": text}, status=status)
    return {row["slug"]: row for row in answer["items"]} if status == 200 else answer


def with_codes(who: Operator, reviewer: Operator) -> str:
    """An item in force with a 33-digit code, fees that nobody is billed and fields we do not know; returns the code."""
    version = who.call("POST", f"/staff/items/{SLUG}/draft", {})
    code: str = version["content"]["code"] + "07"
    known = {"handling_code": code, "fee_borne_by": "department", "credit_check": True}
    content = {**version["content"], **known, "use_level": "市级", "province": {"kind": [1, "02"]}}
    version = who.call(
        "PUT", f"/staff/items/versions/{version['id']}", {"content": content, "revision": version["revision"]}
    )
    assert version["content"]["extra"] == {"use_level": "市级", "province": {"kind": [1, "02"]}}
    body = {"note": "编码", "revision": version["revision"]}
    reviewer.publish(who.call("POST", f"/staff/items/versions/{version['id']}/submission", body))
    return code


@pytest.mark.parametrize("kind", KINDS)
def test_a_round_trip_changes_nothing(wang: Operator, client: FlaskClient, session: Session, kind: str) -> None:
    code = with_codes(wang, Operator(client, session))
    file = fetched(wang, kind)
    assert code in (file.decode() if kind != "xlsx" else str(read_workbook(file)))
    rows = sent(wang, kind, file)
    assert (len(rows), {row["outcome"] for row in rows.values()}) == (46, {"unchanged"})
    item = service.begin(session, SLUG, actor="staff:x").content
    assert (item["fee_borne_by"], item["credit_check"]) == ("department", True)


def test_what_differs_becomes_a_draft_and_is_not_published(
    wang: Operator, client: FlaskClient, session: Session
) -> None:
    given = json.loads(fetched(wang, "json"))
    by_slug = {one["slug"]: one for one in given["items"]}
    by_slug[SLUG]["promise_days"] = 3
    by_slug["passport-renewal"]["materials"][0]["name"] = {"zh": "有关材料", "en": "Papers"}
    by_slug["hk-macao-permit"]["visits"] = "twice"
    by_slug["social-card-replace"]["fee_borne_by"] = "somebody"
    by_slug["taiwan-permit"]["popularity"] = 33
    wang.call("POST", "/staff/items/taiwan-permit/draft", {})
    new = {
        **by_slug["property-query"],
        "fee_borne_by": "applicant",
        "slug": "property-map",
        "code": by_slug["property-query"]["code"][:-2] + "99",
    }
    rows = sent(wang, "json", json.dumps({**given, "items": [*given["items"], new]}).encode())
    told = {slug: (row["outcome"], row["number"], row["faults"]) for slug, row in rows.items()}
    assert {slug: line for slug, line in told.items() if line[0] != "unchanged"} == {
        SLUG: ("draft", 2, 0),
        "passport-renewal": ("draft", 2, 1),
        "hk-macao-permit": ("refused", None, 0),
        "social-card-replace": ("refused", None, 0),
        "taiwan-permit": ("open", None, 0),
        "property-map": ("new", 1, 0),
    }
    assert rows["hk-macao-permit"]["problems"] == ["visits"]
    assert rows["social-card-replace"]["problems"] == ["fee_borne_by"]
    assert service.begin(session, SLUG, actor="staff:x").content["promise_days"] == 3
    assert client.get(f"/api/v1/items/{SLUG}").json["promise_days"] != 3


def test_a_code_that_a_spreadsheet_has_rounded_is_a_fault(wang: Operator) -> None:
    header, *rows = read_csv(fetched(wang, "csv").decode())
    at = header.index("code")
    broken = [[*row[:at], "1.1350299E+30", *row[at + 1 :]] if row[0] == SLUG else row for row in rows]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [header, *broken])
    row = sent(wang, "csv", text.encode())[SLUG]
    assert (row["outcome"], row["faults"]) == ("draft", 1)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("json", b"{"),
        ("json", b"[]"),
        ("json", b'{"format": "other", "items": []}'),
        ("json", b'{"format": "micro-government-items/1", "items": [{"code": "1"}]}'),
        ("csv", b"code,name\n1,2"),
        ("csv", b"slug,slug\na,b"),
        ("csv", b"slug,instant\na,perhaps"),
        ("csv", b"slug,visits\na,two"),
        ("csv", b"slug,materials\na,[{"),
        ("xlsx", b"no workbook"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(wang: Operator, kind: str, content: bytes) -> None:
    assert sent(wang, kind, content, status=422)["code"] == "items_unreadable"


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/worksheets/sheet1.xml": b"<a>" + b" " * 21 * 1024 * 1024 + b"</a>"},
        {"xl/worksheets/sheet1.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'},
        {"xl/worksheets/sheet1.xml": b"<a>"},
        {"other.xml": b"<a/>"},
    ],
)
def test_a_hostile_workbook_is_refused(parts: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="workbook"):
        read_workbook(archive(**parts))
