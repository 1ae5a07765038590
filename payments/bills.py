"""Issuing, finding, deferring, voiding and expiring bills 缴款书. Money rules M1 to M12 of domain sheet §1.7."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock, crypto, db
from backend.core.errors import Text
from backend.core.states import record_event, transition
from payments import amounts, bearing, lateness, notices, pay_codes, queries
from payments.attempt_models import Attempt
from payments.bill_models import Bill, BillEventRow, BillItem, BillReader, BillRelief
from payments.errors import BillBusy, BillNotFound, BillNotOpen, BillRefused, DecisionNeeded, PayCodeTaken
from payments.models import IncomeItem
from payments.receipt_models import UNHEARD, BillAtFinance
from payments.states import LIVE, BillEvent, BillState

ORDINARY_DAYS = 30
FINE_DAYS = 15
"""A fine is due fifteen days after the decision (行政处罚法 67, money rule M7)."""
MOST_FEN = 2_000_000_000
"""Twenty million yuan: what the columns hold."""
EXPIRE_BATCH = 200
POSTAGE = "postage"
KINDS = {"penalty": "penalty", POSTAGE: POSTAGE}
"""Kind of income item → kind of its bill; every other makes an ordinary one."""


@dataclass(frozen=True, slots=True)
class Line:
    """One income item asked for. `decided_fen` is the sum of a penalty's decision or of a courier's price; everything
    else is looked up.

    `overdue_fen` and `penalty_fen` are finance's own figures, which win over ours (money rule M8).
    """

    item: str
    quantity: int = 1
    decided_fen: int | None = None
    overdue_fen: int = 0
    penalty_fen: int = 0
    reduction_fen: int = 0


@dataclass(frozen=True, slots=True)
class Payer:
    """Who owes: `person_id` is the citizen to be told, when we know them."""

    name: str
    kind: str = "person"
    id_number: str | None = None
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a bill is issued from. `pay_code` is finance's; None makes the unit's own.

    `document` is the decision behind a reduction, or a last day after the ordinary one. `due_on` None means the
    ordinary time, `title` None what it is for.
    """

    region_code: str
    lines: Sequence[Line]
    accepted_on: date
    payer: Payer
    subject_type: str
    subject_id: str
    title: Text | None
    hall_code: str | None = None
    due_on: date | None = None
    pay_code: str | None = None
    qr_url: str | None = None
    source: str = "unit"
    document: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bill would say: nothing is stored. `deferred`: a decision put `due_on` off 缓缴."""

    unit_code: str
    notice_type: str
    grows: bool
    items: list[BillItem]
    total_fen: int
    due_on: date
    deferred: bool


def draft(session: Session, order: Order) -> Draft:
    """Price an order by the standards of its acceptance date; amounts never come from a client.

    Raises DepartmentBears, BillRefused, DecisionNeeded, and the refusals of `payments.queries.charge_on`.
    """
    bearing.demand_payer(session, order.subject_type, order.subject_id, {line.item for line in order.lines})
    items, income = _priced(session, order)
    total = sum(item.fee_fen for item in items)
    if total <= 0:
        raise queries.NothingToCharge()
    if total > MOST_FEN:
        raise BillRefused(Text("金额太大", "The sum is too large"))
    kind = KINDS.get(income[0].kind, "ordinary")
    due_on, deferred = _last_day(order, penalty=kind == "penalty")
    if order.document and not deferred and not any(item.reduction_fen for item in items):
        raise BillRefused(Text("批准文号要和减免或缓缴一起填", "A decision is given with what it reduces or defers"))
    grows = lateness.grows(income, order.source)
    return Draft(income[0].collecting_unit, kind, grows, items, total, due_on, deferred)


def issue(session: Session, order: Order, *, actor: str) -> Bill:
    """Write the bill and tell its payer. Raises PayCodeTaken, and as `draft`."""
    priced = draft(session, order)
    title = order.title or _named(priced.items)
    bill = Bill(
        id=db.new_id(),
        state=BillState.ISSUED,
        state_at=clock.now(),
        region_code=order.region_code,
        unit_code=priced.unit_code,
        pay_code=order.pay_code or pay_codes.next_code(session, order.region_code, clock.today()),
        notice_type=priced.notice_type,
        subject_type=order.subject_type,
        subject_id=order.subject_id,
        title_zh=title.zh,
        title_en=title.en,
        hall_code=order.hall_code,
        person_id=order.payer.person_id,
        payer_type=order.payer.kind,
        payer_name_index=name_index(order.payer.name),
        version=1,
        total_fen=priced.total_fen,
        accepted_on=order.accepted_on,
        due_on=priced.due_on,
        source=order.source,
        grows=priced.grows,
        qr_url=order.qr_url,
        created_at=clock.now(),
    )
    bill.payer_name = crypto.seal(order.payer.name, table="bill", column="payer_name", row=bill.id)
    if order.payer.id_number:
        bill.payer_id_number = crypto.seal(order.payer.id_number, table="bill", column="payer_id_number", row=bill.id)
    bill = _insert(session, bill, priced.items)
    if lowered := sum(item.reduction_fen for item in priced.items):
        _relieve(session, bill, kind="reduction", document=order.document, amount_fen=lowered, actor=actor)
    if priced.deferred:
        _relieve(session, bill, kind="deferral", document=order.document, due_on=bill.due_on, actor=actor)
    record_event(session, BillEventRow, bill.id, None, BillState.ISSUED, BillEvent.ISSUE, actor=actor)
    if bill.notice_type != POSTAGE:
        notices.issued(session, bill)
    return bill


def name_index(name: str) -> bytes:
    """How a payer's name is looked for: without blanks, full-width letters as plain ones."""
    plain = "".join(unicodedata.normalize("NFKC", name).split()).casefold()
    return crypto.blind_index(plain, field="bill.payer_name")


