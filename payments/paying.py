"""Opening, asking and closing orders at a channel: short transaction, call, short transaction (ARCHITECTURE §4)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core import clock, idempotency
from backend.core.db import retrying, transaction
from backend.core.errors import Text
from payments import attempts, locks, settlement
from payments.alerts import alert
from payments.attempt_models import Attempt
from payments.attempts import OtherAttempt, Terms
from payments.errors import ChannelBusy, ChannelRefused, PreviousStillOpen
from payments.gateways.base import (
    AlreadyPaid,
    Busy,
    Gateway,
    GatewayError,
    Launch,
    NumberTaken,
    OrderClosed,
    OutcomeUnknown,
    PayAnswer,
    PayStatus,
)
from payments.registry import Gateways
from payments.states import LIVE, AttemptEvent, AttemptState

log = logging.getLogger(__name__)

MOST_NUMBERS = 3
"""How many numbers one click may use up (P28)."""
SYSTEM = "system"

T = TypeVar("T")


class Opened(StrEnum):
    """What came of opening: AGAIN asks for a new number."""

    DONE = "done"
    BUSY = "busy"
    REFUSED = "refused"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Begins or finds an attempt, once for a key and number: a repeated request goes on with the same attempt.

    `owner_id` is who sent the request, `body` what a repeat must have in common with it: never the payer's code.
    """

    bill_id: UUID
    terms: Terms
    payer_id: UUID | None
    owner_id: UUID
    route: str
    key: str | None
    body: dict[str, Any]

    def __call__(self, number: int) -> UUID:
        """Raises OtherAttempt, BillNotOpen, KeyMissing, KeyReused."""
        with transaction() as session:
            answer, _ = idempotency.once(
                session,
                owner_id=self.owner_id,
                route=f"{self.route}:{self.bill_id}:{number}",
                key=self.key,
                body=self.body,
                status=201,
                effect=lambda: {"id": str(self._begin(session))},
            )
        return UUID(answer["id"])

    def _begin(self, session: Session) -> UUID:
        return attempts.begin(session, bill_id=self.bill_id, terms=self.terms, payer_id=self.payer_id)


def pay(gateways: Gateways, begin: Callable[[int], UUID]) -> UUID:
    """The attempt the payer goes on with. `begin(n)` commits or finds it; n counts the numbers used.

    Another live order is closed first. Raises PreviousStillOpen, ChannelBusy, ChannelRefused.
    """
    for number in range(MOST_NUMBERS):
        try:
            attempt_id = begin(number)
        except OtherAttempt as other:
            if not close_order(gateways, other.attempt_id):
                raise _still_open(gateways, other.attempt_id) from None
            attempt_id = _after_closing(begin, number)
        outcome = open_order(gateways, attempt_id)
        if outcome == Opened.BUSY:
            raise ChannelBusy(attempt_id=str(attempt_id))
        if outcome == Opened.REFUSED:
            raise ChannelRefused(attempt_id=str(attempt_id))
        if outcome == Opened.DONE:
            return attempt_id
    raise PreviousStillOpen()


def _after_closing(begin: Callable[[int], UUID], number: int) -> UUID:
    try:
        return begin(number)
    except OtherAttempt:
        raise PreviousStillOpen() from None


def _still_open(gateways: Gateways, attempt_id: UUID) -> PreviousStillOpen:
    """Where an earlier order ends by itself only, its time is said: waiting is all that can be done."""
    with transaction() as session:
        attempt = session.get_one(Attempt, attempt_id)
    life = gateways.order_life(attempt.channel)
    if life is None:
        return PreviousStillOpen()
    until = attempt.opened_at + life
    at = f"{clock.civil(until):%H:%M}"
    words = Text(
        f"上一次付款要到 {at} 才会关闭，请在那以后再换一种方式付，不会重复扣款",
        f"Your earlier payment closes at {at}. Pay another way after that; you will not be charged twice",
    )
    return PreviousStillOpen(words, until=clock.rfc3339(until))


