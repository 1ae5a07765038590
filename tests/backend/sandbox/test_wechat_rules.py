"""WeChat's value table: every prefix at its limit, and one over."""

import pytest

from backend.sandbox.wechat_rules import acceptable, first_bad_key
from notify.channels.wechat_values import FORMATS, fit

AT_THE_LIMIT = [
    ("thing1", "厦" * 20),
    ("number1", "9" * 32),
    ("number1", "12.5"),
    ("letter1", "a" * 32),
    ("symbol1", "+-*/!"),
    ("character_string1", "A1-" * 10 + "zz"),
    ("time1", "09:30"),
    ("time1", "2026年12月1日 09:30:15"),
    ("time1", "2026年12月1日 09:30~2026年12月1日 10:00"),
    ("date1", "2026年12月1日"),
    ("date1", "2026-12-01 09:30"),
    ("date1", "2026/12/01~2026.12.02"),
    ("amount1", "¥1234567890"),
    ("amount1", "12.34元"),
    ("phone_number1", "+86-0592-12345678"),
    ("car_number1", "闽D12345警"),
    ("name1", "欧" * 10),
    ("name1", "a" * 20),
    ("phrase1", "预约成功了"),
]
ONE_OVER = [
    ("thing1", "厦" * 21),
    ("number1", "9" * 33),
    ("number1", "12a"),
    ("letter1", "a" * 33),
    ("letter1", "a1"),
    ("symbol1", "+-*/!?"),
    ("symbol1", "a"),
    ("character_string1", "A" * 33),
    ("character_string1", "号1"),
    ("time1", "25:00"),
    ("time1", "明天"),
    ("date1", "12月1日"),
    ("amount1", "¥12345678901"),
    ("amount1", "很多"),
    ("phone_number1", "1" * 18),
    ("car_number1", "闽D123456警"),
    ("name1", "欧" * 11),
    ("name1", "a" * 21),
    ("phrase1", "预约成功啦啦"),
    ("phrase1", "ok"),
    ("enum1", "其他"),
    ("thing1", "一\n二"),
    ("thing1", ""),
    ("thing1", "   "),
    ("what1", "x"),
    ("thing", "x"),
]


@pytest.mark.parametrize(("key", "value"), AT_THE_LIMIT)
def test_a_value_at_the_limit_is_taken(key: str, value: str) -> None:
    assert acceptable(key, value)


@pytest.mark.parametrize(("key", "value"), ONE_OVER)
def test_a_value_one_over_is_refused(key: str, value: str) -> None:
    assert not acceptable(key, value)


def test_an_enum_takes_its_choices_only() -> None:
    assert acceptable("enum1", "办结", ("办结", "退回"))
    assert not acceptable("enum1", "受理", ("办结", "退回"))


def test_the_first_bad_key_is_named() -> None:
    keys: dict[str, tuple[str, ...]] = {"thing1": (), "time2": ()}
    good = {"thing1": {"value": "护照"}, "time2": {"value": "09:30"}}
    assert first_bad_key(keys, good) is None
    assert first_bad_key(keys, {**good, "time2": {"value": "早上"}}) == "time2"
    assert first_bad_key(keys, {"thing1": {"value": "护照"}}) == "time2"
    assert first_bad_key(keys, {**good, "thing9": {"value": "x"}}) == "thing9"
    assert first_bad_key(keys, "text") == "thing1"


@pytest.mark.parametrize("prefix", sorted(set(FORMATS) - {"time", "date"}))
@pytest.mark.parametrize(
    "text", ["", " \n\t", "厦门" * 60, "a" * 90, "1" * 90, "13.50", "!?" * 40, "张 三 A1\x07号", "😀" * 30]
)
def test_whatever_comes_in_the_formatter_makes_it_acceptable(prefix: str, text: str) -> None:
    if prefix in {"car_number", "name"}:
        text = "".join(sign for sign in text if sign.isalpha())
    fitted = fit(f"{prefix}1", text)
    if prefix != "car_number":
        assert acceptable(f"{prefix}1", fitted), fitted
