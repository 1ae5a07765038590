"""What finance must hear of a bill next, and what its answer changes. The calls are made by `payments.receipt_jobs`.

Notice → confirmation → electronic bill. Before a refund leaves, the electronic bill is cancelled 冲红; what is then
left of the payment gets a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, db
from backend.core.states import transition
from payments import bills, notices
from payments.alerts import alert
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillItem, BillRelief, EBill
from payments.gateways.finance import (
    Confirmation,
    Confirmed,
    EbillOrder,
    EbillState,
    IssuedEbill,
    Notice,
    NoticeItem,
    NoticeOrder,
    RedEbill,
)
from payments.receipt_models import UNHEARD, BillAtFinance
from payments.refund_models import Refund
from payments.states import REFUND_DONE, SETTLED, AttemptState, BillEvent, BillState, RefundState

ACTOR = "finance"
LEASE = timedelta(minutes=1)
WAITS_S = (5, 15, 60, 180, 600, 1800, 3600)
"""Seconds to the next try after each failure; the last goes on for ever."""
ISSUING = timedelta(seconds=10)
REST = timedelta(seconds=10)
ALARM_AFTER = 5
LEAVING = (RefundState.APPROVED, RefundState.SUBMITTED, RefundState.SUBMIT_UNKNOWN, RefundState.ABNORMAL)
"""Refunds that are granted but not over: until then no electronic bill stands."""


class Step(StrEnum):
    """What finance is told next."""

    REGISTER = "register"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Task:
    """One step with all that its call needs; `order` is what the adapter takes."""

    bill_id: UUID
    step: Step
    region_code: str
    pay_code: str
    version: int
    notice: NoticeOrder | None = None
    confirmation: Confirmation | None = None
    ebill: EbillOrder | None = None
    standing: EBill | None = None


def claim_due(session: Session, limit: int) -> list[UUID]:
    """Bills of which finance must hear something now; each is leased, so another worker leaves it alone."""
    now = clock.now()
    due = union(*_due()).subquery()
    found = session.scalars(
        select(due.c.id)
        .outerjoin(BillAtFinance, BillAtFinance.bill_id == due.c.id)
        .where(or_(BillAtFinance.next_try_at.is_(None), BillAtFinance.next_try_at <= now))
        .order_by(due.c.id)
        .limit(limit)
    ).all()
    claimed = []
    for bill_id in found:
        row = insert(BillAtFinance).values(bill_id=bill_id, next_try_at=now + LEASE)
        taken = row.on_conflict_do_update(
            index_elements=["bill_id"],
            set_={"next_try_at": row.excluded.next_try_at},
            where=or_(BillAtFinance.next_try_at.is_(None), BillAtFinance.next_try_at <= now),
        ).returning(BillAtFinance.bill_id)
        if session.scalar(taken) is not None:
            claimed.append(bill_id)
    return claimed


def next_task(session: Session, bill_id: UUID) -> Task | None:
    """The next step of a bill; None when finance has heard everything."""
    bill = bills.locked(session, bill_id)
    if bill.notice_type == bills.POSTAGE:
        return None
    told = _told(session, bill_id)
    if bill.state in (BillState.VOID, BillState.EXPIRED):
        gone = told.registered_version is not None and told.withdrawn_at is None
        return _task(bill, Step.WITHDRAW) if gone else None
    unheard = bill.source == "unit" and (told.registered_version or 0) < bill.version
    if unheard and bill.paid_via != "other" and bill.state in (BillState.ISSUED, BillState.PAID):
        return _task(bill, Step.REGISTER, notice=_notice(session, bill))
    if bill.state == BillState.PAID:
        if bill.paid_via == "other":
            confirmed(session, bill_id, None)
        else:
            return _task(bill, Step.CONFIRM, confirmation=_confirmation(session, bill))
    if bill.state not in SETTLED:
        return None
    return _ebill_task(session, bill)


def rest(session: Session, bill_id: UUID) -> None:
    """Finance has heard everything there is to say now."""
    told = _told(session, bill_id)
    told.next_try_at = clock.now() + REST
    session.flush()


def registered(session: Session, task: Task, answer: Notice) -> None:
    """Finance knows the notice; its QR code opens finance's own page, which takes either app."""
    bill = bills.locked(session, task.bill_id)
    bill.qr_url = answer.qr_url
    told = _told(session, task.bill_id)
    put_off = task.notice is not None and task.notice.due_date != bill.due_on
    told.registered_version = UNHEARD if put_off else task.version
    _heard(session, told)


