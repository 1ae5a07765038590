"""Attempts to pay: opened under the bill's lock, one live at a time, resumed on a second click."""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.core import clock, crypto, db
from backend.core.errors import Text
from backend.core.states import record_event, transition
from payments import bills, lateness, locks, opening, settlement
from payments.attempt_models import Attempt, AttemptEventRow
from payments.bill_models import Bill
from payments.errors import BillNotOpen, CannotSettle, NothingProposed, SamePerson
from payments.gateways.base import Launch, PayOrder, Scene
from payments.proof import CURRENCY
from payments.states import ATTEMPT, LIVE, AttemptEvent, AttemptState, BillState

LIFE = timedelta(minutes=30)
MARGIN = timedelta(seconds=60)
"""The channel's deadline is earlier than ours, so that nothing is paid in the moment of closing (P33)."""
LEAST_LIFE = timedelta(minutes=3)
FIRST_POLL = timedelta(seconds=5)
PLAN_S = (10, 15, 30)
"""Seconds to the next question after the first ones; then each minute while the order may still be paid."""
LAUNCH_LIFE = {Scene.H5: timedelta(minutes=4), Scene.WAP: timedelta(minutes=10)}
"""How long what the page needs can be used; otherwise as long as the order."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Where and how an order is to be opened: all of it is stored before the channel is called (R1)."""

    channel: str
    scene: Scene
    app_id: str
    merchant_id: str
    client_ip: str
    openid: str | None = None
    auth_code: str | None = None
    return_url: str | None = None


class OtherAttempt(Exception):
    """Another order of this bill is live and has to be closed first (P36)."""

    def __init__(self, attempt_id: UUID) -> None:
        super().__init__(str(attempt_id))
        self.attempt_id = attempt_id


def begin(session: Session, *, bill_id: UUID, terms: Terms, payer_id: UUID | None) -> UUID:
    """The attempt to go on with: the live one of the same payer and terms (P32), or a new one.

    Raises BillNotOpen, PaymentsShut, and OtherAttempt when another order has to be closed first.
    """
    opening.demand_open(session)
    bill = bills.locked(session, bill_id)
    live = session.scalars(select(Attempt).where(Attempt.bill_id == bill.id, Attempt.state.in_(LIVE))).one_or_none()
    if live is not None:
        if _is_same(live, bill, terms, payer_id):
            return live.id
        raise OtherAttempt(live.id)
    lateness.grow(session, bill)
    expires_at = payable_until(bill)
    attempt_id = db.new_id()
    order = {"client_ip": terms.client_ip, "description": bill.title_zh}
    order |= {name: value for name in ("openid", "auth_code", "return_url") if (value := getattr(terms, name))}
    attempt = Attempt(
        id=attempt_id,
        bill_id=bill.id,
        state=AttemptState.NEW,
        state_at=clock.now(),
        number=attempt_id.hex,
        channel=terms.channel,
        scene=terms.scene,
        app_id=terms.app_id,
        merchant_id=terms.merchant_id,
        amount_fen=bill.total_fen,
        currency=CURRENCY,
        bill_version=bill.version,
        payer_id=payer_id,
        order=_sealed(attempt_id, "order", order),
        opened_at=clock.now(),
        expires_at=expires_at,
        next_poll_at=clock.now() + FIRST_POLL,
    )
    session.add(attempt)
    session.flush()
    actor = f"person:{payer_id}" if payer_id else "system"
    record_event(session, AttemptEventRow, attempt.id, None, AttemptState.NEW, AttemptEvent.OPEN, actor=actor)
    return attempt.id


def payable_until(bill: Bill) -> datetime:
    """Until when an order of this bill may live. Raises BillNotOpen.

    A bill that grows is payable past its due date at today's figure, so until midnight; no other is.
    """
    now, today = clock.now(), clock.today()
    late = bill.due_on < today
    if bill.state != BillState.ISSUED or (late and not bill.grows):
        raise BillNotOpen()
    last_day = today if late else bill.due_on
    until = min(now + LIFE, clock.instant(last_day + timedelta(days=1), time(0)))
    if until - now < LEAST_LIFE:
        raise BillNotOpen(Text("今天来不及了，请过零点再付", "It is too late today. Pay after midnight"))
    return until


def pay_order(attempt: Attempt) -> PayOrder:
    """What the channel is asked, the same on every try."""
    asked = _opened(attempt.id, "order", attempt.order)
    return PayOrder(
        number=attempt.number,
        amount_fen=attempt.amount_fen,
        description=asked["description"],
        expires_at=attempt.expires_at - MARGIN,
        scene=Scene(attempt.scene),
        app_id=attempt.app_id,
        client_ip=asked["client_ip"],
        openid=asked.get("openid"),
        auth_code=asked.get("auth_code"),
        return_url=asked.get("return_url"),
    )


def launch_of(attempt: Attempt) -> Launch | None:
    """What the payer's page needs, None before the channel answered or when it is too old."""
    if attempt.launch is None or attempt.launched_at is None or attempt.state not in LIVE:
        return None
    life = LAUNCH_LIFE.get(Scene(attempt.scene))
    if life is not None and clock.now() >= attempt.launched_at + life:
        return None
    return Launch(**_opened(attempt.id, "launch", attempt.launch))


def keep_launch(session: Session, attempt: Attempt, launch: Launch, *, actor: str) -> None:
    """The channel took the order. After the money this only adds what was answered (P1)."""
    given = {name: getattr(launch, name) for name in ("parameters", "url", "qr", "reference")}
    given["parameters"] = dict(launch.parameters) if launch.parameters is not None else None
    attempt.launch, attempt.launched_at, attempt.failure = _sealed(attempt.id, "launch", given), clock.now(), None
    session.flush()
    note(session, attempt, AttemptEvent.CREATED, actor=actor)


