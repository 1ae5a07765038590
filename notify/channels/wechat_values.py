"""Cutting a text to what WeChat takes in a template key; the key's prefix says what that is.

Anything WeChat would refuse with 47003 is shortened or replaced, since a shortened notice beats none.
"""

import re
import unicodedata
from collections.abc import Callable

ELLIPSIS = "…"
EMPTY_TEXT = "无"
EMPTY_SIGNS = "-"
EMPTY_NUMBER = "0"

_KEY = re.compile(r"([a-z_]+?)\d+")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")


def fit(key: str, text: str) -> str:
    """The text as it may stand in `key`. ValueError for a prefix that WeChat does not have."""
    match = _KEY.fullmatch(key)
    if match is None or match[1] not in FORMATS:
        raise ValueError(f"no such template key: {key}")
    visible = "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
    return FORMATS[match[1]](" ".join(visible.split()))


def _cut(text: str, limit: int, empty: str = EMPTY_TEXT) -> str:
    if not text:
        return empty
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def _only(pattern: str, limit: int, empty: str) -> Callable[[str], str]:
    """Keep the signs that match, from the front, up to the limit."""
    keep = re.compile(pattern)
    return lambda text: "".join(keep.findall(text))[:limit].strip() or empty


def _name(text: str) -> str:
    return _cut(text, 10 if _CHINESE.search(text) else 20)


def _phrase(text: str) -> str:
    return "".join(_CHINESE.findall(text))[:5] or EMPTY_TEXT


def _number(text: str) -> str:
    match = re.search(r"\d+(?:\.\d+)?", text)
    return match[0][:32].rstrip(".") if match else EMPTY_NUMBER


def _amount(text: str) -> str:
    match = re.search(r"[¥￥]?\d{1,10}(?:\.\d+)?元?", text)
    return match[0] if match else EMPTY_NUMBER + "元"


def _as_is(text: str) -> str:
    """Instants come from our own formatter."""
    return text


FORMATS: dict[str, Callable[[str], str]] = {
    "thing": lambda text: _cut(text, 20),
    "number": _number,
    "letter": _only(r"[A-Za-z]", 32, "A"),
    "symbol": _only(r"[!-/:-@\[-`{-~]", 5, EMPTY_SIGNS),
    "character_string": _only(r"[ -~]", 32, EMPTY_SIGNS),
    "time": _as_is,
    "date": _as_is,
    "amount": _amount,
    "phone_number": _only(r"[0-9+\-() ]", 17, EMPTY_SIGNS),
    "car_number": lambda text: text[:8] or EMPTY_TEXT,
    "name": _name,
    "phrase": _phrase,
}
