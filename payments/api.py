"""Citizens' bills, payments and refunds."""

from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from backend.core import limits, pagination
from backend.core.auth import Principal, citizen, current_citizen, request_language
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from notify.service import contact_address
from payments import attempts, bill_queries, bills, pay_codes, paying, refunds, schemas
from payments.bill_models import Bill
from payments.errors import WayNotOffered
from payments.registry import WAYS, Gateways, gateways_of

blueprint = ApiBlueprint("bills", __name__, description="Bills, payments and refunds")
blueprints = (blueprint,)

PAGE = 20


def gateways() -> Gateways:
    """The channels of this application."""
    settings: Settings = current_app.extensions["settings"]
    found: Gateways = current_app.extensions.get("payment_gateways") or gateways_of(settings)
    return found


@blueprint.get("/bills")
@citizen()
@blueprint.arguments(schemas.PageQuerySchema, location="query")
@blueprint.response(200, schemas.BillsSchema)
def list_bills(query: dict[str, Any]) -> dict[str, Any]:
    """What I owe or paid, and what I looked up, newest first."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = bill_queries.mine(session, current_citizen().id, before, PAGE)
        shown = bill_queries.summaries(session, found, request_language())
    last = found[-1] if len(found) == PAGE else None
    return {"bills": shown, "next_cursor": pagination.encode(last.created_at.isoformat(), last.id) if last else None}


@blueprint.post("/bills/look-up")
@citizen()
@blueprint.arguments(schemas.LookUpSchema)
@blueprint.response(200, schemas.BillSchema)
def look_up(body: dict[str, Any]) -> dict[str, Any]:
    """The bill of a notice in hand, by its code and its payer's name; from then on it is among mine."""
    principal = current_citizen()
    limits.spend(f"bill-look-up:{principal.id}", capacity=10, per_seconds=600)
    limits.spend(f"bill-look-up:{request.remote_addr}", capacity=60, per_seconds=600)
    settings: Settings = current_app.extensions["settings"]
    code = pay_codes.cleaned(body["pay_code"], settings.pay_code_pattern)
    with transaction() as session:
        bill = bills.look_up(session, pay_code=code, payer_name=body["payer_name"], reader_id=principal.id)
        return _view(session, bill)


@blueprint.get("/bills/<uuid:bill_id>")
@citizen()
@blueprint.response(200, schemas.BillSchema)
def show_bill(bill_id: UUID) -> dict[str, Any]:
    """One of them: items, ways to pay, receipt, refunds."""
    with transaction() as session:
        return _view(session, bill_queries.readable(session, bill_id, current_citizen().id))


@blueprint.post("/bills/<uuid:bill_id>/attempts")
@citizen()
@blueprint.arguments(schemas.PaySchema)
@blueprint.response(201, schemas.AttemptSchema)
def pay(body: dict[str, Any], bill_id: UUID) -> dict[str, Any]:
    """Begin to pay, or go on: a second click gets the same attempt. Another channel's order is closed first.

    Only the channel's own word makes the bill paid; the page asks `GET /attempts/…`.
    """
    principal = current_citizen()
    limits.spend(f"pay:{principal.id}", capacity=20, per_seconds=60)
    with transaction() as session:
        terms = _terms(session, principal, bill_queries.readable(session, bill_id, principal.id), body["way"])
    attempt_id = paying.pay(
        gateways(),
        paying.Beginning(
            bill_id=bill_id,
            terms=terms,
            payer_id=principal.id,
            owner_id=principal.id,
            route="pay",
            key=request.headers.get("Idempotency-Key"),
            body=body,
        ),
    )
    with transaction() as session:
        return bill_queries.attempt_view(bill_queries.own_attempt(session, attempt_id, principal.id))


@blueprint.get("/attempts/<uuid:attempt_id>")
@citizen()
@blueprint.response(200, schemas.AttemptSchema)
def show_attempt(attempt_id: UUID) -> dict[str, Any]:
    """How far my payment is, as far as we know; asks nobody."""
    with transaction() as session:
        return bill_queries.attempt_view(bill_queries.own_attempt(session, attempt_id, current_citizen().id))


@blueprint.post("/attempts/<uuid:attempt_id>/check")
@citizen()
@blueprint.arguments(EmptySchema)
@blueprint.response(200, schemas.AttemptSchema)
def check_attempt(body: dict[str, Any], attempt_id: UUID) -> dict[str, Any]:
    """The page believes that something happened: ask the channel now. What the page believes changes nothing."""
    person_id = current_citizen().id
    limits.spend(f"check:{attempt_id}", capacity=5, per_seconds=20)
    with transaction() as session:
        bill_queries.own_attempt(session, attempt_id, person_id)
        attempts.look_soon(session, attempt_id)
    paying.look(gateways(), attempt_id)
    with transaction() as session:
        return bill_queries.attempt_view(bill_queries.own_attempt(session, attempt_id, person_id))


@blueprint.post("/bills/<uuid:bill_id>/refunds")
@citizen(level=1)
@blueprint.arguments(schemas.AskRefundSchema)
@blueprint.response(201, schemas.RefundSchema)
def ask_refund(body: dict[str, Any], bill_id: UUID) -> Response:
    """Ask for money back: the unit checks within ten working days, then finance."""
    principal = current_citizen()

    def effect(session: Session) -> dict[str, Any]:
        bill = bill_queries.readable(session, bill_id, principal.id)
        bill_queries.demand_payer(session, bill, principal.id)
        refund = refunds.request(session, bill_id=bill_id, actor=principal.actor, by_unit=False, **body)
        return bill_queries.refund_view(refund)

    return answer_once(f"refunds:{bill_id}", body, effect, schemas.RefundSchema(), status=201)


def _terms(session: Session, principal: Principal, bill: Bill, way_name: str) -> attempts.Terms:
    """The order's terms from what we know of the payer, never from the body. Raises WayNotOffered."""
    channel, account = gateways().chosen(bill.unit_code, way_name)
    way, openid = WAYS[way_name], None
    if way.needs_openid:
        openid = contact_address(session, person_id=principal.id, channel=way.needs_openid)
        if openid is None:
            raise WayNotOffered()
    settings: Settings = current_app.extensions["settings"]
    return attempts.Terms(
        channel=channel,
        scene=way.scene,
        app_id=account.app_ids[way.app],
        merchant_id=account.gateway.merchant_id,
        client_ip=request.remote_addr or "",
        openid=openid,
        return_url=f"{settings.public_url.rstrip('/')}/bills/{bill.id}/result",
    )


def _view(session: Session, bill: Bill) -> dict[str, Any]:
    ways = gateways().ways_of(bill.unit_code)
    return bill_queries.view(session, bill, request_language(), ways, reader_id=current_citizen().id)
