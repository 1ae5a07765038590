"""Finance's non-tax system on the wire: signed JSON, daily lists by page, and pages for people.

``/finance/v1/...`` is the machine's side, ``/finance/ebills/...`` shows an electronic bill to whoever has its check
code, ``/finance/pay/...`` is what the QR code of a notice opens. The operator's counter is in ``finance_desk``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from .finance_books import FinanceBooks, FinanceRefusal

WINDOW_S = 300.0
MOST_LINES = 5000


@dataclass(frozen=True, slots=True)
class FinanceFaults:
    """How finance misbehaves; the default is a good day.

    mode: ``normal``; ``busy`` refuses with BUSY; ``outage`` is an unsigned HTTP 502; ``drop`` takes the effect and
    hangs up; ``forged`` answers with a signature of another key.
    slow_s: wait this long *after* the effect. issuing: so many e-bill requests are answered "issuing".
    ebill: ``normal`` or ``failing`` (HTTP 503). listing: ``normal``, ``late`` (LIST_NOT_READY), ``cut`` loses the last
    line, ``altered`` changes an amount without its digest.
    """

    mode: str = "normal"
    slow_s: float = 0.0
    issuing: int = 0
    ebill: str = "normal"
    listing: str = "normal"


CHOICES = {
    "mode": ("normal", "busy", "outage", "drop", "forged"),
    "ebill": ("normal", "failing"),
    "listing": ("normal", "late", "cut", "altered"),
}


class FinanceSystem:
    """The gateway in front of the books: signatures, nonces, faults."""

    def __init__(self, *, app: str, keys: str, now: Callable[[], float], public_url: str, base: Callable[[], str]):
        self._app = app
        self._keys = dict(_split(part) for part in keys.split(",") if part.strip())
        self.now = now
        self.public_url = public_url
        self.books = FinanceBooks(now=now, url=lambda path: base() + path)
        self.faults = FinanceFaults()
        self.signing_key = next(iter(self._keys), "")
        self._nonces: dict[str, float] = {}
        self._lock = threading.Lock()

    def set_faults(self, changes: Mapping[str, Any]) -> None:
        """Apply ``changes``; FinanceRefusal says which value is not known."""
        known = {item.name for item in fields(FinanceFaults)}
        for name, value in changes.items():
            if name not in known or (name in CHOICES and value not in CHOICES[name]):
                raise FinanceRefusal("FAULT_UNKNOWN", f"{name}={value}")
        self.faults = replace(self.faults, **changes)
        self.books.issuing_answers = self.faults.issuing

    def reset(self) -> None:
        self.faults = FinanceFaults()
        self.books.issuing_answers = 0
        self.books.denied_items.clear()
        self.books.clear()

    def authenticate(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """FinanceRefusal unless the request is signed by one of our keys, fresh, and its nonce new."""
        app, key_id = headers.get("X-Finance-App", ""), headers.get("X-Finance-Key", "")
        at, nonce = headers.get("X-Finance-Time", ""), headers.get("X-Finance-Nonce", "")
        key = self._keys.get(key_id)
        if app != self._app or key is None:
            raise FinanceRefusal("APP_UNKNOWN", "未登记的应用", 401)
        text = f"FINANCE-1\n{method}\n{path}\n{app}\n{key_id}\n{at}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), headers.get("X-Finance-Signature", "").encode()):
            raise FinanceRefusal("SIGNATURE_INVALID", "验签失败", 401)
        if not at.isdecimal() or abs(self.now() - int(at)) > WINDOW_S:
            raise FinanceRefusal("TIMESTAMP_EXPIRED", "时间戳超出范围", 401)
        with self._lock:
            self._nonces = {old: seen for old, seen in self._nonces.items() if seen > self.now() - 2 * WINDOW_S}
            if len(nonce) < 16 or nonce in self._nonces:
                raise FinanceRefusal("NONCE_REUSED", "随机串重复", 401)
            self._nonces[nonce] = self.now()

    def sign(self, status: int, nonce: str, body: bytes) -> dict[str, str]:
        """Headers of an answer."""
        at = str(int(self.now()))
        key = secrets.token_bytes(32) if self.faults.mode == "forged" else self._keys[self.signing_key]
        text = f"FINANCE-1\nANSWER\n{status}\n{nonce}\n{at}\n{hashlib.sha256(body).hexdigest()}"
        return {
            "X-Finance-Key": self.signing_key,
            "X-Finance-Time": at,
            "X-Finance-Signature": hmac.new(key, text.encode(), hashlib.sha256).hexdigest(),
        }

    def answer(self, operation: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Carry one operation out. FinanceRefusal says why not."""
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "notices/issue": self.books.issue_notice,
            "notices/query": self.books.query,
            "notices/void": self.books.void,
            "payments/confirm": self.books.confirm,
            "payments/list": self._list,
            "ebills/issue": self._issue_ebill,
            "ebills/red": self.books.red_write,
            "ebills/check": self.books.check_ebill,
        }
        if operation not in operations:
            raise FinanceRefusal("OPERATION_UNKNOWN", "没有这个接口", 404)
        try:
            return operations[operation](order)
        except (KeyError, TypeError, ValueError) as error:
            raise FinanceRefusal("BODY_INVALID", f"报文有误：{type(error).__name__} {error}", 400) from None

    def _issue_ebill(self, order: Mapping[str, Any]) -> dict[str, Any]:
        if self.faults.ebill == "failing":
            raise FinanceRefusal("EBILL_SYSTEM_DOWN", "票据系统暂不可用", 503)
        return self.books.issue_ebill(order)

    def _list(self, order: Mapping[str, Any]) -> dict[str, Any]:
        if self.faults.listing == "late":
            raise FinanceRefusal("LIST_NOT_READY", "清单尚未生成", 409)
        lines = self.books.lines(date.fromisoformat(order["day"]))
        head = {
            "count": len(lines),
            "amount_fen": sum(line["amount_fen"] for line in lines),
            "digest": hashlib.sha256(b"".join(_line_text(line) for line in lines)).hexdigest(),
        }
        if lines and self.faults.listing == "cut":
            lines = lines[:-1]
        if lines and self.faults.listing == "altered":
            lines[-1] = lines[-1] | {"amount_fen": lines[-1]["amount_fen"] + 1}
        begin = int(order["after"] or 0)
        end = begin + min(int(order["limit"]), MOST_LINES)
        return {**head, "lines": lines[begin:end], "next": f"{end:09d}" if end < len(lines) else None}


