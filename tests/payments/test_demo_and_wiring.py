"""What a development run has: channels from its settings, bills to pay; and a hall's bill by its code."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import development
from backend.core import db
from backend.core.config import Settings
from backend.seed import loader
from payments import amounts, bills, demo
from payments.bill_models import Bill
from payments.debts import owed
from payments.registry import WINDOW_CODE, gateways_of
from tests.backend import staff
from tests.payments.conftest import UNIT, Desk


def development_settings(tmp_path: Any) -> Settings:
    return Settings.from_env(development.environment(tmp_path, "postgresql://unused/unused", 8000, 8001))


def test_a_development_run_has_every_channel_and_way(tmp_path: Any) -> None:
    gateways = gateways_of(development_settings(tmp_path))
    assert gateways.channels() == ["wechat_pay", "alipay", "wechat_nontax"]
    assert gateways.ways_of(UNIT) == ["wechat_jsapi", "wechat_mini", "wechat_h5", "wechat_native", "alipay_wap"]
    assert gateways.chosen(UNIT, "wechat_jsapi")[0] == "wechat_pay"
    assert gateways.chosen(UNIT, WINDOW_CODE)[0] == "wechat_nontax"


def test_a_channel_without_settings_is_not_there(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WECHAT_NONTAX_MCHID", "ALIPAY_SELLER_ID"):
        monkeypatch.setenv(name, "")
    assert gateways_of(development_settings(tmp_path)).channels() == ["wechat_pay"]


def test_demo_bills_are_issued_once_and_again_when_they_are_settled(isolated: None) -> None:
    with db.transaction() as session:
        loader.load(session)
    for _ in range(2):
        with db.transaction() as session:
            demo.issue(session, region_code="350299")
    with db.transaction() as session:
        first = demo.open_bills(session)
        assert session.scalar(select(func.count()).select_from(Bill)) == len(demo.BILLS) == len(first)
        bill_id = session.scalars(select(Bill.id).where(Bill.subject_id == "demo-passport")).one()
        assert any("张测试  ¥120.00  (普通护照)" in line for line in first)
        bills.void(session, bill_id=bill_id, actor="staff:test", reason="试一试")
        demo.issue(session, region_code="350299")
        assert session.scalar(select(func.count()).select_from(Bill)) == len(demo.BILLS) + 1


def test_the_non_tax_channel_is_told_the_bill_item_by_item(desk: Desk) -> None:
    bill = desk.bill(bills.Line("copy-a"), bills.Line("copy-b", quantity=2))
    attempt = desk.pay(bill)
    debt = owed(attempt.number)
    assert (debt.unit.code, debt.unit.region) == (UNIT, "350299")
    assert [(item.code, item.fee_fen) for item in debt.notice.items] == [("copy-a", 12_000), ("copy-b", 3_998)]
    assert (debt.notice.fee_fen, debt.notice.number) == (attempt.amount_fen, bill.pay_code)
    assert (debt.notice.kind, debt.notice.payer_name) == (1, "张测试")


def test_a_hall_finds_its_own_bill_by_code_with_a_masked_name(
    desk: Desk, client: FlaskClient, session: Session
) -> None:
    bill = desk.bill()

    def found(hall: str, code: str) -> Any:
        headers = {**staff.header(session, hall, "window_clerk"), "Idempotency-Key": uuid4().hex}
        return client.post("/api/v1/staff/bills/look-up", json={"pay_code": code}, headers=headers)

    answer = found("XM", f" {bill.pay_code[:4]} {bill.pay_code[4:]} ")
    assert (answer.json["id"], answer.json["payer_name_masked"]) == (str(bill.id), "张*")
    assert amounts.to_yuan(answer.json["total_fen"]) == "120.00"
    assert "张测试" not in answer.text
    assert found("XM", f"https://example.invalid/bills/find?code={bill.pay_code}").status_code == 200
    assert found("SM", bill.pay_code).json["code"] == "bill_not_found"
    assert found("XM", "12").json["code"] == "pay_code_wrong"
