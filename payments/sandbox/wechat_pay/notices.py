"""Notices of payments and refunds: real encryption, the real table of retries, and every way they go wrong."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from .accounts import Accounts, Order, Refund, stamp
from .seals import Seals

GAPS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600)
ANSWER_WITHIN_S = 5.0
TICK_S = 0.2

Post = Callable[[str, Mapping[str, str], bytes], int | None]
"""Address, headers and body of a notice → the application's status, None when no answer came in time."""


def over_http(address: str, headers: Mapping[str, str], body: bytes) -> int | None:
    """Post to a running application; a redirect is not followed, so it counts as a refusal."""
    try:
        answer = requests.post(
            address, data=body, headers=dict(headers), timeout=ANSWER_WITHIN_S, allow_redirects=False
        )
    except requests.RequestException:
        return None
    return answer.status_code


@dataclass
class Notice:
    """One notice until it is received or given up."""

    id: str
    address: str
    event: str
    kind: str
    number: str
    created: float
    content: bytes
    due: float
    tries: int = 0
    statuses: tuple[int | None, ...] = ()
    received: bool = False


@dataclass
class NoticePlan:
    """How notices travel. `mode`: normal, lost, or hold until released. `copies` go out at the same moment.

    `speed` shortens the gaps between retries. `probe` sends a signature test before every genuine notice. `changes`
    are written over the content, signed and sealed all the same: another amount, app id or merchant.
    """

    mode: str = "normal"
    delay_s: float = 0.0
    copies: int = 1
    speed: float = 1.0
    probe: bool = False
    seed: int = 1
    changes: dict[str, Any] = field(default_factory=dict)


class Notices:
    """The notices of one merchant. Without `post` they are only kept, for whoever looks at them."""

    def __init__(self, accounts: Accounts, seals: Seals, post: Post | None) -> None:
        self.plan = NoticePlan()
        self.kept: list[Notice] = []
        self._accounts, self._seals, self._post = accounts, seals, post
        self._wake = threading.Event()
        accounts.told = self.told
        if post:
            threading.Thread(target=self._work, daemon=True, name="wechat-pay-notices").start()

    def told(self, order: Order, refund: Refund | None) -> None:
        """Something ended: a notice about it is due."""
        address = (refund.body if refund else order.body).get("notify_url")
        if self.plan.mode == "lost" or not address:
            return
        now = self._accounts.now()
        content = self._accounts.described(order) if refund is None else self._refund_content(order, refund)
        self.kept.append(
            Notice(
                id=str(uuid4()),
                address=address,
                event=f"REFUND.{refund.status}" if refund else "TRANSACTION.SUCCESS",
                kind="refund" if refund else "transaction",
                number=refund.body["out_refund_no"] if refund else order.number,
                created=now,
                content=json.dumps(content | self.plan.changes, ensure_ascii=False).encode(),
                due=now + self.plan.delay_s,
            )
        )
        self._wake.set()

    def sealed(self, notice: Notice, *, probe: bool = False) -> tuple[dict[str, str], bytes]:
        """Headers and body of one delivery; every delivery is signed anew under the same id."""
        resource = {"original_type": notice.kind, **self._seals.encrypt(notice.content, notice.kind)}
        envelope = {
            "id": notice.id,
            "create_time": stamp(notice.created),
            "resource_type": "encrypt-resource",
            "event_type": notice.event,
            "summary": "退款通知" if notice.kind == "refund" else "支付成功",
            "resource": resource,
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        headers = self._seals.headers(body, self._accounts.now(), probe=probe)
        return {"Content-Type": "application/json", "Request-ID": uuid4().hex, **headers}, body

    def run(self) -> int:
        """Deliver what is due; gives how many notices were tried."""
        now = self._accounts.now()
        due = [one for one in self.kept if not one.received and one.due <= now]
        if self._post is None or self.plan.mode == "hold":
            return 0
        for notice in due:
            self._deliver(notice, self._post)
        return len(due)

    def release(self, order: str) -> None:
        """Let held notices go: `forward`, `backward` or `shuffled`."""
        waiting = [one for one in self.kept if not one.received]
        if order == "backward":
            waiting.reverse()
        elif order == "shuffled":
            random.Random(self.plan.seed).shuffle(waiting)  # noqa: S311 - an order, not a secret
        self.plan.mode = "normal"
        for notice in waiting:
            if self._post:
                self._deliver(notice, self._post)

    def describe(self) -> list[dict[str, Any]]:
        """Every notice and what became of its deliveries."""
        return [
            {"id": one.id, "event": one.event, "number": one.number, "statuses": one.statuses, "received": one.received}
            for one in self.kept
        ]

    def _deliver(self, notice: Notice, post: Post) -> None:
        if self.plan.probe:
            post(notice.address, *self.sealed(notice, probe=True))
        copies = [self.sealed(notice) for _ in range(self.plan.copies)]
        results: list[int | None] = [None] * len(copies)

        def send(place: int) -> None:
            results[place] = post(notice.address, *copies[place])

        threads = [threading.Thread(target=send, args=(place,)) for place in range(1, len(copies))]
        for thread in threads:
            thread.start()
        send(0)
        for thread in threads:
            thread.join()
        notice.statuses += tuple(results)
        notice.received = any(status in {200, 204} for status in results)
        if notice.tries < len(GAPS_S):
            notice.due = self._accounts.now() + GAPS_S[notice.tries] / self.plan.speed
        else:
            notice.due = float("inf")
        notice.tries += 1

    def _refund_content(self, order: Order, refund: Refund) -> dict[str, Any]:
        found = self._accounts.described_refund(order, refund)
        content = {
            name: found[name]
            for name in ("transaction_id", "out_trade_no", "refund_id", "out_refund_no", "user_received_account")
        }
        if "success_time" in found:
            content["success_time"] = found["success_time"]
        amount = {name: found["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")}
        return {"mchid": self._accounts.mchid, "refund_status": refund.status, **content, "amount": amount}

    def _work(self) -> None:
        while True:
            self._wake.wait(TICK_S)
            self._wake.clear()
            self._accounts.tick()
            self.run()
