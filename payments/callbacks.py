"""What channels tell us by themselves: verified from raw bytes, stored, applied once, answered from the database."""

import base64
import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, case, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, crypto, db, metrics
from backend.core.db import retrying, transaction
from backend.core.prepared import Prepared
from payments import attempts, locks, repayment, settlement
from payments.alerts import alert
from payments.attempt_models import ChannelEvent
from payments.gateways.base import ChannelNotice, NoticeRefused
from payments.proof import Verdict
from payments.registry import Gateways

log = logging.getLogger(__name__)

FAILED = "failed"
"""Stored though its effect broke: the repeat tries again."""
RETRIED = (Verdict.PENDING, Verdict.UNMATCHED, Verdict.REFUSED, FAILED)
ACCEPTED = (
    Verdict.APPLIED,
    Verdict.REPEAT,
    Verdict.NO_MONEY,
    Verdict.PENDING,
    Verdict.SUSPENSE,
    Verdict.CONFLICT,
)
"""Answered with success. The others are repeated by the channel for a day, which gives time to mend (P10, P26)."""
STALE_IN_A_ROW = 3
_stale: Counter[str] = Counter()
"""Notices refused by age since the last that was not, in this process."""
_NEW = insert(cast(Table, ChannelEvent.__table__)).inline()
_STORE = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=["channel", "event_id"],
        set_={
            "repeats": ChannelEvent.repeats + 1,
            "verdict": case(
                (or_(*(ChannelEvent.verdict == verdict for verdict in RETRIED)), _NEW.excluded.verdict),
                else_=ChannelEvent.verdict,
            ),
        },
    )
)
KEPT_HEADERS = ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial", "wechatpay-signature", "content-type")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the provider is to be told: taken, refused as not genuine, or failed so that it comes again."""

    taken: bool
    genuine: bool = True
    set_up: bool = True

    @property
    def failure_status(self) -> int:
        """The HTTP status of what was not taken."""
        if not self.set_up:
            return 404
        return 500 if self.genuine else 401


def clock_is_wrong() -> bool:
    """Whether a channel's notices were all refused for their age lately, as far as this node knows (P17)."""
    return metrics.highest(metrics.STALE_NOTICES) >= STALE_IN_A_ROW


def receive(gateways: Gateways, channel: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """One notification. Nothing of a forged one reaches the database (P7)."""
    gateway = gateways.gateway(channel)
    if gateway is None:
        return Outcome(taken=False, set_up=False)
    try:
        notice = gateway.read_notice(headers, body, clock.now())
    except NoticeRefused as refusal:
        metrics.CALLBACKS.labels(channel, "probe" if refusal.probe else f"forged:{refusal.why}").inc()
        if not refusal.probe:
            log.warning("notice_refused", extra={"channel": channel, "why": refusal.why})
        _watch_clock(channel, too_old=refusal.why == "age")
        return Outcome(taken=False, genuine=False)
    _watch_clock(channel, too_old=False)
    raw = _raw(headers, body)
    try:
        verdict = _take(channel, notice, raw)
    except Exception:
        log.exception("notice_failed", extra={"channel": channel})
        alert("notice_failed", channel=channel, event=notice.event_id)
        _keep_failed(channel, notice, raw)
        verdict = FAILED
    metrics.CALLBACKS.labels(channel, verdict).inc()
    return Outcome(taken=verdict in ACCEPTED)


def _watch_clock(channel: str, *, too_old: bool) -> None:
    """When nothing but stale notices comes, it is our clock (P17). The window is never widened; polling goes on."""
    _stale[channel] = _stale[channel] + 1 if too_old else 0
    metrics.STALE_NOTICES.labels(channel).set(_stale[channel])
    if _stale[channel] == STALE_IN_A_ROW:
        alert("clock", channel=channel)


@retrying
def _take(channel: str, notice: ChannelNotice, raw: str) -> str:
    """Record and effect share one transaction (R5, R6); a parallel repeat waits for the bill's lock (P3)."""
    with transaction() as session:
        verdict: Verdict
        if notice.payment is not None:
            verdict = settlement.apply_payment(session, channel, notice.payment, source="notice")
            if verdict == Verdict.NO_MONEY:
                found = locks.by_number(session, channel, notice.payment.number)
                if found is not None:
                    attempts.look_soon(session, found[1].id)
        elif notice.refund is not None:
            verdict = repayment.apply_refund(session, channel, notice.refund, source="notice")
        else:
            verdict = Verdict.NO_MONEY
        _store(session, channel, notice, raw, verdict)
    return verdict


def _keep_failed(channel: str, notice: ChannelNotice, raw: str) -> None:
    """The record survives its broken effect, if the database is there at all."""
    try:
        with transaction() as session:
            _store(session, channel, notice, raw, FAILED)
    except Exception:
        log.exception("notice_not_stored", extra={"channel": channel})


def _store(session: Session, channel: str, notice: ChannelNotice, raw: str, verdict: str) -> None:
    """The event once; a repeat is counted, and takes the newer verdict only where the old one was not final."""
    event_id = db.new_id()
    refund, payment = notice.refund, notice.payment
    _STORE.run(
        session,
        {
            "id": event_id,
            "channel": channel,
            "event_id": notice.event_id,
            "kind": "refund" if refund else "payment",
            "number": (refund.pay_number or "") if refund else (payment.number if payment else ""),
            "refund_number": refund.number if refund else None,
            "transaction_id": payment.transaction_id if payment else None,
            "verdict": verdict,
            "sent_at": notice.sent_at,
            "received_at": clock.now(),
            "raw": crypto.seal(raw, table="channel_event", column="raw", row=event_id),
        },
    )


def _raw(headers: Mapping[str, str], body: bytes) -> str:
    kept = {name: value for name, value in headers.items() if name.lower() in KEPT_HEADERS}
    return json.dumps({"headers": kept, "body": base64.b64encode(body).decode()})
