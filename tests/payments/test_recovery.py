"""P53: after the database was set back, nothing is paid until the channels have said what is missing."""

import sys
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from backend import cli
from backend.core import db
from backend.core.config import Settings
from payments import recovery
from payments.opening import PaymentsShut
from tests.payments.conftest import Desk
from tests.payments.test_recon_days import Town, town

__all__ = ["town"]

DAY = date(2026, 11, 24)


def shut(town: Town) -> bool:
    with db.transaction() as session:
        return recovery.begin(session, reason="恢复到昨晚的备份", actor="staff:o")


def go_on(town: Town, seconds: float = 31) -> bool:
    town.desk.clock.advance(seconds=seconds)
    return recovery.recover(town.desk.gateways, town.office.finance)


def forget(desk: Desk, attempt: Any) -> None:
    """The backup is from before the money came: nothing of it is in the database."""
    with db.transaction() as session:
        session.execute(text("SET session_replication_role = replica"))
        session.execute(text("DELETE FROM payment_attempt_event WHERE entity_id = :id"), {"id": attempt.id})
        session.execute(text("DELETE FROM payment_attempt WHERE id = :id"), {"id": attempt.id})
        session.execute(text("SET session_replication_role = DEFAULT"))


def test_p53_payments_stay_shut_until_every_channel_has_answered(town: Town) -> None:
    first, second = town.desk.bill(), town.desk.bill()
    paid, closed = town.desk.pay(first), town.desk.pay(second, town.desk.alipay)
    assert town.desk.wechat.pay(paid.number)
    assert shut(town)
    assert not shut(town), "one recovery at a time"
    with pytest.raises(PaymentsShut):
        town.desk.pay(town.desk.bill())
    town.desk.alipay.away = True
    assert not go_on(town)
    assert town.desk.state(first) == "paid", "what is known is booked at once"
    assert not go_on(town), "a channel that does not answer keeps payments shut"
    with pytest.raises(PaymentsShut):
        town.desk.pay(town.desk.bill())
    town.desk.alipay.away = False
    town.reconcile()
    assert go_on(town)
    assert town.desk.state(closed) == "created"
    assert town.desk.pay(town.desk.bill()).state == "created"
    actions = [action for (action,) in town.desk.rows("SELECT action FROM audit_event ORDER BY id")]
    assert actions[-2:] == ["payments.shut", "payments.opened"]


def test_p53_the_books_of_those_days_are_read_again_and_show_what_was_lost(town: Town) -> None:
    town.paid()
    town.reconcile(time(11, 31))
    assert town.differences() == []
    bill = town.desk.bill()
    lost = town.desk.pay(bill)
    assert town.desk.wechat.pay(lost.number)
    forget(town.desk, lost)
    tomorrow = DAY + timedelta(days=1)
    town.at(tomorrow + timedelta(days=1), time(11, 31))
    assert shut(town)
    assert not go_on(town), "not before the books are read"
    town.reconcile()
    assert go_on(town)
    assert town.states(tomorrow) == {("unknown_order", "open"): 1}
    assert town.differences() == [], "what was known stays as it was"


def test_p53_a_book_that_is_not_ready_when_the_recovery_begins_is_not_waited_for(town: Town) -> None:
    town.reconcile(time(11, 31))
    town.at(DAY + timedelta(days=2), time(8, 0))
    shut(town)
    assert not go_on(town)
    town.reconcile()
    assert go_on(town)


def test_p53_one_command_shuts_payments(
    town: Town, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Settings, "from_env", lambda: settings)
    monkeypatch.setattr(cli, "_connect", lambda given: given)
    for said in ("Payments are shut", "They are shut already"):
        monkeypatch.setattr(sys, "argv", ["cli", "shut-payments", "恢复到昨晚的备份"])
        cli.main()
        assert said in capsys.readouterr().out
    with pytest.raises(PaymentsShut):
        town.desk.pay(town.desk.bill())


def test_p53_without_a_recovery_nothing_is_asked(town: Town) -> None:
    assert recovery.recover(town.desk.gateways, town.office.finance)
    assert town.desk.wechat.calls["query"] == 0
