"""What WeChat accepts as the value of a template key, by the key's prefix."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

_CLOCK = r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?"
_DAY = r"\d{4}(?:年\d{1,2}月\d{1,2}日|[-/.]\d{1,2}[-/.]\d{1,2})"
_TIME_POINT = rf"(?:{_DAY}\s*)?{_CLOCK}"
_DATE_POINT = rf"{_DAY}(?:\s*{_CLOCK})?"
_TIME = re.compile(rf"{_TIME_POINT}(?:\s*~\s*{_TIME_POINT})?")
_DATE = re.compile(rf"{_DATE_POINT}(?:\s*~\s*{_DATE_POINT})?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_AMOUNT = re.compile(r"[¥￥$€£]?\d{1,10}(?:\.\d+)?元?")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_VISIBLE_ASCII = re.compile(r"[\x20-\x7e]+")
_PHONE = re.compile(r"[0-9+\-() #*]+")
_KEY = re.compile(r"([a-z_]+?)(\d+)")


def _has_chinese(value: str) -> bool:
    return _CHINESE.search(value) is not None


def _symbol(value: str) -> bool:
    return len(value) <= 5 and all(unicodedata.category(sign)[0] in "PS" for sign in value)


def _name(value: str) -> bool:
    """10 Chinese characters, or 20 letters and symbols; mixed text counts as Chinese."""
    return len(value) <= (10 if _has_chinese(value) else 20) and not any(sign.isdigit() for sign in value)


def _car_number(value: str) -> bool:
    middle = value[1:-1]
    return len(value) <= 8 and middle.isascii() and middle.isalnum()


RULES: dict[str, Callable[[str], bool]] = {
    "thing": lambda value: len(value) <= 20,
    "number": lambda value: len(value) <= 32 and _NUMBER.fullmatch(value) is not None,
    "letter": lambda value: len(value) <= 32 and value.isascii() and value.isalpha(),
    "symbol": _symbol,
    "character_string": lambda value: len(value) <= 32 and _VISIBLE_ASCII.fullmatch(value) is not None,
    "time": lambda value: _TIME.fullmatch(value) is not None,
    "date": lambda value: _DATE.fullmatch(value) is not None,
    "amount": lambda value: _AMOUNT.fullmatch(value) is not None,
    "phone_number": lambda value: len(value) <= 17 and _PHONE.fullmatch(value) is not None,
    "car_number": _car_number,
    "name": _name,
    "phrase": lambda value: len(value) <= 5 and _CHINESE.fullmatch(value) is not None,
}


def acceptable(key: str, value: str, choices: tuple[str, ...] = ()) -> bool:
    """Whether ``value`` may stand in ``key``: not empty, no control characters, and the prefix's own rule."""
    if not value.strip() or any(unicodedata.category(sign) == "Cc" for sign in value):
        return False
    match = _KEY.fullmatch(key)
    if match is None:
        return False
    if match[1] == "enum":
        return value in choices
    rule = RULES.get(match[1])
    return rule is not None and rule(value)


def first_bad_key(keys: Mapping[str, tuple[str, ...]], data: object) -> str | None:
    """The first key of a template whose value in ``data`` is missing or breaks its rule; None when all are right.

    ``keys`` maps each key to its list of choices, which only ``enum`` has. A key the template lacks is bad too.
    """
    if not isinstance(data, dict):
        return next(iter(keys), "")
    for key, choices in keys.items():
        entry = data.get(key)
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, str | int | float) or not acceptable(key, str(value), choices):
            return key
    return next((key for key in data if key not in keys), None)
