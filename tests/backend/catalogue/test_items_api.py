"""事项管理 over the API: what operators see and do, what citizens see then, and in whose words."""

from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.catalogue import queries, snapshot
from backend.catalogue.versions import diff, service
from tests.backend import staff

SLUG = "passport-first"
pytestmark = pytest.mark.usefixtures("seed", "clock")


class Operator:
    """A platform operator at the API."""

    def __init__(self, client: FlaskClient, session: Session, role: str = "platform_operator") -> None:
        self.client, self.header = client, staff.header(session, "XM", role)

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.client.open(f"/api/v1{path}", method=method, headers=self.header, json=body)
        assert answer.status_code == status, answer.text
        return answer.json if answer.is_json else answer

    def draft(self, slug: str = SLUG, **changes: Any) -> Any:
        version = self.call("POST", f"/staff/items/{slug}/draft", {})
        body = {"content": {**version["content"], **changes}, "revision": version["revision"]}
        return self.call("PUT", f"/staff/items/versions/{version['id']}", body)

    def submitted(self, slug: str = SLUG, **changes: Any) -> Any:
        version = self.draft(slug, **changes)
        body = {"note": "改好了", "revision": version["revision"]}
        return self.call("POST", f"/staff/items/versions/{version['id']}/submission", body)

    def publish(self, version: Any, on: str | None = None) -> Any:
        return self.call("POST", f"/staff/items/versions/{version['id']}/publication", {"effective_on": on})


@pytest.fixture
def wang(client: FlaskClient, session: Session) -> Operator:
    return Operator(client, session)


@pytest.fixture
def li(client: FlaskClient, session: Session) -> Operator:
    return Operator(client, session)


def citizen(client: FlaskClient, path: str, status: int = 200) -> Any:
    snapshot.forget()
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == status, answer.text
    return answer.json


def test_from_a_draft_to_what_citizens_read(wang: Operator, li: Operator, client: FlaskClient) -> None:
    rows = {row["slug"]: row for row in wang.call("GET", "/staff/items")["items"]}
    assert (len(rows), rows[SLUG]["in_force"]["number"], rows[SLUG]["open"]) == (46, 1, None)
    version = wang.submitted(promise_days=3)
    assert citizen(client, f"/items/{SLUG}")["promise_days"] != 3
    assert li.publish(version)["state"] == "in_force"
    assert (citizen(client, f"/items/{SLUG}")["promise_days"], citizen(client, f"/items/{SLUG}")["version"]) == (3, 2)
    history = li.call("GET", f"/staff/items/{SLUG}/versions")["versions"]
    assert [(one["number"], one["state"]) for one in history] == [(2, "in_force"), (1, "superseded")]
    assert history[0]["editors"] != [history[0]["reviewed_by"]]
    assert history[1]["effective_on"] == "2018-08-01"


def test_faults_come_with_the_saved_draft_and_refuse_the_review(wang: Operator) -> None:
    vague = {"id": "more", "name": {"zh": "其他相关材料", "en": "Other documents"}, "source": "applicant"}
    version = wang.draft(materials=[vague])
    (fault,) = version["findings"]
    assert (fault["code"], fault["pointer"]) == ("catch_all_material", "/materials/0/name")
    body = {"note": "改好了", "revision": version["revision"]}
    problem = wang.call("POST", f"/staff/items/versions/{version['id']}/submission", body, status=422)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("item_has_faults", "/content/materials/0/name")


def test_nobody_publishes_their_own(wang: Operator) -> None:
    version = wang.submitted(promise_days=3)
    refused = wang.call("POST", f"/staff/items/versions/{version['id']}/publication", {}, status=403)
    assert refused["code"] == "four_eyes"


def test_a_stale_page_is_told_so(wang: Operator, li: Operator) -> None:
    version = wang.call("POST", f"/staff/items/{SLUG}/draft", {})
    li.draft(promise_days=3)
    body = {"content": version["content"], "revision": version["revision"]}
    assert wang.call("PUT", f"/staff/items/versions/{version['id']}", body, status=412)["code"] == "precondition_failed"


@pytest.mark.parametrize("role", [role for role in ("hall_lead", "window_clerk", "finance", "auditor")])
def test_a_district_may_neither_edit_nor_publish(client: FlaskClient, session: Session, role: str) -> None:
    other = Operator(client, session, role)
    other.call("POST", f"/staff/items/{SLUG}/draft", {}, status=403)
    other.call("POST", "/staff/lists/publication", {}, status=403)
    other.call("POST", "/staff/lists/upfront/additions", {"item": SLUG, "reason": "试点"}, status=403)


def test_the_version_of_a_day_is_readable(wang: Operator, li: Operator) -> None:
    li.publish(wang.submitted(promise_days=3))
    numbers = [
        wang.call("GET", f"/staff/items/{SLUG}/version?on={day}")["number"]
        for day in ("2018-08-01", "2026-11-23", "2026-11-24", "2027-01-01")
    ]
    assert numbers == [1, 1, 2, 2]


