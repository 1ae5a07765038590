"""Finance's system by signed JSON over HTTP (docs/decisions/0009-finance-http.md)."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from typing import Any

import requests

from backend.core import http
from backend.core.config import Settings, parse_keys
from backend.core.errors import ProviderProtocolError, ProviderRejected, ProviderUnavailable
from payments.gateways import finance
from payments.gateways.finance import PROVIDER, Finance

VERSION = "FINANCE-1"
PAGE = 1000
SKEW_S = 300
TIMEOUT_S = (3.0, 10.0)
BUSY = frozenset({"BUSY", "LIST_NOT_READY", "LIST_CHANGED"})
"""Refusals after which the same call may be repeated."""


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


def request_text(method: str, path: str, app: str, key_id: str, at: str, nonce: str, body: bytes) -> bytes:
    """What a request signs: eight lines, the last the body's SHA-256."""
    return "\n".join((VERSION, method, path, app, key_id, at, nonce, hashlib.sha256(body).hexdigest())).encode()


def answer_text(status: int, nonce: str, at: str, body: bytes) -> bytes:
    """What an answer signs. It names the request's nonce, so that no other answer fits."""
    return "\n".join((VERSION, "ANSWER", str(status), nonce, at, hashlib.sha256(body).hexdigest())).encode()


def line_text(line: Mapping[str, Any]) -> bytes:
    """One line of the daily list as the list's digest takes it: its values in order of their names."""
    values = ["" if line[name] is None else str(line[name]) for name in sorted(line)]
    return ("|".join(values) + "\n").encode()


class HttpFinance:
    """One application at finance's gateway. The first key signs requests; answers may be signed by any of them."""

    def __init__(self, base: str, app: str, keys: Mapping[int, bytes], *, offset_s: int = 0) -> None:
        self._base = base.rstrip("/")
        self._app = app
        self._keys = dict(keys)
        self._offset_s = offset_s

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
        answer = self._ask(
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
        answer = self._ask("notices/query", region_code=region_code, pay_code=pay_code)
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
        self._ask("notices/void", region_code=region_code, pay_code=pay_code, reason=reason)

    def confirm(self, payment: finance.Confirmation) -> finance.Confirmed:
        answer = self._ask(
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
        answer = self._ask(
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
        answer = self._ask("ebills/red", business_no=business_no, ebill_code=code, ebill_number=number, reason=reason)
        return finance.RedEbill(_text(answer, "red_code"), _text(answer, "red_number"), _instant(answer, "red_at"))

    def check_ebill(
        self, code: str, number: str, check_code: str, amount_fen: int, issued_on: date
    ) -> finance.EbillState:
        answer = self._ask(
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
            page = self._ask("payments/list", day=day.isoformat(), after=after, limit=PAGE)
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

    @cached_property
    def _session(self) -> requests.Session:
        return http.provider_session(self._base)

    def _ask(self, operation: str, **fields: Any) -> dict[str, Any]:
        """One signed call; the answer is verified before a byte of it is believed."""
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{self._base}/v1/{operation}"
        at, nonce = str(int(self._now())), secrets.token_hex(16)
        key_id, key = next(iter(self._keys.items()))
        signed = request_text("POST", f"/v1/{operation}", self._app, str(key_id), at, nonce, body)
        headers = {
            "Content-Type": "application/json",
            "X-Finance-App": self._app,
            "X-Finance-Key": str(key_id),
            "X-Finance-Time": at,
            "X-Finance-Nonce": nonce,
            "X-Finance-Signature": hmac.new(key, signed, hashlib.sha256).hexdigest(),
        }
        http.refuse_inside_transaction()
        try:
            response = self._session.post(url, data=body, headers=headers, allow_redirects=False, timeout=TIMEOUT_S)
        except requests.RequestException:
            raise ProviderUnavailable(PROVIDER, "no_answer") from None
        return self._read(response, nonce)

    def _read(self, response: requests.Response, nonce: str) -> dict[str, Any]:
        """The verified body. An answer that is not signed, whatever its status, is no answer (R4)."""
        if not self._is_genuine(response, nonce):
            raise ProviderUnavailable(PROVIDER, f"unsigned_{response.status_code}")
        try:
            answer = json.loads(response.content)
        except ValueError:
            raise ProviderProtocolError(PROVIDER, "body") from None
        if not isinstance(answer, dict):
            raise ProviderProtocolError(PROVIDER, "body")
        if response.status_code == requests.codes.ok:
            return answer
        code = _text(answer, "code")
        if response.status_code >= requests.codes.server_error or code in BUSY:
            raise ProviderUnavailable(PROVIDER, code)
        raise ProviderRejected(PROVIDER, code)

    def _is_genuine(self, response: requests.Response, nonce: str) -> bool:
        key_id, at = response.headers.get("X-Finance-Key", ""), response.headers.get("X-Finance-Time", "")
        key = self._keys.get(int(key_id)) if key_id.isascii() and key_id.isdecimal() else None
        if key is None or not (at.isascii() and at.isdecimal()) or abs(int(at) - self._now()) > SKEW_S:
            return False
        expected = hmac.new(key, answer_text(response.status_code, nonce, at, response.content), hashlib.sha256)
        given = response.headers.get("X-Finance-Signature", "")
        return hmac.compare_digest(expected.hexdigest().encode(), given.encode())

    def _now(self) -> float:
        """Wall-clock seconds: signatures are about the wire, not about the business day."""
        return time.time() + self._offset_s


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
