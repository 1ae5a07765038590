"""A marked payer passes through every flow of money that writes a notice; who it is stands nowhere but sealed."""

import io
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import db, metrics
from notify.case_notices import CASES
from notify.models import Notification
from notify.registry import TEMPLATES
from payments import bills, receipt_jobs
from payments.gateways.base import RefundStatus
from tests.backend.test_canary import logged, stored
from tests.payments.cases import approve, ask, finish, paid
from tests.payments.conftest import Desk
from tests.payments.finance_office import Office

__all__ = ["logged"]

PAYER, NUMBER, OPENID = "欧阳金丝雀", "350299199903070028", "openid-of-the-canary"


def test_who_pays_stands_nowhere(desk: Desk, session: Session, logged: io.StringIO) -> None:  # noqa: F811
    office = Office()
    owed = bills.Payer(PAYER, id_number=NUMBER, person_id=desk.payer)
    bill, _ = paid(desk, desk.bill(payer=owed))
    receipt_jobs.tell(office.finance)
    assert desk.state(bill) == "ebill_issued"
    refund = ask(desk, bill)
    approve(desk, refund)
    for _ in range(3):
        receipt_jobs.tell(office.finance)
        desk.send()
        desk.clock.advance(seconds=61)
    finish(desk, refund)
    assert desk.state(refund) == "success"

    twice = desk.bill(payer=owed)
    later = twice.due_on + timedelta(days=30)
    with db.transaction() as deciding:
        bills.defer(deciding, bill_id=twice.id, due_on=later, document="厦财缓〔2026〕2号", actor="staff:f")
    first = desk.pay(twice, openid=OPENID)
    desk.wechat.fail("query", "lost")
    desk.clock.advance(minutes=31)
    desk.poll()
    late = desk.pay(twice, desk.alipay)
    desk.alipay.pay(late.number)
    desk.notify(desk.alipay, desk.alipay.notice(late.number))
    desk.wechat.pay_in_spite(first.number)
    desk.notify(desk.wechat, desk.wechat.notice(first.number))
    [back] = desk.refunds(desk.attempt(first.id))
    desk.send()
    desk.wechat.finish(back.number, RefundStatus.SUCCESS)
    desk.notify(desk.wechat, desk.wechat.refund_notice(back.number))

    of_bills = {name for name in CASES if name.startswith("bill_")}
    assert set(session.scalars(select(Notification.template))) == of_bills, "a new notice needs a flow here"
    assert of_bills <= TEMPLATES.keys()
    places = {"log": logged.getvalue(), "metrics": metrics.exposition().decode(), "database": stored(session)}
    assert places["log"]
    for value in (PAYER, NUMBER, OPENID):
        for place, content in places.items():
            assert value not in content, (value, place)
            assert value.encode().hex() not in content, (value, place)
