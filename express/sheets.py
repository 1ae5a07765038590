"""交接单: the shipments that a courier takes from a hall, filled by scanning labels, closed by a signature."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.core import audit, clock, db
from backend.core.states import record_event, transition
from express import snapshots
from express.errors import SheetNotFound, SheetSigned, WaybillUnknown
from express.models import Direction, Shipment
from express.papers import SheetLine
from express.states import SheetEvent, SheetState, ShipmentState
from express.task_models import HandoverSheet, SheetEventRow

PAGE = 50


def begin(session: Session, *, hall_code: str, actor: str) -> HandoverSheet:
    """A new, empty sheet."""
    sheet = HandoverSheet(
        id=db.new_id(),
        state=SheetState.OPEN,
        state_at=clock.now(),
        hall_code=hall_code,
        opened_by=actor,
        created_at=clock.now(),
    )
    session.add(sheet)
    session.flush()
    record_event(session, SheetEventRow, sheet.id, None, SheetState.OPEN, SheetEvent.OPEN, actor=actor)
    return sheet


def scan(session: Session, *, sheet_id: UUID, hall_code: str, waybill: str) -> Shipment:
    """Put a shipment on the sheet; scanned twice it stays there once. Raises WaybillUnknown, SheetSigned.

    The UPDATE decides: only what this hall sends, is ordered, and stands on no other sheet.
    """
    _open(session, sheet_id, hall_code)
    mine = (Shipment.waybill == waybill, Shipment.hall_code == hall_code, Shipment.state == ShipmentState.ORDERED)
    outward = Shipment.direction != Direction.MATERIAL_IN
    free = Shipment.sheet_id.is_(None) | (Shipment.sheet_id == sheet_id)
    taken = session.execute(
        update(Shipment)
        .where(*mine, outward, free)
        .values(sheet_id=sheet_id)
        .returning(Shipment.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if taken is None:
        raise WaybillUnknown(waybill=waybill)
    return session.get_one(Shipment, taken, populate_existing=True)


def drop(session: Session, *, sheet_id: UUID, hall_code: str, waybill: str) -> None:
    """Take it off again. Raises WaybillUnknown, SheetSigned."""
    _open(session, sheet_id, hall_code)
    gone = session.execute(
        update(Shipment)
        .where(Shipment.sheet_id == sheet_id, Shipment.waybill == waybill)
        .values(sheet_id=None)
        .returning(Shipment.id)
        .execution_options(synchronize_session=False)
    )
    if gone.first() is None:
        raise WaybillUnknown(waybill=waybill)


def sign(session: Session, *, sheet_id: UUID, hall_code: str, courier: str, actor: str) -> HandoverSheet:
    """The courier has counted and signed: the day that counts for the delivery of a result. Raises SheetSigned."""
    sheet = _open(session, sheet_id, hall_code)
    if not on(session, sheet_id):
        raise SheetSigned()
    sheet.courier = courier
    session.flush()
    transition(session, sheet, SheetEvent.SIGN, actor=actor)
    audit.record(
        session,
        actor=actor,
        action="handover_sheet.signed",
        object_type="handover_sheet",
        object_id=sheet_id,
        hall_code=hall_code,
    )
    return sheet


def of_hall(session: Session, sheet_id: UUID, hall_code: str) -> HandoverSheet:
    """One sheet of a hall. Raises SheetNotFound."""
    query = select(HandoverSheet).where(HandoverSheet.id == sheet_id, HandoverSheet.hall_code == hall_code)
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise SheetNotFound()
    return found


def on(session: Session, sheet_id: UUID) -> list[Shipment]:
    """What stands on a sheet, by waybill."""
    return list(session.scalars(select(Shipment).where(Shipment.sheet_id == sheet_id).order_by(Shipment.waybill)))


def listed(session: Session, hall_code: str) -> list[dict[str, Any]]:
    """The hall's newest sheets."""
    count = select(func.count(Shipment.id)).where(Shipment.sheet_id == HandoverSheet.id).scalar_subquery()
    rows = session.execute(
        select(HandoverSheet, count.label("count"))
        .where(HandoverSheet.hall_code == hall_code)
        .order_by(HandoverSheet.created_at.desc())
        .limit(PAGE)
    )
    return [{**head(row.HandoverSheet), "count": row.count} for row in rows]


def head(sheet: HandoverSheet) -> dict[str, Any]:
    """A sheet without its shipments."""
    return {name: getattr(sheet, name) for name in ("id", "state", "courier", "created_at")}


def lines(found: list[Shipment]) -> list[SheetLine]:
    """What is printed of them: where to, never to whom."""
    return [SheetLine(one.waybill or "", one.title_zh, _region(one), one.weight_g) for one in found]


def _region(shipment: Shipment) -> str:
    order = snapshots.opened(shipment)
    return f"{order.receiver.region.city}{order.receiver.region.county}" if order else ""


def _open(session: Session, sheet_id: UUID, hall_code: str) -> HandoverSheet:
    """The sheet, locked, before it is signed."""
    query = select(HandoverSheet).where(HandoverSheet.id == sheet_id, HandoverSheet.hall_code == hall_code)
    sheet = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if sheet is None:
        raise SheetNotFound()
    if sheet.state != SheetState.OPEN:
        raise SheetSigned()
    return sheet
