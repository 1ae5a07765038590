"""Which channel a notice takes, what a refusal leads to, night, quota, copies and receipts."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from backend.core import db, metrics
from backend.core.config import Settings
from notify import outcomes, preferences, queries, service, staff_queries
from notify.channels.base import Message, Outcome
from notify.claims import Claim
from notify.jobs import dispatch, dispatch_due, measure_waiting, reconcile_receipts
from notify.models import Importance
from tests.conftest import Clock
from tests.notify.conftest import reachable, rows, write_notice
from tests.sandbox_server import RunningSandbox

REMINDER = "sandbox-appointment_reminder"


def reach_everywhere(sandbox: RunningSandbox, key: str) -> UUID:
    """A person with both openids and a phone."""
    person, known = reachable(sandbox, key), sandbox.person(key)
    with db.transaction() as session:
        for channel, address in (("wechat_mini", known["openid_mini"]), ("phone", known["phone"])):
            service.set_contact(session, person_id=person, channel=channel, address=address, language="zh")
    return person


def tried(settings: Settings) -> list[tuple[str, str, str | None]]:
    return rows(settings, "SELECT channel, state, error_code FROM delivery ORDER BY attempt")


def kinds(sandbox: RunningSandbox, person: str) -> Counter[str]:
    return Counter(message["kind"] for message in sandbox.messages(person))


def grant(person: UUID, answer: str) -> None:
    with db.transaction() as session:
        preferences.agree(session, person_id=person, answers={REMINDER: answer})


def test_who_does_not_follow_gets_an_sms(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    person = reach_everywhere(sandbox, "zhang")
    sandbox.follow("zhang", following=False)
    write_notice(person)
    dispatch_due(database)
    dispatch_due(database)
    assert tried(database) == [("wechat_template", "failed", "43004"), ("sms", "sent", None)]
    assert "预约号 1234 5678" in sandbox.messages("zhang")[0]["text"]
    write_notice(person)
    dispatch_due(database)
    assert [channel for channel, _, _ in tried(database)].count("wechat_template") == 1, (
        "a closed address is left alone"
    )
    with db.transaction() as session:
        preferences.set_following(session, person_id=person, following=True)
    sandbox.follow("zhang", following=True)
    write_notice(person)
    dispatch_due(database)
    assert kinds(sandbox, "zhang") == {"sms": 1, "wechat_template": 1}


def by_phone(sandbox: RunningSandbox, key: str) -> UUID:
    """A person whom nothing but SMS reaches."""
    person = uuid4()
    with db.transaction() as session:
        service.set_contact(
            session, person_id=person, channel="phone", address=sandbox.person(key)["phone"], language="zh"
        )
    return person


def test_a_number_gets_one_sms_a_minute_and_five_a_day(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    """Reliability S25. Two records may share a number: the number counts, and another's is free."""
    people = [by_phone(sandbox, "zhang"), by_phone(sandbox, "zhang")]
    for number in range(7):
        write_notice(people[number % 2], template="appointment_changed", useless_after=clock.now + timedelta(days=2))
    write_notice(by_phone(sandbox, "li"))
    dispatch_due(database)
    assert (len(sandbox.messages("zhang")), len(sandbox.messages("li"))) == (1, 1)
    assert Counter(code for _, _, code in tried(database)) == {None: 2, "too_many": 6}
    for minute in range(1, 10):
        clock.advance(minutes=1)
        dispatch_due(database)
        assert len(sandbox.messages("zhang")) == min(minute + 1, 5)
    clock.advance(hours=4, minutes=30)
    dispatch_due(database)
    assert len(sandbox.messages("zhang")) == 5
    clock.advance(minutes=20)
    dispatch_due(database)
    assert len(sandbox.messages("zhang")) == 6, "the sixth when a fifth of the day has passed since the first"
    for _ in range(2):
        clock.advance(hours=5)
        dispatch_due(database)
    assert len(sandbox.messages("zhang")) == 7
    assert rows(database, "SELECT DISTINCT state FROM notification") == [("sent",)]


