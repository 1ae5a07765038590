"""缴费 at a device: the notice's code and its payer's name open a bill, a code on the screen takes the money.

A device keeps nothing of whom it served: every request brings both again. Wrong pairs are counted, right ones are not.
"""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core import limits
from backend.core.db import transaction
from backend.devices import queries, slips
from payments import attempts, bill_queries, bills, paying
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.errors import BillNotFound
from payments.gateways.base import Launch, Scene
from payments.registry import SCREEN_CODE, Gateways

MISSES, MISSES_PER_SECONDS = 10, 600


def find(*, device_id: UUID, pay_code: str, payer_name: str) -> UUID:
    """The bill of a notice in hand. Raises BillNotFound, and TooManyRequests after ten wrong pairs in ten minutes."""
    misses = f"device-bill-miss:{device_id}"
    limits.demand(misses, capacity=MISSES, per_seconds=MISSES_PER_SECONDS)
    try:
        with transaction() as session:
            return bills.look_up(session, pay_code=pay_code, payer_name=payer_name, reader_id=None).id
    except BillNotFound:
        limits.spend(misses, capacity=MISSES, per_seconds=MISSES_PER_SECONDS)
        raise


def look(gateways: Gateways, bill_id: UUID) -> None:
    """Ask the channel about the order that may still be paid, wherever it was opened."""
    with transaction() as session:
        live = attempts.live_of(session, bill_id)
    if live is not None:
        paying.look(gateways, live)


def view(
    session: Session, bill_id: UUID, *, device_id: UUID, gateways: Gateways, address: str, language: str
) -> dict[str, Any]:
    """The bill for who stands at the device: masked, with the code to scan while it can be paid, and its slip after."""
    bill = session.get_one(Bill, bill_id)
    ways = gateways.ways_of(bill.unit_code)
    shown = bill_queries.view(session, bill, language, ways)
    live = session.get_one(Attempt, shown["live_attempt_id"]) if shown["live_attempt_id"] else None
    code = _code(live)
    on_phone = f"{address.rstrip('/')}/bills/find?code={bill.pay_code}"
    place = queries.place_of(session, device_id, language)["name"]
    return {
        **shown,
        "can_scan": SCREEN_CODE in shown["ways"],
        "on_phone": on_phone,
        "scan": {"qr": code.qr, "until": live.expires_at - attempts.MARGIN} if live and code else None,
        "slip": slips.of_payment(shown, place, on_phone, language) if shown["paid_at"] else None,
    }


def _code(live: Attempt | None) -> Launch | None:
    """The code of an order that was opened for a screen; an order on somebody's phone shows nothing here."""
    return attempts.launch_of(live) if live is not None and live.scene == Scene.NATIVE and not live.payer_id else None
