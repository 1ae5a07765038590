"""The journeys of seed-map C7: what carriers report, what becomes of the shipment, who must look, who is told."""

from uuid import UUID

import pytest

from backend.core import db, jobs
from express import deciding, handing, ordering, queries
from express.carriers.base import OutOfRange
from express.errors import AuthorisationNeeded, NotInCabinet, TooLateToCancel
from express.handing import Receiver
from express.models import Payer, Shipment
from express.states import ShipmentState
from tests.express.conftest import ADDRESS, IN, Desk

S = ShipmentState
TRAVEL = ("203", "954", "989", "713", "702")


def pick_up(desk: Desk, shipment: Shipment, receiver: Receiver) -> None:
    with db.transaction() as session:
        mine, signature = ordering.locked(session, shipment.id), "data:image/png;base64,AAAA"
        handing.pick_up(session, mine, receiver, signature=signature, actor="staff:1")


def finish(desk: Desk, task_id: UUID, outcome: str) -> None:
    with db.transaction() as session:
        deciding.finish(session, task_id, "XM", actor="staff:1", outcome=outcome, note=None)


@pytest.fixture
def gov(desk: Desk) -> Desk:
    desk.policy(Payer.GOV)
    return desk


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """The feature that owns cases has put its handler into the worker's table."""
    monkeypatch.setattr(jobs, "_handled", frozenset({"shipment.handed_over.case", "shipment.held.case"}))


def told_above(desk: Desk) -> list[tuple[str, str]]:
    """Which subjects were told that their result arrived, and by which proof."""
    rows = desk.rows(
        "SELECT args->>'subject_id', args->>'proof' FROM procrastinate_jobs WHERE task_name LIKE 'shipment.%'"
    )
    return [(subject, proof) for subject, proof in rows]


@pytest.mark.usefixtures("listening")
def test_the_case_hears_of_a_result_that_arrived_however_it_did(gov: Desk) -> None:
    by_courier, at_window, confirmed = (gov.order(subject_id=one) for one in ("case-1", "case-2", "case-3"))
    gov.travel(gov.order(IN, subject_id="case-4"), *TRAVEL, "704+20")
    gov.travel(by_courier, *TRAVEL, "704+10")
    gov.travel(at_window, *TRAVEL, "708", "711")
    gov.travel(confirmed, *TRAVEL, "704+60")
    assert told_above(gov) == [("case-1", "carrier")]
    pick_up(gov, at_window, Receiver("张测试", "0010"))
    finish(gov, gov.task(confirmed, "confirm_receipt").id, "received")
    assert told_above(gov) == [("case-1", "carrier"), ("case-2", "window"), ("case-3", "staff")]


def test_nobody_is_told_where_nobody_listens(gov: Desk) -> None:
    gov.travel(gov.order(), *TRAVEL, "704+10")
    assert told_above(gov) == []


def test_delivered_in_person_closes_a_certificate(gov: Desk) -> None:
    sent = gov.order()
    assert (sent.state, sent.progress) == (S.ORDERED, "ordered")
    assert gov.travel(sent, *TRAVEL).state == S.UNDER_WAY
    done = gov.travel(sent, "704+10")
    assert (done.state, done.proof, done.progress) == (S.CLOSED, "carrier", "delivered")
    assert done.collected_at is not None
    assert gov.tasks(sent) == []
    assert gov.notices() == ["shipment_ordered", "shipment_collected", "shipment_out", "shipment_delivered"]


def test_papers_to_the_hall_need_no_proof(gov: Desk) -> None:
    sent = gov.order(IN)
    assert not sent.certificate
    assert gov.travel(sent, *TRAVEL, "704+20").state == S.CLOSED


@pytest.mark.parametrize("code", ["20", "60", "70"])
def test_signed_by_somebody_else_is_confirmed_with_the_applicant(gov: Desk, code: str) -> None:
    sent = gov.order()
    left = gov.travel(sent, *TRAVEL, f"704+{code}")
    assert left.state == S.DELIVERED
    assert gov.tasks(sent) == [("confirm_receipt", "open")]
    task = gov.task(sent, "confirm_receipt")
    assert str(task.due_on) == "2026-11-26", "two working days"
    finish(gov, task.id, "received")
    assert (gov.now(sent).state, gov.now(sent).proof) == (S.CLOSED, "staff")