def withdrawn(session: Session, bill_id: UUID) -> None:
    """Finance has taken the dead notice back."""
    told = _told(session, bill_id)
    told.withdrawn_at = clock.now()
    _heard(session, told)


def confirmed(session: Session, bill_id: UUID, answer: Confirmed | None) -> None:
    """Finance has the payment in its books; None when it was finance that told us of it."""
    bill = bills.locked(session, bill_id)
    told = _told(session, bill_id)
    told.confirm_no = answer.confirm_no if answer else None
    told.confirmed_at = answer.confirmed_at if answer else clock.now()
    _heard(session, told)
    transition(session, bill, BillEvent.CONFIRM, actor=ACTOR)


def issued(session: Session, task: Task, answer: IssuedEbill) -> None:
    """The legal receipt is there. A repeated answer adds nothing."""
    assert task.ebill is not None, "an electronic bill comes from an order for one"
    bill = bills.locked(session, task.bill_id)
    row = insert(EBill).values(
        id=db.new_id(),
        bill_id=task.bill_id,
        code=answer.code,
        number=answer.number,
        check_code=answer.check_code,
        url=answer.url,
        amount_fen=task.ebill.amount_fen,
        issued_at=answer.issued_at,
    )
    session.execute(row.on_conflict_do_nothing(index_elements=["code", "number"]))
    notices.receipt(session, bill, task.ebill.amount_fen, answer.number)
    _heard(session, _told(session, task.bill_id))
    transition(session, bill, BillEvent.ISSUE_EBILL, actor=ACTOR)


def still_issuing(session: Session, bill_id: UUID) -> None:
    """Finance is making the electronic bill: ask again soon."""
    told = _told(session, bill_id)
    _heard(session, told)
    told.next_try_at = clock.now() + ISSUING
    session.flush()


def cancelled(session: Session, task: Task, answer: RedEbill) -> None:
    """The electronic bill does not stand any more; refunds that waited for that may leave."""
    assert task.standing is not None, "only what stands is cancelled"
    bills.locked(session, task.bill_id)
    session.execute(
        update(EBill)
        .where(EBill.id == task.standing.id, EBill.red_at.is_(None))
        .values(red_at=answer.red_at, red_code=answer.code, red_number=answer.number)
    )
    session.execute(
        update(Refund)
        .where(Refund.bill_id == task.bill_id, Refund.state.in_(LEAVING), Refund.reddened_at.is_(None))
        .values(reddened_at=clock.now())
    )
    _heard(session, _told(session, task.bill_id))


def failed(session: Session, bill_id: UUID, step: Step, code: str, *, refused: bool) -> None:
    """No answer, or a refusal: the same step again later. Somebody is told of a refusal, or after five failures."""
    told = _told(session, bill_id)
    told.failure = f"{step}:{code}"[:80]
    told.next_try_at = clock.now() + timedelta(seconds=WAITS_S[min(told.tries, len(WAITS_S) - 1)])
    told.tries = min(told.tries + 1, 1000)
    if refused and code == "BILL_NOT_FOUND":
        told.registered_version = None
    elif (refused or told.tries >= ALARM_AFTER) and told.alerted_at is None:
        told.alerted_at = clock.now()
        alert("finance_step", bill=bill_id, step=step, code=code)
    session.flush()


