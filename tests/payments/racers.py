"""What one racing process does to payments: real transactions on a real PostgreSQL, from a few threads at once."""

import os
import random
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from backend.core import clock, db
from backend.core.config import Settings
from backend.core.errors import Busy, ServiceError
from payments import attempts, callbacks, jobs, paying, refunds
from payments.gateways.base import Channel, PayAnswer, PayStatus, RefundAnswer, RefundOrder, RefundStatus, Scene
from payments.registry import Account, Gateways
from tests.backend.appointments.racers import THREADS, TRIES, answering, connect
from tests.payments.fake_channel import FakeChannel

APP, MERCHANT, FEN = "wx-official", "test-merchant", 12_000
PAID_AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
DEADLY = 0.2


class PaidChannel(FakeChannel):
    """Every order it hears of is paid, every refund succeeds: the same in every process. A few calls kill."""

    def __init__(self, deadly: random.Random | None = None) -> None:
        super().__init__(Channel.WECHAT_PAY, MERCHANT)
        self.deadly = deadly

    def query(self, number: str) -> PayAnswer:
        self._die()
        return paid_answer(number)

    def refund(self, order: RefundOrder) -> RefundAnswer:
        self._die()
        return RefundAnswer(order.number, RefundStatus.SUCCESS, order.pay_number, order.amount_fen, refunded_at=PAID_AT)

    def query_refund(self, number: str, pay_number: str) -> RefundAnswer:
        self._die()
        return RefundAnswer(number, RefundStatus.PROCESSING, pay_number)

    def _die(self) -> None:
        if self.deadly is not None and self.deadly.random() < DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)


def paid_answer(number: str) -> PayAnswer:
    return PayAnswer(number, PayStatus.PAID, APP, MERCHANT, FEN, FEN, "CNY", f"T{number}", PAID_AT)


def gateways(channel: FakeChannel) -> Gateways:
    return Gateways({Channel.WECHAT_PAY: Account(channel, {"official": APP})})


def deliver_all(settings: Settings, bodies: list[bytes]) -> Counter[str]:
    """Notifications as they come, a few at once; what is not taken comes again."""
    connect(settings)
    taker = gateways(FakeChannel(Channel.WECHAT_PAY, MERCHANT))

    def deliver(body: bytes) -> str:
        for _ in range(TRIES):
            if callbacks.receive(taker, Channel.WECHAT_PAY, {}, body).taken:
                return "taken"
        return "lost"

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(deliver, bodies))


def close_all(settings: Settings, attempt_ids: list[UUID], numbers: dict[UUID, Any]) -> Counter[str]:
    """Close orders that the channel believes unpaid."""
    connect(settings)
    channel = FakeChannel(Channel.WECHAT_PAY, MERCHANT)
    closer = gateways(channel)

    def close(attempt_id: UUID) -> str:
        channel.open(numbers[attempt_id])
        for _ in range(TRIES):
            try:
                with answering():
                    return "ended" if paying.close_order(closer, attempt_id) else "open"
            except Busy:
                continue
        return "busy"

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(close, attempt_ids))


def click_all(settings: Settings, bill_id: UUID, payer_id: UUID, times: int) -> Counter[str]:
    """The same citizen presses the same button again and again, from several devices."""
    connect(settings)
    channel = FakeChannel(Channel.WECHAT_PAY, MERCHANT)
    terms = attempts.Terms(Channel.WECHAT_PAY, Scene.H5, APP, MERCHANT, "192.0.2.7")

    def begin(_: int) -> UUID:
        with db.transaction() as session:
            return attempts.begin(session, bill_id=bill_id, terms=terms, payer_id=payer_id)

    def click(_: int) -> str:
        for _ in range(TRIES):
            try:
                with answering():
                    return str(paying.pay(gateways(channel), begin))
            except Busy:
                continue
        return "busy"

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(click, range(times)))


def ask_all(settings: Settings, bill_id: UUID, amount_fen: int, times: int) -> Counter[str]:
    """Partial refunds that together are more than was paid."""
    connect(settings)

    def ask(number: int) -> str:
        for _ in range(TRIES):
            try:
                with answering(), db.transaction() as session:
                    refunds.request(
                        session,
                        bill_id=bill_id,
                        amount_fen=amount_fen,
                        ground="over_collected",
                        reason="多收",
                        actor=f"person:{number}",
                        by_unit=False,
                    )
            except Busy:
                continue
            except ServiceError as refusal:
                return refusal.code
            return "asked"
        return "busy"

    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(ask, range(times)))


def work_and_die(settings: Settings, seed: int) -> None:
    """A worker that polls and sends until a call kills it, or there is nothing left."""
    connect(settings)
    clock.replace(lambda: datetime.now(UTC))
    channel = gateways(PaidChannel(random.Random(seed)))
    while jobs.poll(channel, callers=2) + jobs.send(channel, callers=2):
        pass