def test_the_applicant_may_confirm_it_too(gov: Desk) -> None:
    sent = gov.order()
    gov.travel(sent, *TRAVEL, "704+60")
    with db.transaction() as session:
        handing.confirm(session, ordering.locked(session, sent.id), actor="person:1", by="applicant")
    assert (gov.now(sent).state, gov.now(sent).proof) == (S.CLOSED, "applicant")
    assert gov.tasks(sent) == [("confirm_receipt", "gone")]


@pytest.mark.parametrize("code", ["30", "50"])
def test_a_certificate_left_in_a_locker_is_an_alarm(gov: Desk, code: str) -> None:
    sent = gov.order()
    assert gov.travel(sent, *TRAVEL, f"704+{code}").state == S.DELIVERED
    assert gov.tasks(sent) == [("certificate_alarm", "open")]
    assert str(gov.task(sent, "certificate_alarm").due_on) == "2026-11-25"


def test_failed_then_delivered(gov: Desk) -> None:
    sent = gov.order()
    failed = gov.travel(sent, *TRAVEL, "705+4")
    assert (failed.state, failed.progress, failed.detail_code) == (S.UNDER_WAY, "failed", "4")
    assert gov.tasks(sent) == []
    assert gov.travel(sent, "702", "704+10").state == S.CLOSED
    assert gov.notices().count("shipment_failed") == 1


def test_refused_and_returned_lies_in_the_cabinet_and_is_picked_up(gov: Desk) -> None:
    sent = gov.order()
    gov.travel(sent, *TRAVEL, "705+7")
    assert gov.tasks(sent) == [("refused", "open")]
    back = gov.travel(sent, "708", "711")
    assert back.state == S.RETURNED
    assert gov.tasks(sent) == [("refused", "open"), ("returned", "open")]
    with pytest.raises(AuthorisationNeeded):
        pick_up(gov, sent, Receiver("李测试", "0051", True))
    finish(gov, gov.task(sent, "returned").id, "in_cabinet")
    assert gov.now(sent).state == S.HELD
    assert gov.notices()[-1] == "shipment_returned"
    pick_up(gov, sent, Receiver("李测试", "0051", True, "委 2026-1"))
    done = gov.now(sent)
    assert (done.state, done.proof, done.next_track_at) == (S.CLOSED, "window", None)
    assert [state for _, state in gov.tasks(sent)] == ["gone", "done"]
    [(receiver, signature)] = gov.rows("SELECT receiver, signature FROM window_handover")
    assert "李测试".encode() not in bytes(receiver)
    assert b"AAAA" not in bytes(signature)
    gov.travel(sent, "704+60")
    assert gov.now(sent).proof == "window", "what the carrier says later changes nothing"


def test_only_what_came_back_is_handed_over_at_the_window(gov: Desk) -> None:
    sent = gov.order()
    with pytest.raises(NotInCabinet):
        pick_up(gov, sent, Receiver("张测试", "0010"))


@pytest.mark.usefixtures("listening")
def test_the_case_hears_once_of_what_lies_in_the_cabinet(gov: Desk) -> None:
    sent = gov.order(subject_id="case-1")
    gov.travel(sent, *TRAVEL, "705+7", "708", "711")
    with db.transaction() as session:
        assert not queries.is_held(session, "case", "case-1")
    finish(gov, gov.task(sent, "returned").id, "in_cabinet")
    with db.transaction() as session:
        assert queries.is_held(session, "case", "case-1")
    assert gov.rows("SELECT task_name FROM procrastinate_jobs WHERE task_name LIKE 'shipment.%'") == [
        ("shipment.held.case",)
    ]


def test_what_lies_in_the_cabinet_is_mailed_again_at_the_applicants_cost(gov: Desk) -> None:
    sent = gov.order(subject_id="case-1")
    gov.travel(sent, *TRAVEL, "705+7", "708", "711")
    finish(gov, gov.task(sent, "returned").id, "in_cabinet")
    again = gov.order(subject_id="case-1")
    assert (again.state, again.payer, again.policy_id) == (S.UNPAID, Payer.APPLICANT_PREPAID, None)
    assert (gov.now(sent).state, gov.now(sent).proof) == (S.CLOSED, "remailed")


