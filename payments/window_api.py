"""Collecting at a window: the bill by its code, the payer's own code or one to scan, and what came of it.

Any window of the city takes any bill, as it does on paper. Cash and cards are finance's: they show when its list does.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import current_app, request
from sqlalchemy.orm import Session

from backend.core import clock, idempotency, limits
from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from payments import attempts, bill_queries, bills, locks, pay_codes, paying
from payments import window_schemas as schemas
from payments.api import gateways
from payments.attempt_models import Attempt
from payments.bill_models import Bill
from payments.errors import ChannelBusy
from payments.gateways.base import Scene
from payments.registry import WINDOW_WAYS
from payments.schemas import AttemptSchema, EmptySchema
from payments.states import AttemptState

blueprint = ApiBlueprint("window-payments", __name__, description="Collecting at a window")
blueprints = (blueprint,)

TYPING = timedelta(seconds=60)
"""How long the payer's code is tried again while they type a password; the channel says about half a minute."""


@blueprint.post("/staff/collecting/look-up")
@staff("bills.collect")
@blueprint.arguments(schemas.WindowLookUpSchema)
@blueprint.response(200, schemas.WindowBillSchema)
def look_up(body: dict[str, Any]) -> dict[str, Any]:
    """The bill of a notice that the payer shows: no name is asked, and only a masked one is told."""
    limits.spend(f"window-look-up:{current_staff().id}", capacity=60, per_seconds=600)
    settings: Settings = current_app.extensions["settings"]
    code = pay_codes.cleaned(body["pay_code"], settings.pay_code_pattern)
    with transaction() as session:
        return _view(session, bills.by_code(session, region_code=settings.pay_region, pay_code=code))


@blueprint.get("/staff/collecting/<uuid:bill_id>")
@staff("bills.collect")
@blueprint.response(200, schemas.WindowBillSchema)
def show(bill_id: UUID) -> dict[str, Any]:
    """The same bill as it is now."""
    with transaction() as session:
        return _view(session, bills.existing(session, bill_id))


@blueprint.post("/staff/collecting/<uuid:bill_id>/attempts")
@staff("bills.collect")
@blueprint.arguments(schemas.CollectSchema)
@blueprint.response(201, AttemptSchema)
def collect(body: dict[str, Any], bill_id: UUID) -> dict[str, Any]:
    """Take the money by the payer's code, or make a code that the payer scans. Another open order is closed first.

    A payer who is typing a password is no failure: the attempt is there, `…/check` goes on with it.
    """
    clerk = current_staff()
    limits.spend(f"collect:{clerk.id}", capacity=30, per_seconds=60)
    with transaction() as session:
        unit = bills.existing(session, bill_id).unit_code
    terms = _terms(unit, body)
    begun: list[UUID] = []

    def begin(number: int) -> UUID:
        with transaction() as session:
            answer, _ = idempotency.once(
                session,
                owner_id=clerk.id,
                route=f"collect:{bill_id}:{number}",
                key=request.headers.get("Idempotency-Key"),
                body=body,
                status=201,
                effect=lambda: {"id": str(attempts.begin(session, bill_id=bill_id, terms=terms, payer_id=None))},
            )
        begun.append(UUID(answer["id"]))
        return begun[-1]

    try:
        attempt_id = paying.pay(gateways(), begin)
        paying.look(gateways(), attempt_id)
    except ChannelBusy:
        if terms.scene != Scene.MICROPAY or not begun:
            raise
        attempt_id = begun[-1]
    return _shown(attempt_id)


@blueprint.post("/staff/collections/<uuid:attempt_id>/check")
@staff("bills.collect")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, AttemptSchema)
def check(body: dict[str, Any], attempt_id: UUID) -> dict[str, Any]:
    """Ask the channel now; a payer's code is tried once more while its owner may still be typing."""
    limits.spend(f"check:{attempt_id}", capacity=5, per_seconds=20)
    paying.look(gateways(), _own(attempt_id).id)
    attempt = _own(attempt_id)
    unanswered = attempt.scene == Scene.MICROPAY and attempt.state in (AttemptState.NEW, AttemptState.CREATE_UNKNOWN)
    if unanswered and clock.now() - attempt.opened_at < TYPING:
        paying.open_order(gateways(), attempt_id)
        paying.look(gateways(), attempt_id)
    return _shown(attempt_id)


@blueprint.post("/staff/collections/<uuid:attempt_id>/cancel")
@staff("bills.collect")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, AttemptSchema)
def cancel(body: dict[str, Any], attempt_id: UUID) -> dict[str, Any]:
    """End it: asked, closed, asked again. Money that came meanwhile counts."""
    paying.close_order(gateways(), _own(attempt_id).id)
    return _shown(attempt_id)


def _terms(unit: str, body: dict[str, Any]) -> attempts.Terms:
    """The order's terms. Raises WayNotOffered."""
    name = "payer_code" if body["auth_code"] else "wechat_native"
    channel, account = gateways().chosen(unit, name, WINDOW_WAYS)
    way = WINDOW_WAYS[name]
    return attempts.Terms(
        channel=channel,
        scene=way.scene,
        app_id=account.app_ids[way.app],
        merchant_id=account.gateway.merchant_id,
        client_ip=request.remote_addr or "",
        auth_code=body["auth_code"],
    )


def _own(attempt_id: UUID) -> Attempt:
    """An attempt that a window began. Raises NotFound."""
    with transaction() as session:
        return bill_queries.own_attempt(session, attempt_id, None)


def _shown(attempt_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        _, attempt = locks.by_id(session, attempt_id)
        return bill_queries.attempt_view(attempt)


def _view(session: Session, bill: Bill) -> dict[str, Any]:
    return bill_queries.view(session, bill, request_language(), gateways().ways_of(bill.unit_code, WINDOW_WAYS))
