"""What the carrier is asked, sealed with its shipment, so that every try and question is the same to the letter."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.core import crypto
from express.carriers.base import Charge, Contents, Party, Pickup, Region, ShipmentOrder
from express.models import Direction, Shipment


def seal(shipment_id: UUID, order: ShipmentOrder, column: str = "order") -> bytes:
    """The order as it is stored."""
    text = json.dumps(asdict(order), ensure_ascii=False, default=lambda value: value.isoformat())
    return crypto.seal(text, table="shipment", column=column, row=shipment_id)


def opened(shipment: Shipment, column: str = "order") -> ShipmentOrder | None:
    """The order in clear; None once its time is over."""
    sealed = getattr(shipment, column)
    if sealed is None:
        return None
    return read(json.loads(crypto.unseal(sealed, table="shipment", column=column, row=shipment.id)))


def read(told: dict[str, Any]) -> ShipmentOrder:
    """The order from its JSON."""
    pickup = told["pickup"]
    return ShipmentOrder(
        number=told["number"],
        ordered_at=datetime.fromisoformat(told["ordered_at"]),
        sender=party(told["sender"]),
        receiver=party(told["receiver"]),
        weight_g=told["weight_g"],
        contents=Contents(told["contents"]),
        charge=Charge(told["charge"]),
        pickup=Pickup(
            datetime.fromisoformat(pickup["begins_at"]), datetime.fromisoformat(pickup["ends_at"]), pickup["notes"]
        )
        if pickup
        else None,
        in_person=told["in_person"],
        safety_code=told["safety_code"],
    )


def party(told: dict[str, Any]) -> Party:
    """A sender or receiver from its JSON."""
    return Party(told["name"], told["phone"], Region(**told["region"]), told["line"], told["postcode"])


def number(shipment_id: UUID, attempt: int) -> str:
    """Our number at the carrier: 31 characters that tell a stranger nothing, another one for each attempt."""
    return f"{shipment_id.hex[:28]}-{attempt:02d}"


def applicant(order: ShipmentOrder, direction: str) -> Party:
    """The side that is not the hall."""
    return order.sender if direction == Direction.MATERIAL_IN else order.receiver


def with_applicant(order: ShipmentOrder, direction: str, new: Party) -> ShipmentOrder:
    """The same order with another address of the applicant."""
    if direction == Direction.MATERIAL_IN:
        return replace(order, sender=new)
    return replace(order, receiver=new)
