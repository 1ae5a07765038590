"""Finance's system by signed JSON over HTTP (docs/decisions/0009-finance-http.md)."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from backend.core.config import Settings, parse_keys
from backend.core.errors import ProviderProtocolError, ProviderUnavailable
from backend.core.office import Dialect, Office
from payments.gateways import finance
from payments.gateways.finance import PROVIDER, Finance

PAGE = 1000
DIALECT = Dialect("FINANCE-1", "X-Finance", frozenset({"BUSY", "LIST_NOT_READY", "LIST_CHANGED"}))


@lru_cache(maxsize=2)
def from_settings(settings: Settings) -> Finance | None:
    """The adapter, or None while FINANCE_BASE is empty."""
    if not settings.finance_base:
        return None
    return HttpFinance(
        settings.finance_base,
        settings.finance_app,
        parse_keys("FINANCE_KEYS", settings.finance_keys),
        offset_s=settings.clock_offset_s,
    )


def line_text(line: Mapping[str, Any]) -> bytes:
    """One line of the daily list as the list's digest takes it: its values in order of their names."""
    values = ["" if line[name] is None else str(line[name]) for name in sorted(line)]
    return ("|".join(values) + "\n").encode()


class HttpFinance:
    """One application at finance's gateway. The first key signs requests; answers may be signed by any of them."""

    def __init__(self, base: str, app: str, keys: Mapping[int, bytes], *, offset_s: int = 0) -> None:
        self._line = Office(PROVIDER, base, app, keys, dialect=DIALECT, offset_s=offset_s)

    def issue_notice(self, order: finance.NoticeOrder) -> finance.Notice:
        items = [
            {
                "item_code": item.item_code,
                "name": item.name,
                "unit": item.unit,
                "standard_fen": item.standard_fen,
                "quantity": item.quantity,
                "overdue_fen": item.overdue_fen,
                "penalty_fen": item.penalty_fen,
                "reduction_fen": item.reduction_fen,
                "fee_fen": item.fee_fen,
            }
            for item in order.items
        ]
        answer = self._line.ask(
            "notices/issue",
            request_no=order.request_no,
            pay_code=order.pay_code,
            region_code=order.region_code,
            unit_code=order.unit_code,
            notice_type=order.notice_type,
            payer_name=order.payer_name,
            total_fen=order.total_fen,
            due_date=order.due_date.isoformat(),
            items=items,
        )
        return finance.Notice(_text(answer, "pay_code"), _text(answer, "qr_url"), _instant(answer, "issued_at"))

    def query_bill(self, region_code: str, pay_code: str) -> finance.BillAnswer:
        answer = self._line.ask("notices/query", region_code=region_code, pay_code=pay_code)
        try:
            status = finance.BillStatus(_text(answer, "status"))
        except ValueError:
            raise ProviderProtocolError(PROVIDER, "status") from None
        paid = status is finance.BillStatus.PAID
        return finance.BillAnswer(
            _text(answer, "pay_code"),
            status,
            _fen(answer, "total_fen"),
            paid_at=_instant(answer, "paid_at") if paid else None,
            order_no=_text_or_none(answer, "order_no"),
            pay_channel=_text(answer, "pay_channel") if paid else None,
        )

    def void_notice(self, region_code: str, pay_code: str, reason: str) -> None:
        self._line.ask("notices/void", region_code=region_code, pay_code=pay_code, reason=reason)

    def confirm(self, payment: finance.Confirmation) -> finance.Confirmed:
        answer = self._line.ask(
            "payments/confirm",
            region_code=payment.region_code,
            pay_code=payment.pay_code,
            order_no=payment.order_no,
            pay_channel=payment.pay_channel,
            transaction_id=payment.transaction_id,
            amount_fen=payment.amount_fen,
            paid_at=_written(payment.paid_at),
        )
        return finance.Confirmed(_text(answer, "confirm_no"), _instant(answer, "confirmed_at"))

    def issue_ebill(self, order: finance.EbillOrder) -> finance.IssuedEbill | None:
        answer = self._line.ask(
            "ebills/issue",
            business_no=order.business_no,
            region_code=order.region_code,
            pay_code=order.pay_code,
            amount_fen=order.amount_fen,
        )
        if answer.get("status") == "issuing":
            return None
        return finance.IssuedEbill(
            code=_text(answer, "ebill_code"),
            number=_text(answer, "ebill_number"),
            check_code=_text(answer, "check_code"),
            url=_text(answer, "url"),
            issued_at=_instant(answer, "issued_at"),
        )

    def red_write(self, business_no: str, code: str, number: str, reason: str) -> finance.RedEbill:
        answer = self._line.ask(
            "ebills/red", business_no=business_no, ebill_code=code, ebill_number=number, reason=reason
        )
        return finance.RedEbill(_text(answer, "red_code"), _text(answer, "red_number"), _instant(answer, "red_at"))

    def check_ebill(
        self, code: str, number: str, check_code: str, amount_fen: int, issued_on: date
    ) -> finance.EbillState:
        answer = self._line.ask(
            "ebills/check",
            ebill_code=code,
            ebill_number=number,
            check_code=check_code,
            amount_fen=amount_fen,
            issued_on=issued_on.isoformat(),
        )
        try:
            return finance.EbillState(_text(answer, "state"))
        except ValueError:
            raise ProviderProtocolError(PROVIDER, "state") from None

    def payments(self, day: date) -> Iterator[finance.FinanceLine]:
        check = _ListCheck()
        after: str | None = ""
        held: finance.FinanceLine | None = None
        while after is not None:
            page = self._line.ask("payments/list", day=day.isoformat(), after=after, limit=PAGE)
            lines = page.get("lines")
            if not isinstance(lines, list):
                raise ProviderProtocolError(PROVIDER, "lines")
            after = check.page(page, lines, after)
            for line in lines:
                if held is not None:
                    yield held
                held = check.line(line)
        check.finish()
        if held is not None:
            yield held


