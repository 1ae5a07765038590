"""WeChat's message push on the wire: signature, freshness, encryption, XML. Knows no database and no web framework."""

import hashlib
import hmac
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException

from backend.core import clock, crypto
from backend.core.config import Settings, comma_separated

FRESH = timedelta(minutes=5)
MAX_BYTES = 64 * 1024
_MARKUP_DECLARATION = re.compile(r"<!(?!\[CDATA\[)")
"""A DTD, an entity or a comment: WeChat sends none."""


class NotFromWeChat(Exception):
    """The push is not signed by WeChat, is too old, or is not what WeChat sends."""


@dataclass(frozen=True)
class Account:
    """Which account a push is for, and its secrets: the newest key first, none for plain messages."""

    name: str
    appid: str
    token: str
    aes_keys: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


@dataclass(frozen=True)
class Push:
    """One message or event. `reply_key` is the key it came with, empty for a plain one."""

    fields: Mapping[str, Any]
    reply_key: str

    def text(self, name: str) -> str:
        """A field as text, empty when WeChat sent none."""
        value = self.fields.get(name)
        return "" if value is None or isinstance(value, dict | list) else str(value).strip()

    def listed(self, container: str) -> list[Mapping[str, Any]]:
        """The items of an event: one comes as itself, several as a list."""
        inner = self.fields.get(container) or self.fields
        found = inner.get("List") or []
        return [item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict)]


def account_of(settings: Settings, name: str) -> Account:
    """The push settings of `official` or `mini`."""
    keys: str = getattr(settings, f"wechat_{name}_aes_keys")
    return Account(
        name=name,
        appid=getattr(settings, f"wechat_{name}_appid"),
        token=getattr(settings, f"wechat_{name}_token"),
        aes_keys=tuple(comma_separated(keys)),
    )


def check(account: Account, signature: str, timestamp: str, nonce: str, *signed: str) -> None:
    """Raises NotFromWeChat unless the signature covers these values and the timestamp is at most 5 minutes away."""
    if not account.token:
        raise NotFromWeChat("no token is set")
    if not hmac.compare_digest(sign(account.token, timestamp, nonce, *signed).encode(), signature.encode()):
        raise NotFromWeChat("signature")
    if not timestamp.isdecimal() or abs(clock.now().timestamp() - int(timestamp)) > FRESH.total_seconds():
        raise NotFromWeChat("timestamp")


def sign(*values: str) -> str:
    """SHA-1 hex of the sorted values joined, as WeChat defines it."""
    return hashlib.sha1("".join(sorted(values)).encode(), usedforsecurity=False).hexdigest()


def opened(account: Account, query: Mapping[str, str], body: bytes) -> Push:
    """Check and decrypt one push. An account with a key takes no plain messages. Raises NotFromWeChat."""
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not account.aes_keys:
        check(account, query.get("signature", ""), timestamp, nonce)
        return Push(parsed(body), "")
    encrypted = parsed(body).get("Encrypt")
    if not isinstance(encrypted, str):
        raise NotFromWeChat("not encrypted")
    check(account, query.get("msg_signature", ""), timestamp, nonce, encrypted)
    for key in account.aes_keys:
        text = _decrypted(account, key, encrypted, query.get("msg_signature", ""), timestamp, nonce)
        if text is not None:
            return Push(parsed(text.encode()), key)
    raise NotFromWeChat("encryption")


def _decrypted(account: Account, key: str, encrypted: str, signature: str, timestamp: str, nonce: str) -> str | None:
    """None when this key, or another account's appid, is not the right one."""
    try:
        found: str = WeChatCrypto(account.token, key, account.appid).decrypt_message(
            {"Encrypt": encrypted}, signature, timestamp, nonce
        )
    except (ValueError, IndexError, struct.error, InvalidAppIdException):
        return None
    return found


def parsed(body: bytes) -> Mapping[str, Any]:
    """XML or JSON as a mapping, without DTD and entities. Raises NotFromWeChat."""
    if len(body) > MAX_BYTES:
        raise NotFromWeChat("too large")
    try:
        text = body.decode()
        if text.lstrip().startswith("{"):
            found = json.loads(text)
        elif _MARKUP_DECLARATION.search(text):
            raise NotFromWeChat("declaration")
        else:
            found = xmltodict.parse(text).get("xml")
    except (ValueError, ExpatError, RecursionError):
        raise NotFromWeChat("not parseable") from None
    if not isinstance(found, dict):
        raise NotFromWeChat("no message")
    return found


def reply(account: Account, push: Push, text: str, *, nonce: str) -> str:
    """The XML that answers a push with a text message, encrypted with the key that it came with."""
    now = str(int(clock.now().timestamp()))
    content = text.replace("]]>", "]] >")
    xml = (
        f"<xml><ToUserName><![CDATA[{push.text('FromUserName')}]]></ToUserName>"
        f"<FromUserName><![CDATA[{push.text('ToUserName')}]]></FromUserName>"
        f"<CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[{content}]]></Content></xml>"
    )
    if not push.reply_key:
        return xml
    sealed: str = WeChatCrypto(account.token, push.reply_key, account.appid).encrypt_message(xml, nonce, now)
    return sealed


def identity(account: Account, push: Push) -> bytes:
    """What tells this push from every other: its MsgId, else sender, second, event and what the event is about."""
    number = push.text("MsgId")
    parts = (
        (number,)
        if number
        else tuple(push.text(name) for name in ("FromUserName", "CreateTime", "Event", "EventKey", "MsgID"))
    )
    return crypto.token_hash("\n".join((account.name, *parts)))
