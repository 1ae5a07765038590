"""个人信息: the address book, and who sent and received what."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.core import holds, retention
from backend.core.errors import Text
from backend.core.personal import Blocker, Part, People, Section
from express import address_book, snapshots
from express.models import Address, PostageQuote, Shipment
from express.states import ShipmentState
from express.task_models import WindowHandover

ENDED = (ShipmentState.CLOSED, ShipmentState.CANCELLED)
"""States after which an address is needed no more. What lies in the cabinet or is lost is not over."""


def purge(session: Session, limit: int) -> int:
    """Delete signatures of hand-overs three years old; their number."""
    old = (
        select(WindowHandover.shipment_id)
        .join(Shipment, Shipment.id == WindowHandover.shipment_id)
        .where(WindowHandover.at < retention.before("handovers"), holds.spares(holds.PERSON, Shipment.person_id))
        .limit(limit)
    )
    retention.purging(session)
    gone = session.execute(
        delete(WindowHandover).where(WindowHandover.shipment_id.in_(old)).returning(WindowHandover.shipment_id)
    )
    return len(gone.all())


def _gives(session: Session, people: People) -> list[Section]:
    book = session.scalars(select(Address).where(Address.person_id.in_(people)).order_by(Address.created_at))
    sent = session.scalars(select(Shipment).where(Shipment.person_id.in_(people)).order_by(Shipment.created_at))
    return [
        Section("addresses", Text("地址簿", "Address book"), [address_book.opened(one) for one in book]),
        Section("shipments", Text("寄件", "Shipments"), [_shipment(one) for one in sent]),
    ]


def _shipment(one: Shipment) -> dict[str, Any]:
    order = snapshots.opened(one)
    party = snapshots.applicant(order, one.direction) if order else None
    return {
        "created_at": one.created_at,
        "title": Text(one.title_zh, one.title_en),
        "state": one.state,
        "number": one.waybill or one.number,
        "name": party.name if party else None,
        "phone": party.phone if party else None,
        "line": party.line if party else None,
        "amount_fen": one.actual_fen,
    }


def _blocks(session: Session, people: People) -> list[Blocker]:
    query = select(Shipment).where(Shipment.person_id.in_(people), Shipment.state.not_in(ENDED))
    words = Text("有寄件还在路上或等你处理", "A shipment is on its way or waits for you")
    return [Blocker("shipment", words, f"/shipments/{one.id}") for one in session.scalars(query)]


def _erases(session: Session, people: People) -> None:
    session.execute(delete(Address).where(Address.person_id.in_(people)))
    session.execute(delete(PostageQuote).where(PostageQuote.owner_id.in_(people)))
    session.execute(
        update(Shipment)
        .where(Shipment.person_id.in_(people), Shipment.state.in_(ENDED))
        .values(order=None, next_order=None)
        .execution_options(synchronize_session=False)
    )


PART = Part("express", gives=_gives, erases=_erases, blocks=_blocks, purges=purge)