def test_a_number_that_had_its_share_is_told_by_wechat_or_not_at_all(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    person = reach_everywhere(sandbox, "zhang")
    with db.transaction() as session:
        preferences.choose(session, person_id=person, opted_out=[], channels=["sms"])
    write_notice(person)
    write_notice(person)
    dispatch_due(database)
    dispatch_due(database)
    assert kinds(sandbox, "zhang") == {"sms": 1, "wechat_template": 1}
    write_notice(by_phone(sandbox, "zhang"), useless_after=clock.now + timedelta(seconds=59))
    dispatch_due(database)
    assert rows(database, "SELECT count(*) FROM notification WHERE state = 'failed'") == [(1,)]


def test_a_grant_is_used_once_and_a_refusal_marks_it_spent(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    person = reach_everywhere(sandbox, "zhang")
    with db.transaction() as session:
        preferences.choose(session, person_id=person, opted_out=[], channels=["wechat_subscribe"])
    sandbox.subscribe("zhang", REMINDER)
    grant(person, "accept")
    grant(person, "accept")
    for number in range(3):
        write_notice(person, template="appointment_soon", useless_after=clock.now + timedelta(hours=2))
        dispatch_due(database)
        dispatch_due(database)
        assert rows(database, 'SELECT "left" FROM subscription') == [(1 if number == 0 else 0,)]
    assert Counter((channel, code) for channel, _, code in tried(database)) == {
        ("wechat_subscribe", None): 1,
        ("wechat_subscribe", "43101"): 1,
        ("wechat_template", None): 2,
    }
    assert kinds(sandbox, "zhang") == {"wechat_subscribe": 1, "wechat_template": 2}


def test_a_long_term_grant_is_not_used_up(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    person = reach_everywhere(sandbox, "zhang")
    with db.transaction() as session:
        preferences.choose(session, person_id=person, opted_out=[], channels=["wechat_subscribe"])
    sandbox.subscribe("zhang", REMINDER, long_term=True)
    grant(person, "accept_always")
    for _ in range(3):
        write_notice(person, template="appointment_tomorrow")
    dispatch_due(database)
    assert kinds(sandbox, "zhang") == {"wechat_subscribe": 3}
    page = sandbox.messages("zhang")[0]["url"]
    assert page == "pages/open/open?to=%2Fappointments%2F1"


def test_what_is_switched_off_stays_in_the_inbox_unless_statutory(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    person = reach_everywhere(sandbox, "zhang")
    with db.transaction() as session:
        preferences.choose(session, person_id=person, opted_out=["visit"], channels=[])
    write_notice(person)
    write_notice(person, template="appointment_hall_cancelled")
    dispatch_due(database)
    assert Counter(row[0] for row in rows(database, "SELECT state FROM notification")) == {"inbox_only": 1, "sent": 1}


def test_the_night_is_quiet_except_for_what_cannot_wait(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    person = reachable(sandbox, "zhang")
    clock.set(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))  # 23:00 in Xiamen
    for template in ("appointment_tomorrow", "appointment_booked", "queue_called"):
        write_notice(person, template=template, useless_after=clock.now + timedelta(hours=20))
    dispatch_due(database)
    assert {message["title"] for message in sandbox.messages("zhang")} == {"预约成功通知", "叫号通知"}
    clock.set(datetime(2026, 11, 24, 23, 59, tzinfo=UTC))
    assert dispatch_due(database) == 0
    clock.set(datetime(2026, 11, 25, 0, 1, tzinfo=UTC))
    with db.reading() as session:
        assert queries.oldest_due_s(session) == 60, "the night does not count as waiting"
    assert dispatch_due(database) == 1


def test_an_elder_s_agent_gets_a_copy_from_the_birthday_on(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    elder, agent = reachable(sandbox, "wang"), reachable(sandbox, "zhang")
    with db.transaction() as session:
        preferences.copy_to(session, person_id=elder, agent_id=agent, since=date(2026, 11, 25))
    write_notice(elder)
    dispatch_due(database)
    assert len(sandbox.messages("zhang")) == 0
    clock.advance(days=1)
    write_notice(elder)
    dispatch_due(database)
    dispatch_due(database)
    [copy] = sandbox.messages("zhang")
    assert copy["fields"][0]["value"].startswith("家人：")
    assert rows(database, f"SELECT link FROM notification WHERE person_id = '{agent}'") == [("/me/family",)]
    dispatch_due(database)
    assert len(sandbox.messages("wang")) == 2
    assert len(sandbox.messages("zhang")) == 1


class Counting:
    """A channel that takes everything, and a thousand a day by its own word."""

    name = "wechat_template"
    repeat_window_s = 600.0
    template_ids: dict[str, str] = {}
    daily_limit: int | None = 1000
    address_limits = ()

    def __init__(self) -> None:
        self.calls = 0

    def send(self, message: Message) -> Outcome:
        self.calls += 1
        return Outcome("sent", provider_id=str(self.calls))


def test_a_short_quota_goes_to_what_is_critical(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    """Reliability B5: quota 1,000; 1,500 notices of which 300 critical."""
    person, channel = reachable(sandbox, "zhang"), Counting()
    for number in range(1500):
        write_notice(person, template="appointment_booked" if number % 5 else "queue_called")
    dispatch({"wechat_template": channel})
    dispatch({"wechat_template": channel})
    sent = Counter(row[0] for row in rows(database, "SELECT importance FROM notification WHERE state = 'sent'"))
    assert sent[Importance.CRITICAL] == 300
    assert channel.calls == 800, "ordinary ones stop at 80 %, so that the rest of the day has room"
    assert rows(database, "SELECT used, daily_limit FROM channel_day") == [(800, 1000)]
    write_notice(person, template="queue_called")
    dispatch({"wechat_template": channel})
    assert channel.calls == 801
    clock.set(datetime(2026, 11, 24, 16, 1, tzinfo=UTC))
    dispatch({"wechat_template": channel})
    assert channel.calls == 1501, "the next day's quota begins at midnight in Xiamen"


def test_operators_hear_once_a_day_that_messages_run_short(
    sandbox: RunningSandbox, database: Settings, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    person, channel = reachable(sandbox, "zhang"), Counting()
    channel.daily_limit = 10

    def told() -> list[tuple[int, float]]:
        caplog.clear()
        measure_waiting()
        used = metrics.NOTICES_QUOTA_USED.labels("wechat_template")._value.get()
        return [(record.used, used) for record in caplog.records if record.message == "notice_quota_short"]  # type: ignore[attr-defined]

    for _ in range(7):
        write_notice(person)
    dispatch({"wechat_template": channel})
    assert told() == []
    assert metrics.NOTICES_QUOTA_USED.labels("wechat_template")._value.get() == 0.7
    write_notice(person)
    dispatch({"wechat_template": channel})
    assert told() == [(8, 0.8)]
    assert told() == []
    with db.reading() as session:
        [use] = staff_queries.figures(session, "zh")["used_today"]
    assert (use["used"], use["daily_limit"], use["short"]) == (8, 10, True)
    clock.advance(days=1)
    for _ in range(8):
        write_notice(person)
    dispatch({"wechat_template": channel})
    assert told() == [(8, 0.8)]


def test_receipts_are_recorded_in_either_order(sandbox: RunningSandbox, database: Settings, clock: Clock) -> None:
    person = reach_everywhere(sandbox, "zhang")
    write_notice(person)
    dispatch_due(database)
    [(number,)] = rows(database, "SELECT provider_id FROM delivery")

    def report(provider_id: str, *, arrived: bool) -> None:
        with db.transaction() as session:
            outcomes.receive(
                session,
                channel="wechat_template",
                provider_id=provider_id,
                arrived=arrived,
                code=None if arrived else "user block",
                person_id=person,
            )

    report(str(int(number) + 1), arrived=True)
    write_notice(person)
    dispatch_due(database)
    report(number, arrived=False)
    report(number, arrived=True)
    dispatch_due(database)
    found = rows(database, "SELECT channel, state, error_code FROM delivery ORDER BY started_at, id")
    assert Counter(found) == {
        ("wechat_template", "failed", "user block"): 1,
        ("wechat_template", "delivered", None): 1,
        ("sms", "sent", None): 1,
    }


def test_a_receipt_settles_the_attempt_whose_answer_was_lost(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    person = reachable(sandbox, "zhang")
    write_notice(person)

    class Silent(Counting):
        repeat_window_s = 0.0

        def send(self, message: Message) -> Outcome:
            return Outcome("unknown", code="timeout")

    dispatch({"wechat_template": Silent()})
    assert rows(database, "SELECT state FROM notification") == [("unknown",)]
    with db.transaction() as session:
        outcomes.receive(
            session, channel="wechat_template", provider_id="77", arrived=True, code=None, person_id=person
        )
    reconcile_receipts()
    assert rows(database, "SELECT state FROM notification") == [("unknown",)], "the record may still be on its way"
    clock.advance(minutes=2)
    reconcile_receipts()
    assert rows(database, "SELECT state FROM notification") == [("sent",)]
    assert rows(database, "SELECT state, provider_id FROM delivery") == [("delivered", "77")]


@pytest.mark.parametrize("notice", ["queue_called", "appointment_tomorrow"])
def test_only_a_critical_notice_risks_a_second_channel(clock: Clock, notice: str) -> None:
    critical = notice == "queue_called"
    claim = Claim(
        attempt=1,
        channel="wechat_subscribe",
        others=("sms",),
        template_id="",
        importance=Importance.CRITICAL if critical else Importance.ORDINARY,
        person_id=uuid4(),
        useless_after=None,
        first_unknown=None,
        message=Message(uuid4(), notice, "o", {}, ""),
    )
    step = outcomes.next_step(claim, Outcome("unknown", code="timeout"), clock.now, 0.0)
    assert (step.state, step.route) == (("queued", ("sms",)) if critical else ("unknown", ()))
