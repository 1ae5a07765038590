"""What WeChat Pay says, in the port's words: transactions, refunds and notices (reference/wechatpay.md §§7, 8)."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payments.gateways.base import (
    ChannelNotice,
    NoticeRefused,
    PayAnswer,
    PayStatus,
    RefundAnswer,
    RefundStatus,
)
from payments.gateways.wechat_pay_wire import Unverified, verify

CIPHER = "AEAD_AES_256_GCM"

TRADE_STATES = {
    "SUCCESS": PayStatus.PAID,
    "REFUND": PayStatus.REFUNDED,
    "NOTPAY": PayStatus.PENDING,
    "USERPAYING": PayStatus.PENDING,
    "PAYERROR": PayStatus.PENDING,
    "ACCEPT": PayStatus.PENDING,
    "CLOSED": PayStatus.CLOSED,
    "REVOKED": PayStatus.CLOSED,
}
REFUND_STATES = {
    "PROCESSING": RefundStatus.PROCESSING,
    "SUCCESS": RefundStatus.SUCCESS,
    "ABNORMAL": RefundStatus.ABNORMAL,
    "CLOSED": RefundStatus.CLOSED,
}
MONEY_CAME = frozenset({PayStatus.PAID, PayStatus.REFUNDED})
PAYMENT_EVENT = "TRANSACTION.SUCCESS"
REFUND_EVENTS = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})


class Unreadable(ValueError):
    """Signed, but not what the provider's documents promise."""


def transaction(content: Mapping[str, Any]) -> PayAnswer:
    """A transaction as the query and the notice give it. Raises Unreadable, too when a paid one names no money."""
    try:
        amount = content.get("amount", {})
        answer = PayAnswer(
            number=_text(content["out_trade_no"]),
            status=TRADE_STATES[content["trade_state"]],
            app_id=content.get("appid"),
            merchant_id=content.get("mchid"),
            amount_fen=_fen(amount.get("total")),
            payer_fen=_fen(amount.get("payer_total")),
            currency=_text(amount.get("currency", "CNY")),
            transaction_id=content.get("transaction_id"),
            paid_at=_instant(content.get("success_time")),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreadable("transaction") from None
    if answer.status in MONEY_CAME and (not answer.transaction_id or answer.amount_fen is None):
        raise Unreadable("transaction")
    return answer


def refund(content: Mapping[str, Any]) -> RefundAnswer:
    """A refund; its state is `status` in an answer and `refund_status` in a notice. Raises Unreadable."""
    try:
        return RefundAnswer(
            number=_text(content["out_refund_no"]),
            status=REFUND_STATES[content["refund_status"] if "refund_status" in content else content["status"]],
            pay_number=content.get("out_trade_no"),
            amount_fen=_fen(content["amount"]["refund"]),
            refund_id=content.get("refund_id"),
            refunded_at=_instant(content.get("success_time")),
            merchant_id=content.get("mchid"),
        )
    except (KeyError, TypeError, ValueError):
        raise Unreadable("refund") from None


def notice(
    keys: Mapping[str, RSAPublicKey], api_key: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> ChannelNotice:
    """Verify, decrypt and classify a notice, in this order. Raises NoticeRefused."""
    envelope, content = opened(keys, api_key, headers, body, now)
    event = envelope.get("event_type")
    try:
        event_id, sent_at = _text(envelope["id"]), _instant(envelope["create_time"])
        if sent_at is None:
            raise Unreadable("create_time")
        if event == PAYMENT_EVENT:
            return ChannelNotice(event_id, sent_at, payment=transaction(content))
        if event in REFUND_EVENTS:
            return ChannelNotice(event_id, sent_at, refund=refund(content))
    except (KeyError, TypeError, ValueError):
        raise NoticeRefused("content") from None
    raise NoticeRefused("event")


def opened(
    keys: Mapping[str, RSAPublicKey], api_key: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The envelope of a notice and the decrypted resource in it. Raises NoticeRefused."""
    try:
        verify(keys, headers, body, now)
    except Unverified as refused:
        raise NoticeRefused(refused.why, probe=refused.probe) from None
    try:
        envelope = _object(body)
        resource = envelope["resource"]
        if envelope["resource_type"] != "encrypt-resource" or resource["algorithm"] != CIPHER:
            raise NoticeRefused("algorithm")
        return envelope, _object(decrypted(api_key, resource))
    except InvalidTag:
        raise NoticeRefused("decryption") from None
    except (KeyError, TypeError, AttributeError, NotBase64, ValueError):
        raise NoticeRefused("content") from None


def decrypted(api_key: str, resource: Mapping[str, str]) -> bytes:
    """The content of a resource under the APIv3 key. Raises InvalidTag when it is not this key's."""
    return AESGCM(api_key.encode()).decrypt(
        resource["nonce"].encode(),
        b64decode(resource["ciphertext"], validate=True),
        (resource.get("associated_data") or "").encode(),
    )


def _object(text: bytes) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise Unreadable("object")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Unreadable("text")
    return value


def _fen(value: object) -> int | None:
    """Whole fen. A float or a text is no amount."""
    if value is None:
        return None
    if type(value) is not int or value < 0:
        raise Unreadable("amount")
    return value


def _instant(text: object) -> datetime | None:
    if text is None or text == "":
        return None
    at = datetime.fromisoformat(_text(text))
    if at.tzinfo is None:
        raise Unreadable("time without offset")
    return at.astimezone(UTC)
