"""WeChat 非税缴费: fees of collecting units through `/nontax/*` of api.weixin.qq.com (reference/domain.md §1.4).

Its error codes and the envelope of its notices are not published. So nothing hangs on them: what an order is, only
`getorder` says, and a notice is a reason to ask.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from backend.core import clock
from backend.core.config import ConfigError, Settings
from backend.core.errors import ProviderError, ProviderUnavailable
from backend.core.wechat import NOT_SENT, STALE_TOKEN, TokenSource, WeChat, official_account
from payments.gateways.base import (
    AlreadyPaid,
    Busy,
    Channel,
    ChannelNotice,
    GatewayError,
    Launch,
    NoticeRefused,
    OutcomeUnknown,
    PayAnswer,
    PayOrder,
    PayStatus,
    RefundAnswer,
    RefundOrder,
    RefundStatus,
    Scene,
    StatementLine,
)
from payments.gateways.wechat_pay_statement import Columns, parsed

BUSY_CODES = frozenset({NOT_SENT, "45009", "45011", *(str(code) for code in STALE_TOKEN)})
"""The call certainly had no effect: not sent, over a quota, or without a valid token."""
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
PAYERS_CODE = re.compile(r"1[0-5][0-9]{16}")
"""What the window scans off the payer's phone."""

ORDER_LIFE = timedelta(hours=2)
"""When an order that nobody paid ends: the guide gives no figure, this is what WeChat's other orders get. It is only
what a payer is told; the channel's own answer decides."""

ORDER_STATES = {
    1: PayStatus.PENDING,
    3: PayStatus.PAID,
    4: PayStatus.PAID,
    5: PayStatus.REFUNDED,
    6: PayStatus.REFUNDED,
    12: PayStatus.CLOSED,
}
REFUND_STATES = {5: RefundStatus.SUCCESS, 6: RefundStatus.PROCESSING}
CURRENCIES = {1: "CNY", 2: "USD"}
BILL = Columns(Channel.WECHAT_NONTAX, "总金额", "退款金额", "总交易单数", "总交易额", "总退款金额")


@dataclass(frozen=True, slots=True)
class Unit:
    """The collecting unit 执收单位 as finance lists it."""

    code: str
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class NonTaxItem:
    """One line of a notice. `fee_fen` already includes overdue and penalty."""

    code: str
    name: str
    fee_fen: int
    overdue_fen: int = 0
    penalty_fen: int = 0


@dataclass(frozen=True, slots=True)
class NonTaxNotice:
    """What is owed: a 缴费通知书. `kind` 1 is ordinary, 2 a penalty."""

    items: tuple[NonTaxItem, ...]
    created_at: datetime
    kind: int = 1
    number: str = ""
    payer_name: str = ""
    due_on: date | None = None

    @property
    def fee_fen(self) -> int:
        return sum(item.fee_fen for item in self.items)


@dataclass(frozen=True, slots=True)
class Owed:
    """What an order of ours pays, and to whom."""

    unit: Unit
    notice: NonTaxNotice


Debts = Callable[[str], Owed]
"""Our order's number → what it pays. Called outside any transaction, as the token source is."""


def from_settings(settings: Settings, token: TokenSource, debts: Debts) -> "WeChatNonTax | None":
    """The channel, None when it is off. `token` gives the official account's access token. Raises ConfigError."""
    if not settings.wechat_nontax_mchid:
        return None
    if settings.wechat_nontax_service_id and not settings.wechat_nontax_service_id.isdecimal():
        raise ConfigError("WECHAT_NONTAX_SERVICE_ID must be a number")
    wechat = WeChat(official_account(settings), token)
    return WeChatNonTax(wechat, settings.wechat_nontax_mchid, settings.wechat_nontax_service_id, debts)


