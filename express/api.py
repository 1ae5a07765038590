"""Citizens' address book and shipments."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from backend.core import clock, idempotency, limits, pagination
from backend.core.auth import Principal, citizen, current_citizen, request_language
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from express import address_book, addresses, carrying, handing, ordering, queries, quoting, schemas, subjects
from express.carriers.base import CarrierError, Pickup
from express.errors import CarrierBusy
from express.models import Direction, Shipment
from express.registry import Couriers, couriers_of
from express.states import TO_CALL
from express.subjects import Asking, Subject
from payments import attempts, paying
from payments.api import gateways

blueprint = ApiBlueprint("express", __name__, description="Addresses, courier orders and where they are")
blueprints = (blueprint,)


def couriers() -> Couriers:
    """The couriers of this application."""
    settings: Settings = current_app.extensions["settings"]
    found: Couriers = current_app.extensions.get("couriers") or couriers_of(settings)
    return found


def subject_of(session: Session, subject_type: str, asking: Asking) -> Subject:
    """What is to be mailed, as the feature that owns it tells. Raises SubjectNotFound."""
    return subjects.resolve(current_app.extensions["mail_subjects"], session, subject_type, asking)


@blueprint.get("/addresses")
@citizen(level=1)
@blueprint.response(200, schemas.AddressesSchema)
def list_addresses() -> dict[str, Any]:
    """My addresses, the default first."""
    with transaction() as session:
        return {"addresses": [address_book.shown(one) for one in address_book.listed(session, current_citizen().id)]}


@blueprint.post("/addresses")
@citizen(level=1)
@blueprint.arguments(schemas.AddressWriteSchema)
@blueprint.response(201, schemas.AddressSchema)
def add_address(body: dict[str, Any]) -> dict[str, Any]:
    """Keep an address; the first one is the default."""
    principal = current_citizen()
    limits.spend(f"address:{principal.id}", capacity=30, per_seconds=3600)
    default = body.pop("is_default")
    with transaction() as session:
        return address_book.shown(address_book.add(session, person_id=principal.id, given=body, default=default))


@blueprint.put("/addresses/<uuid:address_id>")
@citizen(level=1)
@blueprint.arguments(schemas.AddressPartsSchema)
@blueprint.response(200, schemas.AddressSchema)
def change_address_entry(body: dict[str, Any], address_id: UUID) -> dict[str, Any]:
    """Write it anew; what is on its way keeps its own copy."""
    with transaction() as session:
        changed = address_book.change(session, person_id=current_citizen().id, address_id=address_id, given=body)
        return address_book.shown(changed)


@blueprint.post("/addresses/<uuid:address_id>/default")
@citizen(level=1)
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.AddressSchema)
def set_default_address(body: dict[str, Any], address_id: UUID) -> dict[str, Any]:
    """The address that is offered first."""
    with transaction() as session:
        chosen = address_book.set_default(session, person_id=current_citizen().id, address_id=address_id)
        return address_book.shown(chosen)


@blueprint.delete("/addresses/<uuid:address_id>")
@citizen(level=1)
@blueprint.response(204)
def remove_address(address_id: UUID) -> None:
    """Delete it."""
    with transaction() as session:
        address_book.remove(session, person_id=current_citizen().id, address_id=address_id)


@blueprint.post("/addresses/parse")
@citizen(level=1)
@blueprint.arguments(schemas.PastedSchema)
@blueprint.response(200, schemas.ReadAddressSchema)
def parse_address(body: dict[str, Any]) -> dict[str, Any]:
    """Read name, phone and address out of one pasted line. Nothing is kept."""
    limits.spend(f"address-parse:{current_citizen().id}", capacity=60, per_seconds=600)
    return read_line(body["text"])


def read_line(text: str) -> dict[str, Any]:
    """One pasted line as the form's parts."""
    found = addresses.parse(text)
    return {**asdict(found), "missing": list(found.missing)}


@blueprint.post("/shipments/quotes")
@citizen(level=1)
@blueprint.arguments(schemas.PostageQuoteAskSchema)
@blueprint.response(201, schemas.PostageQuoteSchema)
def quote(body: dict[str, Any]) -> dict[str, Any]:
    """What it would cost and who would pay; also whether a courier comes there. Nothing is ordered."""
    principal = current_citizen()
    limits.spend(f"quote:{principal.id}", capacity=30, per_seconds=600)
    with transaction() as session:
        asking = Asking(body["subject_id"], principal.id, body["item"], body["hall"])
        subject = subject_of(session, body["subject_type"], asking)
        address = address_book.of(session, person_id=principal.id, address_id=body["address_id"])
        wanted = quoting.wish(
            session,
            subject_type=body["subject_type"],
            subject_id=body["subject_id"],
            subject=subject,
            direction=Direction(body["direction"]),
            applicant=address_book.party(address_book.opened(address)),
            weight_g=body["weight_g"],
        )
        address.used_at = clock.now()
    return quoted(wanted, principal.id)


def quoted(wanted: quoting.Wish, owner_id: UUID) -> dict[str, Any]:
    """Ask the courier, then keep the quote. Raises CarrierBusy, AddressRefused, PolicyMissing."""
    try:
        estimate = quoting.ask(couriers(), wanted)
    except CarrierError:
        raise CarrierBusy() from None
    with transaction() as session:
        kept, policy = quoting.keep(session, wanted, estimate, owner_id=owner_id)
        return {
            "id": kept.id,
            "payer": kept.payer,
            "estimate_fen": kept.estimate_fen,
            "policy": policy,
            "expires_at": kept.expires_at,
        }


