"""Two channels in memory, an income item or two, and a bill to pay."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.core import db
from backend.core.calendar import CalendarYear
from backend.core.errors import Text
from payments import attempts, bills, callbacks, doctor, fees, jobs, ledger, paying
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.gateways.base import Channel, Scene
from payments.models import CollectingUnit, IncomeItem
from payments.refund_models import Refund
from payments.registry import Account, Gateways
from tests.conftest import Clock
from tests.payments.fake_channel import FakeChannel

UNIT = "TEST-350299-001"
LAST_YEAR = date(2025, 1, 1)


def add_income(session: Session) -> None:
    """Items of one collecting unit with their standards, one of another, and the holidays of 2026."""
    for number in (1, 2):
        code = f"TEST-350299-00{number}"
        session.merge(CollectingUnit(code=code, name_zh=f"测试单位{number}", name_en=f"Test unit {number}"))
    session.flush()
    late = {
        "fine": {"late_day_bp": 300, "late_cap_percent": 100, "late_basis": "行政处罚法"},
        "levy": {"late_day_bp": 5, "late_cap_percent": 100, "late_basis": "某法"},
    }
    rows = (
        ("levy", "non_tax", UNIT, 100_000),
        ("copy-a", "non_tax", UNIT, 12_000),
        ("copy-b", "non_tax", UNIT, 1_999),
        ("free", "non_tax", UNIT, 0),
        ("fine", "penalty", UNIT, None),
        ("notary", "service_price", UNIT, 5_000),
        ("elsewhere", "non_tax", "TEST-350299-002", 700),
    )
    for code, kind, unit, amount in rows:
        names = {"name_zh": code, "name_en": code}
        session.add(IncomeItem(code=code, kind=kind, collecting_unit=unit, **names, **late.get(code, {})))
        session.flush()
        if amount is not None:
            fees.set_standard(
                session,
                code=code,
                valid_from=LAST_YEAR,
                valid_to=None,
                amount_fen=amount,
                unit="copy",
                legal_basis="某文",
                verified=True,
            )
    for year in (2026, 2027):
        session.add(CalendarYear(year=year, source="test"))
    session.flush()


class Desk:
    """Everything a test does with payments, each step in transactions of its own as in production."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wechat = FakeChannel(Channel.WECHAT_PAY, "test-merchant")
        self.alipay = FakeChannel(Channel.ALIPAY, "test-seller")
        self.gateways = Gateways(
            {
                Channel.WECHAT_PAY: Account(self.wechat, {"official": "wx-official", "mini": "wx-mini"}),
                Channel.ALIPAY: Account(self.alipay, {"web": "ali-app"}),
            }
        )
        self.payer = uuid4()

    def bill(self, *lines: bills.Line, **changes: Any) -> Bill:
        order = {
            "region_code": "350299",
            "lines": lines or (bills.Line("copy-a"),),
            "accepted_on": self.clock.now.date(),
            "payer": bills.Payer("张测试", person_id=self.payer),
            "subject_type": "case",
            "subject_id": uuid4().hex,
            "title": Text("普通护照", "Passport"),
            "hall_code": "XM",
        }
        with db.transaction() as session:
            return bills.issue(session, bills.Order(**{**order, **changes}), actor="staff:test")

    def terms(self, channel: FakeChannel, **changes: Any) -> attempts.Terms:
        wechat = channel is self.wechat
        values = {
            "channel": channel.channel,
            "scene": Scene.H5 if wechat else Scene.WAP,
            "app_id": "wx-official" if wechat else "ali-app",
            "merchant_id": channel.merchant_id,
            "client_ip": "192.0.2.7",
        }
        return attempts.Terms(**{**values, **changes})

    def pay(self, bill: Bill, channel: FakeChannel | None = None, **changes: Any) -> Attempt:
        """The citizen presses the button of one channel; gives the attempt as it is then."""
        terms = self.terms(channel or self.wechat, **changes)

        def begin(_: int) -> UUID:
            with db.transaction() as session:
                return attempts.begin(session, bill_id=bill.id, terms=terms, payer_id=self.payer)

        return self.attempt(paying.pay(self.gateways, begin))

    def notify(self, channel: FakeChannel, body: bytes) -> callbacks.Outcome:
        return callbacks.receive(self.gateways, channel.channel, {"content-type": "application/json"}, body)

    def poll(self) -> int:
        return jobs.poll(self.gateways, callers=1)

    def send(self) -> int:
        return jobs.send(self.gateways, callers=1)

    def attempt(self, attempt_id: UUID) -> Attempt:
        with db.transaction() as session:
            return session.get_one(Attempt, attempt_id)

    def state(self, entity: Any) -> str:
        """The state of a bill, attempt or refund as it is stored now."""
        with db.transaction() as session:
            return str(session.get_one(type(entity), entity.id).state)

    def refunds(self, attempt: Attempt) -> list[Refund]:
        with db.transaction() as session:
            return list(session.scalars(select(Refund).where(Refund.attempt_id == attempt.id).order_by(Refund.id)))

    def rows(self, query: str, **values: Any) -> list[Any]:
        with db.transaction() as session:
            return [tuple(row) for row in session.execute(text(query), values)]

    def balance(self, account: str) -> int:
        with db.transaction() as session:
            return ledger.balance(session, account)

    def examine(self) -> list[str]:
        with db.transaction() as session:
            return doctor.invariants(session)


@pytest.fixture
def desk(isolated: None, clock: Clock) -> Iterator[Desk]:
    """After every test with a desk, every invariant holds."""
    with db.transaction() as session:
        add_income(session)
    made = Desk(clock)
    yield made
    jobs.seal_books()
    assert made.examine() == []
