"""Yuan and fen, charges and their shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import amounts


@pytest.mark.parametrize(
    ("yuan", "fen"),
    [("0.00", 0), ("0.01", 1), ("0.10", 10), ("19.99", 1999), ("100.00", 10000), ("999999999.99", 99999999999)],
)
def test_m1_yuan_text_is_read_exactly(yuan: str, fen: int) -> None:
    assert amounts.to_fen(yuan) == fen
    assert amounts.to_yuan(fen) == yuan


@pytest.mark.parametrize(
    "text",
    [
        "0.1",
        "1e2",
        "１２",
        "１２.00",
        "12",
        "",
        ".50",
        "1.",
        "01.00",
        "-1.00",
        "+1.00",
        "1,000.00",
        " 1.00",
        "1.00\n",
        "1.000",
    ]
    + ["NaN", "Infinity", "0x10", "1_0.00", "٣.00", "1.0٣", "1000000000.00"],
)
def test_m1_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(amounts.NotAnAmount):
        amounts.to_fen(text)


@given(st.integers(0, 10**11 - 1))
def test_m1_there_and_back(fen: int) -> None:
    assert amounts.to_fen(amounts.to_yuan(fen)) == fen


@given(st.text(max_size=12))
def test_m1_no_text_crashes_or_rounds(text: str) -> None:
    try:
        fen = amounts.to_fen(text)
    except amounts.NotAnAmount:
        return
    assert amounts.to_yuan(fen) == text


def test_m2_1999_times_three_is_exact() -> None:
    assert amounts.item_fee(1999, 3) == 5997
    assert amounts.item_fee(1999, 3, overdue_fen=3, penalty_fen=10, less_fen=2000) == 5997 + 3 + 10 - 2000


@pytest.mark.parametrize(
    ("days", "late"), [(-3, 0), (0, 0), (1, 600), (33, 19800), (34, 20000), (40, 20000), (1000, 20000)]
)
def test_m7_three_percent_a_day_up_to_the_fine(days: int, late: int) -> None:
    assert amounts.late_charge(20000, days, day_bp=300, cap_percent=100) == late


@pytest.mark.parametrize(("day_bp", "cap", "late"), [(5, 100, 50), (5, 0, 0), (0, 100, 0), (1, 100, 10)])
def test_m8_rate_and_cap_are_data(day_bp: int, cap: int, late: int) -> None:
    assert amounts.late_charge(10000, 10, day_bp=day_bp, cap_percent=cap) == late


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=5),
    st.lists(st.integers(1, 300), max_size=8),
)
def test_refunds_in_parts_take_every_fen_from_one_item_once(fees: list[int], parts: list[int]) -> None:
    taken, before = [0] * len(fees), 0
    for part in parts:
        part = min(part, sum(fees) - before)
        got = amounts.shares(fees, before, part)
        assert sum(got) == part
        assert min(got) >= 0
        taken = [had + new for had, new in zip(taken, got, strict=True)]
        before += part
    assert all(had <= fee for had, fee in zip(taken, fees, strict=True))
    assert sum(taken) == before
