"""Shipments of a development run: every journey of seed-map C7, ordered by the real adapter at the simulated EMS.

Made once, after the simulator answers; it forgets its side when it stops, our side stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.catalogue.mailing import subject_of
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.http import call, provider_session
from backend.identity import service as identity
from express import address_book, carrying, deciding, following, handing, ordering, quoting
from express.handing import Receiver
from express.models import Direction, ExpressOffice, Shipment
from express.registry import Couriers, couriers_of
from express.states import TO_CALL
from express.task_models import ShipmentTask, TaskKind

OUT, IN, BACK = Direction.RESULT_OUT, Direction.MATERIAL_IN, Direction.ORIGINAL_BACK
ACTOR, HALL = "system", "XM"
DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
"""A signature of one point."""
STREET = "示例路 1 号 2 栋 301 室"


@dataclass(frozen=True, slots=True)
class Demo:
    """One shipment: `journey` is how the simulator moves it, None leaves it ordered; `then` what people do."""

    number: str
    item: str
    direction: Direction = OUT
    journey: str | None = None
    ready: bool = True
    then: str = ""


DEMOS = (
    Demo("DEMO-2026-01", "company-registration", journey="in_person"),
    Demo("DEMO-2026-02", "company-registration", journey="mail_room"),
    Demo("DEMO-2026-03", "sole-trader-registration", journey="failed_then_delivered"),
    Demo("DEMO-2026-04", "company-registration", journey="refused_and_returned"),
    Demo("DEMO-2026-05", "construction-permit", journey="delivered_then_undone"),
    Demo("DEMO-2026-06", "sole-trader-registration", journey="lost"),
    Demo("DEMO-2026-07", "company-registration", then="cancel"),
    Demo("DEMO-2026-08", "sole-trader-registration", journey="refused_and_returned", then="pick_up"),
    Demo("DEMO-2026-09", "company-registration", IN, journey="in_person"),
    Demo("DEMO-2026-10", "company-registration", BACK),
    Demo("DEMO-2026-11", "passport-renewal"),
    Demo("DEMO-2026-12", "driving-licence-renewal", journey="wrong_address"),
    Demo("DEMO-2026-13", "company-registration", ready=False),
)


def load(settings: Settings, *, name: str, id_number: str, phone: str) -> int:
    """Make them for one demo person, who finds them after logging in; how many are new. Only at a simulator."""
    if not settings.sandbox_url or not settings.ems_base.startswith(settings.sandbox_url):
        return 0
    with transaction() as session:
        if session.scalar(select(exists().where(Shipment.subject_id == DEMOS[0].number))):
            return 0
        _give_halls_a_street(session)
        person_id = identity.create_unseen(session, id_number=id_number, name=name)
        region = {"province": "福建省", "city": "厦门市", "county": "思明区"}
        parts = {"name": name, "phone": phone, "line": STREET, **region}
        address_book.add(session, person_id=person_id, given=parts, default=True)
    couriers = couriers_of(settings)
    for one in DEMOS:
        shipment_id = _order(settings, couriers, one, person_id, parts)
        _travel(settings, couriers, shipment_id, one, name)
    return len(DEMOS)


def _give_halls_a_street(session: Session) -> None:
    """So that every hall can mail in a development run; their real addresses are not known yet."""
    session.execute(update(ExpressOffice).where(ExpressOffice.line.is_(None)).values(line="示例路 8 号（演示）"))


def _order(settings: Settings, couriers: Couriers, one: Demo, person_id: UUID, parts: Mapping[str, str]) -> UUID:
    with transaction() as session:
        subject = subject_of(catalogue.item(session, one.item), HALL, person_id=person_id, ready=one.ready)
        wanted = quoting.wish(
            session,
            subject_type="case_number",
            subject_id=one.number,
            subject=subject,
            direction=one.direction,
            applicant=address_book.party(parts),
            weight_g=300,
        )
    estimate = quoting.ask(couriers, wanted)
    with transaction() as session:
        quote, _ = quoting.keep(session, wanted, estimate, owner_id=person_id)
        shipment = ordering.order(
            session,
            quote_id=quote.id,
            owner_id=person_id,
            carrier=couriers.default,
            region_code=settings.pay_region,
            pickup=None,
            actor=ACTOR,
            by_staff=False,
        )
    carrying.carry_on(couriers, shipment.id)
    return shipment.id


def _travel(settings: Settings, couriers: Couriers, shipment_id: UUID, one: Demo, name: str) -> None:
    if one.then == "cancel":
        with transaction() as session:
            ordering.cancel(session, ordering.locked(session, shipment_id), actor=ACTOR, reason="不寄了")
        carrying.carry_on(couriers, shipment_id)
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        waybill, waiting = shipment.waybill, shipment.state in TO_CALL
    if one.journey is None or waybill is None or waiting:
        return
    desk = provider_session(settings.sandbox_url)
    path = f"{settings.sandbox_url}/ems/operator/shipments/{waybill}/play"
    call(desk, "sandbox", "POST", path, json={"journey": one.journey}).raise_for_status()
    following.pull(couriers, shipment_id)
    if one.then == "pick_up":
        _pick_up(shipment_id, name)


def _pick_up(shipment_id: UUID, name: str) -> None:
    with transaction() as session:
        returned = session.scalars(
            select(ShipmentTask.id).where(
                ShipmentTask.shipment_id == shipment_id, ShipmentTask.kind == TaskKind.RETURNED
            )
        ).one()
        deciding.finish(session, returned, HALL, actor=ACTOR, outcome="in_cabinet", note=None)
    with transaction() as session:
        shipment = ordering.locked(session, shipment_id)
        handing.pick_up(session, shipment, Receiver(name, "0010"), signature=DOT, actor=ACTOR)
