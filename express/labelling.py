"""Labels of a hall's shipments, fetched from the carrier and joined into one document."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from backend.core import audit, clock
from backend.core.db import transaction
from express import papers
from express.carriers.base import CarrierError, LabelNotReady, Refused
from express.errors import CarrierBusy, LabelMissing, ShipmentNotFound
from express.models import Shipment
from express.registry import Couriers


def batch(couriers: Couriers, shipment_ids: Sequence[UUID], *, hall_code: str, actor: str) -> bytes:
    """One PDF, in the order given; printing is noted and audited. Stands outside any transaction.

    Raises ShipmentNotFound for one of another hall, LabelMissing, CarrierBusy.
    """
    with transaction() as session:
        rows = session.execute(
            select(Shipment.id, Shipment.carrier, Shipment.waybill).where(
                Shipment.id.in_(shipment_ids), Shipment.hall_code == hall_code
            )
        )
        known = {row.id: (row.carrier, row.waybill) for row in rows}
    if known.keys() != set(shipment_ids):
        raise ShipmentNotFound()
    if not all(waybill for _, waybill in known.values()):
        raise LabelMissing()
    labels = [_label(couriers, *known[one]) for one in dict.fromkeys(shipment_ids)]
    try:
        made = papers.joined(labels)
    except papers.LabelUnreadable:
        raise LabelMissing() from None
    with transaction() as session:
        session.execute(update(Shipment).where(Shipment.id.in_(known)).values(printed_at=clock.now()))
        audit.record(
            session,
            actor=actor,
            action="labels.printed",
            object_type="hall",
            object_id=hall_code,
            hall_code=hall_code,
            data={"shipments": [str(one) for one in known]},
        )
    return made


def _label(couriers: Couriers, code: str, waybill: str) -> bytes:
    try:
        return couriers.call(code, "label", lambda carrier: carrier.label(waybill))
    except (LabelNotReady, Refused):
        raise LabelMissing(waybill=waybill) from None
    except CarrierError:
        raise CarrierBusy() from None