def payer_name(bill: Bill) -> str:
    """The full name, for channels and finance."""
    return crypto.unseal(bill.payer_name, table="bill", column="payer_name", row=bill.id)


def look_up(session: Session, *, pay_code: str, payer_name: str, reader_id: UUID | None) -> Bill:
    """The bill with this code and payer, any state. Raises BillNotFound for either being wrong.

    Who proves both may read it from now on.
    """
    bill = session.scalar(
        select(Bill).where(Bill.pay_code == pay_code, Bill.payer_name_index == name_index(payer_name))
    )
    if bill is None:
        raise BillNotFound()
    if reader_id is not None and reader_id != bill.person_id:
        row = insert(BillReader).values(bill_id=bill.id, person_id=reader_id, at=clock.now())
        session.execute(row.on_conflict_do_nothing())
    return bill


def locked(session: Session, bill_id: UUID) -> Bill:
    """The bill, locked: whoever changes a bill or its attempts takes this lock first. Raises BillNotFound."""
    query = select(Bill).where(Bill.id == bill_id).with_for_update().execution_options(populate_existing=True)
    bill = session.scalars(query).one_or_none()
    if bill is None:
        raise BillNotFound()
    return bill


def defer(session: Session, *, bill_id: UUID, due_on: date, document: str, actor: str) -> Bill:
    """缓缴: a later due date by a decision, before the present one is over (money rule M6); finance hears of it.

    Raises BillNotOpen, BillRefused for a day that is no later, DecisionNeeded.
    """
    bill = locked(session, bill_id)
    if bill.state != BillState.ISSUED or bill.due_on < clock.today() or bill.notice_type == POSTAGE:
        raise BillNotOpen(Text("没有缴、也没有过期的缴费单才能缓缴", "Only a bill that is unpaid and not overdue"))
    if due_on <= bill.due_on:
        raise BillRefused(
            Text("缓缴后的期限要比现在的晚", "The new last day to pay has to be later than the present one")
        )
    _relieve(session, bill, kind="deferral", document=document, due_on=due_on, actor=actor)
    bill.due_on = due_on
    session.flush()
    known = BillAtFinance.bill_id == bill.id, BillAtFinance.registered_version.is_not(None)
    session.execute(update(BillAtFinance).where(*known).values(registered_version=UNHEARD))
    notices.deferred(session, bill)
    return bill


