"""The dispatcher: claims due notices, sends them with no transaction open, and records what came of it.

A claim moves the due time forward by the lease, so a worker that dies leaves its notices due again. The
number of attempts fences the record: only the latest claim may write the outcome.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import lru_cache

from sqlalchemy import delete

from backend.core import clock, crypto, db, limits, metrics
from backend.core.config import Settings
from backend.core.wechat import mini_program, official_account
from backend.core.wechat_tokens import connect
from notify import outcomes, queries, routing
from notify.channels.base import Channel, Outcome
from notify.channels.sms import SmsChannel
from notify.channels.wechat_subscribe import WeChatSubscribeChannel
from notify.channels.wechat_template import WeChatTemplateChannel
from notify.claims import BATCH, Claim, claim_batch
from notify.models import DeliveryReceipt

log = logging.getLogger(__name__)

SENDERS = 32
MOST_BATCHES = 50
NOT_TRIED = "not_tried"
TOO_MANY = "too_many"

Channels = Mapping[str, Channel]


def dispatch_due(settings: Settings) -> int:
    """Send what is due, batch by batch, until nothing is; gives the number of notices handled."""
    return dispatch(channels_of(settings))


def dispatch(channels: Channels, *, sent: Callable[[], None] | None = None) -> int:
    """As `dispatch_due`, on these channels. `sent` is called between sending and recording.

    While one batch is being sent, the next is claimed and the one before is recorded.
    """
    handled = 0
    with ThreadPoolExecutor(SENDERS) as pool:
        sender = _Sender(pool, channels)
        size, claims = _claim(channels)
        sending = sender.start(claims)
        for number in range(1, MOST_BATCHES + 1):
            more = size == BATCH and number < MOST_BATCHES and not sender.halted
            next_size, next_claims = _claim(channels) if more else (0, [])
            results = [future.result() for future in sending]
            sending = sender.start(next_claims)
            if sent is not None:
                sent()
            if claims:
                _record(channels, claims, results)
            handled += size
            size, claims = next_size, next_claims
            if not size:
                break
    return handled


def measure_waiting() -> None:
    """Put the age of the notice that waits longest, and how much of each quota is used, where Prometheus reads it.

    A quota that runs short is logged once a day.
    """
    with db.transaction() as session:
        metrics.NOTICES_OLDEST_DUE.set(queries.oldest_due_s(session))
        for channel, share in queries.quota_shares(session):
            metrics.NOTICES_QUOTA_USED.labels(channel).set(share)
        passed = routing.warn_once(session)
    for channel, used, limit in passed:
        log.warning("notice_quota_short", extra={"channel": channel, "used": used, "daily_limit": limit})


def reconcile_receipts() -> None:
    """Receipts without a message number settle unknown attempts; old receipts and lost attempts are put away."""
    with db.transaction() as session:
        outcomes.close_lost(session)
        outcomes.reconcile(session)
        session.execute(delete(DeliveryReceipt).where(DeliveryReceipt.at < clock.now() - outcomes.RECEIPTS_KEPT))


@db.retrying
def _claim(channels: Channels) -> tuple[int, list[Claim]]:
    with db.transaction() as session:
        return claim_batch(session, channels)


@db.retrying
def _record(channels: Channels, claims: Sequence[Claim], results: Sequence[Outcome]) -> None:
    windows = {name: channel.repeat_window_s for name, channel in channels.items()}
    with db.transaction() as session:
        outcomes.record(session, list(zip(claims, results, strict=True)), windows)
        for name in channels:
            numbers = [
                outcome.provider_id
                for claim, outcome in zip(claims, results, strict=True)
                if claim.channel == name and outcome.provider_id
            ]
            if numbers:
                outcomes.settle(session, name, numbers)


class _Sender:
    """Sends side by side; once a provider takes no more or is gone, the rest of this run's messages wait untried."""

    def __init__(self, pool: ThreadPoolExecutor, channels: Channels) -> None:
        self._pool, self._channels = pool, channels
        self.halted: dict[str, Outcome] = {}

    def start(self, claims: Sequence[Claim]) -> list[Future[Outcome]]:
        """Begin to send these; each address gets its share and no more."""
        waits = [_wait_s(self._channels[claim.channel], claim) for claim in claims]
        return [
            self._pool.submit(copy_context().run, self._send, claim, wait)
            for claim, wait in zip(claims, waits, strict=True)
        ]

    def _send(self, claim: Claim, wait_s: int) -> Outcome:
        if wait_s:
            return Outcome("again", code=TOO_MANY, wait_s=wait_s)
        if claim.channel in self.halted:
            return replace(self.halted[claim.channel], result="again", code=NOT_TRIED)
        outcome = self._channels[claim.channel].send(claim.message)
        if outcome.exhausted or outcome.unreachable:
            self.halted[claim.channel] = outcome
        return outcome


def _wait_s(channel: Channel, claim: Claim) -> int:
    """Seconds until this address may get one more message; 0 for now, which counts it."""
    index = crypto.blind_index(claim.message.address, field="notify.address").hex() if channel.address_limits else ""
    waits = (
        limits.take(f"notify:{channel.name}:{capacity}:{index}", capacity=capacity, per_seconds=seconds)
        for capacity, seconds in channel.address_limits
    )
    return next((wait for wait in waits if wait), 0)


@lru_cache(maxsize=2)
def channels_of(settings: Settings) -> Channels:
    """The channels that are set up, by name."""
    found: list[Channel] = []
    if settings.wechat_official_appid:
        found.append(
            WeChatTemplateChannel(
                connect(official_account(settings)),
                settings.wechat_template_ids,
                settings.public_url,
                daily_limit=settings.wechat_daily_quota,
            )
        )
    if settings.wechat_mini_appid and settings.wechat_mini_template_ids:
        found.append(WeChatSubscribeChannel(connect(mini_program(settings)), settings.wechat_mini_template_ids))
    if settings.sms_base:
        found.append(SmsChannel(settings))
    return {channel.name: channel for channel in found}