def tell_again(session: Session, bill_id: UUID) -> None:
    """Whatever finance was told last, look at the bill again now."""
    session.execute(
        update(BillAtFinance).where(BillAtFinance.bill_id == bill_id).values(next_try_at=clock.now(), tries=0)
    )


def confirmation_of(session: Session, bill_id: UUID) -> Confirmation | None:
    """What finance is told of the payment that settled a bill; None for money that came past us."""
    bill = session.get_one(Bill, bill_id)
    return None if bill.paid_via in (None, "other") else _confirmation(session, bill)


def to_check(session: Session, bill_id: UUID) -> tuple[str, str, str, int, date] | None:
    """What finance is asked about the newest electronic bill: code, number, check code, sum, day of issue."""
    newest = select(EBill).where(EBill.bill_id == bill_id).order_by(EBill.issued_at.desc()).limit(1)
    ebill = session.scalars(newest).one_or_none()
    if ebill is None:
        return None
    return ebill.code, ebill.number, ebill.check_code, ebill.amount_fen, clock.civil(ebill.issued_at).date()


def checked_today(session: Session, bill_id: UUID) -> dict[str, Any] | None:
    """What finance said today, unless the electronic bill has changed since."""
    told = _told(session, bill_id)
    newest = select(func.max(func.greatest(EBill.issued_at, EBill.red_at))).where(EBill.bill_id == bill_id)
    changed_at = session.scalar(newest)
    fresh = told.checked_at is not None and clock.civil(told.checked_at).date() == clock.today()
    if not fresh or (changed_at is not None and told.checked_at is not None and told.checked_at < changed_at):
        return None
    return {"state": told.checked_state, "checked_at": told.checked_at}


def keep_check(session: Session, bill_id: UUID, state: EbillState) -> dict[str, Any]:
    """Remember what finance said."""
    told = _told(session, bill_id)
    told.checked_state, told.checked_at = state.value, clock.now()
    session.flush()
    return {"state": state, "checked_at": told.checked_at}


def _due() -> Sequence[Select[UUID]]:
    postage = Bill.notice_type == bills.POSTAGE
    valid = exists().where(EBill.bill_id == Bill.id, EBill.red_at.is_(None))
    back = func.coalesce(
        select(func.sum(Attempt.refunded_fen))
        .where(Attempt.bill_id == Bill.id, Attempt.state == AttemptState.PAID)
        .scalar_subquery(),
        0,
    )
    stands = select(EBill.amount_fen).where(EBill.bill_id == Bill.id, EBill.red_at.is_(None)).scalar_subquery()
    leaving = exists().where(Refund.bill_id == Bill.id, Refund.state.in_(LEAVING), Refund.origin == "request")
    gave_back = select(Refund.bill_id).where(Refund.state.in_(REFUND_DONE), Refund.origin != "automatic")
    return (
        select(Bill.id).where(Bill.state == BillState.PAID, ~postage),
        select(Bill.id).where(Bill.state == BillState.CONFIRMED, back < Bill.total_fen, ~leaving),
        select(Refund.bill_id).where(
            Refund.state == RefundState.APPROVED,
            Refund.origin == "request",
            Refund.reddened_at.is_(None),
            exists().where(EBill.bill_id == Refund.bill_id, EBill.red_at.is_(None)),
        ),
        select(Bill.id).where(
            Bill.id.in_(gave_back),
            Bill.state == BillState.EBILL_ISSUED,
            ~leaving,
            or_(and_(~valid, back < Bill.total_fen), stands != Bill.total_fen - back),
        ),
        select(Bill.id)
        .outerjoin(BillAtFinance, BillAtFinance.bill_id == Bill.id)
        .where(
            Bill.state == BillState.ISSUED,
            Bill.source == "unit",
            ~postage,
            func.coalesce(BillAtFinance.registered_version, 0) < Bill.version,
        ),
        select(BillAtFinance.bill_id)
        .join(Bill, Bill.id == BillAtFinance.bill_id)
        .where(
            BillAtFinance.registered_version.is_not(None),
            BillAtFinance.withdrawn_at.is_(None),
            BillAtFinance.confirmed_at.is_(None),
            Bill.state.in_([BillState.VOID, BillState.EXPIRED]),
        ),
    )


