"""Foreign material: what WeChat Pay itself published, run through the adapter.

Sources: pay.weixin.qq.com, /doc/v3/merchant/4012365336 (request), /4012365341 (bridge) and
/docs/merchant/development/interface-rules/build-verify-sign-src.html (answer under a public key); wechatpay-apiv3:
wechatpay-go core/notify/notify_test.go and utils/aes_test.go, wechatpay-java AeadAesCipherTest.java,
wechatpay-php tests/fixtures/bill.ALL.csv (all Apache-2.0).
The private key is the documents' own example; it opens nothing.
"""

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from payments.gateways import wechat_pay
from payments.gateways import wechat_pay_reading as reading
from payments.gateways.base import NoticeRefused, OutcomeUnknown
from payments.gateways.wechat_pay_statement import TRADE_BILL, checked
from payments.gateways.wechat_pay_wire import SignedCalls, Unverified, verify
from tests.payments.gateways.wechat_pay.bank import OLD, OUR_SERIAL, pay_settings

BILL = (Path(__file__).parent / "vectors" / "bill.ALL.csv").read_bytes()
NONCE = "593BEC0C930BF1AFEB40B4A08C8FB242"
AT = datetime.fromtimestamp(1_554_208_460, UTC)

EXAMPLE_KEY = """-----BEGIN EXAMPLE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCm2mb6q8gMKH/3
CNTbpJAIrbqiBiQGEOtjGcBrDYltsGynWgNscqT7WvfzU14FQbYcQUC5T4Wvva7m
i3fIp3OgX8VqMDNA0qebnr38Pe6kqiLyZgFpJPXlSKDyPyqhRbVTbXssvSMQeVKc
dXeVxoNNeoOlNFHgF/P0io6AmAVnz+hN8SiZKuOsth5/zUTLGvtkgxBcQooQrtXh
RcpLT798OyIb9xeJ2HO3xRtMv2+perEzb4gMibI74UBz+2QEbnkubPE+2jU2rRZu
dnNEz/BPOt3Qj/w2V6/G0VumGDh6+UeMU0jv4aupHztWITC4Akn0l7lBCNy3lgl8
VFaJnkIxAgMBAAECggEAYGL8aESB7NwciDWW2UdoWUsa7GxFtSdjAz2mFXGdeTsY
mVh7b9OOkRGM+Qio4LqEHDBp1mMk5E/cUJwy1zw8pGGO5nfvs7u9TT3XnHaefIs4
YvUgTYAneIuLRkXNN5rQU+CD7mVYczTSz0Vgjqo9wa1LjUz7G0xbBmJgTdMEFGJs
eJjy6AbJo0CGIwp6HJbTm4CmOUgXnnDAIbEGTIRImkZFH/rzneIeR7oZ77FVwxr1
CZB2gfRCov/yRPbw8vnryYkmvQ7D/ze3j5097vRg/MoDGBSdoOwcmo75vyofr0AS
zytMjmHYyifqkf5slPropSiJeGf4p/7gtKyF6dE/XQKBgQDVAlJ+4U5ZVGOuDc3+
sAhz8CTzgFNlq9vKuSoFK6hOz2L+cwj+E7NXGkOe2DsHHZNy2Xqxk7caKhPEp1z9
hhpMpyLVMoFt6CKemyoRBWDCQwLLwem9SZF/IAyovBkLiH36P42Jm26gUkNMKC/5
Zhtqxf6RZgRQzbVudJi47vIRCwKBgQDIh0+v27Oo+DM3fhObH4I1NrXpWOEGH7OQ
G1dEsMuFYF4hjGhg0kBEP3w9vVdl2+mRllZKTsx9oqjb8OibPLLIH8xsdbAB0WLf
JvjLu4wl/ILUzN1RI03dWnnv2EnEeQn6c3hizvrJ9wR5U4ue9RPVnQooJ0hZF1PU
uCL5fWK3MwKBgElReU/PAYbh80WP3t3Rfbdaa32dKBeQ5iCLR5lsA4zM+YgX1HqQ
EWTj126vgvHaDkyz6vWAoL/Sx+cirHFfXWIRDX5Q2hgYlQH+6qXdMgbrxeSYpHnQ
/tHBGFpkFELSAnrGsVMyOwvYBO4LzyeLK9i+ufcWJFoj1FVmsMLHDG8tAoGARdbi
iQQCoYG4DMarO2aQ6cmhN6EN1h0qY7EyBqlwaIZ0okiNfdMcMOjPc41DKCWcRmlO
qlihXcxN9TQFPzO3rH1urAOdBjUPs1qWYhZyrDQyuLyVBBJApyxAtajloDjrob+f
mQIvVDHk7ACN6xG+E7K6+9salnTKbJapD618uQMCgYBNy6XUvzLkP/A1U/UZdtcx
l8GwU/dturLxz4CyGbqDw4ubaYY2e13lnqHUqQgPtiSyH51nq3tdo8G0YAJdfkSv
KvnfslW91fyEBUKnkdW1o3/1UFU/wprZ7ixVL/F42A4xDu7OFE8EnweJOZ0jWceE
OdhCkaIGBCfRnlECRK8UyQ==
-----END EXAMPLE KEY-----"""
REQUEST_BODY = (
    '{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"Image形象店-深圳腾大-QQ公仔",'
    '"out_trade_no":"1217752501201407033233368018","notify_url":"https://www.weixin.qq.com/wxpay/pay.php",'
    '"amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}'
)
REQUEST_SIGNATURE = (
    "jnks4dlrPw3ZX+ozVvSK39oa0t7OMBsg83BHAwd8BRdUFiVaQNTLTvci+wURgP1OQBbKYhFGvt7iqYpDSTQkp7Uq1sltaQKyncCyrA1g88m5bsKE"
    "RQfPyT0ahSwKTYJ1CAn9QiJuSJRq1QsQs07eehbU/k9BCS51jTyc1Jpsi2H77HF9f/BnjXAOP3/sPObg6V5Ee4EzwLox684hhuMuIwHo7D8KFk3L"
    "IHOKDcNI4It1aCXydFWNpNK+SG86VUDe5kwoDpw4Ulqfu9z8OFDGbDs9TCxEv8iqQzbpxOlEVoOe2kalSYM5kApQb3nZcxdUtoE0liJGW3RGUNE0"
    "t4v01A=="
)
BRIDGE_SIGNATURE = (
    "mI35pfNEQV6777ke/1T+LJLQDNTm7yeoUJH+j/adPGhmCCi0PbgkvYQTRcXH0uibcLVtvFLdGLpmoYO9FV6lBBsTAjuhh5YOvQi0e2g3e0yytitiN"
    "ET9FEuqM0pjnKfRW4K6LIZDdbWJv9KhZUx3DrJa5TL7OJ7VdADVivxVySIlPVKjGwuCXzuXSJes0UcILgWQUMyha5/3nYofuHtS7r+KYyMuxD+oJ9"
    "VM1Qdxk4UIG59CP5Y3wtYIFybyF3bdu1caHTRRX+DLyMXyYA/IrTmiW01c4RPjpHBX5Dk1sZyY1zVsWNsvMHr2e1NTWtBxKJ+qk5N61J7caYoepHF"
    "axw=="
)

