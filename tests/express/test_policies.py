"""Who pays: the first policy that fits, none that tie, budgets that end and warn, in one process and in several."""

from datetime import date
from typing import Any

import pytest

from backend.core import db, metrics
from express import jobs, ordering, policies
from express.carriers.base import Postage
from express.errors import PolicyMissing, PolicyNotFound, PolicyRefused, PolicyTie, QuoteOver
from express.models import Direction, Payer
from express.policies import Case
from tests.express.conftest import IN, OUT, Desk
from tests.express.fake_courier import FEN

DAY = date(2026, 11, 24)


def who(desk: Desk, cost: int = FEN, **changes: Any) -> Payer:
    case = {
        "item_slug": "passport-first",
        "category_code": "exit-entry",
        "division_code": "350200",
        "direction": OUT,
        "applicant_type": "person",
        "on": DAY,
    }
    with db.transaction() as session:
        return policies.decide(session, Case(**{**case, **changes}), cost).payer


def test_the_first_that_fits_wins(desk: Desk) -> None:
    desk.policy(Payer.APPLICANT_PREPAID, priority=9000)
    desk.policy(Payer.GOV, priority=10, category_code="business")
    desk.policy(Payer.GOV, priority=20, category_code="exit-entry", item_slug="passport-first", division_code="350211")
    desk.policy(Payer.RECEIVER_COD, priority=30, category_code="vehicle", direction="result_out")
    desk.policy(Payer.GOV, priority=40, applicant_type="organisation", category_code="notary")
    assert who(desk) == Payer.APPLICANT_PREPAID
    assert who(desk, category_code="business") == Payer.GOV
    assert who(desk, division_code="350211") == Payer.GOV
    assert who(desk, division_code="350211", item_slug="passport-renewal") == Payer.APPLICANT_PREPAID
    assert who(desk, category_code="vehicle") == Payer.RECEIVER_COD
    assert who(desk, category_code="vehicle", direction=IN) == Payer.APPLICANT_PREPAID
    assert who(desk, category_code="notary") == Payer.APPLICANT_PREPAID
    assert who(desk, category_code="notary", applicant_type="organisation") == Payer.GOV


def test_from_its_first_to_its_last_day(desk: Desk) -> None:
    desk.policy(Payer.GOV, valid_from=date(2026, 11, 24), valid_to=date(2026, 12, 31))
    with pytest.raises(PolicyMissing):
        who(desk, on=date(2026, 11, 23))
    assert who(desk, on=date(2026, 11, 24)) == who(desk, on=date(2026, 12, 31)) == Payer.GOV
    with pytest.raises(PolicyMissing):
        who(desk, on=date(2027, 1, 1))


def test_a_tie_is_refused_when_it_is_set(desk: Desk) -> None:
    first = desk.policy(Payer.GOV, category_code="business", division_code="350203")
    for tie in (
        {},
        {"category_code": "business"},
        {"division_code": "350203"},
        {"direction": "result_out"},
        {"category_code": "business", "item_slug": "company-registration"},
    ):
        with pytest.raises(PolicyTie) as refusal:
            desk.policy(Payer.APPLICANT_PREPAID, **tie)
        assert refusal.value.extension["policy_id"] == str(first)
    desk.policy(Payer.APPLICANT_PREPAID, category_code="business", division_code="350205")
    desk.policy(Payer.APPLICANT_PREPAID, category_code="vehicle")
    with db.transaction() as session:
        policies.end(session, policy_id=first, last_day=DAY, actor="staff:1")
    desk.policy(Payer.GOV, category_code="business", division_code="350203", valid_from=date(2026, 11, 25))