def void(session: Session, *, bill_id: UUID, actor: str, reason: str) -> Bill:
    """作废: the bill is no longer owed. Raises BillNotOpen when it is paid, BillBusy while somebody may be paying."""
    bill = locked(session, bill_id)
    if bill.state not in (BillState.ISSUED, BillState.VOID):
        raise BillNotOpen()
    if _live_attempt(session, bill.id):
        raise BillBusy()
    if transition(session, bill, BillEvent.VOID, actor=actor, reason=reason):
        audit.record(session, actor=actor, action="bill.voided", object_type="bill", object_id=bill.id, reason=reason)
    return bill


def expire(session: Session) -> int:
    """逾期: bills past their due date die, at most 200; they are issued anew (money rule M11).

    Those that grow do not. A bill that somebody may be paying waits until their order is closed.
    """
    paying = exists().where(Attempt.bill_id == Bill.id, Attempt.state.in_(LIVE))
    over = session.scalars(
        select(Bill)
        .where(Bill.state == BillState.ISSUED, Bill.due_on < clock.today(), ~_stays(), ~paying)
        .order_by(Bill.due_on)
        .limit(EXPIRE_BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    over = [bill for bill in over if not _live_attempt(session, bill.id)]
    for bill in over:
        transition(session, bill, BillEvent.EXPIRE, actor="system", reason="过期未缴")
    return len(over)


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records turned out to be one person: bills and what was looked up follow."""
    session.execute(update(Bill).where(Bill.person_id == former_id).values(person_id=person_id))
    session.execute(update(Attempt).where(Attempt.payer_id == former_id).values(payer_id=person_id))
    known = select(BillReader.bill_id).where(BillReader.person_id == person_id)
    session.execute(
        update(BillReader)
        .where(BillReader.person_id == former_id, BillReader.bill_id.not_in(known))
        .values(person_id=person_id)
        .execution_options(synchronize_session=False)
    )


def _priced(session: Session, order: Order) -> tuple[list[BillItem], list[IncomeItem]]:
    """The items with their fees and their income items: one collecting unit, fines apart from charges."""
    if not order.lines:
        raise BillRefused()
    found = {item.code: item for item in session.scalars(select(IncomeItem))}
    income = []
    for line in order.lines:
        if line.item not in found:
            raise queries.IncomeItemNotFound(income_item=line.item)
        income.append(found[line.item])
    if len({item.collecting_unit for item in income}) > 1:
        raise BillRefused(Text("一张缴款书只能是一个单位的", "A bill belongs to one collecting unit"))
    if len({item.kind for item in income}) > 1 or income[0].kind == "service_price":
        raise BillRefused(Text("只能是非税收入，罚款和快递费单独开", "Only non-tax income; fines and postage apart"))
    priced = []
    for position, (line, item) in enumerate(zip(order.lines, income, strict=True), 1):
        priced.append(_item(session, order, position, line, item))
    return priced, income


def _item(session: Session, order: Order, position: int, line: Line, income: IncomeItem) -> BillItem:
    figures = (line.overdue_fen, line.penalty_fen, line.reduction_fen)
    if line.quantity < 1 or min(figures) < 0 or (order.source != "finance" and any(figures[:2])):
        raise BillRefused()
    if line.reduction_fen and not order.document:
        raise DecisionNeeded()
    if income.kind in KINDS:
        if not line.decided_fen or line.decided_fen < 1:
            raise BillRefused(Text("罚款要写决定书上的金额", "A fine needs the sum of its decision"))
        standard, unit, basis = line.decided_fen, "case", income.late_basis
    elif line.decided_fen is not None:
        raise BillRefused()
    else:
        fee = queries.charge_on(session, line.item, order.accepted_on)
        standard, unit, basis = fee.amount_fen, fee.unit, fee.legal_basis
    fee_fen = amounts.item_fee(
        standard,
        line.quantity,
        overdue_fen=line.overdue_fen,
        penalty_fen=line.penalty_fen,
        less_fen=line.reduction_fen,
    )
    if fee_fen < 0:
        raise BillRefused(Text("减免不能超过应缴的金额", "A reduction cannot be more than the fee"))
    return BillItem(
        position=position,
        income_item_code=line.item,
        name_zh=income.name_zh,
        name_en=income.name_en,
        unit=unit,
        standard_fen=standard,
        quantity=line.quantity,
        overdue_fen=line.overdue_fen,
        penalty_fen=line.penalty_fen,
        reduction_fen=line.reduction_fen,
        fee_fen=fee_fen,
        legal_basis=basis,
    )


def _last_day(order: Order, *, penalty: bool) -> tuple[date, bool]:
    """The last day to pay, and whether only a decision allows it. Raises BillRefused, DecisionNeeded."""
    today = clock.today()
    ordinary = today + timedelta(days=FINE_DAYS if penalty else ORDINARY_DAYS)
    due_on = order.due_on or ordinary
    by_unit = order.source == "unit"
    if penalty and by_unit and (due_on < ordinary or (due_on > ordinary and not order.document)):
        raise BillRefused(Text("罚款的期限由法律定，不能改", "The law sets the last day of a fine"))
    if due_on < today:
        raise BillRefused(Text("最晚缴款日不能早于今天", "The last day to pay cannot be in the past"))
    deferred = by_unit and due_on > ordinary
    if deferred and not order.document:
        raise DecisionNeeded()
    return due_on, deferred


def _named(items: list[BillItem]) -> Text:
    first, more = items[0], len(items) - 1
    if not more:
        return Text(first.name_zh, first.name_en)
    return Text(f"{first.name_zh}等 {more + 1} 项", f"{first.name_en} and {more} more")


def _insert(session: Session, bill: Bill, items: list[BillItem]) -> Bill:
    """The unique index decides whose a pay code is."""
    columns = {column.name: getattr(bill, column.name) for column in Bill.__table__.columns}
    row = insert(Bill).values(**columns).on_conflict_do_nothing(index_elements=["region_code", "pay_code"])
    if session.execute(row.returning(Bill.id)).first() is None:
        raise PayCodeTaken()
    for item in items:
        item.bill_id = bill.id
    session.add_all(items)
    session.flush()
    return session.get_one(Bill, bill.id)


def _relieve(
    session: Session,
    bill: Bill,
    *,
    kind: str,
    document: str | None,
    actor: str,
    amount_fen: int = 0,
    due_on: date | None = None,
) -> None:
    if not document:
        raise DecisionNeeded()
    session.add(
        BillRelief(
            bill_id=bill.id,
            kind=kind,
            document=document,
            amount_fen=amount_fen,
            due_on=due_on,
            decided_by=actor,
            at=clock.now(),
        )
    )
    session.flush()
    data: dict[str, Any] = {"pay_code": bill.pay_code, "document": document}
    data |= {"amount_fen": amount_fen} if due_on is None else {"due_on": due_on.isoformat()}
    audit.record(
        session,
        actor=actor,
        action=f"bill.{kind}",
        object_type="bill",
        object_id=bill.id,
        hall_code=bill.hall_code,
        data=data,
    )


def _stays() -> ColumnElement[bool]:
    """Finance's own fine waits for the figure that finance asks for."""
    return or_(Bill.grows, Bill.notice_type == "penalty")


def _live_attempt(session: Session, bill_id: UUID) -> UUID | None:
    return session.scalar(select(Attempt.id).where(Attempt.bill_id == bill_id, Attempt.state.in_(LIVE)))