ANSWER_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwXNI6sdlknHBnK8Fu2U6
Cwor9qY747jP8KAfeBMeveEt1TqaHkLfaSD07trZLhGpfs8/AHqjhgSMO1O10YQW
OrrJ4hjIWPKqxbgrYMkBQc+mwdiWp4W3ByCqxBRagCveCXRWCmuJYovl9H/bsDI0
iGbpVtEOghJtfciisYSgxcLufUDTRkvwxjIBK1pCRjk33jJ5YTBWTHMRtMAOcFLN
F6hdEYdX8SPsgHHeLZ5Lv2T/686w1xtgCHef/sd4uSfWmyzsalQdHG/e4IyYmrhx
+O3VBoNDzE3nx23bFeV/RVNCG7cV6VhmYokJNHa/erIPkEmEFID6A5wQOXuxUkmJ
WwIDAQAB
-----END PUBLIC KEY-----"""
ANSWER_KEYS: dict[str, Any] = {
    "PUB_KEY_ID_0000000000000024101100397200000006": load_pem_public_key(ANSWER_KEY.encode())
}
ANSWER_BODY = b'{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}'
ANSWER_HEADERS = {
    "Wechatpay-Nonce": "d824f2e086d3c1df967785d13fcd22ef",
    "Wechatpay-Signature": (
        "mfI1CPqvBrgcXfgXMFjdNIhBf27ACE2YyeWsWV9ZI7T7RU0vHvbQpu9Z32ogzc+k8ZC5n3kz7h70eWKjgqNdKQF0eRp8mVKlmfzMLBVHbssB9jE"
        "ZEDXThOX1XFqX7s7ymia1hoHQxQagPGzkdWxtlZPZ4ZPvr1RiqkgAu6Is8MZgXXrRoBKqjmSdrP1N7uxzJ/cjfSiis9FiLjuADoqmQ1P7p2N876"
        "YPAol7Rn0+GswwAwxldbdLrmVSjfytfSBJFqTMHn4itojgxSWWN1byuckQt8hSTEv/Lg97QoeGniYP17T80pJeQyL3b+295FPHSO2AtvCgyIbKM"
        "Z0BALilAA=="
    ),
    "Wechatpay-Timestamp": "1722850421",
    "Wechatpay-Serial": "PUB_KEY_ID_0000000000000024101100397200000006",
    "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
}

NOTICE_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIDVzCCAj+gAwIBAgIJANfOWdH1ItcBMA0GCSqGSIb3DQEBCwUAMEIxCzAJBgNV
BAYTAlhYMRUwEwYDVQQHDAxEZWZhdWx0IENpdHkxHDAaBgNVBAoME0RlZmF1bHQg
Q29tcGFueSBMdGQwHhcNMjEwNDI3MDg1NTIzWhcNMzEwNDI1MDg1NTIzWjBCMQsw
CQYDVQQGEwJYWDEVMBMGA1UEBwwMRGVmYXVsdCBDaXR5MRwwGgYDVQQKDBNEZWZh
dWx0IENvbXBhbnkgTHRkMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA
2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXag
HQ4vGeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOm
DeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDGUUK65E5h2B83
4uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGf
y8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVRbF14AR73xbnd8N0obCWJPCbzMCtk
aSef4FdEEgEXJiw0VAJT8wIDAQABo1AwTjAdBgNVHQ4EFgQUT1c7nd/SUO76HSoZ
umNUJv1R5PwwHwYDVR0jBBgwFoAUT1c7nd/SUO76HSoZumNUJv1R5PwwDAYDVR0T
BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAfTjxKRQMzNB/U6ZoCUS+BSNfa2Oh
0plMN6ZuzwiVVZwg1jywvv5yv04koS7Pd4i9E4gt9ZBUQXlpq+A3oOCEEHNRR6b2
kyazGRM7s0OP5X21WrbpSmKmU6K7hkfx30yYs08LVs/Q8DIhvaj1FCFeJzUCzYn/
fHMq4tsbKO0dKAeydPM/nrUZBmaYQVKMVOORGLFjFKVO7JV6Kq/R86ouhjEPgJOe
2xulNBUcjicqtZlBdEh/PWCYP2SpGVDclKm8jeo175T3EVAkdKzzmfpxtMmnMlmq
cTJOU9TxuGvNASMtjj7pYIerTx+xgZDXEVBWFW9PjJ0TV06tCRsgSHItgg==
-----END CERTIFICATE-----"""
NOTICE_KEYS: dict[str, Any] = {
    "D7CE59D1F522D701": x509.load_pem_x509_certificate(NOTICE_CERTIFICATE.encode()).public_key()
}
NOTICE_AT = datetime.fromtimestamp(1_624_523_846, UTC)
NOTICE_API_KEY = "testMchAPIv3Key0"
NOTICE_HEADERS = {
    "Content-Type": "application/json",
    "Wechatpay-Nonce": "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz",
    "Wechatpay-Timestamp": "1624523846",
    "Wechatpay-Serial": "D7CE59D1F522D701",
    "Wechatpay-Signature": (
        "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXFlbYZTOQrVdG4b6LfTnK4mikv9+"
        "+ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR//rxELLwXvV1VEA1IBLX70xptjL8hrfUjEE8kkry6yNJTHZRU8C"
        "Ac7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI/jS2laKKgYUmfdEdkNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRAC"
        "rFmtxw2Q=="
    ),
}
NOTICE_BODY = (
    '{"id":"3119dfba-e649-5eec-ab1e-3412bc4d2e17","create_time":"2021-06-24T16:37:26+08:00",'
    '"resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_OPEN_SERVICE","summary":"签约成功",'
    '"resource":{"original_type":"payscore","algorithm":"AEAD_AES_256_GCM",'
    '"ciphertext":"YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZttevRMOoP'
    "KMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTOcgSLgh21YJXYR7dEBXFgRLiNIKR"
    'gO5JdXh1hccRUAlyVWxE54PXpnQ==","associated_data":"payscore","nonce":"Kj7QIyUiYx1q"}}'
).encode()
NOTICE_CONTENT = {
    "mchid": "1234567890",
    "appid": "054aa7d7a2a54ab5898df65bd96f001c",
    "create_time": "2020-06-30T12:12:00+08:00",
    "out_contract_code": "21640bdbd08e473e828f3206a2741c6e",
}


