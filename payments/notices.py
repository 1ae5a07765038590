"""What people are told about bills: written with its cause, sent by notify."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core import clock
from notify.service import notify
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.refund_models import Refund


def issued(session: Session, bill: Bill) -> None:
    """There is something to pay, until the end of the due day."""
    for person_id in _people(bill, None):
        _tell(session, "bill_issued", bill, person_id, bill.total_fen, key=bill.id, until=_until(bill))


def deferred(session: Session, bill: Bill) -> None:
    """A decision put the last day off 缓缴."""
    for person_id in _people(bill, None):
        key = f"{bill.id}:{bill.due_on}"
        _tell(session, "bill_deferred", bill, person_id, bill.total_fen, key=key, until=_until(bill))


def paid(session: Session, bill: Bill, attempt: Attempt | None) -> None:
    """The money is there; the receipt follows and is never called one before (domain sheet §1.2)."""
    for person_id in _people(bill, attempt):
        template = "postage_paid" if bill.notice_type == "postage" else "bill_paid"
        _tell(session, template, bill, person_id, bill.total_fen, key=bill.id)


def receipt(session: Session, bill: Bill, amount_fen: int, number: str) -> None:
    """The electronic bill is there: a message that opens our own page, no short link (domain sheet §1.6)."""
    for person_id in _people(bill, None):
        _tell(session, "bill_ebill", bill, person_id, amount_fen, key=f"{bill.id}:{number}")


def returned(session: Session, bill: Bill, attempt: Attempt) -> None:
    """Money that no bill takes goes back (P35, P36)."""
    for person_id in _people(bill, attempt):
        _tell(session, "bill_returned", bill, person_id, attempt.paid_fen, key=attempt.id)


def refunded(session: Session, bill: Bill, attempt: Attempt, refund: Refund) -> None:
    """A refund has been paid out."""
    for person_id in _people(bill, attempt):
        _tell(session, "bill_refunded", bill, person_id, refund.amount_fen, key=refund.id)


def _until(bill: Bill) -> str:
    end = clock.instant(bill.due_on + timedelta(days=1), time(0)) - timedelta(minutes=1)
    return end.isoformat()


def _people(bill: Bill, attempt: Attempt | None) -> set[UUID]:
    """Who owes, and who paid when that was somebody else."""
    return {person for person in (bill.person_id, attempt.payer_id if attempt else None) if person is not None}


def _tell(
    session: Session, template: str, bill: Bill, person_id: UUID, amount_fen: int, *, key: object, **more: Any
) -> None:
    notify(
        session,
        person_id=person_id,
        template=template,
        params={
            "item": bill.title_zh,
            "item_en": bill.title_en,
            "amount": amount_fen,
            "number": bill.pay_code,
            **more,
        },
        subject_type="bill",
        subject_id=str(bill.id),
        link=f"/bills/{bill.id}",
        dedupe_key=f"{template}:{key}:{person_id}",
    )
