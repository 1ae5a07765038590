"""The routes of citizens and staff: from the notice in hand to the refund, over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.identity import service as identity
from backend.identity import sessions
from notify import service as notify
from payments.gateways.base import RefundStatus
from tests.backend import staff
from tests.payments import cases
from tests.payments.conftest import Desk

Header = dict[str, str]
Send = Callable[..., Any]
REFUND = {"amount_fen": 2000, "ground": "over_collected", "reason": "多收了一本"}


@pytest.fixture
def send(app: Flask, client: FlaskClient, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Send:
    """One request with a fresh idempotency key, on the desk's channels."""
    monkeypatch.setitem(app.extensions, "payment_gateways", desk.gateways)

    def go(method: str, path: str, who: Header, body: Any = None, key: str | None = None) -> Any:
        headers = {**who, "Idempotency-Key": key or uuid4().hex}
        return client.open(f"/api/v1{path}", method=method, headers=headers, json=body)

    return go


def citizen(session: Session, level: int = 1) -> tuple[UUID, Header]:
    phone = f"139{uuid4().int % 10**8:08d}"
    provider = {"provider": "phone", "subject": phone, "phone": phone} if level else {}
    given = provider or {"provider": "wechat_mini", "subject": phone}
    person = identity.log_in(session, current=None, **given)
    token = sessions.start(session, person_id=person).token
    session.commit()
    return person, {"Authorization": f"Bearer {token}"}


def test_from_the_notice_in_hand_to_paid(desk: Desk, session: Session, send: Send) -> None:
    bill = desk.bill()
    person, me = citizen(session)
    desk.payer = person
    assert send("GET", f"/bills/{bill.id}", me).status_code == 404
    wrong = send("POST", "/bills/look-up", me, {"pay_code": bill.pay_code, "payer_name": "李测试"})
    assert (wrong.status_code, wrong.json["code"]) == (404, "bill_not_found")
    scanned = f"https://pay.example.test/?code={bill.pay_code}"
    found = send("POST", "/bills/look-up", me, {"pay_code": scanned, "payer_name": "张测试"}).json
    assert send("POST", "/bills/look-up", me, {"pay_code": bill.pay_code, "payer_name": "张测试"}).json == found
    assert (found["payer_name_masked"], found["status"], found["total_fen"]) == ("张*", "issued", 12000)
    assert found["items"][0]["fee_fen"] == 12000
    assert found["receipt"] is None
    assert found["ways"] == ["wechat_jsapi", "wechat_mini", "wechat_h5", "wechat_native", "alipay_wap"]
    begun = send("POST", f"/bills/{bill.id}/attempts", me, {"way": "wechat_h5"})
    assert begun.status_code == 201
    attempt = begun.json
    assert attempt["launch"]["url"].startswith("https://cashier.test/")
    assert send("GET", f"/bills/{bill.id}", me).json["status"] == "paying"
    number = attempt["id"].replace("-", "")
    desk.wechat.pay(number)
    assert send("GET", f"/attempts/{attempt['id']}", me).json["state"] == "created"
    assert send("POST", f"/attempts/{attempt['id']}/check", me, {}).json["state"] == "paid"
    shown = send("GET", f"/bills/{bill.id}", me).json
    assert (shown["status"], shown["receipt"]["state"], shown["ways"]) == ("paid", "issuing", [])
    [row] = send("GET", "/bills", me).json["bills"]
    assert (row["id"], row["status"]) == (str(bill.id), "paid")


def test_a_second_click_and_a_repeated_key_get_the_same_attempt(desk: Desk, session: Session, send: Send) -> None:
    person, me = citizen(session)
    desk.payer = person
    bill = desk.bill()
    key = uuid4().hex
    answers = [
        send("POST", f"/bills/{bill.id}/attempts", me, {"way": "alipay_wap"}, key=chosen).json["id"]
        for chosen in (key, key, None)
    ]
    assert len(set(answers)) == 1
    other = send("POST", f"/bills/{bill.id}/attempts", me, {"way": "wechat_native"})
    assert other.json["id"] != answers[0]
    assert send("GET", f"/attempts/{answers[0]}", me).json["state"] == "closed"
    reused = send("POST", f"/bills/{bill.id}/attempts", me, {"way": "wechat_h5"}, key=key)
    assert reused.json["code"] == "idempotency_key_reused"


