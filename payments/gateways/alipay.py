"""Alipay as a channel: the cashier in a browser, queries, refunds, notifications and bills (key mode, RSA2)."""

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from backend.core import http, rsa_keys
from backend.core.config import Settings
from payments.gateways import alipay_notice, alipay_statement
from payments.gateways.alipay_text import beijing, fen, instant, yuan
from payments.gateways.base import (
    AlreadyPaid,
    BalanceShort,
    Busy,
    Channel,
    ChannelNotice,
    GatewayError,
    Launch,
    NumberTaken,
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

if TYPE_CHECKING:
    from payments.gateways.alipay_client import Account, AlipayClient

CALLBACK_PATH = "/callbacks/alipay"
LONGEST_SUBJECT = 256
DOWNLOAD_TIMEOUT_S = 30.0
IN_MEMORY = 8 * 1024**2
LARGEST_DOWNLOAD = 1024**3

_ABSENT = "TRADE_NOT_EXIST"
_NOT_CLOSABLE = {"TRADE_STATUS_ERROR", "REASON_TRADE_STATUS_INVALID", "REASON_ILLEGAL_STATUS"}
_REFUND_ERRORS: dict[str, type[GatewayError]] = {
    "SELLER_BALANCE_NOT_ENOUGH": BalanceShort,
    "DISCORDANT_REPEAT_REQUEST": NumberTaken,
    "TRADE_HAS_FINISHED": RefundImpossible,
    "TRADE_NOT_ALLOW_REFUND": RefundImpossible,
    "TRADE_HAS_CLOSE": RefundImpossible,
    "TRADE_STATUS_ERROR": RefundImpossible,
    "NOT_ALLOW_PARTIAL_REFUND": RefundImpossible,
    "REFUND_AMT_NOT_EQUAL_TOTAL": RefundImpossible,
    "REASON_TRADE_REFUND_FEE_ERR": RefundImpossible,
    _ABSENT: Busy,  # the trade may not have reached the refund system yet: the same request again (A5)
}
_PAYER_GONE = {"BUYER_ERROR", "BUYER_NOT_EXIST"}
_PLAIN_SUBJECT = str.maketrans({"/": "／", "=": "＝", "&": "＆", ",": "，", '"': "＂", "\n": " ", "\r": " "})
"""Signs that Alipay refuses in a subject, and those that would break a line of its bill."""


def from_settings(settings: Settings) -> "Alipay | None":
    """The channel, or None while its app or the collecting account is not set."""
    from payments.gateways.alipay_client import account

    app = account(settings)
    if app is None or not settings.alipay_seller_id:
        return None
    return Alipay(app, settings.alipay_seller_id, notify_url=settings.public_url.rstrip("/") + CALLBACK_PATH)


class Alipay:
    """One merchant account. `merchant_id` is the collecting account's number, `2088…`."""

    channel = Channel.ALIPAY

    def __init__(self, app: "Account", merchant_id: str, *, notify_url: str) -> None:
        self.app_id = app.app_id
        self.merchant_id = merchant_id
        self._app = app
        self._notify_url = notify_url

    def open(self, order: PayOrder) -> Launch:
        """The cashier's address. Nothing is sent: Alipay has the trade once the payer's browser is there."""
        from alipay.aop.api.domain.AlipayTradeWapPayModel import AlipayTradeWapPayModel
        from alipay.aop.api.request.AlipayTradeWapPayRequest import AlipayTradeWapPayRequest

        if order.scene is not Scene.WAP:
            raise ValueError(f"Alipay has no scene {order.scene}")
        model = AlipayTradeWapPayModel()
        model.out_trade_no = order.number
        model.total_amount = yuan(order.amount_fen)
        model.subject = order.description.translate(_PLAIN_SUBJECT)[:LONGEST_SUBJECT]
        model.product_code = "QUICK_WAP_WAY"
        model.time_expire = beijing(order.expires_at)
        model.seller_id = self.merchant_id
        model.quit_url = order.return_url
        request = AlipayTradeWapPayRequest(model)
        request.notify_url = self._notify_url
        request.return_url = order.return_url
        return Launch(url=self._client.page(request))

    def query(self, number: str) -> PayAnswer:
        """What Alipay knows of an order; ABSENT while the payer has not reached the cashier.

        An answer names neither app nor account: Alipay gives a trade only to the app that signed for it.
        """
        from alipay.aop.api.domain.AlipayTradeQueryModel import AlipayTradeQueryModel
        from alipay.aop.api.request.AlipayTradeQueryRequest import AlipayTradeQueryRequest

        model = AlipayTradeQueryModel()
        model.out_trade_no = number
        try:
            answer = self._client.call(AlipayTradeQueryRequest(model))
        except GatewayError as refusal:
            if refusal.code != _ABSENT:
                raise
            return PayAnswer(number, PayStatus.ABSENT)
        try:
            found = alipay_notice.payment(answer)
        except (KeyError, ValueError, TypeError):
            raise OutcomeUnknown(self.channel, "fields") from None
        if found.number != number:
            raise OutcomeUnknown(self.channel, "other_order")
        return dataclasses.replace(found, app_id=self.app_id, merchant_id=self.merchant_id)

    def close(self, number: str) -> None:
        """End the chance to pay. A cashier that was never reached leaves nothing to close, only `time_expire`."""
        from alipay.aop.api.domain.AlipayTradeCloseModel import AlipayTradeCloseModel
        from alipay.aop.api.request.AlipayTradeCloseRequest import AlipayTradeCloseRequest

        model = AlipayTradeCloseModel()
        model.out_trade_no = number
        try:
            self._client.call(AlipayTradeCloseRequest(model))
        except GatewayError as refusal:
            if refusal.code == _ABSENT:
                return
            if refusal.code not in _NOT_CLOSABLE:
                raise
            status = self.query(number).status
            if status in {PayStatus.PAID, PayStatus.REFUNDED}:
                raise AlreadyPaid(self.channel, refusal.code) from None
            if status is not PayStatus.CLOSED:
                raise OutcomeUnknown(self.channel, refusal.code) from None

    def refund(self, order: RefundOrder) -> RefundAnswer:
        """Ask for a refund. Code 10000 is no proof: only `fund_change` Y is, and a repeat answers N."""
        from alipay.aop.api.domain.AlipayTradeRefundModel import AlipayTradeRefundModel
        from alipay.aop.api.request.AlipayTradeRefundRequest import AlipayTradeRefundRequest

        model = AlipayTradeRefundModel()
        model.out_trade_no = order.pay_number
        model.out_request_no = order.number
        model.refund_amount = yuan(order.amount_fen)
        model.refund_reason = order.reason[:LONGEST_SUBJECT]
        asked = RefundAnswer(
            order.number,
            RefundStatus.PROCESSING,
            pay_number=order.pay_number,
            amount_fen=order.amount_fen,
            app_id=self.app_id,
            merchant_id=self.merchant_id,
        )
        try:
            answer = self._client.call(AlipayTradeRefundRequest(model))
        except GatewayError as refusal:
            if refusal.code in _PAYER_GONE:
                return dataclasses.replace(asked, status=RefundStatus.ABNORMAL)
            raise _REFUND_ERRORS.get(refusal.code, type(refusal))(self.channel, refusal.code, refusal.message) from None
        if answer.get("fund_change") != "Y":
            return asked
        return dataclasses.replace(asked, status=RefundStatus.SUCCESS, refunded_at=_time(answer))

    def query_refund(self, number: str, pay_number: str) -> RefundAnswer:
        """What Alipay knows of a refund. Without a status the request failed or never came: the same one again."""
        from alipay.aop.api.domain.AlipayTradeFastpayRefundQueryModel import AlipayTradeFastpayRefundQueryModel
        from alipay.aop.api.request.AlipayTradeFastpayRefundQueryRequest import AlipayTradeFastpayRefundQueryRequest

        model = AlipayTradeFastpayRefundQueryModel()
        model.out_trade_no = pay_number
        model.out_request_no = number
        model.query_options = ["gmt_refund_pay"]
        nothing = RefundAnswer(number, RefundStatus.ABSENT, pay_number=pay_number)
        try:
            answer = self._client.call(AlipayTradeFastpayRefundQueryRequest(model))
        except GatewayError as refusal:
            if refusal.code != _ABSENT:
                raise
            return nothing
        if not answer.get("out_request_no"):
            return nothing
        if (answer["out_request_no"], answer.get("out_trade_no")) != (number, pay_number):
            raise OutcomeUnknown(self.channel, "other_refund")
        done = answer.get("refund_status") == "REFUND_SUCCESS"
        try:
            amount = fen(str(answer["refund_amount"])) if answer.get("refund_amount") else None
        except ValueError:
            raise OutcomeUnknown(self.channel, "fields") from None
        return RefundAnswer(
            number,
            RefundStatus.SUCCESS if done else RefundStatus.PROCESSING,
            pay_number=pay_number,
            amount_fen=amount,
            refunded_at=_time(answer) if done else None,
            app_id=self.app_id,
            merchant_id=self.merchant_id,
        )

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ChannelNotice:
        """Verify a notification from its raw form. Raises NoticeRefused.

        App and account are handed on as they were signed: whether they are the attempt's is for the books (P10).
        """
        return alipay_notice.read(body, rsa_keys.public_keys(self._app.public_key), now)

    def statement(self, day: date) -> Iterator[StatementLine]:
        """The bill of a day, ready about nine the next morning. Alipay's refund lines do not know the payment's sum."""
        from alipay.aop.api.domain.AlipayDataDataserviceBillDownloadurlQueryModel import (
            AlipayDataDataserviceBillDownloadurlQueryModel,
        )
        from alipay.aop.api.request.AlipayDataDataserviceBillDownloadurlQueryRequest import (
            AlipayDataDataserviceBillDownloadurlQueryRequest,
        )

        model = AlipayDataDataserviceBillDownloadurlQueryModel()
        model.bill_type = "trade"
        model.bill_date = day.isoformat()
        try:
            answer = self._client.call(AlipayDataDataserviceBillDownloadurlQueryRequest(model))
        except GatewayError as refusal:
            if refusal.code == "NO_BILL_DATA":
                return
            if refusal.code == "BILL_NOT_EXIST":
                raise StatementNotReady(self.channel, refusal.code) from None
            raise
        if answer.get("bill_file_code") == "EMPTY_DATA_WITH_BILL_FILE":
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            self._download(str(answer.get("bill_download_url", "")), file)
            yield from alipay_statement.read(file)

    def _download(self, address: str, file: IO[bytes]) -> None:
        """The address is signed for by Alipay and good for 30 seconds; the file itself is not signed."""
        if urlsplit(address).scheme != urlsplit(self._app.gateway).scheme:
            raise OutcomeUnknown(self.channel, "statement_address")
        try:
            with (
                http.provider_session(address) as session,
                session.get(
                    address, stream=True, timeout=(http.CONNECT_TIMEOUT_S, DOWNLOAD_TIMEOUT_S), allow_redirects=False
                ) as answer,
            ):
                if answer.status_code != 200:
                    raise OutcomeUnknown(self.channel, f"statement_http_{answer.status_code}")
                for chunk in answer.iter_content(64 * 1024):
                    file.write(chunk)
                    if file.tell() > LARGEST_DOWNLOAD:
                        raise alipay_statement.Damaged("too large")
        except requests.RequestException:
            raise OutcomeUnknown(self.channel, "statement_download") from None
        file.seek(0)

    @property
    def _client(self) -> "AlipayClient":
        """Made at the first call: the official client is 440 MB on disk and is imported only where it is used."""
        from payments.gateways.alipay_client import AlipayClient

        return AlipayClient(self._app)


def _time(answer: dict[str, Any]) -> datetime | None:
    text = answer.get("gmt_refund_pay")
    try:
        return instant(str(text)) if text else None
    except ValueError:
        raise OutcomeUnknown(Channel.ALIPAY, "fields") from None
