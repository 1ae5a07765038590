"""What one racing process does to shipments: a real PostgreSQL, the simulated EMS on the wire, and calls that kill."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from backend.core import clock, crypto, db
from backend.core.config import Settings
from backend.core.errors import ServiceError
from express import jobs, ordering, policies
from express.carriers.base import Carrier
from express.money_models import PayerPolicy
from express.registry import Couriers, couriers_of

T = TypeVar("T")
ORDERING, WORKING = 10, 400
"""How many seconds of the shipments' clock pass in one: while workers call, leases end before a slow call does."""
THREADS = 4
LIVES = 3, 9
"""Calls after which a worker dies."""


def hurry(started: float, speed: int) -> None:
    """Let this process live so many times as fast, from the same moment as the others."""
    epoch = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    clock.replace(lambda: epoch + timedelta(seconds=(time.time() - started) * speed))


def connect(settings: Settings, started: float, speed: int = ORDERING) -> None:
    """Join the race database at the race's own time."""
    hurry(started, speed)
    crypto.configure(crypto.Keyring.from_settings(settings))
    db.configure(settings)


class Deadly(Couriers):
    """Lives for a few calls; the last one ends the process, before it is made or after it had its effect."""

    def __init__(self, couriers: Couriers, luck: random.Random) -> None:
        super().__init__({couriers.default: couriers.carrier(couriers.default)})
        self.left = luck.randint(*LIVES)
        self.before = luck.random() < 0.5

    def call(self, code: str, name: str, action: Callable[[Carrier], T]) -> T:
        self.left -= 1
        if self.left <= 0 and self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return super().call(code, name, action)
        finally:
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


def work_and_die(settings: Settings, started: float, seed: int) -> None:
    """A worker that calls until a call kills it, or nothing has been due for a while."""
    connect(settings, started, WORKING)
    couriers, idle = Deadly(couriers_of(settings), random.Random(seed)), 0
    while idle < 3:
        if jobs.call(couriers, callers=2):
            idle = 0
        else:
            idle += 1
            time.sleep(0.1)


def order_all(settings: Settings, started: float, owner: UUID, quotes: list[UUID]) -> Counter[str]:
    """The same quotes as everybody else: each may be used once."""
    connect(settings, started)

    def order(quote_id: UUID) -> str:
        try:
            with db.transaction() as session:
                ordering.order(
                    session,
                    quote_id=quote_id,
                    owner_id=owner,
                    carrier="ems",
                    region_code="350299",
                    pickup=None,
                    actor="person:1",
                    by_staff=True,
                )
        except ServiceError as refusal:
            return refusal.code
        return "ordered"

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(order, quotes))


def spend_all(settings: Settings, started: float, policy_id: UUID, fen: int, times: int) -> Counter[bool]:
    """Take from one budget."""
    connect(settings, started)

    def spend(_: int) -> bool:
        with db.transaction() as session:
            policy = session.get_one(PayerPolicy, policy_id)
            return policies.spend(session, policy, year=2026, fen=fen)

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(spend, range(times)))
