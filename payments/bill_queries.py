"""Reading bills, attempts and refunds as citizens and staff see them. Names leave masked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.core.errors import NotFound
from payments import attempts, bills
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillItem, BillReader, BillRelief, EBill
from payments.errors import BillNotFound, NotYourPayment
from payments.models import CollectingUnit
from payments.refund_models import Refund
from payments.states import LIVE, REFUND_RESERVES, SETTLED, AttemptState, BillState

RELIEF = ("kind", "document", "amount_fen", "due_on")


def masked(name: str) -> str:
    """张*; of a body's name the first two characters."""
    return name[:1] + "*" if len(name) <= 4 else name[:2] + "**"


def mine(session: Session, person_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Bill]:
    """Bills the person owes or has looked up, newest first."""
    query = select(Bill).where(or_(Bill.person_id == person_id, _looked_up(person_id)))
    return list(session.scalars(_page(query, before, limit)))


def of_hall(
    session: Session, hall_code: str, state: BillState | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Bill]:
    """Bills that a hall's staff issued, newest first."""
    query = select(Bill).where(Bill.hall_code == hall_code)
    if state is not None:
        query = query.where(Bill.state == state)
    return list(session.scalars(_page(query, before, limit)))


def readable(session: Session, bill_id: UUID, person_id: UUID) -> Bill:
    """One bill of the person, or one they looked up. Raises BillNotFound for any other."""
    query = select(Bill).where(Bill.id == bill_id, or_(Bill.person_id == person_id, _looked_up(person_id)))
    bill = session.scalars(query).one_or_none()
    if bill is None:
        raise BillNotFound()
    return bill


def demand_payer(session: Session, bill: Bill, person_id: UUID) -> None:
    """Raises NotYourPayment for a person who neither owes the bill nor paid it."""
    tried = session.scalars(select(Attempt).where(Attempt.bill_id == bill.id)).all()
    if not _may_refund(bill, tried, person_id):
        raise NotYourPayment()


def in_hall(session: Session, bill_id: UUID, hall_code: str) -> Bill:
    """One bill of the hall. Raises BillNotFound."""
    bill = session.scalars(select(Bill).where(Bill.id == bill_id, Bill.hall_code == hall_code)).one_or_none()
    if bill is None:
        raise BillNotFound()
    return bill


def with_code(session: Session, pay_code: str, hall_code: str) -> Bill:
    """The hall's bill with this code. Raises BillNotFound."""
    query = select(Bill).where(Bill.pay_code == pay_code, Bill.hall_code == hall_code)
    bill = session.scalars(query.order_by(Bill.created_at.desc()).limit(1)).one_or_none()
    if bill is None:
        raise BillNotFound()
    return bill


def own_attempt(session: Session, attempt_id: UUID, person_id: UUID) -> Attempt:
    """One attempt of this payer. Raises NotFound."""
    query = select(Attempt).where(Attempt.id == attempt_id, Attempt.payer_id == person_id)
    attempt = session.scalars(query).one_or_none()
    if attempt is None:
        raise NotFound()
    return attempt


def of_subject(session: Session, subject_type: str, subject_id: str) -> list[Bill]:
    """The bills of one case or appointment, oldest first."""
    query = select(Bill).where(Bill.subject_type == subject_type, Bill.subject_id == subject_id)
    return list(session.scalars(query.order_by(Bill.created_at, Bill.id)))


def summaries(session: Session, found: Sequence[Bill], language: str) -> list[dict[str, Any]]:
    """Rows of a list, in the order given: one query for all their attempts."""
    ids = [bill.id for bill in found]
    tried: dict[UUID, list[Attempt]] = {bill_id: [] for bill_id in ids}
    for attempt in session.scalars(select(Attempt).where(Attempt.bill_id.in_(ids))):
        tried[attempt.bill_id].append(attempt)
    return [_summary(bill, tried[bill.id], language) for bill in found]