class WeChatNonTax:
    """See `Gateway` for what the methods promise. Orders go under our number as `order_no`."""

    channel = Channel.WECHAT_NONTAX

    def __init__(self, wechat: WeChat, merchant_id: str, service_id: str, debts: Debts) -> None:
        self.merchant_id = merchant_id
        self._wechat = wechat
        self._app_id = wechat.account.appid
        self._service = {"service_id": int(service_id)} if service_id else {}
        self._debts = debts

    def query_fee(self, unit: Unit, notice_number: str, kind: int = 1) -> NonTaxNotice:
        """What finance says is owed to a unit under a notice's number. Raises GatewayError."""
        body = {
            "payment_notice_no": notice_number,
            "payment_notice_type": kind,
            "department_code": unit.code,
            "region_code": unit.region,
        }
        answer = self._post("queryfee", {**self._service, **body})
        try:
            notice = NonTaxNotice(
                items=tuple(_item(item) for item in answer["items"]),
                created_at=datetime.fromtimestamp(answer["payment_notice_create_time"], UTC),
                kind=int(answer.get("payment_notice_type", kind)),
                number=str(answer["payment_notice_no"]),
                payer_name=str(answer.get("user_name", "")),
                due_on=_day(answer.get("payment_expire_date")),
            )
            total = _fen(answer["fee"])
        except (KeyError, TypeError, ValueError):
            raise OutcomeUnknown(self.channel, "BODY") from None
        if notice.number != notice_number or notice.fee_fen != total:
            raise OutcomeUnknown(self.channel, "BODY")
        return notice

    def open(self, order: PayOrder) -> Launch:
        _check(order.number)
        owed = self._debts(order.number)
        if owed.notice.fee_fen != order.amount_fen or type(order.amount_fen) is not int or order.amount_fen < 1:
            raise ValueError("an amount is the whole fen of the notice's items")
        if order.scene is Scene.MICROPAY:
            return self._charge(order, owed)
        if order.app_id != self._app_id:
            raise GatewayError(self.channel, "APP", order.app_id)
        if order.scene not in {Scene.JSAPI, Scene.H5}:
            raise GatewayError(self.channel, "SCENE", str(order.scene))
        body = self._body(order, owed) | {
            **self._service,
            "ip": order.client_ip,
            "scene": "biz",
        }
        body |= {"return_url": order.return_url} if order.return_url else {}
        body |= {"trade_type": "MWEB"} if order.scene is Scene.H5 else {"openid": order.openid or ""}
        answer = self._post("unifiedorder", body)
        if not isinstance(answer.get("pay_url"), str):
            raise OutcomeUnknown(self.channel, "BODY")
        return Launch(url=answer["pay_url"], reference=str(answer.get("order_id", "")) or None)

    def _charge(self, order: PayOrder, owed: Owed) -> Launch:
        """Take the money by the payer's code. Whatever it answers, a query says what became of it.

        While the payer types a password or the system fails, this raises OutcomeUnknown: query, wait, open again.
        """
        if not PAYERS_CODE.fullmatch(order.auth_code or ""):
            raise ValueError("a payer's code has 18 digits and begins with 10 to 15")
        earlier = self._order_id(order.number)
        body = self._body(order, owed) | {"auth_code": order.auth_code}
        try:
            answer = self._post("micropay", body | ({"order_id": earlier} if earlier else {}))
        except (Busy, OutcomeUnknown):
            raise
        except GatewayError as refusal:
            raise OutcomeUnknown(self.channel, refusal.code) from None
        return Launch(reference=str(answer.get("order_id", "")) or None)

    def query(self, number: str) -> PayAnswer:
        found = self._order(number)
        if found is None:
            return PayAnswer(number, PayStatus.ABSENT)
        try:
            status = ORDER_STATES[found["status"]]
            refunded = status is PayStatus.PAID and _refunds(found)
            paid = status in {PayStatus.PAID, PayStatus.REFUNDED}
            return PayAnswer(
                number=number,
                status=PayStatus.REFUNDED if refunded else status,
                app_id=found.get("appid"),
                # The answer names none: it is asked for with this account's own token.
                merchant_id=self.merchant_id,
                amount_fen=_fen(found["fee"]),
                currency=CURRENCIES[found.get("fee_type", 1)],
                transaction_id=str(found["trans_id"]) if paid else None,
                paid_at=_instant(found["pay_finish_time"]) if paid else None,
            )
        except (KeyError, TypeError, ValueError):
            raise OutcomeUnknown(self.channel, "BODY") from None

    def close(self, number: str) -> None:
        """This channel closes orders by itself only; one that can still be paid is a GatewayError."""
        status = self.query(number).status
        if status in {PayStatus.PAID, PayStatus.REFUNDED}:
            raise AlreadyPaid(self.channel, str(status))
        if status is PayStatus.PENDING:
            raise GatewayError(self.channel, "CANNOT_CLOSE")

    def refund(self, order: RefundOrder) -> RefundAnswer:
        """Ask once: whether a repeat under one number refunds twice is not published, so it looks before it asks."""
        earlier = self.query_refund(order.number, order.pay_number)
        if earlier.status is not RefundStatus.ABSENT:
            return earlier
        order_id = self._order_id(order.pay_number)
        if order_id is None:
            raise Busy(self.channel, "NO_ORDER")
        answer = self._post(
            "refund",
            {
                "order_id": order_id,
                "reason": order.reason,
                "refund_fee": order.amount_fen,
                "refund_out_id": order.number,
            },
        )
        return RefundAnswer(
            number=order.number,
            status=RefundStatus.PROCESSING,
            pay_number=order.pay_number,
            amount_fen=order.amount_fen,
            refund_id=str(answer.get("refund_order_id", "")) or None,
        )

    def query_refund(self, number: str, pay_number: str) -> RefundAnswer:
        _check(number)
        found = self._order(pay_number)
        for refund in _refunds(found) if found else ():
            if refund.get("refund_out_id") != number:
                continue
            try:
                return RefundAnswer(
                    number=number,
                    status=REFUND_STATES[int(refund["refund_status"])],
                    pay_number=pay_number,
                    amount_fen=_fen(refund["refund_fee"]),
                    refund_id=refund.get("refund_order_id"),
                    refunded_at=_instant(refund.get("refund_finish_time")),
                    merchant_id=self.merchant_id,
                )
            except (KeyError, TypeError, ValueError):
                raise OutcomeUnknown(self.channel, "BODY") from None
        return RefundAnswer(number, RefundStatus.ABSENT, pay_number)

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ChannelNotice:
        """A notice here proves nothing; it is refused, and the poll plan asks `getorder`."""
        raise NoticeRefused("hint")

    def notify_again(self, number: str) -> None:
        """Ask WeChat for the notice of an order that its statement has and finance lacks. Raises GatewayError."""
        order_id = self._order_id(number)
        if order_id is None:
            raise GatewayError(self.channel, "NO_ORDER")
        self._post("notifyinconsistentorder", {"order_id": order_id})

    def statement(self, day: date) -> Iterator[StatementLine]:
        """As in `Gateway`; the channel gives no digest, so the totals row alone shows that the file is whole."""
        body = {"appid": self._app_id, "mch_id": self.merchant_id, "bill_date": f"{day:%Y%m%d}", "bill_type": "ALL"}
        try:
            return parsed(self._wechat.download("/nontax/downloadbill", body), BILL)
        except ProviderError as trouble:
            raise self._translated(trouble) from None

    def _body(self, order: PayOrder, owed: Owed) -> dict[str, Any]:
        notice, unit = owed.notice, owed.unit
        body: dict[str, Any] = {
            "mch_id": self.merchant_id,
            "order_no": order.number,
            "desc": order.description,
            "fee": order.amount_fen,
            "items": [_written(place, item) for place, item in enumerate(notice.items, 1)],
            "payment_notice_create_time": int(notice.created_at.timestamp()),
            "payment_notice_type": notice.kind,
            "department_code": unit.code,
            "department_name": unit.name,
            "region_code": unit.region,
        }
        if notice.payer_name:
            body["user_name"] = notice.payer_name
        if notice.due_on:
            body["payment_expire_date"] = f"{notice.due_on:%Y%m%d}"
        return body

    def _order_id(self, number: str) -> str | None:
        """WeChat's id of our number: the paid one, else the newest."""
        _check(number)
        unit = self._debts(number).unit
        body = {"order_no": number, "department_code": unit.code, "region_code": unit.region}
        answer = self._post("getorderlist", body)
        ids = answer.get("order_id_list") or []
        return str(answer.get("paid_order_id") or (ids[-1] if ids else "")) or None

    def _order(self, number: str) -> dict[str, Any] | None:
        order_id = self._order_id(number)
        if order_id is None:
            return None
        found = self._post("getorder", {**self._service, "order_id": order_id})
        if found.get("order_no") != number:
            raise OutcomeUnknown(self.channel, "OTHER_NUMBER")
        return found

    def _post(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._wechat.post(f"/nontax/{name}", {"appid": self._app_id, **body})
        except ProviderError as trouble:
            raise self._translated(trouble) from None

    def _translated(self, trouble: ProviderError) -> GatewayError:
        code = trouble.provider_code
        if code in BUSY_CODES:
            return Busy(self.channel, code)
        if isinstance(trouble, ProviderUnavailable) or not code.isdecimal():
            return OutcomeUnknown(self.channel, code)
        return GatewayError(self.channel, code)


def _item(given: Mapping[str, Any]) -> NonTaxItem:
    return NonTaxItem(
        code=str(given["item_id"]),
        name=str(given["item_name"]),
        fee_fen=_fen(given["fee"]),
        overdue_fen=_fen(given.get("overdue", 0)),
        penalty_fen=_fen(given.get("penalty", 0)),
    )


def _written(place: int, item: NonTaxItem) -> dict[str, Any]:
    return {
        "no": place,
        "item_id": item.code,
        "item_name": item.name,
        "overdue": item.overdue_fen,
        "penalty": item.penalty_fen,
        "fee": item.fee_fen,
    }


def _refunds(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = found.get("partial_refund_info") or []
    return [given] if isinstance(given, Mapping) else list(given)


def _fen(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("amount")
    return value


def _instant(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if type(seconds) is int and seconds > 0 else None


def _day(text: object) -> date | None:
    return datetime.strptime(str(text), "%Y%m%d").replace(tzinfo=clock.SHANGHAI).date() if text else None


def _check(number: str) -> None:
    if not NUMBER.fullmatch(number):
        raise ValueError("not a number of ours")
