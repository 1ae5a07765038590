"""WeChat Pay API v3 for a direct merchant: JSAPI, H5 and Native by wechatpayv3 (reference/wechatpay.md)."""

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from wechatpayv3 import WeChatPay as Library
from wechatpayv3 import WeChatPayType

from backend.core import clock
from backend.core.config import Settings
from payments.gateways import wechat_pay_reading as reading
from payments.gateways.base import (
    AlreadyPaid,
    BalanceShort,
    Busy,
    Channel,
    ChannelNotice,
    GatewayError,
    Launch,
    NumberTaken,
    OrderClosed,
    OutcomeUnknown,
    PayAnswer,
    PayOrder,
    PayStatus,
    RefundAnswer,
    RefundImpossible,
    RefundOrder,
    RefundStatus,
    Scene,
    StatementLine,
    StatementNotReady,
)
from payments.gateways.wechat_pay_account import account
from payments.gateways.wechat_pay_statement import TRADE_BILL, checked
from payments.gateways.wechat_pay_wire import Account, SignedCalls

Answer = TypeVar("Answer", PayAnswer, RefundAnswer)

DESCRIPTION_LENGTH = 127
REASON_LENGTH = 80
NUMBER = re.compile(r"[A-Za-z0-9_-]{6,32}")
REFUND_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")

PRODUCTS = {
    Scene.JSAPI: WeChatPayType.JSAPI,
    Scene.H5: WeChatPayType.H5,
    Scene.NATIVE: WeChatPayType.NATIVE,
}


class Absent(GatewayError):
    """There is no such order, refund or bill: a normal answer to a question."""