@blueprint.post("/shipments")
@citizen(level=1)
@blueprint.arguments(schemas.ShipmentOrderSchema)
@blueprint.response(201, schemas.ShipmentSchema)
def order(body: dict[str, Any]) -> dict[str, Any]:
    """Order it. A repeated request gets the same shipment; an unknown outcome is asked for by a job.

    With postage to pay it waits for `bill_id`; of papers that are not ready the hall is asked first.
    """
    principal = current_citizen()
    limits.spend(f"ship:{principal.id}", capacity=20, per_seconds=3600)
    shipment_id = ordered(principal, body, by_staff=False)
    with transaction() as session:
        return queries.view(session, queries.own(session, shipment_id, principal.id), request_language())


def ordered(principal: Principal, body: dict[str, Any], *, by_staff: bool) -> UUID:
    """The shipment of a quote, once for a key, and the first try at the courier."""
    settings: Settings = current_app.extensions["settings"]

    def effect(session: Session) -> Shipment:
        pickup = Pickup(**body["pickup"]) if body["pickup"] else None
        return ordering.order(
            session,
            quote_id=body["quote_id"],
            owner_id=principal.id,
            carrier=couriers().default,
            region_code=settings.pay_region,
            pickup=pickup,
            actor=principal.actor,
            by_staff=by_staff,
        )

    with transaction() as session:
        answer, _ = idempotency.once(
            session,
            owner_id=principal.id,
            route="shipments",
            key=request.headers.get("Idempotency-Key"),
            body=body,
            status=201,
            effect=lambda: {"id": str(effect(session).id)},
        )
        shipment_id = UUID(answer["id"])
        calls = ordering.locked(session, shipment_id).state in TO_CALL
    if calls:
        carrying.carry_on(couriers(), shipment_id)
    return shipment_id


@blueprint.get("/shipments")
@citizen(level=1)
@blueprint.arguments(schemas.ShipmentQuerySchema, location="query")
@blueprint.response(200, schemas.ShipmentsSchema)
def list_shipments(query: dict[str, Any]) -> dict[str, Any]:
    """My shipments, newest first."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = queries.of_person(session, current_citizen().id, before, queries.PAGE)
        shown = [queries.summary(one, request_language()) for one in found]
    last = found[-1] if len(found) == queries.PAGE else None
    cursor = pagination.encode(last.created_at.isoformat(), last.id) if last else None
    return {"shipments": shown, "next_cursor": cursor}


@blueprint.get("/shipments/<uuid:shipment_id>")
@citizen(level=1)
@blueprint.response(200, schemas.ShipmentSchema)
def show_shipment(shipment_id: UUID) -> dict[str, Any]:
    """One of them with its timeline."""
    with transaction() as session:
        return queries.view(session, queries.own(session, shipment_id, current_citizen().id), request_language())


@blueprint.post("/shipments/<uuid:shipment_id>/cancel")
@citizen(level=1)
@blueprint.arguments(schemas.ShipmentCancelSchema)
@blueprint.response(200, schemas.ShipmentSchema)
def cancel(body: dict[str, Any], shipment_id: UUID) -> Response:
    """Call it off while the courier has not collected it; paid postage goes back."""
    principal = current_citizen()
    with transaction() as session:
        bill_id = queries.own(session, shipment_id, principal.id).bill_id
    close_payment(bill_id)

    def effect(session: Session) -> dict[str, Any]:
        shipment = ordering.mine(session, shipment_id, principal.id)
        ordering.cancel(session, shipment, actor=principal.actor, reason=body["reason"])
        return queries.view(session, shipment, request_language())

    answer = answer_once(f"shipments/cancel:{shipment_id}", body, effect, schemas.ShipmentSchema())
    carrying.carry_on(couriers(), shipment_id)
    return answer


def close_payment(bill_id: UUID | None) -> None:
    """End an open order for the postage, so that nobody pays for what is being called off; paid money goes back."""
    if bill_id is None:
        return
    with transaction() as session:
        live = attempts.live_of(session, bill_id)
    if live is not None:
        paying.close_order(gateways(), live)


@blueprint.post("/shipments/<uuid:shipment_id>/address")
@citizen(level=1)
@blueprint.arguments(schemas.ShipmentAddressSchema)
@blueprint.response(200, schemas.ShipmentSchema)
def change_address(body: dict[str, Any], shipment_id: UUID) -> Response:
    """Another address, while that is possible; once more when the courier could not find the first."""
    principal = current_citizen()

    def effect(session: Session) -> dict[str, Any]:
        shipment = ordering.mine(session, shipment_id, principal.id)
        address = address_book.of(session, person_id=principal.id, address_id=body["address_id"])
        ordering.change_address(session, shipment, address_book.opened(address), actor=principal.actor)
        return queries.view(session, shipment, request_language())

    answer = answer_once(f"shipments/address:{shipment_id}", body, effect, schemas.ShipmentSchema())
    carrying.carry_on(couriers(), shipment_id)
    return answer


@blueprint.post("/shipments/<uuid:shipment_id>/received")
@citizen(level=1)
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.ShipmentSchema)
def confirm_received(body: dict[str, Any], shipment_id: UUID) -> Response:
    """I have it: for a certificate that somebody else signed for."""
    principal = current_citizen()

    def effect(session: Session) -> dict[str, Any]:
        shipment = ordering.mine(session, shipment_id, principal.id)
        handing.confirm(session, shipment, actor=principal.actor, by="applicant")
        return queries.view(session, shipment, request_language())

    return answer_once(f"shipments/received:{shipment_id}", body, effect, schemas.ShipmentSchema())
