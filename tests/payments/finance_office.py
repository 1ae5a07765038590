"""Finance's simulator behind its real adapter without a socket, and channels that write bills of their days."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import requests
from flask import Flask
from flask.testing import FlaskClient

from backend.core import clock, context
from payments.gateways.base import RefundStatus, StatementLine
from payments.gateways.finance import Finance, FinanceLine
from payments.gateways.finance_http import HttpFinance
from payments.sandbox.finance import FinanceSystem, create_blueprint
from tests.payments.fake_channel import FakeChannel

KEY = bytes(range(32))
KEYS = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class Wire:
    """What `requests` would carry, given to the simulator's own test client."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.calls: list[str] = []

    def post(self, url: str, *, data: bytes, headers: dict[str, str], **_: Any) -> requests.Response:
        assert not context.in_transaction.get(), "a provider call inside a transaction"
        self.calls.append(url.partition("/v1/")[2])
        got = self.client.post(url.removeprefix("http://finance.test"), data=data, headers=headers)
        answer = requests.Response()
        answer.status_code, answer._content = got.status_code, got.data
        answer.headers.update(got.headers)
        return answer


class Office:
    """Finance on the test's clock. Signatures use the system's, as on a real wire."""

    def __init__(self) -> None:
        import time

        self.system = FinanceSystem(
            app="test", keys=KEYS, now=time.time, public_url="http://app.test", base=lambda: "http://finance.test"
        )
        self.books = self.system.books
        self.books._now = lambda: clock.now().timestamp()
        app = Flask("finance-office")
        app.register_blueprint(create_blueprint(self.system))
        self.wire = Wire(app.test_client())
        self.finance: Finance = HttpFinance("http://finance.test/finance", "test", {1: KEY})
        self.finance._line.__dict__["_session"] = self.wire

    def faults(self, **changes: Any) -> None:
        self.system.set_faults(changes)


class Statements:
    """The daily bills of a channel: what it has, with lines taken out, changed or added."""

    def __init__(self, channel: FakeChannel) -> None:
        self.channel = channel
        self.dropped: set[str] = set()
        self.changed: dict[str, dict[str, Any]] = {}
        self.extra: list[StatementLine] = []
        self.broken: Exception | None = None
        self.cut_after: int | None = None
        channel.statement = self  # type: ignore[method-assign]

    def __call__(self, day: date) -> Iterator[StatementLine]:
        assert not context.in_transaction.get(), "a provider call inside a transaction"
        if self.broken is not None and self.cut_after is None:
            raise self.broken
        for place, line in enumerate(self._lines()):
            if self.broken is not None and place == self.cut_after:
                raise self.broken
            name = line.refund_number or line.number
            if name not in self.dropped:
                shown = replace(line, **self.changed.get(name, {}))
                if clock.civil(shown.at).date() == day:
                    yield shown

    def _lines(self) -> Iterator[StatementLine]:
        for number, known in sorted(self.channel.orders.items()):
            if known.paid_at is None or known.transaction_id is None:
                continue
            yield StatementLine(number, known.transaction_id, known.paid_at, known.paid_fen, "SUCCESS", fee_fen=7)
            for refund in known.refunds.values():
                status = {RefundStatus.SUCCESS: "SUCCESS", RefundStatus.PROCESSING: "PROCESSING"}
                yield StatementLine(
                    number,
                    known.transaction_id,
                    known.paid_at,
                    known.paid_fen,
                    "REFUND",
                    refund_number=refund.order.number,
                    refund_fen=refund.order.amount_fen,
                    refund_status=status.get(refund.status, "CHANGE"),
                )
        yield from self.extra


def listed(finance: Finance, day: date) -> list[FinanceLine]:
    """Finance's list of a day."""
    return list(finance.payments(day))
