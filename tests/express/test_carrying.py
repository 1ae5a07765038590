"""Three steps to the carrier: lost replies, refusals, silence, and what a dead worker leaves behind."""

import pytest

from backend.core import db
from express import deciding, jobs, ordering
from express.carriers.base import Busy, CallFailed, Charge, OutcomeUnknown, Refused
from express.errors import AlreadyShipped, NotMailed
from express.models import Payer, Shipment
from express.states import ShipmentState
from tests.conftest import make_settings
from tests.express.conftest import IN, OUT, Desk
from tests.express.fake_courier import LOST

S = ShipmentState


@pytest.fixture
def gov(desk: Desk) -> Desk:
    desk.policy(Payer.GOV)
    return desk


def later(desk: Desk, shipment: Shipment, **amount: float) -> Shipment:
    desk.clock.advance(**(amount or {"minutes": 35}))
    desk.work()
    return desk.now(shipment)


def test_a_lost_reply_is_asked_for_before_anything_else(gov: Desk) -> None:
    gov.courier.fail("place", LOST, after=True)
    sent = gov.order()
    assert sent.state == S.UNKNOWN
    assert later(gov, sent).state == S.ORDERED
    assert gov.courier.calls.count("place") == 1
    assert len(gov.courier.waybills) == 1


def test_an_order_that_never_arrived_is_placed_under_the_same_number(gov: Desk) -> None:
    gov.courier.fail("place", LOST)
    sent = gov.order()
    done = later(gov, sent)
    assert (done.state, done.attempt, list(gov.courier.waybills)) == (S.ORDERED, 1, [sent.number])
    assert gov.courier.calls[-2:] == ["find", "place"]


def test_a_question_without_answer_is_asked_again(gov: Desk) -> None:
    gov.courier.fail("place", LOST, after=True)
    gov.courier.fail("find", OutcomeUnknown("timeout"))
    sent = gov.order()
    assert later(gov, sent).state == S.UNKNOWN
    assert later(gov, sent).state == S.ORDERED


def test_a_worker_that_died_in_the_middle_is_asked_for_too(gov: Desk) -> None:
    class Killed(BaseException):
        pass

    sent = gov.write()
    gov.courier.fail("place", Killed(), after=True)
    with pytest.raises(Killed):
        gov.try_now(sent)
    left = gov.now(sent)
    assert (left.state, left.tries, left.failure) == (S.PLACING, 1, None)
    done = later(gov, sent)
    assert (done.state, len(gov.courier.waybills)) == (S.ORDERED, 1)
    assert gov.courier.calls.count("place") == 1


def test_a_busy_carrier_is_tried_later(gov: Desk) -> None:
    for _ in range(5):
        gov.courier.fail("place", Busy("slow_down"))
    sent = gov.order()
    for _ in range(5):
        assert sent.state == S.PLACING
        sent = later(gov, sent)
    assert sent.state == S.ORDERED
    assert gov.courier.calls.count("find") == 0


def test_a_platform_that_does_not_take_the_call_is_a_task_after_three_tries(gov: Desk) -> None:
    for _ in range(3):
        gov.courier.fail("place", CallFailed("A0001", "签名错误"))
    sent = gov.order()
    later(gov, sent)
    given_up = later(gov, sent)
    assert (given_up.state, given_up.failure) == (S.REFUSED, "A0001 签名错误")
    assert gov.tasks(sent) == [("not_placed", "open")]
    task = gov.task(sent, "not_placed")
    with db.transaction() as session:
        deciding.finish(session, task.id, "XM", actor="staff:1", outcome="place_again", note=None)
    again = gov.try_now(sent)
    assert (again.state, again.attempt) == (S.ORDERED, 2)


def test_a_business_refusal_is_for_staff_to_read(gov: Desk) -> None:
    gov.courier.fail("place", Refused("B0009", "协议客户已停用"))
    sent = gov.order()
    assert sent.state == S.REFUSED
    assert gov.notices() == [], "the applicant can do nothing about it"


def test_a_cancellation_without_answer_is_repeated(gov: Desk) -> None:
    sent = gov.order()
    gov.courier.fail("cancel", LOST, after=True)
    with db.transaction() as session:
        ordering.cancel(session, ordering.locked(session, sent.id), actor="person:1", reason="不寄了")
    assert gov.try_now(sent).state == S.CANCELLING
    assert later(gov, sent).state == S.CANCELLED


def test_one_shipment_for_one_thing_and_direction(gov: Desk) -> None:
    first = gov.order(subject_id="case-1")
    with pytest.raises(AlreadyShipped):
        gov.order(subject_id="case-1")
    gov.order(IN, subject_id="case-1")
    gov.travel(first, "203", "704+10")
    assert gov.order(subject_id="case-1").state == S.ORDERED, "after the first is over another may follow"


def test_a_direction_or_hall_that_is_not_mailed(gov: Desk) -> None:
    with pytest.raises(NotMailed):
        gov.quote(OUT, directions=frozenset({IN}))
    with pytest.raises(NotMailed):
        gov.quote(OUT, hall_code="SM")


def test_what_the_carrier_is_told(gov: Desk) -> None:
    gov.policy(Payer.RECEIVER_COD, priority=1, category_code="vehicle", direction="result_out")
    cod = gov.courier.orders[gov.order(category_code="vehicle").number]
    assert (cod.charge, cod.in_person, cod.receiver.name) == (Charge.RECEIVER, True, "张测试")
    inward = gov.courier.orders[gov.order(IN).number]
    assert (inward.charge, inward.in_person, inward.sender.name) == (Charge.ACCOUNT, False, "张测试")
    assert inward.receiver.line == "云顶北路842号"


def test_addresses_are_forgotten_after_their_time(gov: Desk) -> None:
    done, lying, open_ = gov.order(), gov.order(), gov.order()
    gov.travel(done, "203", "704+10")
    gov.travel(lying, "203", "711")
    settings = make_settings("postgresql://x/x", express_retention_days=180)
    gov.clock.advance(days=179)
    jobs.forget(settings)
    assert gov.now(done).order is not None
    gov.clock.advance(days=2)
    jobs.forget(settings)
    assert gov.now(done).order is None
    assert gov.now(lying).order is not None, "what came back may be mailed again"
    assert gov.now(open_).order is not None


def test_nobody_is_asked_for_ever(gov: Desk) -> None:
    sent = gov.order()
    gov.travel(sent, "203", "702", "704+10")
    for _ in range(40):
        gov.clock.advance(hours=4)
        jobs.track(gov.couriers, callers=1)
    asked = gov.courier.calls.count("track")
    assert 12 <= asked <= 20, "three days of questions after the end"
    assert gov.now(sent).next_track_at is None
    gov.travel(sent, "743")
    assert gov.now(sent).next_track_at is not None, "a push that takes the delivery back wakes it"


def test_overdue_tasks_alarm_once(gov: Desk) -> None:
    sent = gov.order()
    gov.travel(sent, "203", "702", "704+60")
    gov.clock.advance(days=5)
    jobs.warn_overdue()
    jobs.warn_overdue()
    assert gov.rows("SELECT count(*) FROM shipment_task WHERE alerted_at IS NOT NULL") == [(1,)]
