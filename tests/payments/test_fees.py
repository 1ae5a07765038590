"""Fee standards: the right amount on each day, no overlap whoever races, nothing billed that is free or unconfirmed."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, select, text
from sqlalchemy.orm import Session

from backend.core.config import Settings
from payments import fees, queries
from payments.models import CollectingUnit, FeeStandard, IncomeItem
from tests.backend.conftest import seeded_settings, seeded_template

DAY = date(2026, 11, 24)


__all__ = ["seeded_settings", "seeded_template"]


@pytest.fixture(scope="module", name="settings")
def seeded(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture
def item(session: Session) -> str:
    """An income item without standards."""
    session.add(
        IncomeItem(code="test", kind="non_tax", collecting_unit="TEST-350299-001", name_zh="测试", name_en="Test")
    )
    session.flush()
    return "test"


def set_standard(session: Session, code: str, first: date, last: date | None, **changes: Any) -> None:
    values: dict[str, Any] = {"amount_fen": 1000, "unit": "copy", "legal_basis": "某文", "verified": True}
    fees.set_standard(session, code=code, valid_from=first, valid_to=last, **{**values, **changes})


@pytest.mark.parametrize(
    ("code", "on", "amount_fen"),
    [
        ("passport", "2019-06-30", 16000),
        ("passport", "2019-07-01", 12000),
        ("passport", "2026-11-24", 12000),
        ("hk-macao-permit", "2019-06-30", 8000),
        ("hk-macao-permit", "2019-07-01", 6000),
        ("hk-macao-endorsement-once", "2026-11-24", 1500),
        ("taiwan-permit", "2026-11-24", 6000),
        ("real-estate-residential", "2026-11-24", 8000),
        ("real-estate-other", "2026-11-24", 55000),
        ("real-estate-parking", "2026-11-24", 8000),
        ("real-estate-extra-certificate", "2026-11-24", 1000),
        ("driving-licence", "2026-11-24", 1000),
        ("number-plate", "2026-11-24", 10000),
        ("temporary-plate", "2026-11-24", 500),
        ("id-card", "2026-11-24", 2000),
        ("id-card-replacement", "2026-11-24", 4000),
        ("id-card-temporary", "2026-11-24", 1000),
    ],
)
def test_the_standard_of_the_day_is_charged(session: Session, code: str, on: str, amount_fen: int) -> None:
    assert queries.charge_on(session, code, date.fromisoformat(on)).amount_fen == amount_fen


def test_passport_permit_and_one_endorsement_make_195_yuan(session: Session) -> None:
    codes = ("passport", "hk-macao-permit", "hk-macao-endorsement-once")
    assert sum(queries.charge_on(session, code, DAY).amount_fen for code in codes) == 19500


def test_marriage_is_free_and_cannot_be_billed(session: Session) -> None:
    fee = queries.fee_on(session, "marriage-certificate", DAY)
    assert fee is not None
    assert (fee.amount_fen, fee.legal_basis) == (0, "财税〔2017〕20号")
    with pytest.raises(queries.NothingToCharge):
        queries.charge_on(session, "marriage-certificate", DAY)


@pytest.mark.parametrize(
    ("code", "on"),
    [
        ("passport", date(2017, 6, 30)),
        ("passport-note", DAY),
        ("hk-macao-endorsement-twice", DAY),
        ("id-card-first", DAY),
        ("social-card-replacement", DAY),
        ("commercial-vehicle-inspection", DAY),
        ("city-infrastructure", DAY),
        ("penalty", DAY),
        ("no-such-item", DAY),
    ],
)
def test_what_is_not_confirmed_or_not_in_force_is_never_charged(session: Session, code: str, on: date) -> None:
    with pytest.raises(queries.NoFeeInForce):
        queries.charge_on(session, code, on)


def test_tariffs_agree_with_single_questions(session: Session) -> None:
    for code, tariff in queries.tariffs(session).items():
        for on in (date(2018, 1, 1), date(2019, 6, 30), date(2019, 7, 1), DAY):
            assert tariff.on(on) == queries.fee_on(session, code, on)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 1, 10), date(2026, 1, 20)),
        (date(2025, 12, 1), date(2026, 1, 1)),
        (date(2026, 1, 31), None),
        (date(2025, 1, 1), None),
        (date(2025, 1, 1), date(2027, 1, 1)),
    ],
)
def test_overlapping_standards_are_refused(session: Session, item: str, first: date, last: date | None) -> None:
    set_standard(session, item, date(2026, 1, 1), date(2026, 1, 31))
    with pytest.raises(fees.FeeOverlap):
        set_standard(session, item, first, last)


def test_standards_may_touch_and_be_corrected(session: Session, item: str) -> None:
    set_standard(session, item, date(2026, 1, 1), None)
    set_standard(session, item, date(2026, 1, 1), date(2026, 1, 31), amount_fen=900)
    set_standard(session, item, date(2026, 2, 1), None, amount_fen=800)
    set_standard(session, item, date(2025, 1, 1), date(2025, 12, 31))
    amounts = [fee.amount_fen for fee in queries.tariffs(session)[item].fees]
    assert amounts == [1000, 900, 800]


def test_a_standard_of_an_unknown_income_item_is_refused(session: Session) -> None:
    with pytest.raises(queries.IncomeItemNotFound):
        set_standard(session, "nothing", DAY, None)


@given(
    periods=st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 12))), min_size=1, max_size=10)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_set_every_day_has_one_standard_at_most(
    session: Session, item: str, periods: list[tuple[int, int | None]]
) -> None:
    session.execute(delete(FeeStandard).where(FeeStandard.income_item_code == item))
    accepted: dict[date, date | None] = {}
    for offset, length in periods:
        first = DAY + timedelta(days=offset)
        last = None if length is None else first + timedelta(days=length)
        others = [(start, end) for start, end in accepted.items() if start != first]
        overlaps = any((end or date.max) >= first and start <= (last or date.max) for start, end in others)
        if overlaps:
            with pytest.raises(fees.FeeOverlap):
                set_standard(session, item, first, last)
        else:
            set_standard(session, item, first, last)
            accepted[first] = last
    kept = queries.tariffs(session)[item].fees
    assert {fee.valid_from: fee.valid_to for fee in kept} == accepted
    for offset in range(50):
        assert sum(fee.covers(DAY + timedelta(days=offset)) for fee in kept) <= 1


def test_of_many_at_once_one_sets_an_overlapping_standard(fresh_database: str) -> None:
    engine = create_engine(fresh_database)
    with Session(engine) as session:
        session.add(CollectingUnit(code="TEST-350299-001", name_zh="测试", name_en="Test"))
        session.flush()
        session.add(
            IncomeItem(code="race", kind="non_tax", collecting_unit="TEST-350299-001", name_zh="争", name_en="R")
        )
        session.commit()
    start, outcomes = threading.Barrier(8), []

    def attempt(number: int) -> None:
        with Session(engine) as session:
            session.execute(text("SELECT 1"))
            start.wait()
            try:
                set_standard(session, "race", DAY + timedelta(days=number), None)
                session.commit()
                outcomes.append("set")
            except fees.FeeOverlap:
                outcomes.append("refused")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        rows = session.scalars(select(FeeStandard.valid_from).where(FeeStandard.income_item_code == "race")).all()
    engine.dispose()
    assert sorted(outcomes) == ["refused"] * 7 + ["set"]
    assert len(rows) == 1
