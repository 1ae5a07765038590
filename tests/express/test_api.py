"""The routes with the real adapter and the simulated EMS: from a pasted line to the month's bill."""

import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core.audit import AuditEvent
from backend.core.config import Settings
from express import following, jobs, queries
from express.registry import Couriers
from tests.backend import staff
from tests.backend.conftest import seeded_settings, seeded_template
from tests.conftest import Clock
from tests.express.carriers.ems_site import Site, running_ems, wait_until
from tests.payments.conftest import Desk as Till
from tests.payments.test_api import citizen

__all__ = ["seeded_settings", "seeded_template"]

Header = dict[str, str]
LINE = "李测试 13800000002 福建省厦门市思明区测试路12号3栋502室"
CERTIFICATE = {
    "direction": "result_out",
    "subject_type": "case_number",
    "subject_id": "XM2026-00001",
    "item": "company-registration",
    "hall": "XM",
}


@pytest.fixture(scope="module")
def settings(seeded_settings: Settings) -> Settings:  # noqa: F811
    return seeded_settings


@pytest.fixture(scope="module")
def app(settings: Settings) -> Flask:
    return create_app(settings, connect=False)


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with running_ems() as running:
        yield running


@pytest.fixture
def ems(app: Flask, running: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Site:
    running.forget()
    monkeypatch.setitem(app.extensions, "couriers", Couriers({running.carrier.code: running.carrier}))
    return running


class Browser:
    """Somebody's requests, each POST with a fresh idempotency key."""

    def __init__(self, client: FlaskClient, who: Header) -> None:
        self.client, self.who = client, who

    def get(self, path: str, **query: Any) -> Any:
        return self._ok(self.client.get(f"/api/v1{path}", query_string=query, headers=self.who))

    def send(self, path: str, body: Any = None, key: str | None = None, method: str = "POST") -> Any:
        headers = {**self.who, "Idempotency-Key": key or uuid4().hex}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, json=body or {})

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        return self._ok(self.send(path, body, key))

    def address(self, line: str = LINE) -> str:
        parts = self.post("/addresses/parse", {"text": line})
        assert parts.pop("missing") == []
        return str(self.post("/addresses", parts)["id"])

    def order(self, **changes: Any) -> Any:
        quote = self.post("/shipments/quotes", {**CERTIFICATE, "address_id": self.address(), **changes})
        return self.post("/shipments", {"quote_id": quote["id"]})

    def _ok(self, answer: Any) -> Any:
        assert answer.status_code < 300, answer.text
        return answer.json


@pytest.fixture
def me(client: FlaskClient, session: Session) -> Browser:
    return Browser(client, citizen(session)[1])


@pytest.fixture
def clerk(client: FlaskClient, session: Session) -> Browser:
    return Browser(client, staff.header(session, "XM", "window_clerk"))


@pytest.fixture
def finance(client: FlaskClient, session: Session) -> Browser:
    return Browser(client, staff.header(session, "XM", "finance"))


@pytest.fixture
def operator(client: FlaskClient, session: Session) -> Browser:
    return Browser(client, staff.header(session, "XM", "platform_operator"))


def deliver(ems: Site, client: FlaskClient, before: int) -> None:
    """What EMS has pushed since, into our endpoint; each answered with its receipt."""
    wait_until(lambda: all(push.done for push in ems.simulator.pushes.kept))
    assert len(ems.pushed) > before
    for body in ems.pushed[before:]:
        answer = client.post("/callbacks/ems", data=body, content_type="application/json")
        assert answer.status_code == 200, answer.text


