"""Published signatures of the real Alipay, run through our adapter.

They are those of the official Node client's tests: `alipay/alipay-sdk-nodejs-all` (MIT), `test/alipay.test.ts`, with
the keys in that file and under `test/fixtures/`. Nothing here is a secret or a person of ours.
"""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from backend.core import rsa_keys
from payments.gateways import alipay_notice
from payments.gateways.alipay_client import read_answer
from payments.gateways.base import NoticeRefused, OutcomeUnknown, PayAnswer, PayStatus

NOTICE_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqObrdC7hrgAVM98tK0nv3hSQRGGKT4lBsQjHiGjeYZjOPIPHR5knm2jnnz/YGIXIofVHkA/"
    "tAlBAd5DrY7YpvI4tP5EONLtZKC2ghBMx7McI2wRD0xiqzxOQr1FuhZGJ8/AUokBzJrzY+aGX2xcOrxFYRlFilvVLTXg4LWjR1tdPkO6+i7wQZAIVMC"
    "lPkwVRZEbaERRHlKqTzv2gGv5rDU8gRoe1LeaN+6BlbTqHWkQcNCUNrA8C6l17XAXGKDsm/9TFWwO8EPHHHCaQdjtV5/FdcWIt+L8SR1ss7EXTjYDF"
    "txcKVv9rEoY1lX8T4mX+GbXfZHraG5NCF1+XioL5JwIDAQAB"
)
OTHER_NOTICE_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk6DCsBIUhWriFohzRV8F
ic6oQWNnLKKILNk97VU5qcHEuxYzCujKoyva5gy1170mFJw4IcgJF8AyS7iDUwzA
wF4Pp9CpWxDhUhe7mdQJhjBmvTcPLGFFrzlj6unO5lAcbdwaxPUtSxOaNxPJGrTK
/wnKQSbjTMMltp1J68q2Tfgrsn/NdZ6lrxO9rvmky8kowqaH5NjntyHO59jCGabM
j5sI14z8N61wB/QuIJrDuzIPMPrSNbq0cOWcSCDG09oUHTp9fk7suDB8UiFcmVTX
OvK3d4HbeX8V9YsEMxrwxEoYgRRj6K2qrC6oxw480cqf2ueumCmHg6xrcgkyXK81
hwIDAQAB
-----END PUBLIC KEY-----"""
ANSWER_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk7LzhmMa2c4qQd4fqAqenfbuFoA7stPKvoS1LrZEsVnOOGUUjwoa1oU9xsSPjcOWhIerU/"
    "VAN4J95GIAXx59ipcleIyfLn2FhHXPgLJpvo+b2jJFyn/1/DbeJDh+0yDVAOf50Z7HhI0mdUhFMkXlT7BU0ZMtJf/TmISFEfhDU/w6qFd6D42L97by"
    "Akq0K6LroglSVF24GqJEa7hSeUIkZWj7RasykXrc2uVJ1+ejkXE0LyPxa2AHykMGbJLf5SiZvaNzUZgnKIR36mLOHpQ/2JCXxhXZYUWHzy0kMH54Jc"
    "UEeksFWBYLGvLjV1phbcUIc3Q76tIuqApY6E222OoZZQIDAQAB"
)
PAID = {
    "gmt_create": "2019-08-15 15:56:22",
    "charset": "utf-8",
    "seller_email": "z97-yuquerevenue@service.aliyun.com",
    "subject": "语雀空间 500人规模",
    "sign": (
        "QfTb8tqE1BMhS5qAnXtvsF3/jBkEvu9q9en0pdbBUDDjvKycZhQb7h8GDs4FKfi049PynaNuatxSgLb/nLWZpXyyh0LEWdK2S6Ri7nPwrVgOs0"
        "8zugLO20vOQz44y3ti2Ncm8/wZts1Fr2gZ7pShnVX3d1B50hbsXnObT1r/U8ONNQjWXd0HIul4TG+Q3fm3svmSvFEy0WnzuhcyHPX5Gm4ELNct"
        "L6Qd5YniGJFNcc7kopHYtI/XD9YCKCH6Ct02rzUs9i11C9CsadtZn+WhxF26Dqt9sGEFajkJ8cxUTLi8+VCpLHsgPE8P0y095uQcDdK0YjCh4x"
        "7wVSov+lrmOQ=="
    ),
    "buyer_id": "2088102534368455",
    "invoice_amount": "0.10",
    "notify_id": "2019081500222155624068450559358070",
    "fund_bill_list": '[{"amount":"0.10","fundChannel":"ALIPAYACCOUNT"}]',
    "notify_type": "trade_status_sync",
    "trade_status": "TRADE_SUCCESS",
    "receipt_amount": "0.10",
    "buyer_pay_amount": "0.10",
    "sign_type": "RSA2",
    "app_id": "2019073166072302",
    "seller_id": "2088531891668739",
    "gmt_payment": "2019-08-15 15:56:24",
    "notify_time": "2019-08-15 15:56:25",
    "version": "1.0",
    "out_trade_no": "20190815155618536-564-57",
    "total_amount": "0.10",
    "trade_no": "2019081522001468450512505578",
    "auth_app_id": "2019073166072302",
    "buyer_logon_id": "xud***@126.com",
    "point_amount": "0.00",
}
ANSWER = (
    '{"alipay_open_file_upload_response":{"code":"10000","msg":"Success","file_id":"CAxAToWB1JsAAAAAAAAAAAAADgSLAQBr"},'
    '"sign":"F+LDzpTNiavn7xVZPGuPCSSVRSmWzJGgtuji6tVELGEaqMaNj0jRKXUEr5nloZJBBmwEnddOyCjjepMmrTKTvoOqQ0Efxpr/R1iEeHTHVbb/'
    "Q8TTh6Up5gHJDkILdaWS2q1cWeQ6VT+HQY9P3WRXS7uhILHuDODIhpAyCu5KhWGt0rMCIG+Im6NODJP2oohtSCtmTFXg58HH587Z2y2bdbjzOxLvzD9I"
    'rU1imghXQ2S/Q+wMIvRk9on6cWnBLkrNvJKapA2ReNGWOwyuASvB9zDVzhMPbR+3mfRGkVDxsq5HYLjBKGskJMXHw0HuugZij6ScRuaLPODhmHwr/pJ9yw=="}'
)
THEN = datetime(2019, 8, 15, 8, 0, tzinfo=UTC)


def read(fields: dict[str, str], key: str = NOTICE_KEY, now: datetime = THEN) -> PayAnswer:
    notice = alipay_notice.read(urlencode(fields).encode(), rsa_keys.public_keys(key), now)
    assert notice.payment is not None
    return notice.payment


def test_a_real_notification_is_verified_and_read() -> None:
    assert read(PAID) == PayAnswer(
        number="20190815155618536-564-57",
        status=PayStatus.PAID,
        app_id="2019073166072302",
        merchant_id="2088531891668739",
        amount_fen=10,
        payer_fen=10,
        transaction_id="2019081522001468450512505578",
        paid_at=datetime(2019, 8, 15, 7, 56, 24, tzinfo=UTC),
    )
    assert replace(read(PAID), currency="CNY") == read({**PAID, "not_there": ""})


@pytest.mark.parametrize(
    "changes", [{"total_amount": "0.1"}, {"subject": "语雀空间  500人规模"}, {"seller_id": ""}, {"new": "1"}]
)
def test_a_real_notification_that_was_changed_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(NoticeRefused, match="signature"):
        read({**PAID, **changes})


def test_a_real_notification_under_another_key_or_years_later_is_refused() -> None:
    with pytest.raises(NoticeRefused, match="signature"):
        read(PAID, OTHER_NOTICE_KEY)
    with pytest.raises(NoticeRefused, match="age"):
        read(PAID, now=datetime(2026, 11, 24, tzinfo=UTC))


def test_a_real_answer_is_verified() -> None:
    keys, method = rsa_keys.public_keys(ANSWER_KEY), "alipay.open.file.upload"
    assert read_answer(ANSWER.encode(), keys, method)["file_id"] == "CAxAToWB1JsAAAAAAAAAAAAADgSLAQBr"
    spaced = ANSWER.replace('response":{', 'response"\r\n  :\n  {').replace(',"sign":"', ',\n\n "sign"  :  "')
    assert read_answer(spaced.encode(), keys, method)["code"] == "10000"
    for spoilt in (ANSWER.replace("10000", "10001"), ANSWER.replace('"msg"', ' "msg"'), ANSWER.replace("F+LD", "F+LE")):
        with pytest.raises(OutcomeUnknown):
            read_answer(spoilt.encode(), keys, method)


def test_a_real_unsigned_fault_is_no_answer() -> None:
    fault = (
        '{"error_response":{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.code-invalid",'
        '"sub_msg":"授权码code无效"}}'
    )
    with pytest.raises(OutcomeUnknown, match="unsigned isv.code-invalid"):
        read_answer(fault.encode(), rsa_keys.public_keys(ANSWER_KEY), "alipay.system.oauth.token")