def view(
    session: Session, bill: Bill, language: str, ways: Sequence[str], *, reader_id: UUID | None = None
) -> dict[str, Any]:
    """One bill whole: items, decisions, what is being paid, receipt, refunds. `reader_id` looks at it."""
    tried = list(session.scalars(select(Attempt).where(Attempt.bill_id == bill.id).order_by(Attempt.opened_at)))
    live = next((attempt for attempt in tried if attempt.state in LIVE), None)
    items = session.scalars(select(BillItem).where(BillItem.bill_id == bill.id).order_by(BillItem.position))
    reliefs = session.scalars(select(BillRelief).where(BillRelief.bill_id == bill.id).order_by(BillRelief.at))
    back = session.scalars(select(Refund).where(Refund.bill_id == bill.id).order_by(Refund.created_at))
    return {
        **_summary(bill, tried, language),
        "payer_name_masked": masked(bills.payer_name(bill)),
        "items": [_item(item, language) for item in items],
        "reliefs": [{name: getattr(one, name) for name in RELIEF} for one in reliefs],
        "qr_url": bill.qr_url,
        "paid_via": bill.paid_via,
        "ways": list(ways) if bill.state == BillState.ISSUED else [],
        "live_attempt_id": live.id if live else None,
        "receipt": _receipt(session, bill),
        "refunds": [refund_view(refund) for refund in back],
        "may_refund": _may_refund(bill, tried, reader_id),
    }


def staff_row(session: Session, bill: Bill, language: str) -> dict[str, Any]:
    """A bill in a list of staff's."""
    [row] = summaries(session, [bill], language)
    return {**row, "payer_name_masked": masked(bills.payer_name(bill))}


def draft_view(session: Session, draft: bills.Draft, language: str) -> dict[str, Any]:
    """What a bill would say."""
    unit = session.get_one(CollectingUnit, draft.unit_code)
    return {
        "unit_name": unit.name_en if language == "en" else unit.name_zh,
        "notice_type": draft.notice_type,
        "grows": draft.grows,
        "items": [_item(item, language) for item in draft.items],
        "total_fen": draft.total_fen,
        "due_on": draft.due_on,
    }


def _may_refund(bill: Bill, tried: Sequence[Attempt], person_id: UUID | None) -> bool:
    paid = {bill.person_id, *(attempt.payer_id for attempt in tried if attempt.state == AttemptState.PAID)}
    return person_id is not None and person_id in paid and bill.notice_type != bills.POSTAGE


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    """What the page of one payment shows; `launch` is there while it may be paid."""
    launch = attempts.launch_of(attempt)
    return {
        "id": attempt.id,
        "bill_id": attempt.bill_id,
        "state": attempt.state,
        "channel": attempt.channel,
        "amount_fen": attempt.amount_fen,
        "expires_at": attempt.expires_at - attempts.MARGIN,
        "paid_at": attempt.paid_at,
        "launch": {"parameters": launch.parameters, "url": launch.url, "qr": launch.qr} if launch else None,
    }


def refund_view(refund: Refund) -> dict[str, Any]:
    """A refund as the citizen sees it."""
    return {
        "id": refund.id,
        "bill_id": refund.bill_id,
        "state": refund.state,
        "origin": refund.origin,
        "amount_fen": refund.amount_fen,
        "reason": refund.reason,
        "answer": refund.answer,
        "due_on": refund.due_on,
        "created_at": refund.created_at,
        "refunded_at": refund.refunded_at,
    }


def refund_case(refund: Refund, bill: Bill) -> dict[str, Any]:
    """A refund as staff see it."""
    return {
        **refund_view(refund),
        "pay_code": bill.pay_code,
        "title": bill.title_zh,
        "payer_name_masked": masked(bills.payer_name(bill)),
        "total_fen": bill.total_fen,
        "ground": refund.ground,
        "by_channel": refund.by_channel,
        "failure": refund.failure,
        "evidence": refund.evidence,
    }


def refund_cases(
    session: Session, *, hall_code: str | None, open_only: bool, before: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[Refund, Bill]]:
    """Refunds of a hall's bills, or of all for finance, newest first."""
    query = select(Refund, Bill).join(Bill, Bill.id == Refund.bill_id)
    if hall_code is not None:
        query = query.where(Bill.hall_code == hall_code)
    if open_only:
        query = query.where(Refund.state.in_(REFUND_RESERVES))
    if before is not None:
        query = query.where(tuple_(Refund.created_at, Refund.id) < before)
    query = query.order_by(Refund.created_at.desc(), Refund.id.desc()).limit(limit)
    return [(row[0], row[1]) for row in session.execute(query)]


