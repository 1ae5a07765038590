"""National codes, against public samples and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalogue import codes

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize(
    "code",
    ["113502990000000199", "113502990000000274", "91350299MA0000015P", "92350299MA0000023F", "11100000000013338W"],
)
def test_right_credit_codes(code: str) -> None:
    assert codes.is_credit_code(code)
    assert codes.is_item_code(code + "0000000000101")


@pytest.mark.parametrize(
    "code", ["", "113502990000000198", "113502990000000919", "11350299000000019", "11350299000000019i", "一" * 18]
)
def test_wrong_credit_codes(code: str) -> None:
    assert not codes.is_credit_code(code)


@pytest.mark.parametrize("basic", ["", "000000000010", "00000000001011", "000000000010A", "０００００００００００００"])
def test_wrong_item_codes(basic: str) -> None:
    assert not codes.is_item_code("113502990000000199" + basic)


@given(number=st.integers(0, 99_999_999), place=st.integers(0, 17), other=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_seen(number: int, place: int, other: str) -> None:
    body = f"{number:08d}"
    first17 = "11350299" + body + codes.body_code_check(body)
    if "X" in first17[8:17][:-1]:
        return
    code = first17 + codes.credit_code_check(first17)
    assert codes.is_credit_code(code)
    changed = code[:place] + other + code[place + 1 :]
    assert codes.is_credit_code(changed) == (changed == code)
