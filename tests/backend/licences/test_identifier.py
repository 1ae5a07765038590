"""The identifier's check character: ISO 7064 MOD 37,36."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.licences.identifier import ALPHABET, Identifier, check_character, parse

PARTS = ("11100000000013338W011", "113502990000000199", "20260105001", "001")
GOOD = "1.2.156.3005.2.11100000000013338W011.113502990000000199.20260105001.001.F"


def test_the_projects_vector() -> None:
    assert check_character("".join(PARTS)) == "F"
    assert parse(GOOD) == Identifier(*PARTS)


@pytest.mark.parametrize(
    "text",
    [
        GOOD[:-1] + "E",
        GOOD.replace("20260105001", "20260105002"),
        GOOD.replace("20260105001", "20260150001"),
        GOOD.replace("1.2.156.3005.2.", ""),
        GOOD.replace("W011", "w011"),
        GOOD + "\n",
        GOOD[:-2],
        "",
        "F",
    ],
)
def test_a_wrong_identifier_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text(ALPHABET, min_size=1, max_size=60), st.data())
def test_every_single_slip_is_noticed(text: str, data: st.DataObject) -> None:
    whole = text + check_character(text)
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([letter for letter in ALPHABET if letter != whole[at]]))
    slipped = whole[:at] + other + whole[at + 1 :]
    assert check_character(slipped[:-1]) != slipped[-1]
