"""Alipay's notifications: signed forms, repeated for about 25 hours until the answer is the word `success`."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.core import rsa_keys
from payments.gateways.alipay_text import fen, instant
from payments.gateways.base import ChannelNotice, NoticeRefused, PayAnswer, PayStatus, RefundAnswer, RefundStatus

OLDEST = timedelta(hours=26)
"""Repeats end after 25 h 24 min; what is stored by then makes a later replay harmless."""
AHEAD = timedelta(minutes=5)
LONGEST = 64 * 1024
MOST_FIELDS = 100

PAY_STATUS = {
    "WAIT_BUYER_PAY": PayStatus.PENDING,
    "TRADE_SUCCESS": PayStatus.PAID,
    "TRADE_FINISHED": PayStatus.PAID,
    "TRADE_CLOSED": PayStatus.CLOSED,
}
_CHARSETS = {"": "utf-8", "utf-8": "utf-8", "gbk": "gbk"}
_REFUND_MARKS = ("gmt_refund", "refund_fee", "out_biz_no")


def read(body: bytes, keys: Sequence[RSAPublicKey], now: datetime) -> ChannelNotice:
    """Verify the raw form and say what it is. Raises NoticeRefused.

    Cheap checks stand before the RSA one (P21). A partial refund is told with the status of a paid trade, so the
    marks of a refund decide, not the status.
    """
    raw = _form(body)
    signature = raw.get(b"sign", b"").decode("ascii", "replace")
    if raw.get(b"sign_type") != b"RSA2" or not _is_signature(signature, keys):
        raise NoticeRefused("signature")
    sent_at = _sent_at(raw, now)
    if not rsa_keys.verifies(keys, _signed_text(raw), signature):
        raise NoticeRefused("signature")
    fields = _decoded(raw)
    try:
        if fields["notify_type"] != "trade_status_sync":
            raise NoticeRefused("type")
        refund = any(fields.get(name) for name in _REFUND_MARKS)
        return ChannelNotice(
            fields["notify_id"],
            sent_at,
            payment=None if refund else payment(fields),
            refund=_refund(fields) if refund else None,
        )
    except (KeyError, ValueError):
        raise NoticeRefused("fields") from None


def payment(fields: dict[str, str]) -> PayAnswer:
    """What a notification or an answer says of a trade. Raises KeyError, ValueError.

    A closed trade with a time of payment was paid once and went back in full.
    """
    status = PAY_STATUS[fields["trade_status"]]
    paid_at = fields.get("gmt_payment") or fields.get("send_pay_date")
    if status is PayStatus.CLOSED and paid_at:
        status = PayStatus.REFUNDED
    paid = status in {PayStatus.PAID, PayStatus.REFUNDED}
    return PayAnswer(
        number=fields["out_trade_no"],
        status=status,
        app_id=fields.get("app_id"),
        merchant_id=fields.get("seller_id"),
        amount_fen=fen(fields["total_amount"]),
        payer_fen=fen(fields["buyer_pay_amount"]) if paid and fields.get("buyer_pay_amount") else None,
        currency=fields.get("trans_currency") or "CNY",
        transaction_id=fields["trade_no"],
        paid_at=instant(paid_at) if paid and paid_at else None,
        refundable=fields["trade_status"] != "TRADE_FINISHED",
    )


def _refund(fields: dict[str, str]) -> RefundAnswer:
    """`refund_fee` counts every refund of the trade together, so it says nothing about this one."""
    done = fields.get("gmt_refund")
    return RefundAnswer(
        number=fields.get("out_biz_no") or fields["out_trade_no"],
        status=RefundStatus.SUCCESS if done else RefundStatus.PROCESSING,
        pay_number=fields["out_trade_no"],
        refunded_at=instant(done) if done else None,
        app_id=fields.get("app_id"),
        merchant_id=fields.get("seller_id"),
    )


def _sent_at(raw: dict[bytes, bytes], now: datetime) -> datetime:
    try:
        sent_at = instant(raw.get(b"notify_time", b"").decode("ascii"))
    except ValueError:
        raise NoticeRefused("fields") from None
    if not -AHEAD <= now - sent_at <= OLDEST:
        raise NoticeRefused("age")
    return sent_at


def _form(body: bytes) -> dict[bytes, bytes]:
    """Names and values, decoded once and still bytes: the signature is over bytes, whatever their charset (P18)."""
    pairs = body.split(b"&")
    if len(body) > LONGEST or len(pairs) > MOST_FIELDS:
        raise NoticeRefused("size")
    fields: dict[bytes, bytes] = {}
    for pair in pairs:
        name, _, value = (unquote_to_bytes(part.replace(b"+", b" ")) for part in pair.partition(b"="))
        if name in fields:
            raise NoticeRefused("repeated")
        fields[name] = value
    return fields


def _signed_text(raw: dict[bytes, bytes]) -> bytes:
    """Every parameter but `sign` and `sign_type`, also those we do not know; empty ones are left out."""
    return b"&".join(
        name + b"=" + value for name, value in sorted(raw.items()) if value and name not in {b"sign", b"sign_type"}
    )


def _decoded(raw: dict[bytes, bytes]) -> dict[str, str]:
    charset = _CHARSETS.get(raw.get(b"charset", b"").decode("ascii", "replace").lower())
    if charset is None:
        raise NoticeRefused("charset")
    try:
        return {name.decode(charset): value.decode(charset) for name, value in raw.items()}
    except UnicodeDecodeError:
        raise NoticeRefused("charset") from None


def _is_signature(text: str, keys: Sequence[RSAPublicKey]) -> bool:
    """Whether the length is right; the rest is for RSA."""
    try:
        length = len(base64.b64decode(text, validate=True))
    except ValueError:
        return False
    return length in {key.key_size // 8 for key in keys}