def test_inside_wechat_the_order_is_for_the_citizens_own_openid(desk: Desk, session: Session, send: Send) -> None:
    person, me = citizen(session)
    desk.payer = person
    bill = desk.bill()
    refused = send("POST", f"/bills/{bill.id}/attempts", me, {"way": "wechat_jsapi"})
    assert (refused.status_code, refused.json["code"]) == (422, "way_not_offered")
    notify.set_contact(session, person_id=person, channel="wechat_official", address="openid-zhang", language="zh")
    session.commit()
    begun = send("POST", f"/bills/{bill.id}/attempts", me, {"way": "wechat_jsapi"})
    assert begun.status_code == 201
    [order] = desk.wechat.orders.values()
    assert (order.order.openid, order.order.app_id) == ("openid-zhang", "wx-official")
    assert "openid-zhang" not in begun.text


def test_what_goes_wrong_at_the_channel_is_said_plainly(desk: Desk, session: Session, send: Send) -> None:
    person, me = citizen(session)
    desk.payer = person
    bill = desk.bill()
    desk.wechat.fail("open", "lost")
    busy = send("POST", f"/bills/{bill.id}/attempts", me, {"way": "wechat_h5"})
    assert (busy.status_code, busy.json["code"]) == (503, "channel_busy")
    assert "没有扣款" in busy.json["title"]
    desk.wechat.fail("close", "lost")
    still = send("POST", f"/bills/{bill.id}/attempts", me, {"way": "alipay_wap"})
    assert (still.status_code, still.json["code"]) == (409, "previous_still_open")


def test_codes_cannot_be_walked(desk: Desk, session: Session, send: Send) -> None:
    _, me = citizen(session, level=0)
    statuses = [
        send("POST", "/bills/look-up", me, {"pay_code": f"3502{n:016d}", "payer_name": "张测试"}).status_code
        for n in range(12)
    ]
    assert statuses == [404] * 10 + [429] * 2


def test_a_strangers_attempt_and_bill_are_not_found(desk: Desk, session: Session, send: Send) -> None:
    person, _ = citizen(session)
    desk.payer = person
    bill = desk.bill()
    attempt = desk.pay(bill)
    _, stranger = citizen(session)
    for path in (f"/bills/{bill.id}", f"/attempts/{attempt.id}"):
        assert send("GET", path, stranger).status_code == 404
    assert send("POST", f"/bills/{bill.id}/attempts", stranger, {"way": "wechat_h5"}).status_code == 404
    assert send("POST", f"/attempts/{attempt.id}/check", stranger, {}).status_code == 404


def test_staff_issue_void_and_never_lower_a_fee(desk: Desk, session: Session, send: Send) -> None:
    clerk, lead, finance = (staff.header(session, "XM", role) for role in ("window_clerk", "hall_lead", "finance"))
    body = {
        "lines": [{"item": "copy-b", "quantity": 3}],
        "accepted_on": "2026-11-24",
        "payer": {"name": "张测试", "id_number": "350299199001010010"},
        "subject_type": "counter",
        "subject_id": "1",
        "title_zh": "复印",
        "title_en": "Copies",
    }
    made = send("POST", "/staff/bills", clerk, body)
    assert (made.status_code, made.json["total_fen"], made.json["payer_name_masked"]) == (201, 5997, "张*")
    lower = {**body, "lines": [{"item": "copy-b", "reduction_fen": 100}], "document": "厦财减〔2026〕1号"}
    assert send("POST", "/staff/bills", clerk, lower).json["code"] == "decision_needed"
    assert send("POST", "/staff/bills", finance, {**lower, "document": None}).json["code"] == "decision_needed"
    assert send("POST", "/staff/bills", finance, lower).json["total_fen"] == 1899
    with_price = {**body, "lines": [{"item": "copy-b", "fee_fen": 1}]}
    assert send("POST", "/staff/bills", clerk, with_price).status_code == 422
    listed = send("GET", "/staff/bills?state=issued", clerk).json["bills"]
    assert len(listed) == 2
    assert "350299199001010010" not in str(listed)
    path = f"/staff/bills/{made.json['id']}/void"
    assert send("POST", path, clerk, {"reason": "开错了"}).status_code == 403
    assert send("POST", path, lead, {"reason": "开错了"}).json["status"] == "void"


def test_voiding_closes_an_open_order_first(desk: Desk, session: Session, send: Send) -> None:
    lead = staff.header(session, "XM", "hall_lead")
    bill = desk.bill()
    attempt = desk.pay(bill)
    assert send("POST", f"/staff/bills/{bill.id}/void", lead, {"reason": "开错了"}).json["state"] == "void"
    assert desk.state(attempt) == "closed"
    paid, _ = cases.paid(desk)
    refused = send("POST", f"/staff/bills/{paid.id}/void", lead, {"reason": "开错了"})
    assert refused.json["code"] == "bill_not_open"


