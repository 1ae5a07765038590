"""The port to finance's non-tax system: its record is the truth about a bill (ARCHITECTURE §2.7).

An adapter knows no database and no web framework. Money is integer fen, time is aware UTC. Every call may be repeated
with the same values and then has no second effect, so a call without an answer is simply made again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

PROVIDER = "finance"


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One charge of a notice; `fee_fen` = standard × quantity + overdue + penalty - reduction (money rule M2)."""

    item_code: str
    name: str
    unit: str
    standard_fen: int
    quantity: int
    overdue_fen: int
    penalty_fen: int
    reduction_fen: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class NoticeOrder:
    """A notice 缴款通知书 to be issued. `request_no` is ours, the same on every repeat.

    `pay_code` is the unit's own number, or None for one that finance draws. `notice_type` is `ordinary` or `penalty`.
    """

    request_no: str
    pay_code: str | None
    region_code: str
    unit_code: str
    notice_type: str
    payer_name: str
    total_fen: int
    due_date: date
    items: tuple[NoticeItem, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What finance gives back: the pay code 缴款码 and the address behind the QR code on the notice."""

    pay_code: str
    qr_url: str
    issued_at: datetime


class BillStatus(StrEnum):
    """What finance says of a bill."""

    UNPAID = "unpaid"
    PAID = "paid"
    VOID = "void"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class BillAnswer:
    """Finance's record of a bill. `order_no` is ours when the money came through us, None for cash, card or counter."""

    pay_code: str
    status: BillStatus
    total_fen: int
    paid_at: datetime | None = None
    order_no: str | None = None
    pay_channel: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A payment that a channel has proved, told to finance. `transaction_id` is the channel's."""

    region_code: str
    pay_code: str
    order_no: str
    pay_channel: str
    transaction_id: str
    amount_fen: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Finance has taken the payment into its books."""

    confirm_no: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class EbillOrder:
    """An electronic bill 财政电子票据 for a confirmed bill. `business_no` is ours and names it for ever."""

    business_no: str
    region_code: str
    pay_code: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class IssuedEbill:
    """The legal receipt: 票据代码 (8 digits), 票据号码 (10 digits), 校验码 and where the payer sees it."""

    code: str
    number: str
    check_code: str
    url: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class RedEbill:
    """The red bill 红票 that cancels an electronic bill."""

    code: str
    number: str
    red_at: datetime


class EbillState(StrEnum):
    """What finance says of an electronic bill that somebody checks."""

    VALID = "valid"
    RED = "red"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FinanceLine:
    """One payment in finance's list of a day. `order_no` is None when it did not come through us."""

    region_code: str
    pay_code: str
    amount_fen: int
    paid_at: datetime
    pay_channel: str
    order_no: str | None
    transaction_id: str | None


class Finance(Protocol):
    """Finance's system. Instances hold configuration only and are safe in threads.

    Every method raises ProviderUnavailable when there was no usable answer (repeat the same call), ProviderRejected
    with finance's code when it refused, and ProviderProtocolError for an answer outside its documents.
    """

    def issue_notice(self, order: NoticeOrder) -> Notice:
        """Ask for a notice; the same `request_no` gives the same pay code."""
        ...

    def query_bill(self, region_code: str, pay_code: str) -> BillAnswer:
        """Finance's record of a bill. ProviderRejected `BILL_NOT_FOUND` when there is none."""
        ...

    def void_notice(self, region_code: str, pay_code: str, reason: str) -> None:
        """Take an unpaid notice back. ProviderRejected `BILL_PAID` when it is paid."""
        ...

    def confirm(self, payment: Confirmation) -> Confirmed:
        """Tell a payment. ProviderRejected `PAID_OTHERWISE` when finance holds another payment of this bill."""
        ...

    def issue_ebill(self, order: EbillOrder) -> IssuedEbill | None:
        """Ask for the electronic bill; None while finance is still making it."""
        ...

    def red_write(self, business_no: str, code: str, number: str, reason: str) -> RedEbill:
        """Cancel an electronic bill 冲红; the same `business_no` gives the same red bill."""
        ...

    def check_ebill(self, code: str, number: str, check_code: str, amount_fen: int, issued_on: date) -> EbillState:
        """Whether an electronic bill is genuine and stands. `issued_on` is a civil day in Asia/Shanghai."""
        ...

    def payments(self, day: date) -> Iterator[FinanceLine]:
        """Payments of a civil day in Asia/Shanghai in order of pay code, whoever took the money; streamed.

        Count, sum and digest of the whole list are checked before the last line is given; a list that changed on the
        way, or is not finished, raises ProviderUnavailable.
        """
        ...
