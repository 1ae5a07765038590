"""What EMS pushes to its customer: one event a push, sealed, repeated until the answer says 00000."""

from __future__ import annotations

import heapq
import itertools
import json
import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from .parcels import Event, Parcel, described
from .wire import Customer, beijing, sealed

GAPS_S = (10.0, 60.0, 300.0, 1800.0)
PATIENCE_S = 5.0
MODES = ("normal", "lost", "twice", "held")

Post = Callable[[bytes], str | None]
"""The body of one push → the `code` of the customer's answer, None when there was none."""


def over_http(url: str) -> Post:
    """Push to a running application."""

    def post(body: bytes) -> str | None:
        try:
            answer = requests.post(
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=PATIENCE_S,
                allow_redirects=False,
            )
            return str(answer.json().get("code"))
        except (requests.RequestException, ValueError, AttributeError):
            return None

    return post


@dataclass
class Push:
    """One event on its way."""

    item: dict[str, Any]
    tries: int = 0
    done: bool = False
    answers: list[str | None] = field(default_factory=list)


class Pushes:
    """Delivers from one thread, on the simulator's clock. Without `post` the pushes are only kept."""

    def __init__(self, customer: Customer, now: Callable[[], float], post: Post | None) -> None:
        self.kept: list[Push] = []
        self.mode = "normal"
        self._customer, self._now, self._post = customer, now, post
        self._due: list[tuple[float, int, Push]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        if post is not None:
            threading.Thread(target=self._work, daemon=True, name="ems-pushes").start()

    def happened(self, parcel: Parcel, event: Event) -> None:
        """A listener of the post office."""
        push = Push({**described(parcel, event), "orderNo": parcel.number})
        self.kept.append(push)
        if self.mode in {"lost", "held"}:
            return
        for _ in range(2 if self.mode == "twice" else 1):
            self._plan(push, 0.0)

    def body(self, push: Push) -> bytes:
        """What one delivery carries; the serial number is new each time."""
        return json.dumps(
            {
                "logitcsInterface": sealed(self._customer, push.item, with_key=False),
                "method": "040002",
                "msgType": "0",
                "senderNo": self._customer.sender_no,
                "serialNo": secrets.token_hex(16).upper(),
                "timeStamp": beijing(self._now()),
                "version": "v1.0.0",
            }
        ).encode()

    def release(self, order: str, seed: int) -> int:
        """Deliver everything that waits: forward, backward or shuffled. Gives how many."""
        waiting = [push for push in self.kept if not push.done]
        if order == "backward":
            waiting.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(waiting)  # noqa: S311 - an order of events, not a secret
        for push in waiting:
            self.deliver(push)
        return len(waiting)

    def deliver(self, push: Push) -> None:
        """Deliver once, now."""
        answer = self._post(self.body(push)) if self._post else None
        push.tries += 1
        push.answers.append(answer)
        push.done = push.done or answer == "00000"

    def _plan(self, push: Push, wait_s: float) -> None:
        with self._wake:
            heapq.heappush(self._due, (self._now() + wait_s, next(self._order), push))
            self._wake.notify()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._due or self._due[0][0] > self._now():
                    self._wake.wait(0.2 if self._due else None)
                _, _, push = heapq.heappop(self._due)
            self.deliver(push)
            if not push.done and push.tries <= len(GAPS_S):
                self._plan(push, GAPS_S[push.tries - 1])
