"""Notifications: repeated by the table until the merchant answers `success`, or misled as the operator wants."""

from __future__ import annotations

import heapq
import itertools
import json
import random
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from .trades import Book, Refund, Trade, described, money
from .wire import Wire, beijing_day, in_beijing, in_yuan

GAPS_S = (240.0, 600.0, 600.0, 3600.0, 7200.0, 21_600.0, 54_000.0)
"""4 m, 10 m, 10 m, 1 h, 2 h, 6 h, 15 h: eight deliveries in all."""
PATIENCE_S = 5.0

Post = Callable[[str, Mapping[str, str]], str | None]
"""Address and form of one delivery → the merchant's answer, None when there was none or a refusal."""


def over_http(url: str, form: Mapping[str, str]) -> str | None:
    """Deliver to the address that the trade was opened with."""
    try:
        answer = requests.post(url, data=form, timeout=PATIENCE_S, allow_redirects=False)
    except requests.RequestException:
        return None
    return answer.text if answer.status_code == 200 else None


@dataclass(slots=True)
class Notice:
    """One event; its id stays the same on every delivery."""

    notify_id: str
    url: str
    fields: dict[str, str]
    tries: int = 0
    done: bool = False
    answers: list[str | None] = field(default_factory=list)


class Notifier:
    """Delivers from one thread, on the sandbox's clock; ``speed`` shortens the gaps."""

    def __init__(self, book: Book, wire: Wire, post: Post | None) -> None:
        self.notices: list[Notice] = []
        self.mode = "normal"
        self.delay_s = 0.0
        self.speed = 1.0
        self._book, self._wire, self._post = book, wire, post or over_http
        self._due: list[tuple[float, int, Notice]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        threading.Thread(target=self._work, daemon=True, name="alipay-notices").start()

    def paid(self, trade: Trade) -> None:
        """A payment: the status alone tells it."""
        self._tell(trade, {"gmt_payment": in_beijing(trade.paid_at or 0.0)})

    def refunded(self, trade: Trade, refund: Refund) -> None:
        """A refund: cumulative sum, time and our request number, under the status of the trade."""
        marks = {
            "gmt_payment": in_beijing(trade.paid_at or 0.0),
            "gmt_refund": in_beijing(refund.done_at) + ".000",
            "refund_fee": in_yuan(trade.refunded_cents),
            "out_biz_no": refund.request_no,
            "gmt_close": in_beijing(trade.closed_at) if trade.closed_at else "",
        }
        self._tell(trade, marks)

    def form(self, notice: Notice) -> dict[str, str]:
        """What one delivery carries: the time of sending is new each time, and so is the signature."""
        return self._wire.signed_form({**notice.fields, "notify_time": in_beijing(self._book.now())})

    def release(self, order: str, seed: int) -> int:
        """Deliver what ``held`` has kept back: as it happened, reversed or shuffled. Gives how many."""
        held = [notice for notice in self.notices if not notice.done and notice.tries == 0]
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(held)  # noqa: S311 - an order of events, not a secret
        for notice in held:
            self.deliver(notice)
        return len(held)

    def deliver(self, notice: Notice) -> str | None:
        """Deliver once, now, whatever was answered before."""
        answer = self._post(notice.url, self.form(notice))
        notice.tries += 1
        notice.answers.append(answer)
        notice.done = notice.done or answer == "success"
        return answer

    def _tell(self, trade: Trade, marks: dict[str, str]) -> None:
        if not trade.notify_url:
            return
        day = beijing_day(self._book.now()).replace("-", "")
        fields = {
            "notify_type": "trade_status_sync",
            "notify_id": f"{day}0022{secrets.randbelow(10**22):022d}",
            "app_id": self._wire.app_id,
            "auth_app_id": self._wire.app_id,
            "charset": "utf-8",
            "version": "1.0",
            **described(trade),
            **money(trade),
            **marks,
            "trade_status": trade.status,
            "buyer_open_id": trade.buyer,
            "buyer_logon_id": "139****0000",
            "seller_id": self._book.seller_id,
            "seller_email": "finance***@example.cn",
            "subject": trade.subject,
            "gmt_create": in_beijing(trade.created_at),
            "passback_params": trade.passback,
            "fund_bill_list": json.dumps(
                [{"amount": in_yuan(trade.cents), "fundChannel": "ALIPAYACCOUNT"}], separators=(",", ":")
            ),
        }
        notice = Notice(fields["notify_id"], trade.notify_url, fields)
        self.notices.append(notice)
        if self.mode in {"lost", "held"}:
            return
        self._plan(notice, self.delay_s)
        if self.mode == "twice":
            self._plan(notice, self.delay_s)

    def _plan(self, notice: Notice, wait_s: float) -> None:
        with self._wake:
            heapq.heappush(self._due, (self._book.now() + wait_s, next(self._order), notice))
            self._wake.notify()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._due or self._due[0][0] > self._book.now():
                    self._wake.wait(0.1 if self._due else None)
                _, _, notice = heapq.heappop(self._due)
            if self.deliver(notice) != "success" and not notice.done and notice.tries <= len(GAPS_S):
                self._plan(notice, GAPS_S[notice.tries - 1] / self.speed)
