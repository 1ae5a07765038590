"""月结: the carrier's bill of a month against our own figures, by division and policy.

A line for a shipment that is not in our ledger, is charged twice or was paid by its receiver is refused.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock, db
from backend.core.errors import Text
from backend.core.states import record_event, transition
from express.carriers.base import BillDamaged, BillLine, Carrier
from express.errors import DifferencesUnexplained, StatementDamaged, StatementNotFound, StatementSettled
from express.models import Payer, Shipment
from express.money_models import CarrierStatement, PayerPolicy, StatementEventRow, StatementLine
from express.states import StatementEvent, StatementState

PAGE = 200
BATCH = 1000
MATCH = "match"


@dataclass(frozen=True, slots=True)
class _Known:
    """What we know of one waybill."""

    shipment_id: UUID
    payer: str
    actual_fen: int | None
    collected_at: datetime | None


def month_of(text: str) -> date:
    """`2026-11` → its first day."""
    year, month = text.split("-")
    return date(int(year), int(month), 1)


def bounds(month: date) -> tuple[datetime, datetime]:
    """A civil month in Xiamen as instants: its beginning, and that of the next."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return clock.instant(month, time(0)), clock.instant(following, time(0))


def read(carrier: Carrier, file: bytes) -> list[BillLine]:
    """The lines of a bill file. Raises StatementDamaged."""
    try:
        return list(carrier.bill(file))
    except BillDamaged as damage:
        zh, en = f"第 {damage.row} 行：{damage.why}", f"Row {damage.row}: {damage.why}"
        raise StatementDamaged(Text(zh, en), row=damage.row) from None


def store(session: Session, *, carrier: str, month: date, file: bytes, lines: list[BillLine], actor: str) -> UUID:
    """Put the bill in the place of what was read before. Raises StatementSettled."""
    digest = hashlib.sha256(file).digest()
    values = {"carrier": carrier, "month": month, "digest": digest, "read_by": actor, "read_at": clock.now()}
    row = insert(CarrierStatement).values(id=db.new_id(), state=StatementState.OPEN, state_at=clock.now(), **values)
    made = session.execute(
        row.on_conflict_do_nothing(index_elements=["carrier", "month"]).returning(CarrierStatement.id)
    ).scalar_one_or_none()
    statement = _of(session, carrier, month, lock=True)
    if statement.state == StatementState.SETTLED:
        raise StatementSettled()
    if made is not None:
        record_event(session, StatementEventRow, made, None, StatementState.OPEN, StatementEvent.READ, actor=actor)
    statement.digest, statement.read_by, statement.read_at = digest, actor, clock.now()
    session.execute(delete(StatementLine).where(StatementLine.statement_id == statement.id))
    session.flush()
    _write(session, statement, lines)
    audit.record(session, actor=actor, action="statement.read", object_type="carrier_statement", object_id=statement.id)
    return statement.id


def settle(session: Session, *, carrier: str, month: date, actor: str, reason: str | None) -> CarrierStatement:
    """Accept the month; lines that do not match, and shipments that are missing, need a reason. Raises as `_of`."""
    statement = _of(session, carrier, month, lock=True)
    odd = select(func.count()).where(StatementLine.statement_id == statement.id, StatementLine.verdict != MATCH)
    if (session.scalar(odd) or unbilled(session, carrier, month, statement.id)) and not reason:
        raise DifferencesUnexplained()
    if statement.state == StatementState.OPEN:
        statement.settled_by, statement.reason = actor, reason
        session.flush()
    transition(session, statement, StatementEvent.SETTLE, actor=actor, reason=reason)
    audit.record(
        session, actor=actor, action="statement.settled", object_type="carrier_statement", object_id=statement.id
    )
    return statement


def summary(session: Session, *, carrier: str, month: date, language: str) -> dict[str, Any]:
    """The month by division and policy, with or without the carrier's bill."""
    query = select(CarrierStatement).where(CarrierStatement.carrier == carrier, CarrierStatement.month == month)
    statement = session.scalars(query).one_or_none()
    statement_id = statement.id if statement else None
    verdicts = session.execute(
        select(StatementLine.verdict, func.count().label("count"), func.sum(StatementLine.fen).label("fen"))
        .where(StatementLine.statement_id == statement_id)
        .group_by(StatementLine.verdict)
        .order_by(StatementLine.verdict)
    ).all()
    return {
        "month": f"{month:%Y-%m}",
        "state": statement.state if statement else None,
        "settled_by": statement.settled_by if statement else None,
        "reason": statement.reason if statement else None,
        "rows": rows(session, carrier, month, statement_id, language),
        "verdicts": [row._asdict() for row in verdicts],
        "unbilled": unbilled(session, carrier, month, statement_id) if statement else 0,
        "payable_fen": sum(row.fen for row in verdicts if row.verdict == MATCH),
    }


