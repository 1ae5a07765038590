"""A carrier's push: opened from its raw bytes, stored and applied, answered in the carrier's own form."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.exc import SQLAlchemyError

from backend.core import metrics
from express import following
from express.carriers.base import PushRefused
from express.registry import Couriers

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The HTTP status and the body that the carrier reads; only 200 ends its repeats."""

    status: int
    receipt: Mapping[str, str]


def receive(couriers: Couriers, code: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Take one push. Events of waybills that are not ours (any more) are taken and have no effect.

    A refused push has no effect either. Raises CarrierMissing.
    """
    try:
        push = couriers.carrier(code).read_push(headers, body)
    except PushRefused as refusal:
        metrics.TRACK_EVENTS.labels("push", "refused").inc()
        log.warning("push_refused", extra={"carrier": code, "why": refusal.why})
        return Outcome(400, refusal.receipt)
    try:
        events = sorted(push.events, key=lambda event: event.waybill)
        for waybill, its_own in groupby(events, key=lambda event: event.waybill):
            following.take(waybill, list(its_own), source="push")
    except SQLAlchemyError:
        log.exception("push_not_stored", extra={"carrier": code, "serial": push.serial})
        return Outcome(500, push.failure)
    return Outcome(200, push.receipt)