def test_delivered_then_undone_then_delivered(gov: Desk) -> None:
    sent = gov.order()
    assert gov.travel(sent, *TRAVEL, "704+10").state == S.CLOSED
    undone = gov.travel(sent, "743")
    assert (undone.state, undone.progress, undone.proof, undone.delivered_at) == (S.UNDER_WAY, "out", None, None)
    assert gov.notices()[-1] == "shipment_undone"
    assert gov.travel(sent, "704+60").state == S.DELIVERED
    assert gov.tasks(sent) == [("confirm_receipt", "open")]
    gov.travel(sent, "743")
    assert gov.tasks(sent) == [("confirm_receipt", "gone")]
    assert gov.travel(sent, "704+10").state == S.CLOSED


def test_lost_is_issued_again_and_the_shipment_stays_lost(gov: Desk) -> None:
    sent = gov.order()
    lost = gov.travel(sent, "203", "954", "987")
    assert (lost.state, lost.progress) == (S.LOST, "lost")
    assert gov.tasks(sent) == [("lost", "open")]
    assert gov.notices()[-1] == "shipment_lost"
    finish(gov, gov.task(sent, "lost").id, "reissue")
    assert gov.now(sent).state == S.LOST


def test_cancelled_before_it_is_collected(gov: Desk) -> None:
    sent = gov.order()
    with db.transaction() as session:
        ordering.cancel(session, ordering.locked(session, sent.id), actor="person:1", reason="不寄了")
    assert gov.now(sent).state == S.CANCELLING
    assert gov.try_now(sent).state == S.CANCELLED
    assert gov.travel(sent, "801").state == S.CANCELLED
    assert gov.rows("SELECT spent_fen FROM payer_policy_year") == [(0,)]
    assert gov.notices() == ["shipment_ordered", "shipment_cancelled"]


def test_called_off_by_the_carrier(gov: Desk) -> None:
    sent = gov.order()
    assert gov.travel(sent, "801").state == S.CANCELLED
    assert gov.rows("SELECT spent_fen FROM payer_policy_year") == [(0,)]


def test_too_late_to_cancel(gov: Desk) -> None:
    sent = gov.order()
    gov.travel(sent, "203", push=False)
    with db.transaction() as session:
        ordering.cancel(session, ordering.locked(session, sent.id), actor="person:1", reason="不寄了")
    assert gov.try_now(sent).state == S.ORDERED
    assert gov.notices()[-1] == "shipment_kept"
    gov.pull(sent)
    with db.transaction() as session, pytest.raises(TooLateToCancel):
        ordering.cancel(session, ordering.locked(session, sent.id), actor="person:1", reason="不寄了")


def test_a_wrong_address_is_asked_for_once_and_passed_on(gov: Desk) -> None:
    sent = gov.order()
    gov.travel(sent, *TRAVEL, "705+2")
    assert gov.tasks(sent) == [("ask_address", "open")]
    with db.transaction() as session:
        shipment = ordering.locked(session, sent.id)
        ordering.change_address(session, shipment, {**ADDRESS, "line": "新路 5 号"}, actor="person:1")
    assert gov.tasks(sent) == [("ask_address", "done"), ("pass_on_address", "open")]
    finish(gov, gov.task(sent, "pass_on_address").id, "passed_on")
    gov.travel(sent, "702", "705+5")
    assert [kind for kind, state in gov.tasks(sent) if state == "open"] == []


def test_another_address_before_it_is_collected_is_a_new_order(gov: Desk) -> None:
    sent = gov.order()
    with db.transaction() as session:
        shipment = ordering.locked(session, sent.id)
        ordering.change_address(session, shipment, {**ADDRESS, "county": "集美区"}, actor="person:1")
    replaced = gov.try_now(sent)
    assert (replaced.state, replaced.attempt, replaced.waybill) == (S.PLACING, 2, None)
    placed = gov.try_now(sent)
    assert placed.state == S.ORDERED
    assert placed.waybill != sent.waybill
    assert gov.courier.orders[placed.number].receiver.region.county == "集美区"
    assert gov.travel(placed, "203").state == S.UNDER_WAY


def test_an_address_out_of_range_is_corrected(gov: Desk) -> None:
    gov.courier.fail("place", OutOfRange("B0001", "超出服务范围"))
    refused = gov.order()
    assert refused.state == S.REFUSED
    assert gov.tasks(refused) == [("not_placed", "open")]
    assert gov.notices() == ["shipment_refused"]
    with db.transaction() as session:
        shipment = ordering.locked(session, refused.id)
        ordering.change_address(session, shipment, {**ADDRESS, "county": "湖里区"}, actor="person:1")
    assert gov.try_now(refused).state == S.ORDERED
    assert gov.tasks(refused) == [("not_placed", "gone")]