def rows(session: Session, carrier: str, month: date, statement_id: UUID | None, language: str) -> list[dict[str, Any]]:
    """Count, weight and money of what was collected in the month and is on our account, by division and policy."""
    begin, end = bounds(month)
    ours = func.coalesce(Shipment.actual_fen, Shipment.estimate_fen)
    found = session.execute(
        select(
            Shipment.division_code,
            Shipment.policy_id,
            PayerPolicy.name,
            Shipment.budget_code,
            Shipment.payer,
            func.count().label("count"),
            func.sum(func.coalesce(Shipment.actual_weight_g, Shipment.weight_g)).label("weight_g"),
            func.sum(Shipment.estimate_fen).label("estimate_fen"),
            func.sum(ours).label("ours_fen"),
            func.coalesce(func.sum(StatementLine.fen), 0).label("theirs_fen"),
            func.sum(func.coalesce(Shipment.list_fen, ours)).label("list_fen"),
        )
        .outerjoin(PayerPolicy, PayerPolicy.id == Shipment.policy_id)
        .outerjoin(
            StatementLine,
            (StatementLine.shipment_id == Shipment.id)
            & (StatementLine.statement_id == statement_id)
            & StatementLine.verdict.in_((MATCH, "differs")),
        )
        .where(
            Shipment.carrier == carrier,
            Shipment.collected_at >= begin,
            Shipment.collected_at < end,
            Shipment.payer != Payer.RECEIVER_COD,
        )
        .group_by(Shipment.division_code, Shipment.policy_id, PayerPolicy.name, Shipment.budget_code, Shipment.payer)
        .order_by(Shipment.division_code, PayerPolicy.name)
    )
    own = {"zh": "自费", "en": "At own cost"}[language]
    return [
        {
            **{name: value for name, value in row._asdict().items() if name != "name"},
            "policy": row.name or own,
            "difference_fen": row.theirs_fen - row.ours_fen if statement_id else 0,
        }
        for row in found
    ]


def lines_of(
    session: Session, *, carrier: str, month: date, verdict: str | None, after: int, limit: int
) -> list[StatementLine]:
    """Lines of a bill in its order. Raises StatementNotFound."""
    statement = _of(session, carrier, month)
    query = select(StatementLine).where(StatementLine.statement_id == statement.id, StatementLine.position > after)
    if verdict:
        query = query.where(StatementLine.verdict == verdict)
    return list(session.scalars(query.order_by(StatementLine.position).limit(limit)))


def unbilled(session: Session, carrier: str, month: date, statement_id: UUID | None) -> int:
    """Shipments of the month on our account that the bill does not name."""
    begin, end = bounds(month)
    named = select(StatementLine.shipment_id).where(
        StatementLine.statement_id == statement_id, StatementLine.shipment_id.is_not(None)
    )
    missing = select(func.count()).where(
        Shipment.carrier == carrier,
        Shipment.collected_at >= begin,
        Shipment.collected_at < end,
        Shipment.payer != Payer.RECEIVER_COD,
        Shipment.id.not_in(named),
    )
    return session.scalar(missing) or 0


def _of(session: Session, carrier: str, month: date, *, lock: bool = False) -> CarrierStatement:
    query = select(CarrierStatement).where(CarrierStatement.carrier == carrier, CarrierStatement.month == month)
    if lock:
        query = query.with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise StatementNotFound()
    return found


def _write(session: Session, statement: CarrierStatement, lines: list[BillLine]) -> None:
    seen: set[str] = set()
    for start in range(0, len(lines), BATCH):
        part = lines[start : start + BATCH]
        known = _known(session, statement.carrier, part)
        written = []
        for position, line in enumerate(part, start + 1):
            mine = known.get(line.waybill)
            written.append(
                {
                    "statement_id": statement.id,
                    "position": position,
                    "waybill": line.waybill,
                    "number": line.number,
                    "posted_at": line.posted_at,
                    "weight_g": line.weight_g,
                    "fen": line.fen,
                    "shipment_id": mine.shipment_id if mine else None,
                    "verdict": _verdict(line, mine, statement.month, repeated=line.waybill in seen),
                    "ours_fen": mine.actual_fen if mine else None,
                }
            )
            seen.add(line.waybill)
        session.execute(insert(StatementLine), written)


def _known(session: Session, carrier: str, part: Iterable[BillLine]) -> dict[str, _Known]:
    found = session.execute(
        select(Shipment.waybill, Shipment.id, Shipment.payer, Shipment.actual_fen, Shipment.collected_at).where(
            Shipment.carrier == carrier, Shipment.waybill.in_([line.waybill for line in part])
        )
    )
    return {row.waybill: _Known(row.id, row.payer, row.actual_fen, row.collected_at) for row in found}


def _verdict(line: BillLine, mine: _Known | None, month: date, *, repeated: bool) -> str:
    if mine is None:
        return "unknown"
    if repeated:
        return "repeated"
    if mine.payer == Payer.RECEIVER_COD:
        return "not_ours"
    begin, end = bounds(month)
    if mine.collected_at is None or not begin <= mine.collected_at < end:
        return "not_sent"
    return MATCH if mine.actual_fen == line.fen else "differs"


def costs(session: Session, first: date, last: date) -> list[dict[str, Any]]:
    """What was sent between two civil days has cost, by division and policy, against the public price."""
    begin, end = clock.instant(first, time(0)), clock.instant(date.fromordinal(last.toordinal() + 1), time(0))
    fen = func.coalesce(Shipment.actual_fen, Shipment.estimate_fen)
    listed = func.coalesce(Shipment.list_fen, fen)
    name = func.coalesce(PayerPolicy.name, case((Shipment.payer == Payer.RECEIVER_COD, "到付"), else_="自费"))
    found = session.execute(
        select(
            Shipment.division_code,
            name.label("policy"),
            Shipment.payer,
            func.count().label("count"),
            func.sum(fen).label("fen"),
            func.sum(listed).label("list_fen"),
            func.sum(listed - fen).label("saved_fen"),
        )
        .outerjoin(PayerPolicy, PayerPolicy.id == Shipment.policy_id)
        .where(Shipment.collected_at >= begin, Shipment.collected_at < end)
        .group_by(Shipment.division_code, name, Shipment.payer)
        .order_by(Shipment.division_code, name)
    )
    return [row._asdict() for row in found]