@pytest.fixture(scope="module")
def documented() -> wechat_pay.WeChatPay:
    """The merchant of the documents' examples."""
    key = EXAMPLE_KEY.replace("EXAMPLE KEY", "PRIVATE KEY")
    settings = pay_settings(
        "https://api.mch.weixin.qq.com", OLD, wechat_pay_private_key=key, wechat_pay_mchid="1900007291"
    )
    gateway = wechat_pay.from_settings(settings)
    assert gateway is not None
    return gateway


def test_a_request_is_signed_as_in_the_documents(documented: wechat_pay.WeChatPay) -> None:
    calls: SignedCalls = documented._calls
    header = calls.authorization("POST", "/v3/pay/transactions/jsapi", REQUEST_BODY, AT, NONCE)
    assert header == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="1900007291",nonce_str="{NONCE}",signature="{REQUEST_SIGNATURE}",'
        f'timestamp="1554208460",serial_no="{OUR_SERIAL}"'
    )


def test_the_bridge_is_signed_as_in_the_documents(documented: wechat_pay.WeChatPay) -> None:
    given = documented.bridge_parameters(
        "wx2421b1c4370ec43b", "wx201410272009395522657a690389285100", at=AT, nonce=NONCE
    )
    assert given["paySign"] == BRIDGE_SIGNATURE


