"""Workers that reconcile the same day at the same moment, each in a process of its own."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from backend.core import clock, crypto, db
from backend.core.config import Settings
from payments.gateways.base import Channel, PayAnswer, PayStatus, StatementLine
from payments.reconciliation import jobs as recon_jobs
from payments.registry import Account, Gateways

DAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
NEXT_DAY = datetime(2026, 11, 25, 2, 31, tzinfo=UTC)
FEN = 12_000


class PaidChannel:
    """A channel at which every order of the list is paid."""

    channel, merchant_id = Channel.WECHAT_PAY, "test-merchant"

    def __init__(self, numbers: Sequence[str]) -> None:
        self.numbers = numbers

    def query(self, number: str) -> PayAnswer:
        time.sleep(0.005)
        return PayAnswer(
            number,
            PayStatus.PAID,
            app_id="wx-official",
            merchant_id=self.merchant_id,
            amount_fen=FEN,
            transaction_id=f"T{number}",
            paid_at=MORNING,
        )

    def statement(self, day: date) -> Iterator[StatementLine]:
        for number in self.numbers:
            time.sleep(0.001)
            if day == DAY:
                yield StatementLine(number, f"T{number}", MORNING, FEN, "SUCCESS")


def connect(settings: Settings, now: datetime) -> None:
    """Join the race database, at a time that stands still."""
    clock.replace(lambda: now)
    crypto.configure(crypto.Keyring.from_settings(settings))
    db.configure(replace(settings, web_threads=2))


def reconcile(settings: Settings, numbers: Sequence[str], start_at: float) -> None:
    """Runs in a new process."""
    connect(settings, NEXT_DAY)
    channel = PaidChannel(numbers)
    gateways = Gateways({Channel.WECHAT_PAY: Account(channel, {"official": "wx-official"})})
    time.sleep(max(0.0, start_at - time.time()))
    for _ in range(3):
        recon_jobs.reconcile(gateways, None)
    db.engine().dispose()