def test_who_only_found_a_bill_cannot_ask_for_its_money(desk: Desk, session: Session, send: Send) -> None:
    _, finder = citizen(session)
    bill, _ = cases.paid(desk)
    found = send("POST", "/bills/look-up", finder, {"pay_code": bill.pay_code, "payer_name": "张测试"})
    assert (found.status_code, found.json["may_refund"]) == (200, False), found.json
    refused = send("POST", f"/bills/{bill.id}/refunds", finder, REFUND)
    assert (refused.status_code, refused.json["code"]) == (403, "not_your_payment")
    assert desk.rows("SELECT count(*) FROM refund") == [(0,)]


def test_who_paid_for_somebody_may_ask_for_the_money(desk: Desk, session: Session, send: Send) -> None:
    desk.payer = uuid4()
    bill = desk.bill()
    desk.payer, payer = citizen(session)
    cases.paid(desk, bill)
    found = send("POST", "/bills/look-up", payer, {"pay_code": bill.pay_code, "payer_name": "张测试"})
    assert found.json["may_refund"]
    assert send("POST", f"/bills/{bill.id}/refunds", payer, REFUND).status_code == 201


def test_a_refund_through_two_staff(desk: Desk, session: Session, send: Send) -> None:
    person, me = citizen(session)
    desk.payer = person
    bill, _ = cases.paid(desk)
    lead, finance = staff.header(session, "XM", "hall_lead"), staff.header(session, "SM", "finance")
    asked = send("POST", f"/bills/{bill.id}/refunds", me, REFUND)
    assert (asked.status_code, asked.json["state"], asked.json["due_on"]) == (201, "requested", "2026-12-08")
    assert (
        send("POST", f"/bills/{bill.id}/refunds", me, {**REFUND, "amount_fen": 10_001}).json["code"]
        == "refund_too_much"
    )
    refund_id = asked.json["id"]
    [waiting] = send("GET", "/staff/refunds", lead).json["refunds"]
    assert (waiting["id"], waiting["payer_name_masked"]) == (refund_id, "张*")
    early = send("POST", f"/staff/finance/refunds/{refund_id}/approval", finance, {})
    assert early.json["code"] == "invalid_transition"
    assert send("POST", f"/staff/refunds/{refund_id}/unit-approval", lead, {}).json["state"] == "unit_approved"
    assert send("POST", f"/staff/finance/refunds/{refund_id}/approval", finance, {}).json["state"] == "approved"
    desk.send()
    [number] = desk.wechat.refund_of
    desk.wechat.finish(number, RefundStatus.SUCCESS)
    desk.notify(desk.wechat, desk.wechat.refund_notice(number))
    shown = send("GET", f"/bills/{bill.id}", me).json
    assert (shown["status"], shown["refunded_fen"], shown["refunds"][0]["state"]) == ("part_refunded", 2000, "success")
    assert send("GET", "/staff/finance/refunds", finance).json["refunds"] == []
    assert len(send("GET", "/staff/finance/refunds?scope=all", finance).json["refunds"]) == 1


def test_suspense_is_decided_by_two_of_finance(desk: Desk, session: Session, send: Send) -> None:
    one, two = (staff.header(session, "XM", "finance") for _ in range(2))
    attempt = desk.pay(desk.bill())
    desk.wechat.pay(attempt.number, amount_fen=1)
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    [case] = send("GET", "/staff/finance/suspense", one).json["cases"]
    assert (case["asked_fen"], case["paid_fen"]) == (12000, 1)
    path, choice = f"/staff/finance/suspense/{attempt.id}", {"proposal": "give_back"}
    assert send("POST", f"{path}/confirmation", two, choice).json["code"] == "nothing_proposed"
    assert send("POST", f"{path}/proposal", one, {**choice, "reason": "核对过"}).json["proposal"] == "give_back"
    assert send("POST", f"{path}/confirmation", one, choice).json["code"] == "same_person"
    assert send("POST", f"{path}/confirmation", two, choice).json["state"] == "refund_due"
    assert send("GET", "/staff/finance/suspense", one).json["cases"] == []


def test_pages_of_bills_follow_each_other(desk: Desk, session: Session, send: Send) -> None:
    person, me = citizen(session)
    desk.payer = person
    made = []
    for _ in range(23):
        desk.clock.advance(seconds=1)
        made.append(str(desk.bill().id))
    first = send("GET", "/bills", me).json
    second = send("GET", f"/bills?cursor={first['next_cursor']}", me).json
    seen = [row["id"] for row in first["bills"] + second["bills"]]
    assert seen == made[::-1]
    assert second["next_cursor"] is None