def note(session: Session, attempt: Attempt, event: AttemptEvent, *, actor: str, reason: str | None = None) -> None:
    """What the channel said of the creation; nothing once the attempt has moved on."""
    if (attempt.state, event) in ATTEMPT.steps:
        transition(session, attempt, event, actor=actor, reason=reason)


def start_closing(session: Session, attempt: Attempt, *, actor: str) -> None:
    """Whoever opens another order, or the deadline, ends this one; until that is certain it is CLOSING."""
    transition(session, attempt, AttemptEvent.START_CLOSING, actor=actor)


def closed(session: Session, attempt: Attempt, *, actor: str) -> None:
    """Nothing can be paid any more. Proof of money still counts (P35)."""
    transition(session, attempt, AttemptEvent.CLOSE, actor=actor)
    attempt.next_poll_at = None
    session.flush()


def next_delay(attempt: Attempt, now: datetime) -> timedelta:
    """Until the next question: soon at first, each minute while it may be paid, rarer when the channel is away (A4)."""
    if attempt.polls < len(PLAN_S):
        return timedelta(seconds=PLAN_S[attempt.polls])
    over = now - attempt.expires_at
    for limit, delay in ((0, 1), (10, 3), (30, 10), (240, 30)):
        if over < timedelta(minutes=limit):
            return timedelta(minutes=delay)
    return timedelta(hours=1)


def live_of(session: Session, bill_id: UUID) -> UUID | None:
    """The attempt of this bill that may still be paid, if any."""
    return session.scalar(select(Attempt.id).where(Attempt.bill_id == bill_id, Attempt.state.in_(LIVE)))


def claim_due(session: Session, limit: int) -> list[tuple[UUID, bool]]:
    """Live attempts to be asked about now, and whether they are to be closed: past their deadline, or not needed.

    The next question is set here, so a worker that dies leaves nothing unasked and two never ask together.
    """
    now = clock.now()
    rows = session.execute(
        select(Attempt, Bill.state.label("bill_state"))
        .join(Bill, Bill.id == Attempt.bill_id)
        .where(Attempt.next_poll_at <= now, Attempt.state.in_(LIVE))
        .order_by(Attempt.next_poll_at)
        .limit(limit)
        .with_for_update(of=Attempt, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    claimed = []
    for attempt, bill_state in rows:
        over = now >= attempt.expires_at
        due = now + next_delay(attempt, now)
        attempt.next_poll_at = due if over else min(due, attempt.expires_at)
        attempt.polls = min(attempt.polls + 1, 1000)
        claimed.append((attempt.id, over or bill_state != BillState.ISSUED or attempt.state == AttemptState.CLOSING))
    session.flush()
    return claimed


def look_soon(session: Session, attempt_id: UUID) -> None:
    """The page says something happened: that is only a reason to ask the channel again (R3, P30, P31)."""
    session.execute(
        update(Attempt)
        .where(Attempt.id == attempt_id, Attempt.state.in_(LIVE))
        .values(next_poll_at=clock.now(), polls=0)
    )


def propose(session: Session, *, attempt_id: UUID, proposal: str, actor: str, reason: str) -> Attempt:
    """The first of two people says what becomes of money in suspense. Raises CannotSettle."""
    bill, attempt = locks.by_id(session, attempt_id)
    if attempt.state != AttemptState.SUSPENSE or (proposal == "settle" and not can_settle(bill, attempt)):
        raise CannotSettle()
    attempt.proposal, attempt.proposed_by, attempt.proposal_reason = proposal, actor, reason
    session.flush()
    return attempt


def confirm(session: Session, *, attempt_id: UUID, proposal: str, actor: str) -> Attempt:
    """The second person agrees, and it is done. Raises SamePerson, NothingProposed, CannotSettle."""
    bill, attempt = locks.by_id(session, attempt_id)
    if attempt.state != AttemptState.SUSPENSE or attempt.proposal != proposal:
        raise NothingProposed()
    if attempt.proposed_by == actor:
        raise SamePerson()
    settle = proposal == "settle"
    if settle and not can_settle(bill, attempt):
        raise CannotSettle()
    settlement.decide_suspense(session, bill, attempt, settle=settle, actor=actor)
    return attempt


def can_settle(bill: Bill, attempt: Attempt) -> bool:
    """Whether money in suspense is exactly what its bill asks for now; otherwise it can only go back."""
    exact = attempt.paid_fen == bill.total_fen and attempt.refunded_fen == 0 and attempt.currency == CURRENCY
    return exact and bill.state == BillState.ISSUED


def _is_same(attempt: Attempt, bill: Bill, terms: Terms, payer_id: UUID | None) -> bool:
    return (
        attempt.state != AttemptState.CLOSING
        and (attempt.channel, attempt.scene, attempt.app_id, attempt.merchant_id, attempt.payer_id)
        == (terms.channel, terms.scene, terms.app_id, terms.merchant_id, payer_id)
        and attempt.amount_fen == bill.total_fen
        and attempt.bill_version == bill.version
        and attempt.expires_at - MARGIN > clock.now()
        and terms.auth_code is None
    )


def _sealed(attempt_id: UUID, column: str, content: dict[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False)
    return crypto.seal(text, table="payment_attempt", column=column, row=attempt_id)


def _opened(attempt_id: UUID, column: str, sealed: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(crypto.unseal(sealed, table="payment_attempt", column=column, row=attempt_id))
    return content
