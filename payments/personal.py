"""个人信息: the payer on a bill, and accounts at the channels. Sums stay without a name (reliability A8)."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from backend.core import crypto, holds, retention
from backend.core.errors import Text
from backend.core.personal import Blocker, Part, People, Section
from payments import bills, keeping
from payments.attempt_models import Attempt, ChannelEvent
from payments.bill_models import Bill, BillReader
from payments.refund_models import Refund
from payments.states import LIVE, REFUND_RESERVES, SETTLED, AttemptState, BillState

NOBODY = b""
"""The index of a payer who is forgotten: no name has it."""
NOTHING_ASKED = "{}"
OVER = (AttemptState.CREATE_FAILED, AttemptState.CLOSED, AttemptState.PAID, AttemptState.RETURNED)
"""States after which a channel is asked no more."""
MOST = 10_000
"""More bills and payments than one person has."""
UNPAID = (BillState.VOID, BillState.EXPIRED)


def purge(session: Session, limit: int) -> int:
    """Forget payers of bills that ended five years ago, and accounts in payments of a year ago; the number of both."""
    ended = Bill.state.in_([*SETTLED, *UNPAID]) & (Bill.state_at < retention.before("payers"))
    spared = holds.spares(holds.PERSON, Bill.person_id), holds.spares(holds.BILL, Bill.id)
    old = _payers(session, and_(ended, *spared), limit)
    aged = Attempt.state_at < retention.before("paying")
    spared = holds.spares(holds.PERSON, Attempt.payer_id), holds.spares(holds.BILL, Attempt.bill_id)
    asked = _attempts(session, and_(Attempt.state.in_(OVER), aged, *spared), limit)
    _readers(
        session, and_(BillReader.at < retention.before("paying"), holds.spares(holds.PERSON, BillReader.person_id))
    )
    return old + asked


def _payers(session: Session, which: ColumnElement[bool], limit: int) -> int:
    query = select(Bill).where(Bill.payer_name_index != NOBODY, which).limit(limit).with_for_update(skip_locked=True)
    found = session.scalars(query.execution_options(populate_existing=True)).all()
    for bill in found:
        bill.payer_name = crypto.seal("", table="bill", column="payer_name", row=bill.id)
        bill.payer_name_index, bill.payer_id_number, bill.person_id = NOBODY, None, None
    session.flush()
    return len(found)


def _attempts(session: Session, which: ColumnElement[bool], limit: int) -> int:
    """Orders hold the payer's openid and network address, and so do the channels' notifications about them."""
    told = func.octet_length(Attempt.order) > crypto.SEALED_OVERHEAD + len(NOTHING_ASKED)
    query = select(Attempt).where(told, which).limit(limit).with_for_update(skip_locked=True)
    found = session.scalars(query.execution_options(populate_existing=True)).all()
    for attempt in found:
        attempt.order = crypto.seal(NOTHING_ASKED, table="payment_attempt", column="order", row=attempt.id)
        attempt.launch, attempt.payer_id = None, None
    session.flush()
    numbers = [attempt.number for attempt in found]
    raw = select(ChannelEvent).where(ChannelEvent.number.in_(numbers), ChannelEvent.raw.is_not(None))
    keeping.reduce(session, session.scalars(raw.with_for_update()).all())
    return len(found)


def _readers(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(delete(BillReader).where(which).execution_options(synchronize_session=False))


def _gives(session: Session, people: People) -> list[Section]:
    owed = session.scalars(select(Bill).where(Bill.person_id.in_(people)).order_by(Bill.created_at)).all()
    back = session.scalars(
        select(Refund).where(Refund.bill_id.in_([one.id for one in owed])).order_by(Refund.created_at)
    )
    return [
        Section("bills", Text("缴款书", "Bills"), [_bill(one) for one in owed]),
        Section(
            "refunds",
            Text("退费", "Refunds"),
            [
                {"at": one.created_at, "amount_fen": one.amount_fen, "state": one.state, "reason": one.reason}
                for one in back
            ],
        ),
    ]


def _bill(one: Bill) -> dict[str, Any]:
    return {
        "created_at": one.created_at,
        "title": Text(one.title_zh, one.title_en),
        "number": one.pay_code,
        "name": bills.payer_name(one),
        "amount_fen": one.total_fen,
        "state": one.state,
        "paid_at": one.paid_at,
    }


def _blocks(session: Session, people: People) -> list[Blocker]:
    """Bills to pay, payments whose end is unknown, and money on its way back."""
    owed = select(Bill).where(Bill.person_id.in_(people), Bill.state == BillState.ISSUED).order_by(Bill.due_on)
    found = [
        Blocker("bill", Text(f"{one.title_zh} 还没有缴费", f"{one.title_en} is not paid"), f"/bills/{one.id}")
        for one in session.scalars(owed)
    ]
    moving = or_(
        and_(Attempt.payer_id.in_(people), Attempt.state.in_([*LIVE, AttemptState.SUSPENSE, AttemptState.REFUND_DUE])),
        select(Refund.id)
        .join(Bill, Bill.id == Refund.bill_id)
        .where(Refund.attempt_id == Attempt.id, Refund.state.in_(REFUND_RESERVES), Bill.person_id.in_(people))
        .exists(),
    )
    bill_ids = session.scalars(select(Attempt.bill_id).where(moving).distinct())
    words = Text("有一笔支付或退费还没有结束", "A payment or a refund is not over")
    return found + [Blocker("payment", words, f"/bills/{one}") for one in bill_ids]


def _erases(session: Session, people: People) -> None:
    """Who paid stays on the bill for its class. Bills that nobody paid, and accounts at the channels, go now."""
    unpaid = Bill.person_id.in_(people), Bill.state.in_(UNPAID), holds.spares(holds.BILL, Bill.id)
    _payers(session, and_(*unpaid), MOST)
    over = Attempt.payer_id.in_(people), Attempt.state.in_(OVER), holds.spares(holds.BILL, Attempt.bill_id)
    _attempts(session, and_(*over), MOST)
    _readers(session, BillReader.person_id.in_(people))


def lost_under_hold(session: Session) -> list[UUID]:
    """Bills without a payer although they are held, for `make doctor`."""
    lost = Bill.payer_name_index == NOBODY, ~holds.spares(holds.BILL, Bill.id)
    return list(session.scalars(select(Bill.id).where(*lost)))


PART = Part("payments", gives=_gives, erases=_erases, blocks=_blocks, purges=purge)