def create_blueprint(system: FinanceSystem) -> Blueprint:
    """The machine's side and the pages."""
    blueprint = Blueprint("finance", __name__, url_prefix="/finance", template_folder="templates")

    @blueprint.post("/v1/<path:operation>")
    def call(operation: str) -> Response:
        body, nonce = request.get_data(), request.headers.get("X-Finance-Nonce", "")
        if system.faults.mode == "outage":
            return Response("<h1>502 Bad Gateway</h1>", 502, content_type="text/html")
        try:
            if system.faults.mode == "busy":
                raise FinanceRefusal("BUSY", "系统繁忙", 503)
            system.authenticate(request.method, f"/v1/{operation}", dict(request.headers), body)
            status, answer = 200, system.answer(operation, json.loads(body))
        except FinanceRefusal as refusal:
            status, answer = refusal.status, {"code": refusal.code, "message": refusal.message}
        if system.faults.slow_s:
            time.sleep(system.faults.slow_s)
        if system.faults.mode == "drop":
            _hang_up()
        content = json.dumps(answer, ensure_ascii=False).encode()
        return Response(content, status, content_type="application/json", headers=system.sign(status, nonce, content))

    _add_pages(blueprint, system)
    return blueprint


def _add_pages(blueprint: Blueprint, system: FinanceSystem) -> None:
    @blueprint.get("/pay/<pay_code>")
    def notice_page(pay_code: str) -> str:
        bill = next((one for one in system.books.bills.values() if one.pay_code == pay_code), None)
        if bill is None:
            abort(404)
        return render_template("finance_notice.html", bill=bill, app_url=f"{system.public_url}/pay?code={pay_code}")

    @blueprint.get("/ebills/<code>/<number>")
    def ebill_page(code: str, number: str) -> str:
        ebill = system.books.find_ebill(code, number)
        if ebill is None or not hmac.compare_digest(ebill.check_code, request.args.get("check", "")):
            abort(404)
        return render_template(
            "finance_ebill.html",
            ebill=ebill,
            bill=system.books.bill_of(ebill),
            day=time.gmtime(ebill.issued_at + 28800),
        )


def _hang_up() -> None:
    """Close the connection under the request; where the server hides it, the answer is an unsigned 502."""
    connection = request.environ.get("werkzeug.socket") or request.environ.get("gunicorn.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    abort(502)


def _line_text(line: Mapping[str, Any]) -> bytes:
    return ("|".join("" if line[name] is None else str(line[name]) for name in sorted(line)) + "\n").encode()


def _split(part: str) -> tuple[str, bytes]:
    key_id, _, encoded = part.strip().partition(":")
    return key_id, base64.b64decode(encoded)
