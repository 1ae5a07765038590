"""The dispatcher: each notice once, nothing lost, every outcome written down."""

import threading
from collections import Counter
from datetime import date, timedelta
from uuid import uuid4

import pytest

from backend.core import db, http
from backend.core.config import Settings
from backend.core.wechat import official_account
from backend.core.wechat_tokens import connect
from notify import claims, doctor, jobs, outcomes, preferences, service
from notify.channels.base import Channel, Outcome
from notify.channels.reasons import reason
from notify.channels.wechat_template import WeChatTemplateChannel
from notify.jobs import dispatch, dispatch_due
from tests.conftest import Clock
from tests.notify.conftest import PARAMS, at, reachable, rows, write_notice
from tests.sandbox_server import RunningSandbox

AGAIN = Outcome("again", code="http_502")
SEND = "/cgi-bin/message/template/send"


def channel(settings: Settings) -> WeChatTemplateChannel:
    client = connect(official_account(settings))
    return WeChatTemplateChannel(client, settings.wechat_template_ids, settings.public_url)


def only(settings: Settings) -> dict[str, Channel]:
    return {"wechat_template": channel(settings)}


def states(settings: Settings) -> Counter[str]:
    return Counter(row[0] for row in rows(settings, "SELECT state FROM notification"))


def attempts(settings: Settings) -> list[tuple[str, str | None]]:
    return rows(settings, "SELECT state, error_code FROM delivery ORDER BY attempt")


def test_a_notice_arrives_on_the_phone(sandbox: RunningSandbox, database: Settings) -> None:
    write_notice(reachable(sandbox, "zhang"))
    assert dispatch_due(database) == 1
    [message] = sandbox.messages("zhang")
    assert message["title"] == "预约成功通知"
    assert {field["label"]: field["value"] for field in message["fields"]} == {
        "办理事项": "普通护照首次申请",
        "办理大厅": "厦门市政务服务中心",
        "预约时间": "2026年12月1日 09:30",
        "预约号": "1234 5678",
        "办理地址": "湖里区云顶北路842号",
    }
    assert message["url"] == f"{database.public_url}/appointments/1"
    assert states(database) == {"sent": 1}
    [(provider_id, notification, client_id)] = rows(
        database, "SELECT provider_id, notification_id, replace(notification_id::text, '-', '') FROM delivery"
    )
    assert provider_id.isdecimal()
    assert message["client_id"] == client_id
    assert dispatch_due(database) == 0


@pytest.mark.parametrize(
    "notice",
    ["appointment_changed", "appointment_cancelled", "appointment_hall_cancelled", "appointment_no_show"],
)
def test_every_template_passes_wechat_s_rules(
    sandbox: RunningSandbox, database: Settings, clock: Clock, notice: str
) -> None:
    person = reachable(sandbox, "li")
    write_notice(person, template=notice)
    write_notice(person, template=notice, params={"start": PARAMS["start"], "item": "很长的事项名称" * 20})
    dispatch_due(database)
    assert states(database) == {"sent": 2}


def test_two_dispatchers_send_five_hundred_notices_once_each(sandbox: RunningSandbox, database: Settings) -> None:
    person = reachable(sandbox, "zhang")
    for _ in range(500):
        write_notice(person)
    dispatchers = [threading.Thread(target=dispatch_due, args=(database,)) for _ in range(2)]
    for dispatcher in dispatchers:
        dispatcher.start()
    for dispatcher in dispatchers:
        dispatcher.join()
    dispatch_due(database)
    assert states(database) == {"sent": 500}
    assert sandbox.calls(SEND) == 500
    assert len({message["client_id"] for message in sandbox.messages("zhang")}) == 500