def open_order(gateways: Gateways, attempt_id: UUID) -> Opened:
    """Create the order, or repeat it under the same number when what the page needs is missing or old."""
    with transaction() as session:
        _, attempt = locks.by_id(session, attempt_id)
        if attempt.state not in LIVE or attempt.state == AttemptState.CLOSING or attempts.launch_of(attempt):
            return Opened.DONE
        channel, order = attempt.channel, attempts.pay_order(attempt)
    try:
        launch = gateways.call(channel, lambda gateway: gateway.open(order))
    except AlreadyPaid:
        look(gateways, attempt_id)
        return Opened.DONE
    except (NumberTaken, OrderClosed):
        return Opened.AGAIN if close_order(gateways, attempt_id) else Opened.BUSY
    except (OutcomeUnknown, Busy) as trouble:
        _note(attempt_id, AttemptEvent.LOSE, trouble)
        return Opened.BUSY
    except GatewayError as refusal:
        _note(attempt_id, AttemptEvent.REFUSE, refusal)
        return Opened.REFUSED
    _keep(attempt_id, launch, channel)
    return Opened.DONE


@retrying
def _keep(attempt_id: UUID, launch: Launch, channel: str) -> None:
    with transaction() as session:
        _, attempt = locks.by_id(session, attempt_id)
        attempts.keep_launch(session, attempt, launch, actor=f"{channel}:open")


@retrying
def _note(attempt_id: UUID, event: AttemptEvent, error: GatewayError) -> None:
    with transaction() as session:
        _, attempt = locks.by_id(session, attempt_id)
        attempt.failure = error.code[:80]
        session.flush()
        attempts.note(session, attempt, event, actor=f"{error.channel}:open", reason=error.code[:80])
    log.warning("order_not_opened", extra={"attempt": str(attempt_id), "event": event, "code": error.code})


def look(gateways: Gateways, attempt_id: UUID) -> None:
    """Ask the channel and apply what it says; no answer changes nothing (R4).

    An order that the channel never got is created again under the same number (P27).
    """
    with transaction() as session:
        _, attempt = locks.by_id(session, attempt_id)
        channel, number = attempt.channel, attempt.number
    answer = _asked(gateways, channel, lambda gateway: gateway.query(number))
    if answer is None:
        return
    state = _apply(attempt_id, channel, answer)
    if answer.status == PayStatus.ABSENT and state in (AttemptState.NEW, AttemptState.CREATE_UNKNOWN):
        open_order(gateways, attempt_id)


def close_order(gateways: Gateways, attempt_id: UUID) -> bool:
    """End the chance to pay: query, close, query again, only then CLOSED (P33). False while that is not certain."""
    with transaction() as session:
        _, attempt = locks.by_id(session, attempt_id)
        if attempt.state in LIVE:
            attempts.start_closing(session, attempt, actor=SYSTEM)
        state, channel, number = attempt.state, attempt.channel, attempt.number
    if state != AttemptState.CLOSING:
        return True
    before = _asked(gateways, channel, lambda gateway: gateway.query(number))
    if before is None:
        return False
    if _apply(attempt_id, channel, before) != AttemptState.CLOSING:
        return True
    try:
        gateways.call(channel, lambda gateway: gateway.close(number))
    except AlreadyPaid:
        log.info("paid_while_closing", extra={"attempt": str(attempt_id)})
    except GatewayError as trouble:
        log.warning("order_not_closed", extra={"attempt": str(attempt_id), "code": trouble.code})
        return False
    after = _asked(gateways, channel, lambda gateway: gateway.query(number))
    if after is None:
        return False
    if after.status == PayStatus.ABSENT:
        return _closed(attempt_id)
    return _apply(attempt_id, channel, after) != AttemptState.CLOSING


@retrying
def _closed(attempt_id: UUID) -> bool:
    """The channel never had the order, or has no trace of it after closing."""
    with transaction() as session:
        _, attempt = locks.by_id(session, attempt_id)
        if attempt.state == AttemptState.CLOSING:
            attempts.closed(session, attempt, actor=SYSTEM)
    return True


@retrying
def _apply(attempt_id: UUID, channel: str, answer: PayAnswer) -> AttemptState:
    with transaction() as session:
        settlement.apply_payment(session, channel, answer, source="poll")
        _, attempt = locks.by_id(session, attempt_id)
        return attempt.state


def _asked(gateways: Gateways, channel: str, question: Callable[[Gateway], T]) -> T | None:
    """The channel's verified answer, None when there is none."""
    try:
        return gateways.call(channel, question)
    except (OutcomeUnknown, Busy) as trouble:
        log.info("channel_silent", extra={"channel": channel, "code": trouble.code})
    except GatewayError as refusal:
        alert("question_refused", channel=channel, code=refusal.code)
    return None
