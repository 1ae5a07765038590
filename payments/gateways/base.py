"""The port between our books and a payment channel.

An adapter speaks one provider's protocol and knows no database and no web framework. Money is integer fen, time is
aware UTC. Every call stands outside a transaction. An answer that could not be verified is no answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class Channel(StrEnum):
    """Where money comes in. Stored with every attempt, refund and statement line."""

    WECHAT_PAY = "wechat_pay"
    ALIPAY = "alipay"
    WECHAT_NONTAX = "wechat_nontax"


class Scene(StrEnum):
    """How the payer meets the channel."""

    JSAPI = "jsapi"  # inside WeChat: official account or mini-program
    H5 = "h5"  # WeChat Pay from a browser outside WeChat
    WAP = "wap"  # Alipay's cashier in a browser
    NATIVE = "native"  # a QR code that the payer scans
    MICROPAY = "micropay"  # the window scans the payer's code


@dataclass(frozen=True, slots=True)
class PayOrder:
    """What a channel is asked to collect. `number` is ours: 6 to 32 of `A-Za-z0-9_-`, for this order alone."""

    number: str
    amount_fen: int
    description: str
    expires_at: datetime
    scene: Scene
    app_id: str
    client_ip: str
    openid: str | None = None
    auth_code: str | None = None
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """What the payer's page does next: `parameters` for the WeChat bridge, a `url` to open, or a `qr` text to draw.

    All three are None after a micropay, which is answered by a query. `reference` is the channel's id of the order.
    """

    parameters: Mapping[str, str] | None = None
    url: str | None = None
    qr: str | None = None
    reference: str | None = None


class PayStatus(StrEnum):
    """What a channel says of an order. REFUNDED is a paid order of which something went back."""

    ABSENT = "absent"
    PENDING = "pending"
    PAID = "paid"
    REFUNDED = "refunded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PayAnswer:
    """A verified statement of a channel about one order; money fields are there once it is paid."""

    number: str
    status: PayStatus
    app_id: str | None = None
    merchant_id: str | None = None
    amount_fen: int | None = None
    payer_fen: int | None = None
    currency: str = "CNY"
    transaction_id: str | None = None
    paid_at: datetime | None = None
    refundable: bool = True


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """A refund under our own `number`, the same on every retry. `pay_number` and `total_fen` name the payment."""

    number: str
    pay_number: str
    amount_fen: int
    total_fen: int
    reason: str


class RefundStatus(StrEnum):
    """What a channel says of a refund. ABNORMAL: the payer's account cannot take it back."""

    ABSENT = "absent"
    PROCESSING = "processing"
    SUCCESS = "success"
    ABNORMAL = "abnormal"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """A verified statement of a channel about one refund."""

    number: str
    status: RefundStatus
    pay_number: str | None = None
    amount_fen: int | None = None
    refund_id: str | None = None
    refunded_at: datetime | None = None
    app_id: str | None = None
    merchant_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelNotice:
    """A verified notification: exactly one of `payment` and `refund`. `event_id` is the same on every repeat."""

    event_id: str
    sent_at: datetime
    payment: PayAnswer | None = None
    refund: RefundAnswer | None = None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One row of a channel's bill of a day: a payment, or a refund when `refund_number` is set."""

    number: str
    transaction_id: str
    at: datetime
    amount_fen: int
    status: str
    refund_number: str | None = None
    refund_fen: int = 0
    refund_status: str | None = None
    fee_fen: int = 0


class GatewayError(Exception):
    """A channel's refusal, or no usable answer."""

    def __init__(self, channel: Channel, code: str, message: str = "") -> None:
        super().__init__(f"{channel}: {code}")
        self.channel, self.code, self.message = channel, code, message


class OutcomeUnknown(GatewayError):
    """Time-out, server fault or an unverifiable answer: the call may have worked. Ask again, never guess (R4)."""


class Busy(GatewayError):
    """The channel asks to slow down, or was never reached: nothing happened, the same call may be repeated."""


class AlreadyPaid(GatewayError):
    """The order cannot be created or closed because it is paid: query it."""


class NumberTaken(GatewayError):
    """Our number is in use with other data: query it, then close it and take the next one (P28)."""


class OrderClosed(GatewayError):
    """The order is closed; a new attempt needs a new number."""


class BalanceShort(GatewayError):
    """The merchant's account cannot pay the refund now; repeat it later with the same number (P44)."""


class RefundImpossible(GatewayError):
    """The channel will never refund this payment: too old, too many parts, or finished (P42)."""


class StatementNotReady(GatewayError):
    """The bill of that day is still being made (P51)."""


class NoticeRefused(Exception):
    """A notification that must have no effect. `probe` marks the provider's own signature test (P8)."""

    def __init__(self, why: str, *, probe: bool = False) -> None:
        super().__init__(why)
        self.why, self.probe = why, probe


class Gateway(Protocol):
    """One merchant account at one channel. Instances hold configuration only and are safe in threads."""

    channel: Channel
    merchant_id: str

    def open(self, order: PayOrder) -> Launch:
        """Create the order, or repeat an identical one. Raises GatewayError."""
        ...

    def query(self, number: str) -> PayAnswer:
        """What the channel knows of an order; ABSENT when it has none. Raises OutcomeUnknown, Busy."""
        ...

    def close(self, number: str) -> None:
        """End the chance to pay; harmless when repeated or absent. Raises AlreadyPaid, OutcomeUnknown, Busy."""
        ...

    def refund(self, order: RefundOrder) -> RefundAnswer:
        """Ask for a refund, or repeat it under the same number. Raises GatewayError."""
        ...

    def query_refund(self, number: str, pay_number: str) -> RefundAnswer:
        """What the channel knows of a refund; ABSENT when it has none. Raises OutcomeUnknown, Busy."""
        ...

    def read_notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ChannelNotice:
        """Verify a notification from its raw bytes. Raises NoticeRefused."""
        ...

    def statement(self, day: date) -> Iterator[StatementLine]:
        """The bill of a civil day in Asia/Shanghai, streamed; nothing for a day without money.

        The whole file's digest and totals are checked before the last line is given; a damaged file raises
        OutcomeUnknown, an unfinished one StatementNotReady.
        """
        ...