def test_address_book(me: Browser, client: FlaskClient, session: Session) -> None:
    first = me.address()
    second = me.address("王测试，0592-7700001，福建省厦门市湖里区云顶北路1号")
    assert [one["id"] for one in me.get("/addresses")["addresses"]] == [first, second]
    me.post(f"/addresses/{second}/default")
    kept = me.get("/addresses")["addresses"]
    assert [(one["id"], one["is_default"]) for one in kept] == [(second, True), (first, False)]
    wrong = me.send("/addresses", {**kept[0], "phone": "12", "id": None}, None)
    assert wrong.status_code == 422
    parts = {name: kept[1][name] for name in ("name", "province", "city", "county", "line")}
    wrong = me.send("/addresses", {**parts, "phone": "123456789"})
    assert wrong.json["errors"][0]["pointer"] == "/phone"
    stranger = Browser(client, citizen(session)[1])
    assert stranger.send(f"/addresses/{second}", method="DELETE").json["code"] == "address_not_found"
    assert me.send(f"/addresses/{second}", method="DELETE").status_code == 204
    assert [one["is_default"] for one in me.get("/addresses")["addresses"]] == [True]
    for _ in range(19):
        me.address()
    assert me.send("/addresses", {**parts, "phone": "13800000009"}).json["code"] == "address_book_full"


def test_a_result_travels_to_the_applicant(
    me: Browser, clerk: Browser, ems: Site, client: FlaskClient, clock: Clock
) -> None:
    address = me.address()
    quote = me.post("/shipments/quotes", {**CERTIFICATE, "address_id": address})
    assert (quote["payer"], quote["policy"]) == ("gov", "企业设立，政府付费")
    key = uuid4().hex
    asked = me.post("/shipments", {"quote_id": quote["id"]}, key)
    assert me.post("/shipments", {"quote_id": quote["id"]}, key)["id"] == asked["id"], "a repeat is the same shipment"
    assert (asked["state"], asked["next"], asked["certificate"]) == ("asked", "hall", True)
    again = me.post("/shipments/quotes", {**CERTIFICATE, "address_id": address})
    refused = me.send("/shipments", {"quote_id": again["id"]}).json
    assert (refused["code"], refused["shipment_id"]) == ("already_shipped", asked["id"])
    [waiting] = clerk.get("/staff/shipments", state="asked")["shipments"]
    assert waiting["applicant_masked"] == "李*"
    clerk.post(f"/staff/shipments/{asked['id']}/release")
    ordered = me.get(f"/shipments/{asked['id']}")
    assert (ordered["state"], ordered["next"]) == ("ordered", "carrier")
    assert ordered["applicant"]["line"].endswith("502室")
    labels = clerk.send("/staff/shipments/labels", {"shipment_ids": [asked["id"]]})
    assert len(PdfReader(io.BytesIO(labels.data)).pages) == 1
    sheet = clerk.post("/staff/handover-sheets")
    clerk.post(f"/staff/handover-sheets/{sheet['id']}/scan", {"waybill": ordered["waybill"]})
    scanned = clerk.post(f"/staff/handover-sheets/{sheet['id']}/scan", {"waybill": ordered["waybill"].lower()})
    assert len(scanned["shipments"]) == 1
    clerk.post(f"/staff/handover-sheets/{sheet['id']}/sign", {"courier": "快递员 88"})
    printed = client.get(f"/api/v1/staff/handover-sheets/{sheet['id']}/sheet.pdf", headers=clerk.who)
    assert len(PdfReader(io.BytesIO(printed.data)).pages) == 1
    before = len(ems.pushed)
    ems.travel(ordered["waybill"], "in_person")
    deliver(ems, client, before)
    done = me.get(f"/shipments/{asked['id']}")
    assert (done["state"], done["progress"], done["next"]) == ("closed", "delivered", "nobody")
    assert [step["progress"] for step in done["timeline"]][0] == "delivered"
    assert [step["at"] for step in done["timeline"]] == sorted((step["at"] for step in done["timeline"]), reverse=True)
    assert done["timeline"][0]["text"] == "已签收：本人签收"
    inbox = [message["title"] for message in me.get("/inbox")["messages"]]
    assert "签收了：企业设立登记" in inbox


