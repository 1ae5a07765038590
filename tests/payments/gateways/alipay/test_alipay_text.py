"""Alipay's money and time as text, and the answers that prove nothing."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.core import rsa_keys
from payments.gateways.alipay_client import read_answer
from payments.gateways.alipay_text import beijing, fen, instant, yuan
from payments.gateways.base import OutcomeUnknown

KEY = rsa.generate_private_key(65_537, 2048)
METHOD = "alipay.trade.query"


@pytest.mark.parametrize(("amount", "text"), [(1, "0.01"), (10, "0.10"), (100, "1.00"), (12_345, "123.45")])
def test_m1_fen_as_yuan_and_back(amount: int, text: str) -> None:
    assert yuan(amount) == text
    assert fen(text) == amount
    assert fen(f"-{text}") == -amount


def test_m1_alipay_leaves_digits_out() -> None:
    assert (fen("5"), fen("5.5"), fen("05.50"), fen("0")) == (500, 550, 550, 0)


@pytest.mark.parametrize(("amount", "error"), [(1.0, TypeError), (True, TypeError), (0, ValueError), (-1, ValueError)])
def test_m1_only_positive_whole_fen_are_asked_for(amount: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        yuan(amount)


@pytest.mark.parametrize("text", ["", ".5", "5.", "1.234", "1e2", "１.00", "+1.00", " 1", "1\n", "12345678901", "--1"])
def test_m1_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        fen(text)


def test_time_is_beijings() -> None:
    at = datetime(2026, 11, 24, 16, 5, 6, tzinfo=UTC)
    assert beijing(at) == "2026-11-25 00:05:06"
    assert instant("2026-11-25 00:05:06") == instant("2026-11-25 00:05:06.789") == at
    assert instant("2026-11-25 00:05:06").utcoffset() == UTC.utcoffset(None)
    for text in ("", "2026-11-25", "２026-11-25 00:05:06", "2026-13-25 00:05:06"):
        with pytest.raises(ValueError, match="time"):
            instant(text)


def answer(inner: str, **outer: object) -> bytes:
    rest = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in outer.items())
    return f'{{"alipay_trade_query_response":{inner}{rest}}}'.encode()


def test_an_answer_is_read_from_the_text_that_was_signed() -> None:
    inner = '{"code":"10000","total_amount":1.10,"n":3}'
    found = read_answer(answer(inner, sign=rsa_keys.sign(KEY, inner.encode())), (KEY.public_key(),), METHOD)
    assert found == {"code": "10000", "total_amount": "1.10", "n": "3"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"\xff", "malformed"),
        (b"<html>", "malformed"),
        (b'{"alipay_trade_close_response":{}}', "malformed"),
        (answer("{"), "malformed"),
        (answer("{}"), "unsigned"),
        (answer("{}", sign=""), "unsigned"),
        (answer("{}", sign=7), "unsigned"),
        (answer('{"sub_code":"isv.no"}'), "unsigned isv.no"),
        (answer("{}", sign="AAAA"), "bad_signature"),
        (answer("{}", sign=rsa_keys.sign(KEY, b"{ }")), "bad_signature"),
    ],
)
def test_r4_an_answer_that_proves_nothing(body: bytes, code: str) -> None:
    with pytest.raises(OutcomeUnknown) as unknown:
        read_answer(body, (KEY.public_key(),), METHOD)
    assert unknown.value.code == code
