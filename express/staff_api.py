"""The hall's desk: its shipments, orders at the window, hand-over at the window, exceptions. The hall is one's own."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, current_app
from sqlalchemy.orm import Session

from backend.core import audit, limits, pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from express import address_book, carrying, deciding, handing, ordering, queries, quoting
from express import staff_schemas as schemas
from express.api import close_payment, couriers, ordered, quoted, read_line, subject_of
from express.handing import Receiver
from express.models import Direction, Shipment
from express.schemas import PastedSchema, PostageQuoteSchema, ReadAddressSchema, ShipmentOrderSchema
from express.states import TO_CALL
from express.subjects import Asking

blueprint = ApiBlueprint("express-desk", __name__, description="A hall's shipments and their exceptions")
blueprints = (blueprint,)

PAGE = 50


@blueprint.get("/staff/shipments")
@staff("express.desk")
@blueprint.arguments(schemas.StaffShipmentQuerySchema, location="query")
@blueprint.response(200, schemas.StaffShipmentsSchema)
def list_shipments(query: dict[str, Any]) -> dict[str, Any]:
    """My hall's shipments, newest first."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = queries.of_hall(
            session,
            current_staff().hall,
            states=query["state"],
            direction=query.get("direction"),
            payer=query.get("payer"),
            printed=query.get("printed"),
            search=query.get("search"),
            before=before,
            limit=query["limit"],
        )
        shown = [queries.staff_row(one, request_language()) for one in found]
    last = found[-1] if len(found) == query["limit"] else None
    cursor = pagination.encode(last.created_at.isoformat(), last.id) if last else None
    return {"shipments": shown, "next_cursor": cursor}


@blueprint.get("/staff/shipments/<uuid:shipment_id>")
@staff("express.desk")
@blueprint.response(200, schemas.StaffShipmentSchema)
def show_shipment(shipment_id: UUID) -> dict[str, Any]:
    """One of them with address, timeline and tasks. Looking is audited: the address stands in it."""
    principal = current_staff()
    with transaction() as session:
        shipment = queries.in_hall(session, shipment_id, principal.hall)
        audit.record(
            session,
            actor=principal.actor,
            action="shipment.read",
            object_type="shipment",
            object_id=shipment_id,
            hall_code=principal.hall,
        )
        return queries.staff_view(session, shipment, request_language())


@blueprint.post("/staff/addresses/parse")
@staff("express.desk")
@blueprint.arguments(PastedSchema)
@blueprint.response(200, ReadAddressSchema)
def parse_address(body: dict[str, Any]) -> dict[str, Any]:
    """Read name, phone and address out of one line that the applicant sent. Nothing is kept."""
    limits.spend(f"address-parse:{current_staff().id}", capacity=120, per_seconds=600)
    return read_line(body["text"])


@blueprint.post("/staff/shipments/quotes")
@staff("express.desk")
@blueprint.arguments(schemas.WindowPostageQuoteSchema)
@blueprint.response(201, PostageQuoteSchema)
def quote(body: dict[str, Any]) -> dict[str, Any]:
    """What it would cost and who would pay, for somebody at my window."""
    principal = current_staff()
    limits.spend(f"window-quote:{principal.id}", capacity=120, per_seconds=600)
    with transaction() as session:
        asking = Asking(body["subject_id"], None, body["item"], principal.hall)
        wanted = quoting.wish(
            session,
            subject_type=body["subject_type"],
            subject_id=body["subject_id"],
            subject=subject_of(session, body["subject_type"], asking),
            direction=Direction(body["direction"]),
            applicant=address_book.party(address_book.checked(body["applicant"])),
            weight_g=body["weight_g"],
        )
    return quoted(wanted, principal.id)


@blueprint.post("/staff/shipments")
@staff("express.desk")
@blueprint.arguments(ShipmentOrderSchema)
@blueprint.response(201, schemas.StaffShipmentSchema)
def order(body: dict[str, Any]) -> dict[str, Any]:
    """Order what was quoted at my window; papers are ready then."""
    principal = current_staff()
    shipment_id = ordered(principal, body, by_staff=True)
    with transaction() as session:
        shipment = queries.in_hall(session, shipment_id, principal.hall)
        return queries.staff_view(session, shipment, request_language())


@blueprint.post("/staff/shipments/<uuid:shipment_id>/release")
@staff("express.desk")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.StaffShipmentSchema)
def release(body: dict[str, Any], shipment_id: UUID) -> Response:
    """The papers are ready: the courier is ordered, or the applicant is asked for the postage."""
    principal = current_staff()
    settings: Settings = current_app.extensions["settings"]

    def effect(session: Session) -> Shipment:
        return ordering.release(
            session,
            shipment_id=shipment_id,
            hall_code=principal.hall,
            region_code=settings.pay_region,
            actor=principal.actor,
        )

    return _changed("release", shipment_id, body, effect)