def test_pulled_and_pushed_are_the_same(me: Browser, clerk: Browser, ems: Site, client: FlaskClient) -> None:
    asked = me.order()
    clerk.post(f"/staff/shipments/{asked['id']}/release")
    waybill = me.get(f"/shipments/{asked['id']}")["waybill"]
    before = len(ems.pushed)
    ems.travel(waybill, "delivered_then_undone")
    following.pull(Couriers({ems.carrier.code: ems.carrier}), UUID(asked["id"]))
    pulled = me.get(f"/shipments/{asked['id']}")
    deliver(ems, client, before)
    assert me.get(f"/shipments/{asked['id']}") == pulled
    assert pulled["state"] == "closed"
    assert [step["undone"] for step in pulled["timeline"]].count(True) == 1


def test_a_forged_push_has_no_effect(ems: Site, client: FlaskClient) -> None:
    for body in (b"", b"{}", b"not json", b'{"logitcsInterface": "|$4|AAAA", "method": "040002"}'):
        assert client.post("/callbacks/ems", data=body, content_type="application/json").status_code == 400


def test_the_applicant_pays_first(
    me: Browser, clerk: Browser, ems: Site, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order for the postage that is open when the shipment is called off is closed first."""
    monkeypatch.setitem(app.extensions, "payment_gateways", Till(clock).gateways)
    passport = {"item": "passport-first", "subject_id": "XM2026-00002"}
    asked = me.order(**passport)
    assert (asked["state"], asked["payer"]) == ("asked", "applicant_prepaid")
    clerk.post(f"/staff/shipments/{asked['id']}/release")
    owing = me.get(f"/shipments/{asked['id']}")
    assert (owing["state"], owing["next"]) == ("unpaid", "pay")
    bill = me.get(f"/bills/{owing['bill_id']}")
    assert (bill["notice_type"], bill["total_fen"], bill["receipt"]) == ("postage", owing["estimate_fen"], None)
    begun = me.send(f"/bills/{owing['bill_id']}/attempts", {"way": "wechat_h5"})
    assert begun.status_code == 201, begun.text
    gone = me.post(f"/shipments/{asked['id']}/cancel")
    assert gone["state"] == "cancelled"
    assert me.get(f"/bills/{owing['bill_id']}")["state"] == "void"


def test_the_window_orders_for_somebody(clerk: Browser, ems: Site, session: Session) -> None:
    applicant = {
        "name": "王测试",
        "phone": "13800000003",
        "province": "福建省",
        "city": "泉州市",
        "county": "丰泽区",
        "line": "测试街 9 号",
    }
    body = {**CERTIFICATE, "subject_id": "XM2026-00003", "applicant": applicant, "address_confirmed": True}
    quote = clerk.post("/staff/shipments/quotes", body)
    sent = clerk.post("/staff/shipments", {"quote_id": quote["id"]})
    assert (sent["state"], sent["applicant"]["name"]) == ("ordered", "王测试")
    confirmed = select(AuditEvent.actor).where(AuditEvent.action == "shipment.address_confirmed")
    assert str(session.scalars(confirmed.where(AuditEvent.object_id == sent["id"])).one()).startswith("staff:")
    assert clerk.send("/staff/shipments/quotes", {**body, "address_confirmed": False}).status_code == 422


def test_a_place_without_courier_is_told_before_ordering(me: Browser, ems: Site) -> None:
    address = me.address("李测试 13800000002 福建省厦门市思明区超范围测试路1号")
    answer = me.send("/shipments/quotes", {**CERTIFICATE, "address_id": address})
    assert (answer.status_code, answer.json["code"]) == (422, "address_refused")
    assert "范围" in answer.json["detail"]


def test_a_subject_names_the_shipment_of_its_result_until_it_is_called_off(
    me: Browser, ems: Site, session: Session
) -> None:
    def named() -> str | None:
        found = queries.result_of(session, "case_number", CERTIFICATE["subject_id"])
        return str(found) if found else None

    me.order(direction="material_in")
    assert named() is None
    first = me.order()["id"]
    assert named() == first
    me.post(f"/shipments/{first}/cancel")
    assert named() is None
    assert named() != me.order()["id"] == named()


def test_a_lost_reply_is_found_again(me: Browser, clerk: Browser, ems: Site, clock: Clock) -> None:
    asked = me.order()
    ems.faults({"endpoint": "020003", "kind": "drop_after", "times": 1})
    released = clerk.post(f"/staff/shipments/{asked['id']}/release")
    assert released["id"] == asked["id"]
    assert me.get(f"/shipments/{asked['id']}")["state"] == "unknown"
    clock.advance(minutes=2)
    jobs.call(Couriers({ems.carrier.code: ems.carrier}), callers=1)
    assert me.get(f"/shipments/{asked['id']}")["state"] == "ordered"


def test_the_month_is_settled_with_the_couriers_bill(
    me: Browser, clerk: Browser, finance: Browser, ems: Site, client: FlaskClient, clock: Clock
) -> None:
    waybills = []
    for number in range(3):
        asked = me.order(subject_id=f"XM2026-1000{number}")
        clerk.post(f"/staff/shipments/{asked['id']}/release")
        waybills.append(me.get(f"/shipments/{asked['id']}")["waybill"])
        ems.travel(waybills[-1], "in_person")
    couriers = Couriers({ems.carrier.code: ems.carrier})
    clock.advance(hours=5)
    jobs.track(couriers, callers=1)
    jobs.ask_postage(couriers, callers=1)
    month = finance.get("/staff/express-settlement", month="2026-11")
    assert [(row["division_code"], row["count"]) for row in month["rows"]] == [("350200", 3)]
    assert month["state"] is None
    file = requests.get(f"{ems.url}/ems/desk/bills/2026-11.csv", timeout=5).content
    read = client.post(
        "/api/v1/staff/express-settlement/bill?month=2026-11", data=file, headers=finance.who, content_type="text/csv"
    )
    assert read.status_code == 200, read.text
    assert [(row["verdict"], row["count"]) for row in read.json["verdicts"]] == [("match", 3)]
    assert read.json["payable_fen"] == read.json["rows"][0]["ours_fen"] == read.json["rows"][0]["theirs_fen"]
    settled = finance.post("/staff/express-settlement/settle", {"month": "2026-11"})
    assert settled["state"] == "settled"


def test_who_pays_is_set_previewed_and_never_ambiguous(operator: Browser, clock: Clock) -> None:
    rows = operator.get("/staff/postage-policies")["policies"]
    for category in ("business", "construction"):
        divisions = {row["division_code"] for row in rows if row["category_code"] == category and row["payer"] == "gov"}
        assert len(divisions) == 7, "clause 18: city and six districts"
    asked = {"item_slug": "passport-first", "category_code": "exit-entry", "division_code": "350203"}
    seen = operator.post("/staff/postage-policies/preview", {**asked, "direction": "result_out"})
    assert (seen["payer"], seen["policy"]["priority"]) == ("applicant_prepaid", 9000)
    new = {"priority": 10, "name": "重复", "valid_from": "2026-11-01", "payer": "applicant_prepaid"}
    assert operator.send("/staff/postage-policies", new).json["code"] == "policy_tie"
    made = operator.post("/staff/postage-policies", {**new, "priority": 11})
    assert operator.post(f"/staff/postage-policies/{made['id']}/end", {"last_day": "2026-11-24"})["valid_to"]
    gaps = operator.get("/staff/mail-gaps")
    assert 0 < gaps["missing"] < gaps["total"]
    first = gaps["items"][0]["item"]
    fewer = operator.send(f"/staff/mail-gaps/{first}", {"reason": "要当面登记，没有纸质结果"}, method="PUT").json
    assert fewer["missing"] == gaps["missing"] - 1