ABSENT = frozenset({"ORDERNOTEXIST", "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "NO_STATEMENT_EXIST"})
REFUSALS: dict[str, type[GatewayError]] = {
    **dict.fromkeys(ABSENT, Absent),
    "ORDERPAID": AlreadyPaid,
    "ORDER_PAID": AlreadyPaid,
    "OUT_TRADE_NO_USED": NumberTaken,
    "ORDERCLOSED": OrderClosed,
    "ORDER_CLOSED": OrderClosed,
    "NOTENOUGH": BalanceShort,
    "NOT_ENOUGH": BalanceShort,
    "FREQUENCY_LIMITED": Busy,
    "RATELIMIT_EXCEEDED": Busy,
    "STATEMENT_CREATING": StatementNotReady,
}
"""Code → what the books do about it; two spellings are in circulation (§10). Others are a plain GatewayError."""
REFUND_REFUSALS: dict[str, type[GatewayError]] = {
    # A refund asked right after the payment: the same request works a little later.
    **dict.fromkeys(ABSENT, Busy),
    "INVALID_REQUEST": RefundImpossible,
    "USER_ACCOUNT_ABNORMAL": RefundImpossible,
    "ACCOUNTERROR": RefundImpossible,
    "ACCOUNT_ERROR": RefundImpossible,
}
OTHER_DATA = ("重入", "不一致")
"""Words of an INVALID_REQUEST that means: this number was used with other data."""
BUGS = frozenset({"OPENID_MISMATCH", "INVALID_TRANSACTIONID"})
"""Codes that are our mistake although they come with status 500."""


def from_settings(settings: Settings) -> "WeChatPay | None":
    """The merchant in the settings, None when the channel is off. Raises ConfigError."""
    found = account(settings)
    return WeChatPay(found) if found else None


class WeChatPay:
    """One merchant at WeChat Pay; see `Gateway` for what the methods promise."""

    channel = Channel.WECHAT_PAY

    def __init__(self, merchant: Account) -> None:
        self.merchant_id = merchant.merchant_id
        self._account = merchant
        self._calls = SignedCalls(merchant)
        self._library = _library(merchant, self._calls)

    def open(self, order: PayOrder) -> Launch:
        product = PRODUCTS.get(order.scene)
        if product is None:
            raise GatewayError(self.channel, "SCENE", str(order.scene))
        _check(NUMBER, order.number)
        answer = self._call(
            self._library.pay,
            description=order.description[:DESCRIPTION_LENGTH],
            out_trade_no=order.number,
            amount=_amount(total=order.amount_fen),
            payer={"openid": _openid(order)} if order.scene is Scene.JSAPI else None,
            time_expire=clock.civil(order.expires_at).isoformat(timespec="seconds"),
            scene_info=_scene_info(order),
            appid=order.app_id,
            pay_type=product,
        )
        return self._launch(order, answer)

    def _launch(self, order: PayOrder, answer: Mapping[str, Any]) -> Launch:
        try:
            if order.scene is Scene.JSAPI:
                prepay_id = str(answer["prepay_id"])
                return Launch(parameters=self.bridge_parameters(order.app_id, prepay_id), reference=prepay_id)
            if order.scene is Scene.H5:
                back = f"&redirect_url={quote(order.return_url, safe='')}" if order.return_url else ""
                return Launch(url=str(answer["h5_url"]) + back)
            return Launch(qr=str(answer["code_url"]))
        except KeyError:
            raise OutcomeUnknown(self.channel, "BODY") from None

    def bridge_parameters(
        self, app_id: str, prepay_id: str, *, at: datetime | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """What WeixinJSBridge and `wx.requestPayment` take, signed with the merchant's key (§7.2)."""
        timestamp = str(int((at or clock.now()).timestamp()))
        nonce = nonce or secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        return {
            "appId": app_id,
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._calls.sign([app_id, timestamp, nonce, package]),
        }

    def query(self, number: str) -> PayAnswer:
        _check(NUMBER, number)
        try:
            found = self._call(self._library.query, out_trade_no=number)
        except Absent:
            return PayAnswer(number, PayStatus.ABSENT)
        answer = self._read(reading.transaction, found)
        return self._about(number, answer)

    def close(self, number: str) -> None:
        _check(NUMBER, number)
        try:
            self._call(self._library.close, out_trade_no=number)
        except (OrderClosed, Absent):
            return

    def refund(self, order: RefundOrder) -> RefundAnswer:
        _check(NUMBER, order.pay_number)
        _check(REFUND_NUMBER, order.number)
        answer = self._call(
            self._library.refund,
            REFUND_REFUSALS,
            out_refund_no=order.number,
            out_trade_no=order.pay_number,
            amount=_amount(refund=order.amount_fen, total=order.total_fen),
            reason=order.reason[:REASON_LENGTH],
        )
        return self._about(order.number, self._read(reading.refund, answer))

    def query_refund(self, number: str, pay_number: str) -> RefundAnswer:
        _check(REFUND_NUMBER, number)
        try:
            found = self._call(self._library.query_refund, out_refund_no=number)
        except Absent:
            return RefundAnswer(number, RefundStatus.ABSENT, pay_number)
        return self._about(number, self._read(reading.refund, found))

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ChannelNotice:
        return reading.notice(self._account.keys, self._account.api_key, headers, body, now)

    def statement(self, day: date) -> Iterator[StatementLine]:
        try:
            found = self._call(self._library.trade_bill, bill_date=day.isoformat())
        except Absent:
            return iter(())
        address, digest = found.get("download_url"), found.get("hash_value")
        if not isinstance(address, str) or not address.startswith(self._account.base + "/") or not digest:
            raise OutcomeUnknown(self.channel, "BODY")
        status, file = self._library.download_bill(address)
        if not isinstance(file, bytes):
            raise self._refusal(status, file, {})
        return checked(file, str(digest), TRADE_BILL)

    def _call(
        self,
        endpoint: Callable[..., tuple[int, str]],
        refusals: Mapping[str, type[GatewayError]] | None = None,
        **values: Any,
    ) -> dict[str, Any]:
        """The verified object that an endpoint answers, empty for 204. Raises GatewayError."""
        status, text = endpoint(**values)
        if not 200 <= status < 300:
            raise self._refusal(status, text, refusals or {})
        if status == 204:
            return {}
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise OutcomeUnknown(self.channel, "BODY")
        return answer

    def _refusal(self, status: int, text: str, refusals: Mapping[str, type[GatewayError]]) -> GatewayError:
        """Refusals are not signed, so only a code that the documents know counts as one."""
        try:
            body = json.loads(text)
            code, message = str(body["code"]), str(body.get("message", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            code, message = f"HTTP_{status}", ""
        if status == 429:
            return Busy(self.channel, code, message)
        if status >= 500 and code not in BUGS:
            return OutcomeUnknown(self.channel, code, message)
        if status < 400 or code.startswith("HTTP_"):
            return OutcomeUnknown(self.channel, code)
        if code == "INVALID_REQUEST" and any(words in message for words in OTHER_DATA):
            return NumberTaken(self.channel, code, message)
        return {**REFUSALS, **refusals}.get(code, GatewayError)(self.channel, code, message)

    def _read(self, read: Callable[[Mapping[str, Any]], Answer], content: Mapping[str, Any]) -> Answer:
        try:
            return read(content)
        except reading.Unreadable:
            raise OutcomeUnknown(self.channel, "BODY") from None

    def _about(self, number: str, answer: Answer) -> Answer:
        """An answer about another number is no answer."""
        if answer.number != number:
            raise OutcomeUnknown(self.channel, "OTHER_NUMBER")
        return answer


def _library(merchant: Account, calls: SignedCalls) -> Any:
    """The library's client on our transport. Its constructor wants a key, else it downloads certificates."""
    key_id, key = next(iter(merchant.keys.items()))
    client = Library(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=merchant.merchant_id,
        private_key=merchant.private_key,
        cert_serial_no=merchant.serial,
        appid="",
        apiv3_key=merchant.api_key,
        notify_url=merchant.notice_url,
        public_key=key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        public_key_id=key_id,
    )
    client._core = calls
    return client


def _openid(order: PayOrder) -> str:
    if not order.openid:
        raise ValueError("JSAPI needs the payer's openid at this app id")
    return order.openid


def _scene_info(order: PayOrder) -> dict[str, Any]:
    scene: dict[str, Any] = {"payer_client_ip": order.client_ip}
    if order.scene is Scene.H5:
        scene["h5_info"] = {"type": "Wap"}
    return scene


def _amount(**fens: int) -> dict[str, int | str]:
    """Whole fen of at least 1. Raises ValueError: 600.0 and true are no amounts (A5)."""
    for fen in fens.values():
        if type(fen) is not int or fen < 1:
            raise ValueError("an amount is a whole number of fen")
    return {**fens, "currency": "CNY"}


def _check(pattern: re.Pattern[str], number: str) -> None:
    """The library puts numbers into paths as they are. Raises ValueError."""
    if not pattern.fullmatch(number):
        raise ValueError("not a number of ours")