def _ebill_task(session: Session, bill: Bill) -> Task | None:
    ebill = session.scalars(select(EBill).where(EBill.bill_id == bill.id, EBill.red_at.is_(None))).one_or_none()
    leaving = session.scalar(
        select(Refund.id)
        .where(Refund.bill_id == bill.id, Refund.state.in_(LEAVING), Refund.origin == "request")
        .limit(1)
    )
    left = bill.total_fen - _given_back(session, bill.id)
    if ebill is not None:
        wrong = leaving is not None or ebill.amount_fen != left
        return _task(bill, Step.CANCEL, standing=ebill) if wrong else None
    if leaving is not None or left <= 0:
        return None
    so_far = session.scalar(select(func.count()).select_from(EBill).where(EBill.bill_id == bill.id)) or 0
    order = EbillOrder(f"E{bill.id.hex}-{so_far + 1}", bill.region_code, bill.pay_code, left)
    return _task(bill, Step.ISSUE, ebill=order)


def _given_back(session: Session, bill_id: UUID) -> int:
    back = select(func.sum(Attempt.refunded_fen)).where(Attempt.bill_id == bill_id, Attempt.state == AttemptState.PAID)
    return session.scalar(back) or 0


def _task(
    bill: Bill,
    step: Step,
    *,
    notice: NoticeOrder | None = None,
    confirmation: Confirmation | None = None,
    ebill: EbillOrder | None = None,
    standing: EBill | None = None,
) -> Task:
    return Task(bill.id, step, bill.region_code, bill.pay_code, bill.version, notice, confirmation, ebill, standing)


def _notice(session: Session, bill: Bill) -> NoticeOrder:
    items = session.scalars(select(BillItem).where(BillItem.bill_id == bill.id).order_by(BillItem.position))
    put_off = select(func.count()).where(BillRelief.bill_id == bill.id, BillRelief.kind == "deferral")
    times = session.scalar(put_off)
    return NoticeOrder(
        request_no=f"N{bill.id.hex}-{bill.version}" + (f"-{times}" if times else ""),
        pay_code=bill.pay_code,
        region_code=bill.region_code,
        unit_code=bill.unit_code,
        notice_type=bill.notice_type,
        payer_name=bills.payer_name(bill),
        total_fen=bill.total_fen,
        due_date=bill.due_on,
        items=tuple(
            NoticeItem(
                item.income_item_code,
                item.name_zh,
                item.unit,
                item.standard_fen,
                item.quantity,
                item.overdue_fen,
                item.penalty_fen,
                item.reduction_fen,
                item.fee_fen,
            )
            for item in items
        ),
    )


def _confirmation(session: Session, bill: Bill) -> Confirmation:
    attempt = session.scalars(
        select(Attempt).where(Attempt.bill_id == bill.id, Attempt.state == AttemptState.PAID)
    ).one()
    paid_at: datetime | None = attempt.paid_at
    if paid_at is None or attempt.transaction_id is None:
        raise RuntimeError(f"attempt {attempt.id} is paid without proof")
    return Confirmation(
        bill.region_code,
        bill.pay_code,
        attempt.number,
        attempt.channel,
        attempt.transaction_id,
        attempt.paid_fen,
        paid_at,
    )


def _told(session: Session, bill_id: UUID) -> BillAtFinance:
    row = insert(BillAtFinance).values(bill_id=bill_id).on_conflict_do_nothing()
    session.execute(row)
    query = select(BillAtFinance).where(BillAtFinance.bill_id == bill_id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def _heard(session: Session, told: BillAtFinance) -> None:
    told.tries, told.failure, told.next_try_at, told.alerted_at = 0, None, None, None
    session.flush()
