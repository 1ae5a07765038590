"""WeChat's published examples pass through our code, and nothing else does."""

from datetime import UTC, datetime

import pytest
from wechatpy.crypto import WeChatCrypto

from backend.official import envelope
from backend.official.envelope import Account, NotFromWeChat
from tests.conftest import Clock

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ACCOUNT = Account("official", "wx2c2769f8efd9abc2", "spamtest", (KEY,))
QUERY = {
    "timestamp": "1409735669",
    "nonce": "1320562132",
    "msg_signature": "5d197aaffba7e9b25a30732f161a50dee96bd5fa",
}
ENCRYPTED = (
    "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5"
    "GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xM"
    "ezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uB"
    "l9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE="
)
BODY = f"<xml><ToUserName><![CDATA[gh_10f6c3c3ac5a]]></ToUserName><Encrypt><![CDATA[{ENCRYPTED}]]></Encrypt></xml>"


@pytest.fixture(autouse=True)
def then(clock: Clock) -> Clock:
    """The moment of the published example."""
    clock.set(datetime.fromtimestamp(1409735669, UTC))
    return clock


def test_the_published_message_is_opened() -> None:
    push = envelope.opened(ACCOUNT, QUERY, BODY.encode())
    assert dict(push.fields) == {
        "ToUserName": "gh_10f6c3c3ac5a",
        "FromUserName": "oyORnuP8q7ou2gfYjqLzSIWZf0rs",
        "CreateTime": "1409735668",
        "MsgType": "text",
        "Content": "abcdteT",
        "MsgId": "6054768590064713728",
    }


def test_an_older_key_opens_too_and_answers_with_itself() -> None:
    rotated = Account(ACCOUNT.name, ACCOUNT.appid, ACCOUNT.token, ("x" * 42 + "A", KEY))
    push = envelope.opened(rotated, QUERY, BODY.encode())
    assert push.reply_key == KEY
    answer = envelope.parsed(envelope.reply(rotated, push, "你好 ]]> 再见", nonce="n1").encode())
    xml = WeChatCrypto(ACCOUNT.token, KEY, ACCOUNT.appid).decrypt_message(
        {"Encrypt": answer["Encrypt"]}, answer["MsgSignature"], answer["TimeStamp"], answer["Nonce"]
    )
    said = envelope.parsed(xml.encode())
    assert (said["ToUserName"], said["FromUserName"]) == ("oyORnuP8q7ou2gfYjqLzSIWZf0rs", "gh_10f6c3c3ac5a")
    assert said["Content"] == "你好 ]] > 再见"


@pytest.mark.parametrize(
    ("account", "query", "body"),
    [
        (ACCOUNT, {**QUERY, "msg_signature": "0" * 40}, BODY),
        (ACCOUNT, {**QUERY, "msg_signature": "签名"}, BODY),
        (ACCOUNT, {**QUERY, "nonce": "1"}, BODY),
        (ACCOUNT, {}, BODY),
        (ACCOUNT, QUERY, BODY.replace("hyzA", "hyzB")),
        (ACCOUNT, QUERY, "<xml><MsgType>text</MsgType></xml>"),
        (Account("official", "wx-another", "spamtest", (KEY,)), QUERY, BODY),
        (Account("official", ACCOUNT.appid, "spamtest", ("B" * 43,)), QUERY, BODY),
        (Account("official", ACCOUNT.appid, "", (KEY,)), QUERY, BODY),
    ],
)
def test_anything_else_is_refused(account: Account, query: dict[str, str], body: str) -> None:
    with pytest.raises(NotFromWeChat):
        envelope.opened(account, query, body.encode())


def test_an_old_push_is_refused(then: Clock) -> None:
    then.advance(minutes=6)
    with pytest.raises(NotFromWeChat):
        envelope.opened(ACCOUNT, QUERY, BODY.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><a>&a;</a></xml>',
        b"<!DOCTYPE x SYSTEM 'http://127.0.0.1/x'><xml/>",
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><xml/>'.encode("utf-16"),
        b"<xml>" + b"a" * envelope.MAX_BYTES + b"</xml>",
        b"<xml><a></xml>",
        b"<xml/>",
        b"<other><a>1</a></other>",
        b"",
        b"{",
        b"[1]",
        b"[" * 60_000,
        b"\xff\xfe",
    ],
)
def test_no_trick_with_xml_passes(body: bytes) -> None:
    with pytest.raises(NotFromWeChat):
        envelope.parsed(body)


def test_one_item_and_several_read_alike() -> None:
    one = "<List><TemplateId>a</TemplateId></List>"
    for number in (1, 2):
        body = f"<xml><SubscribeMsgSentEvent>{one * number}</SubscribeMsgSentEvent></xml>"
        push = envelope.Push(envelope.parsed(body.encode()), "")
        assert [item["TemplateId"] for item in push.listed("SubscribeMsgSentEvent")] == ["a"] * number
    flat = envelope.Push(envelope.parsed(b'{"List": {"TemplateId": "a"}}'), "")
    assert [item["TemplateId"] for item in flat.listed("SubscribeMsgSentEvent")] == ["a"]