def test_an_outage_delays_and_loses_nothing(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    person = reachable(sandbox, "zhang")
    for _ in range(20):
        write_notice(person)
    channel(database)._client._token()  # type: ignore[misc]
    sandbox.faults(wechat="outage")
    dispatch_due(database)
    assert states(database) == {"queued": 20}
    clock.advance(seconds=20)
    dispatch_due(database)
    sandbox.faults(wechat="normal")
    clock.advance(minutes=2)
    dispatch_due(database)
    assert states(database) == {"sent": 20}
    assert len(sandbox.messages("zhang")) == 20
    assert Counter(attempts(database)) == {("failed", "http_502"): 40, ("sent", None): 20}


def test_a_third_of_failures_at_random_ends_well(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    person = reachable(sandbox, "zhang")
    for _ in range(60):
        write_notice(person)
    sandbox.faults(fail_ratio=0.3, seed=7)
    for _ in range(40):
        dispatch_due(database)
        clock.advance(minutes=10)
    assert states(database) == {"sent": 60}
    assert len(sandbox.messages("zhang")) == 60


class WorkerKilled(BaseException):
    """What the process would never see."""


def test_a_worker_killed_before_recording_causes_no_second_message(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    write_notice(reachable(sandbox, "zhang"))

    def kill() -> None:
        raise WorkerKilled

    with pytest.raises(WorkerKilled):
        dispatch(only(database), sent=kill)
    assert len(sandbox.messages("zhang")) == 1
    assert states(database) == {"queued": 1}
    assert dispatch_due(database) == 0
    clock.advance(seconds=61)
    assert dispatch_due(database) == 1
    assert states(database) == {"sent": 1}
    assert len(sandbox.messages("zhang")) == 1
    assert attempts(database) == [("unknown", "worker_lost"), ("sent", None)]


def test_a_late_record_of_a_lost_lease_changes_nothing(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    write_notice(reachable(sandbox, "zhang"))
    with db.transaction() as session:
        _, [slow] = claims.claim_batch(session, only(database))
    clock.advance(seconds=61)
    dispatch_due(database)
    with db.transaction() as session:
        outcomes.record(session, [(slow, Outcome("refused", code="43004"))], {"wechat_template": 600})
    assert states(database) == {"sent": 1}


def test_silence_is_repeated_inside_the_window_and_then_left_unknown(
    sandbox: RunningSandbox, database: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notice(reachable(sandbox, "zhang"))
    channel(database)._client._token()  # type: ignore[misc]
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.1)
    sandbox.faults(slow_s=0.3)
    for _ in range(8):
        dispatch_due(database)
        clock.advance(minutes=3)
    assert states(database) == {"unknown": 1}
    assert len(sandbox.messages("zhang")) == 1
    assert {state for state, _ in attempts(database)} == {"unknown"}
    assert sandbox.calls(SEND) == 4


def test_a_refusal_is_final_and_said_in_words(sandbox: RunningSandbox, database: Settings) -> None:
    write_notice(reachable(sandbox, "zhang"))
    sandbox.follow("zhang", following=False)
    dispatch_due(database)
    assert states(database) == {"failed": 1}
    assert attempts(database) == [("failed", "43004")]
    assert reason("43004", "zh") == "收件人没有关注公众号"


def test_a_spent_quota_stops_the_batch(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    person = reachable(sandbox, "zhang")
    for _ in range(100):
        write_notice(person)
    sandbox.faults(quota_left=10)
    dispatch_due(database)
    assert len(sandbox.messages("zhang")) == 10
    assert sandbox.calls(SEND) <= 10 + jobs.SENDERS
    sandbox.faults(quota_left=None)
    clock.advance(minutes=15)
    dispatch_due(database)
    clock.advance(minutes=15)
    dispatch_due(database)
    assert states(database) == {"sent": 100}


def test_what_is_useless_or_has_no_address_is_not_sent(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    write_notice(uuid4())
    write_notice(reachable(sandbox, "zhang"), useless_after=clock.now - timedelta(seconds=1))
    dispatch_due(database)
    assert states(database) == {"inbox_only": 1, "failed": 1}
    assert sandbox.calls(SEND) == 0


def test_a_withdrawn_reminder_is_not_sent_in_the_morning_nor_to_the_agent(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    elder, agent = reachable(sandbox, "wang"), reachable(sandbox, "zhang")
    with db.transaction() as session:
        preferences.copy_to(session, person_id=elder, agent_id=agent, since=date(2026, 1, 1))
    sandbox.follow("zhang", following=False)
    for key in ("over", "stands"):
        write_notice(elder, template="appointment_tomorrow", dedupe_key=key)
    sandbox.faults(wechat="outage")
    dispatch_due(database)
    clock.set(at(15))
    with db.transaction() as session:
        service.withdraw(session, "over", "never written")
    sandbox.faults(wechat="normal")
    sandbox.follow("zhang", following=True)
    dispatch_due(database)
    assert sandbox.messages("wang") == [], "23:00: what can wait does"
    clock.set(at(0, 30) + timedelta(days=1))
    dispatch_due(database)
    assert states(database) == {"withdrawn": 2, "sent": 2}
    assert len(sandbox.messages("wang")) == len(sandbox.messages("zhang")) == 1


@pytest.mark.parametrize(("outcome", "state"), [(Outcome("sent", provider_id="1"), "sent"), (AGAIN, "withdrawn")])
def test_what_is_withdrawn_while_it_is_sent_is_not_tried_again(
    sandbox: RunningSandbox, database: Settings, clock: Clock, outcome: Outcome, state: str
) -> None:
    write_notice(reachable(sandbox, "zhang"), dedupe_key="over")
    with db.transaction() as session:
        _, [claim] = claims.claim_batch(session, only(database))
        service.withdraw(session, "over")
    with db.transaction() as session:
        outcomes.record(session, [(claim, outcome)], {"wechat_template": 600})
    clock.advance(hours=1)
    assert dispatch_due(database) == 0
    assert states(database) == {state: 1}
    with db.reading() as session:
        assert doctor.invariants(session) == []


def test_a_worker_lost_with_a_withdrawn_notice_leaves_no_open_attempt(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    write_notice(reachable(sandbox, "zhang"), dedupe_key="over")
    with db.transaction() as session:
        claims.claim_batch(session, only(database))
        service.withdraw(session, "over")
    jobs.reconcile_receipts()
    assert attempts(database) == [("sending", None)]
    clock.advance(minutes=2)
    jobs.reconcile_receipts()
    assert attempts(database) == [("unknown", "worker_lost")]


def test_waiting_times_are_the_promised_ones() -> None:
    assert [wait.total_seconds() for wait in outcomes.BACK_OFF] == [
        0, 5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200,
    ]  # fmt: skip


def test_a_provider_that_is_gone_is_asked_once_a_batch(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    person = reachable(sandbox, "zhang")
    for _ in range(40):
        write_notice(person)
    sandbox.faults(wechat="outage")
    dispatch_due(database)
    codes = Counter(code for _, code in attempts(database))
    assert set(codes) <= {"not_sent", "not_tried"}
    assert codes["not_sent"] <= jobs.SENDERS
    sandbox.faults(wechat="normal")
    clock.advance(minutes=1)
    dispatch_due(database)
    assert states(database) == {"sent": 40}


def test_a_wrong_setting_delays_and_loses_nothing(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    write_notice(reachable(sandbox, "zhang"))
    dispatch({"wechat_template": WeChatTemplateChannel(connect(official_account(database)), {}, database.public_url)})
    assert attempts(database) == [("failed", "no_template")]
    clock.advance(minutes=1)
    dispatch_due(database)
    assert states(database) == {"sent": 1}