@blueprint.post("/staff/shipments/<uuid:shipment_id>/cancel")
@staff("express.desk")
@blueprint.arguments(schemas.ShipmentStaffCancelSchema)
@blueprint.response(200, schemas.StaffShipmentSchema)
def cancel(body: dict[str, Any], shipment_id: UUID) -> Response:
    """Call it off while the courier has not collected it; paid postage goes back."""
    principal = current_staff()
    with transaction() as session:
        bill_id = queries.in_hall(session, shipment_id, principal.hall).bill_id
    close_payment(bill_id)

    def effect(session: Session) -> Shipment:
        shipment = ordering.in_hall(session, shipment_id, principal.hall)
        ordering.cancel(session, shipment, actor=principal.actor, reason=body["reason"])
        return shipment

    return _changed("cancel", shipment_id, body, effect)


@blueprint.post("/staff/shipments/<uuid:shipment_id>/address")
@staff("express.desk")
@blueprint.arguments(schemas.ShipmentWindowAddressSchema)
@blueprint.response(200, schemas.StaffShipmentSchema)
def change_address(body: dict[str, Any], shipment_id: UUID) -> Response:
    """Another address that the applicant has confirmed."""
    principal = current_staff()

    def effect(session: Session) -> Shipment:
        shipment = ordering.in_hall(session, shipment_id, principal.hall)
        ordering.change_address(session, shipment, body["applicant"], actor=principal.actor)
        return shipment

    return _changed("address", shipment_id, body, effect)


@blueprint.post("/staff/shipments/<uuid:shipment_id>/pick-up")
@staff("express.desk")
@blueprint.arguments(schemas.ShipmentPickUpSchema)
@blueprint.response(200, schemas.StaffShipmentSchema)
def pick_up(body: dict[str, Any], shipment_id: UUID) -> Response:
    """窗口领取 of what came back: document compared, signature drawn; an agent with an authorisation."""
    principal = current_staff()
    receiver = Receiver(body["name"], body["id_tail"], body["by_agent"], body["authorisation"])

    def effect(session: Session) -> Shipment:
        shipment = ordering.in_hall(session, shipment_id, principal.hall)
        handing.pick_up(session, shipment, receiver, signature=body["signature"], actor=principal.actor)
        return shipment

    return _changed("pick-up", shipment_id, body, effect)


@blueprint.get("/staff/shipment-tasks")
@staff("express.desk")
@blueprint.arguments(schemas.ShipmentTaskQuerySchema, location="query")
@blueprint.response(200, schemas.ShipmentTasksSchema)
def list_tasks(query: dict[str, Any]) -> dict[str, Any]:
    """My hall's exceptions, longest waiting first."""
    after = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = queries.open_tasks(session, current_staff().hall, query.get("kind"), after, PAGE)
        shown = [queries.task_row(task, shipment, request_language()) for task, shipment in found]
    last = found[-1][0] if len(found) == PAGE else None
    cursor = pagination.encode(last.opened_at.isoformat(), last.id) if last else None
    return {"tasks": shown, "next_cursor": cursor}


@blueprint.post("/staff/shipment-tasks/<uuid:task_id>/finish")
@staff("express.desk")
@blueprint.arguments(schemas.ShipmentTaskFinishSchema)
@blueprint.response(200, schemas.ShipmentTaskSchema)
def finish_task(body: dict[str, Any], task_id: UUID) -> Response:
    """Say what came of it: the shipment follows, as when a returned certificate was put into the cabinet."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        task, shipment = deciding.finish(session, task_id, principal.hall, actor=principal.actor, **body)
        return queries.task_row(task, shipment, request_language())

    return answer_once(f"shipment-tasks:{task_id}", body, effect, schemas.ShipmentTaskSchema())


def _changed(name: str, shipment_id: UUID, body: dict[str, Any], effect: Callable[[Session], Shipment]) -> Response:
    """The change once for its key, then the first try at the courier."""
    calls: list[UUID] = []

    def shown(session: Session) -> dict[str, Any]:
        shipment = effect(session)
        if shipment.state in TO_CALL:
            calls.append(shipment.id)
        return queries.staff_view(session, shipment, request_language())

    answer = answer_once(f"staff-shipments/{name}:{shipment_id}", body, shown, schemas.StaffShipmentSchema())
    for one in calls:
        carrying.carry_on(couriers(), one)
    return answer