def test_two_versions_differ_in_words(wang: Operator, li: Operator) -> None:
    before = wang.call("POST", f"/staff/items/{SLUG}/draft", {})["content"]
    materials = deepcopy(before["materials"])
    gone = materials.pop()
    materials[0]["copies"] = 2
    li.publish(wang.submitted(promise_days=3, free=True, fees=[], materials=materials))
    lines = wang.call("GET", f"/staff/items/{SLUG}/comparison?from=1&to=2")["lines"]
    told = {line["pointer"]: (line["field"], line["before"], line["after"]) for line in lines}
    assert told["/promise_days"] == ("承诺时限（工作日）", str(before["promise_days"]), "3")
    assert told["/free"] == ("免费", "否", "是")
    assert told[f"/materials/{gone['id']}"][2] is None
    note = materials[0]["note"]["zh"]
    words = f"名称：居民身份证；来源：电子证照库；原件：1；复印件：2；免提交：是；说明：{note}"
    assert told[f"/materials/{materials[0]['id']}"][2] == words
    assert set(told) - {f"/fees/{fee['code']}" for fee in before["fees"]} == {
        "/promise_days",
        "/free",
        f"/materials/{gone['id']}",
        f"/materials/{materials[0]['id']}",
    }


def test_who_bears_the_fees_and_whether_credit_is_asked_are_published_like_every_word(
    wang: Operator, li: Operator, client: FlaskClient, session: Session
) -> None:
    version = wang.submitted(fee_borne_by="department", credit_check=True)
    assert not queries.item(session, SLUG).credit_check, "a draft asks nobody"
    li.publish(version)
    lines = wang.call("GET", f"/staff/items/{SLUG}/comparison?from=1&to=2")["lines"]
    assert [(line["field"], line["before"], line["after"]) for line in lines] == [
        ("费用谁承担", "申请人", "部门"),
        ("受理时查信用", "否", "是"),
    ]
    notes = [fee["note"] for fee in citizen(client, f"/items/{SLUG}")["fees"]]
    assert notes
    assert all("这笔钱由部门出，你不用交" in note for note in notes)
    session.expire_all()
    item = queries.item(session, SLUG)
    assert (item.fee_borne_by, item.credit_check) == ("department", True)


def test_nobody_bears_the_fees_of_a_free_item_or_is_somebody_unheard_of(wang: Operator) -> None:
    version = wang.draft(free=True, fees=[], fee_borne_by="department")
    assert [(one["code"], one["pointer"]) for one in version["findings"]] == [("free_and_borne", "/fee_borne_by")]
    body = {"content": {**version["content"], "fee_borne_by": "somebody"}, "revision": version["revision"]}
    problem = wang.call("PUT", f"/staff/items/versions/{version['id']}", body, status=422)
    assert problem["errors"][0]["pointer"] == "/content/fee_borne_by"


def test_every_field_has_a_name_for_people(session: Session) -> None:
    content = service.by_number(session, SLUG, 1).content
    assert set(content) == set(diff.FIELDS)


def test_an_item_that_ended_leads_to_its_successor(
    wang: Operator, li: Operator, client: FlaskClient, session: Session
) -> None:
    on_lists = [row["count"] for row in citizen(client, "/lists")["lists"]]
    ending = {"kind": "merged", "successor": "passport-renewal", "note": {"zh": "两项合一", "en": "Two became one"}}
    li.publish(wang.submitted(ended=ending))
    shown = citizen(client, f"/items/{SLUG}")
    assert shown["ended"] == {
        "on": "2026-11-24",
        "kind": "merged",
        "note": "两项合一",
        "successor": {"slug": "passport-renewal", "name": citizen(client, "/items/passport-renewal")["name"]},
    }
    assert (shown["bookable"], shown["tags"]) == (False, [])
    assert SLUG not in {item["slug"] for item in citizen(client, "/items?limit=100")["items"]}
    assert SLUG not in {item["slug"] for item in citizen(client, "/items/search?q=护照")["items"]}
    assert [row["count"] for row in citizen(client, "/lists")["lists"]] != on_lists
    refused = citizen(client, f"/items/{SLUG}/halls", 409)
    assert (refused["code"], refused["successor"]) == ("item_ended", "passport-renewal")


def test_districts_steps_and_codes_stand_on_the_guide(wang: Operator, li: Operator, client: FlaskClient) -> None:
    code = citizen(client, f"/items/{SLUG}")["code"] + "01"
    step = {
        "id": "review",
        "name": {"zh": "专家评审", "en": "Expert review"},
        "basis": "行政许可法第四十五条",
        "condition": {"zh": "需要评审的", "en": "Where a review is needed"},
        "days": 20,
        "standard": None,
    }
    days = [{"division": "350203", "promise_days": 2}]
    li.publish(wang.submitted(handling_code=code, special_steps=[step], district_days=days))
    shown = citizen(client, f"/items/{SLUG}")
    assert shown["handling_code"] == code
    assert shown["district_days"] == [{"division": {"code": "350203", "name": "思明区"}, "promise_days": 2}]
    assert [one["name"] for one in shown["special_steps"]] == ["专家评审"]
    listed = {one["slug"]: one["steps"] for one in citizen(client, "/special-steps")["items"]}
    assert listed[SLUG][0]["days"] == 20


def test_the_options_name_what_an_item_may_point_at(wang: Operator) -> None:
    options = wang.call("GET", "/staff/items/options")
    assert all(options.values()) or not options["letters"]
    assert "350200" not in {one["code"] for one in options["districts"]}
