"""Collecting at a window: the payer's code, the password, giving up, cash at finance, the slip."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.identity import service as identity
from backend.identity import sessions
from payments import jobs, receipt_jobs
from payments.gateways.base import Channel
from payments.registry import Account, Gateways
from tests.backend import staff
from tests.payments.conftest import Desk
from tests.payments.fake_channel import FakeChannel
from tests.payments.finance_office import Office

CODE = "134567890123456789"


class Window:
    """A clerk at a window of the hall, a channel that takes payers' codes, and finance."""

    def __init__(self, app: Flask, client: FlaskClient, session: Session, desk: Desk) -> None:
        self.client, self.session, self.desk = client, session, desk
        self.channel, self.office = FakeChannel(Channel.WECHAT_NONTAX, "test-nontax"), Office()
        desk.gateways = Gateways({Channel.WECHAT_NONTAX: Account(self.channel, {"official": "wx-official"})})
        app.extensions |= {"payment_gateways": desk.gateways, "finance": self.office.finance}

    @cached_property
    def header(self) -> dict[str, str]:
        return staff.header(self.session, "XM", "window_clerk")

    def post(self, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
        headers = {**self.header, "Idempotency-Key": key or uuid4().hex}
        return self.client.post(f"/api/v1/staff/{path}", json=body or {}, headers=headers)

    def scan(self, bill: Any, code: str = CODE, key: str | None = None) -> Any:
        return self.post(f"bills/{bill.id}/scan", {"auth_code": code}, key)

    def look(self, attempt_id: str) -> Any:
        self.desk.clock.advance(seconds=5)
        return self.post(f"collections/{attempt_id}/look").json


@pytest.fixture
def window(app: Flask, client: FlaskClient, session: Session, desk: Desk) -> Iterator[Window]:
    before = dict(app.extensions)
    yield Window(app, client, session, desk)
    app.extensions.clear()
    app.extensions |= before


def test_the_scanned_code_is_charged_while_the_payer_types_a_password(window: Window) -> None:
    bill = window.desk.bill()
    scanned = window.scan(bill)
    assert scanned.status_code == 201
    assert (scanned.json["phase"], scanned.json["again_s"], scanned.json["amount_fen"]) == ("typing", 5, 12_000)
    (number,) = window.channel.orders
    order = window.channel.orders[number].order
    assert (order.scene, order.auth_code, order.openid) == ("micropay", CODE, None)
    assert window.look(scanned.json["attempt_id"])["phase"] == "typing"
    assert window.channel.pay(number)
    done = window.look(scanned.json["attempt_id"])
    assert (done["phase"], done["again_s"]) == ("paid", None)
    assert window.desk.state(bill) == "paid"


@pytest.mark.parametrize("lost", ["lost", "lost_after", "busy"])
def test_a_charge_without_an_answer_is_repeated_under_its_number(window: Window, lost: str) -> None:
    bill = window.desk.bill()
    window.channel.fail("open", lost)
    window.channel.fail("query", "lost")
    scanned = window.scan(bill).json
    assert scanned["phase"] == "asking"
    shown = window.look(scanned["attempt_id"])
    assert shown["phase"] in {"asking", "typing"}
    assert window.look(scanned["attempt_id"])["phase"] == "typing"
    assert len(window.channel.orders) == 1, "one number, one charge"


def test_a_double_click_is_one_charge(window: Window) -> None:
    bill = window.desk.bill()
    first, second = (window.scan(bill, key="same").json for _ in range(2))
    assert first["attempt_id"] == second["attempt_id"]
    assert len(window.channel.orders) == 1


@pytest.mark.parametrize("code", ["", "13456789012345678", "163456789012345678", "1345678901234567890", "28763"])
def test_only_a_payers_code_is_charged(window: Window, code: str) -> None:
    bill = window.desk.bill()
    answer = window.scan(bill, code)
    assert answer.status_code == 422
    assert window.channel.orders == {}
    assert window.scan(bill, " 1345 6789 0123 4567 89\n").status_code == 201


def test_the_payer_changes_their_mind_and_another_code_is_scanned(window: Window) -> None:
    bill = window.desk.bill()
    first = window.scan(bill).json
    assert window.post(f"collections/{first['attempt_id']}/give-up").json["phase"] == "failed"
    second = window.scan(bill, "104567890123456789").json
    assert second["attempt_id"] != first["attempt_id"]
    assert window.channel.pay(window.desk.attempt(second["attempt_id"]).number)
    assert window.look(second["attempt_id"])["phase"] == "paid"


def test_a_code_of_another_hall_or_unit_is_not_charged(window: Window) -> None:
    elsewhere = window.desk.bill(hall_code="SM")
    assert window.scan(elsewhere).status_code == 404
    window.desk.gateways._routes["TEST-350299-001"] = ["alipay"]
    assert window.scan(window.desk.bill()).json["code"] == "way_not_offered"
    assert window.channel.orders == {}


def with_codes(window: Window) -> None:
    """The unit takes WeChat Pay too, which has codes to scan."""
    window.desk.gateways = Gateways(
        {
            Channel.WECHAT_NONTAX: Account(window.channel, {"official": "wx-official"}),
            Channel.WECHAT_PAY: Account(window.desk.wechat, {"official": "wx-official"}),
        }
    )
    window.client.application.extensions["payment_gateways"] = window.desk.gateways


def test_a_code_on_the_window_s_screen_is_scanned_by_the_payer(window: Window) -> None:
    with_codes(window)
    bill = window.desk.bill()
    first, again = (window.post(f"bills/{bill.id}/qr", key="one-press") for _ in range(2))
    assert first.status_code == 201
    assert (first.json["phase"], first.json["again_s"]) == ("showing", 5)
    assert again.json == first.json
    (number,) = window.desk.wechat.orders
    assert first.json["qr"] == f"weixin://test?pr={number}"
    assert window.look(first.json["attempt_id"])["phase"] == "showing"
    assert window.desk.wechat.pay(number)
    done = window.look(first.json["attempt_id"])
    assert (done["phase"], done["qr"], window.desk.state(bill)) == ("paid", None, "paid")


def test_the_payer_s_own_code_takes_the_place_of_the_one_on_the_screen(window: Window) -> None:
    with_codes(window)
    bill = window.desk.bill()
    shown = window.post(f"bills/{bill.id}/qr").json
    scanned = window.scan(bill).json
    assert (scanned["phase"], scanned["qr"]) == ("typing", None)
    assert window.look(shown["attempt_id"])["phase"] == "failed"
    (number,) = window.channel.orders
    assert window.channel.pay(number)
    assert window.look(scanned["attempt_id"])["phase"] == "paid"
    assert [order.status for order in window.desk.wechat.orders.values()] == ["closed"]


def test_a_unit_that_takes_no_code_shows_none(window: Window) -> None:
    answer = window.post(f"bills/{window.desk.bill().id}/qr")
    assert (answer.status_code, answer.json["code"]) == (422, "way_not_offered")


def test_cash_at_finance_is_seen_at_once_and_the_slip_names_the_receipt(window: Window) -> None:
    bill = window.desk.bill()
    receipt_jobs.tell(window.office.finance)
    assert window.post(f"bills/{bill.id}/look-at-finance").json == {"paid": False}
    window.office.books.pay_at_counter(bill.pay_code, "card")
    assert window.post(f"bills/{bill.id}/look-at-finance").json == {"paid": True}
    assert window.desk.state(bill) == "paid"

    def slip() -> Any:
        return window.client.get(f"/api/v1/staff/bills/{bill.id}/slip", headers=window.header).json

    assert slip()["receipt"]["state"] == "issuing", "a slip is no receipt before finance has issued one"
    window.desk.clock.advance(seconds=30)
    receipt_jobs.tell(window.office.finance)
    shown = slip()
    assert (shown["paid_via"], shown["total_fen"], shown["payer_name_masked"]) == ("other", 12_000, "张*")
    assert shown["receipt"]["state"] == "issued"
    assert len(shown["receipt"]["number"]) == 10


def test_the_payer_has_the_receipt_checked_and_finance_is_asked_once_a_day(window: Window) -> None:
    phone = "13900000001"
    person = identity.log_in(window.session, provider="phone", subject=phone, current=None, phone=phone)
    token = sessions.start(window.session, person_id=person).token
    window.session.commit()
    window.desk.payer = person
    bill = window.desk.bill()
    receipt_jobs.tell(window.office.finance)

    def check() -> Any:
        header = {"Authorization": f"Bearer {token}"}
        return window.client.post(f"/api/v1/bills/{bill.id}/receipt/check", json={}, headers=header)

    assert check().status_code == 404, "there is none yet"
    window.office.books.pay_at_counter(bill.pay_code, "cash")
    window.post(f"bills/{bill.id}/look-at-finance")
    window.desk.clock.advance(seconds=30)
    receipt_jobs.tell(window.office.finance)
    assert check().json["state"] == "valid"
    window.office.wire.calls.clear()
    assert check().json["state"] == "valid"
    assert window.office.wire.calls == []
    jobs.seal_books()
    window.desk.clock.advance(days=1)
    token = sessions.start(window.session, person_id=person).token
    window.session.commit()
    window.office.faults(mode="outage")
    assert check().json == {"state": "unavailable", "checked_at": None}
    told = window.desk.rows(
        "SELECT template FROM notification WHERE subject_id = :id ORDER BY created_at", id=str(bill.id)
    )
    assert [template for (template,) in told] == ["bill_issued", "bill_paid", "bill_ebill"]