class _ListCheck:
    """Count, sum, order and digest of a daily list over all its pages."""

    def __init__(self) -> None:
        self._head: tuple[int, int, str] | None = None
        self._digest = hashlib.sha256()
        self._count = self._sum = 0
        self._last = ("", "", "")

    def page(self, page: Mapping[str, Any], lines: list[Any], after: str) -> str | None:
        """Take a page's totals, which are those of the whole list; gives the next page's beginning, None at the end."""
        head = _number(page, "count"), _number(page, "amount_fen"), _text(page, "digest")
        if self._head not in (None, head):
            raise ProviderUnavailable(PROVIDER, "LIST_CHANGED")
        self._head = head
        following = _text_or_none(page, "next")
        if following is not None and (not lines or following <= after):
            raise ProviderProtocolError(PROVIDER, "next")
        return following

    def line(self, line: Any) -> finance.FinanceLine:
        """Take one line into the check and read it."""
        if not isinstance(line, dict):
            raise ProviderProtocolError(PROVIDER, "line")
        read = finance.FinanceLine(
            region_code=_text(line, "region_code"),
            pay_code=_text(line, "pay_code"),
            amount_fen=_fen(line, "amount_fen"),
            paid_at=_instant(line, "paid_at"),
            pay_channel=_text(line, "pay_channel"),
            order_no=_text_or_none(line, "order_no"),
            transaction_id=_text_or_none(line, "transaction_id"),
        )
        place = (read.region_code, read.pay_code, read.transaction_id or "")
        if place < self._last:
            raise ProviderProtocolError(PROVIDER, "order")
        self._last = place
        self._digest.update(line_text(line))
        self._count += 1
        self._sum += read.amount_fen
        return read

    def finish(self) -> None:
        """Raises ProviderUnavailable unless every line of the list has been seen as finance signed it."""
        if self._head != (self._count, self._sum, self._digest.hexdigest()):
            raise ProviderUnavailable(PROVIDER, "list_incomplete")


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderProtocolError(PROVIDER, name)
    return value


def _text_or_none(answer: Mapping[str, Any], name: str) -> str | None:
    return None if answer.get(name) is None else _text(answer, name)


def _number(answer: Mapping[str, Any], name: str) -> int:
    value = answer.get(name)
    if type(value) is not int or value < 0:
        raise ProviderProtocolError(PROVIDER, name)
    return value


def _fen(answer: Mapping[str, Any], name: str) -> int:
    """A positive number of fen; a float or a text is refused, never rounded (money rule M1)."""
    value = _number(answer, name)
    if value == 0:
        raise ProviderProtocolError(PROVIDER, name)
    return value


def _instant(answer: Mapping[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(answer, name))
    except ValueError:
        raise ProviderProtocolError(PROVIDER, name) from None
    if at.tzinfo is None:
        raise ProviderProtocolError(PROVIDER, name)
    return at.astimezone(UTC)