def test_the_documents_answer_under_a_public_key_is_verified() -> None:
    at = datetime.fromtimestamp(1_722_850_421, UTC)
    verify(ANSWER_KEYS, ANSWER_HEADERS, ANSWER_BODY, at)
    with pytest.raises(Unverified, match="signature"):
        verify(ANSWER_KEYS, ANSWER_HEADERS, ANSWER_BODY.replace(b"Iz1", b"Iz2"), at)
    with pytest.raises(Unverified, match="age"):
        verify(ANSWER_KEYS, ANSWER_HEADERS, ANSWER_BODY, datetime(2026, 11, 24, tzinfo=UTC))


def test_the_official_librarys_notice_is_verified_and_decrypted() -> None:
    """It is signed under a certificate, its text is Chinese, and it is about another product."""
    envelope, content = reading.opened(NOTICE_KEYS, NOTICE_API_KEY, NOTICE_HEADERS, NOTICE_BODY, NOTICE_AT)
    assert envelope["id"] == "3119dfba-e649-5eec-ab1e-3412bc4d2e17"
    assert envelope["summary"] == "签约成功"
    assert content == NOTICE_CONTENT
    with pytest.raises(NoticeRefused, match="event"):
        reading.notice(NOTICE_KEYS, NOTICE_API_KEY, NOTICE_HEADERS, NOTICE_BODY, NOTICE_AT)
    with pytest.raises(NoticeRefused, match="signature"):
        reading.opened(
            NOTICE_KEYS, NOTICE_API_KEY, NOTICE_HEADERS, json.dumps(json.loads(NOTICE_BODY)).encode(), NOTICE_AT
        )


@pytest.mark.parametrize(
    ("key", "associated_data", "nonce", "ciphertext", "plain"),
    [
        (
            "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb",
            "associatedData",
            "uluk4a9R25RW",
            "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=",
            b"message",
        ),
        (
            "testAPIv3Key0000",
            "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
            "wCq51qZv4Yfg",
            "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
            b"Hello World",
        ),
    ],
    ids=["java", "go"],
)
def test_the_official_libraries_ciphertexts_are_decrypted(
    key: str, associated_data: str, nonce: str, ciphertext: str, plain: bytes
) -> None:
    resource = {"associated_data": associated_data, "nonce": nonce, "ciphertext": ciphertext}
    assert reading.decrypted(key, resource) == plain
    with pytest.raises(InvalidTag):
        reading.decrypted(key, {**resource, "associated_data": "bad"})
    with pytest.raises(InvalidTag):
        reading.decrypted(key[::-1], resource)


@pytest.mark.parametrize("packed", [False, True])
def test_the_official_bill_is_read_to_its_totals(packed: bool) -> None:
    raw = gzip.compress(BILL) if packed else BILL
    lines = list(checked(raw, hashlib.sha1(BILL).hexdigest(), TRADE_BILL))
    refunds = [line for line in lines if line.refund_number]
    assert (len(lines), len(refunds)) == (45, 14)
    assert sum(line.amount_fen for line in lines) == 47
    assert sum(line.refund_fen for line in refunds) == 14
    assert {line.refund_status for line in refunds} == {"SUCCESS"}
    first = lines[0]
    assert (first.number, first.refund_number) == ("autotest_20190216081946_82335", "REF4200000263201902167700963919")
    assert first.at == datetime(2019, 2, 18, 21, 1, 46, tzinfo=UTC)
    third = lines[2]
    assert (third.amount_fen, third.fee_fen, third.status) == (3, 1, "SUCCESS")


def test_the_official_bill_with_one_line_lost_is_refused() -> None:
    rows = BILL.splitlines(keepends=True)
    shorter = b"".join(rows[:5] + rows[6:])
    with pytest.raises(OutcomeUnknown, match="STATEMENT_DAMAGED"):
        list(checked(shorter, hashlib.sha1(shorter).hexdigest(), TRADE_BILL))