def suspense_cases(session: Session) -> list[tuple[Attempt, Bill]]:
    """Money that two people have to decide about, oldest first."""
    query = select(Attempt, Bill).join(Bill, Bill.id == Attempt.bill_id).where(Attempt.state == AttemptState.SUSPENSE)
    return [(row[0], row[1]) for row in session.execute(query.order_by(Attempt.state_at).limit(200))]


def suspense_case(attempt: Attempt, bill: Bill) -> dict[str, Any]:
    """One of them: what was asked, what came, and what the first person proposes."""
    return {
        "id": attempt.id,
        "bill_id": bill.id,
        "pay_code": bill.pay_code,
        "bill_state": bill.state,
        "can_settle": attempts.can_settle(bill, attempt),
        "channel": attempt.channel,
        "number": attempt.number,
        "asked_fen": attempt.amount_fen,
        "paid_fen": attempt.paid_fen,
        "currency": attempt.currency,
        "paid_at": attempt.paid_at,
        "state": attempt.state,
        "proposal": attempt.proposal,
        "reason": attempt.proposal_reason,
    }


def status_of(bill: Bill, tried: Sequence[Attempt]) -> str:
    """What the bill's page says: its state, read together with its attempts and refunds."""
    if bill.state == BillState.ISSUED:
        states = {attempt.state for attempt in tried}
        if AttemptState.SUSPENSE in states:
            return "checking"
        return "paying" if states & set(LIVE) else "issued"
    paid = next((attempt for attempt in tried if attempt.state == AttemptState.PAID), None)
    if bill.state not in SETTLED or paid is None:
        return "paid" if bill.state in SETTLED else str(bill.state)
    if paid.refunded_fen == bill.total_fen:
        return "refunded"
    if paid.reserved_fen:
        return "refunding"
    return "part_refunded" if paid.refunded_fen else "paid"


def _summary(bill: Bill, tried: Sequence[Attempt], language: str) -> dict[str, Any]:
    return {
        "id": bill.id,
        "pay_code": bill.pay_code,
        "title": bill.title_en if language == "en" else bill.title_zh,
        "notice_type": bill.notice_type,
        "status": status_of(bill, tried),
        "state": bill.state,
        "total_fen": bill.total_fen,
        "refunded_fen": sum(attempt.refunded_fen for attempt in tried if attempt.state == AttemptState.PAID),
        "due_on": bill.due_on,
        "created_at": bill.created_at,
        "paid_at": bill.paid_at,
        "unit_code": bill.unit_code,
    }


def _item(item: BillItem, language: str) -> dict[str, Any]:
    names = (
        "standard_fen",
        "quantity",
        "overdue_fen",
        "penalty_fen",
        "reduction_fen",
        "fee_fen",
        "unit",
        "legal_basis",
    )
    name = item.name_en if language == "en" else item.name_zh
    return {"name": name, **{column: getattr(item, column) for column in names}}


def _receipt(session: Session, bill: Bill) -> dict[str, Any] | None:
    """The e-bill; `issuing` until finance has made it. What was issued before payment is a notice, never a receipt."""
    if bill.state not in SETTLED or bill.notice_type == bills.POSTAGE:
        return None
    found = session.scalars(
        select(EBill).where(EBill.bill_id == bill.id).order_by(EBill.issued_at.desc()).limit(1)
    ).one_or_none()
    if found is None:
        return {"state": "issuing", "code": None, "number": None, "check_code": None, "url": None, "issued_at": None}
    return {
        "state": "red" if found.red_at else "issued",
        "code": found.code,
        "number": found.number,
        "check_code": found.check_code,
        "url": found.url,
        "issued_at": found.issued_at,
    }


def _looked_up(person_id: UUID) -> Any:
    return exists().where(BillReader.bill_id == Bill.id, BillReader.person_id == person_id)


def _page(query: Select[Any], before: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    if before is not None:
        query = query.where(tuple_(Bill.created_at, Bill.id) < before)
    return query.order_by(Bill.created_at.desc(), Bill.id.desc()).limit(limit)