@pytest.mark.parametrize(
    "wrong",
    [
        {"payer": Payer.GOV, "budget_code": None},
        {"payer": Payer.APPLICANT_PREPAID, "yearly_cap_fen": 100},
        {"payer": Payer.RECEIVER_COD},
        {"payer": Payer.RECEIVER_COD, "direction": "material_in"},
        {"payer": Payer.GOV, "item_slug": "passport-first"},
        {"payer": Payer.GOV, "valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)},
    ],
)
def test_what_does_not_go_together_is_refused(desk: Desk, wrong: dict[str, Any]) -> None:
    with pytest.raises(PolicyRefused):
        desk.policy(wrong.pop("payer"), **wrong)


def test_an_end_lies_ahead(desk: Desk) -> None:
    policy = desk.policy(Payer.GOV)
    with db.transaction() as session, pytest.raises(PolicyRefused):
        policies.end(session, policy_id=policy, last_day=date(2026, 11, 23), actor="staff:1")
    with db.transaction() as session, pytest.raises(PolicyNotFound):
        policies.end(session, policy_id=desk.person, last_day=DAY, actor="staff:1")


def test_after_the_cap_the_next_one_pays_and_somebody_is_told_twice(desk: Desk) -> None:
    warned = metrics.EXPRESS_ALERTS.labels("budget")._value.get()
    desk.policy(Payer.APPLICANT_PREPAID, priority=9000)
    desk.policy(Payer.GOV, yearly_cap_fen=5 * FEN)
    payers = [desk.order().payer for _ in range(6)]
    assert payers == [Payer.GOV] * 5 + [Payer.APPLICANT_PREPAID]
    told = metrics.EXPRESS_ALERTS.labels("budget")._value.get() - warned
    assert told == 2, "at 80 and at 100 percent"
    assert who(desk, on=date(2027, 1, 4)) == Payer.GOV, "a new year, a new budget"


def test_a_shipment_called_off_gives_its_share_of_the_budget_back(desk: Desk) -> None:
    desk.policy(Payer.GOV, yearly_cap_fen=FEN)
    sent = desk.order()
    with pytest.raises(PolicyMissing):
        desk.quote()
    with db.transaction() as session:
        ordering.cancel(session, ordering.locked(session, sent.id), actor="person:1", reason="不寄了")
    desk.try_now(sent)
    assert desk.order().payer == Payer.GOV


def test_the_actual_postage_takes_the_place_of_the_estimate(desk: Desk) -> None:
    desk.policy(Payer.GOV)
    sent = desk.order()
    desk.travel(sent, "203")
    assert sent.waybill
    assert jobs.ask_postage(desk.couriers, callers=1) == 1
    assert desk.now(sent).actual_fen is None, "not weighed yet"
    desk.courier.charges[sent.waybill] = Postage(900, 280, 1500)
    assert jobs.ask_postage(desk.couriers, callers=1) == 0, "asked twice a day"
    desk.clock.advance(hours=13)
    jobs.ask_postage(desk.couriers, callers=1)
    known = desk.now(sent)
    assert (known.actual_fen, known.actual_weight_g, known.list_fen) == (900, 280, 1500)
    assert desk.rows("SELECT spent_fen FROM payer_policy_year") == [(900,)]


def test_who_pays_changed_since_the_quote(desk: Desk) -> None:
    desk.policy(Payer.APPLICANT_PREPAID, priority=9000)
    desk.policy(Payer.GOV, yearly_cap_fen=FEN)
    quoted = desk.quote()
    desk.order()
    asked: dict[str, Any] = {"quote_id": quoted, "owner_id": desk.person, "carrier": "ems", "region_code": "350299"}
    with db.transaction() as session, pytest.raises(QuoteOver):
        ordering.order(session, **asked, pickup=None, actor="person:1", by_staff=False)
    desk.clock.advance(minutes=31)
    with db.transaction() as session, pytest.raises(QuoteOver):
        ordering.order(session, **asked, pickup=None, actor="person:1", by_staff=False)


def test_every_direction_is_covered_by_a_policy_for_all(desk: Desk) -> None:
    desk.policy(Payer.APPLICANT_PREPAID)
    assert {who(desk, direction=one) for one in Direction} == {Payer.APPLICANT_PREPAID}
