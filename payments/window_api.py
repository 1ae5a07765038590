"""Collecting at a window: scan the payer's code or show one, follow it, give it up; cash at finance; the slip."""

from typing import Any
from uuid import UUID

from flask import current_app, request
from marshmallow import Schema, fields, validate

from backend.core import limits
from backend.core.auth import current_staff, request_language, staff
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.errors import ProviderUnavailable
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from payments import bill_queries, paying, window
from payments.api import gateways
from payments.attempt_models import Attempt
from payments.attempts import Terms, launch_of
from payments.gateways import finance_http
from payments.gateways.finance import PROVIDER
from payments.registry import SCREEN_CODE, WINDOW_CODE
from payments.schemas import ReceiptSchema
from payments.window import Phase

blueprint = ApiBlueprint("collecting", __name__, description="Collecting at a window")
blueprints = (blueprint,)


class ScanSchema(Schema):
    """What the scanner read from the payer's phone."""

    auth_code = fields.String(required=True, validate=validate.Length(1, 40))


class CollectionSchema(Schema):
    """How far it is. Look again after `again_s` seconds.

    `typing`: the payer's phone asks for a password; `showing`: the payer is to scan `qr`.
    """

    attempt_id = fields.UUID(required=True)
    bill_id = fields.UUID(required=True)
    phase = fields.String(required=True, validate=validate.OneOf(list(Phase)))
    amount_fen = fields.Integer(required=True)
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    failure = fields.String(required=True, allow_none=True)
    qr = fields.String(required=True, allow_none=True)
    again_s = fields.Integer(required=True, allow_none=True)


class PaidSchema(Schema):
    """Whether the bill's money is there."""

    paid = fields.Boolean(required=True)


class PaymentSlipSchema(Schema):
    """What a window prints: a slip 小票, never called a receipt; the electronic bill when finance has issued it."""

    pay_code = fields.String(required=True)
    title = fields.String(required=True)
    payer_name_masked = fields.String(required=True)
    total_fen = fields.Integer(required=True)
    status = fields.String(required=True)
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    paid_via = fields.String(required=True, allow_none=True)
    receipt = fields.Nested(ReceiptSchema, required=True, allow_none=True)


@blueprint.post("/staff/bills/<uuid:bill_id>/scan")
@staff("bills.issue")
@blueprint.arguments(ScanSchema)
@blueprint.response(201, CollectionSchema)
def scan(body: dict[str, Any], bill_id: UUID) -> dict[str, Any]:
    """Charge the code that the payer shows. The same Idempotency-Key never charges twice."""
    principal = current_staff()
    limits.spend(f"scan:{principal.id}", capacity=30, per_seconds=60)
    code = window.checked_code(body["auth_code"])
    with transaction() as session:
        bill = bill_queries.in_hall(session, bill_id, principal.hall)
        terms = window.terms(gateways(), bill, way_name=WINDOW_CODE, client_ip=_address(), auth_code=code)
    return _shown(window.charge(gateways(), _beginning(bill_id, terms, "scan")))


@blueprint.post("/staff/bills/<uuid:bill_id>/qr")
@staff("bills.issue")
@blueprint.arguments(EmptySchema)
@blueprint.response(201, CollectionSchema)
def show_code(body: dict[str, Any], bill_id: UUID) -> dict[str, Any]:
    """A code for the payer to scan with WeChat, where the unit takes it. An order that is open is closed first."""
    principal = current_staff()
    limits.spend(f"scan:{principal.id}", capacity=30, per_seconds=60)
    with transaction() as session:
        bill = bill_queries.in_hall(session, bill_id, principal.hall)
        terms = window.terms(gateways(), bill, way_name=SCREEN_CODE, client_ip=_address())
    return _shown(paying.pay(gateways(), _beginning(bill_id, terms, "show-code")))


@blueprint.post("/staff/collections/<uuid:attempt_id>/look")
@staff("bills.issue")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, CollectionSchema)
def look(body: dict[str, Any], attempt_id: UUID) -> dict[str, Any]:
    """Ask the channel; repeats the charge under its number where the channel never got it."""
    _own(attempt_id)
    limits.spend(f"look:{attempt_id}", capacity=10, per_seconds=30)
    paying.look(gateways(), attempt_id)
    return _shown(attempt_id)


@blueprint.post("/staff/collections/<uuid:attempt_id>/give-up")
@staff("bills.issue")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, CollectionSchema)
def give_up(body: dict[str, Any], attempt_id: UUID) -> dict[str, Any]:
    """The payer changed their mind. `asking` goes on until the channel says that nothing can be paid any more."""
    _own(attempt_id)
    paying.close_order(gateways(), attempt_id)
    return _shown(attempt_id)


@blueprint.post("/staff/bills/<uuid:bill_id>/look-at-finance")
@staff("bills.issue")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, PaidSchema)
def look_at_finance(body: dict[str, Any], bill_id: UUID) -> dict[str, Any]:
    """Cash, card or a bank's counter: ask finance now instead of waiting for its list."""
    settings: Settings = current_app.extensions["settings"]
    finance = current_app.extensions.get("finance") or finance_http.from_settings(settings)
    with transaction() as session:
        bill_queries.in_hall(session, bill_id, current_staff().hall)
    if finance is None:
        raise ProviderUnavailable(PROVIDER, "not_set_up")
    limits.spend(f"look-at-finance:{bill_id}", capacity=6, per_seconds=60)
    return {"paid": window.look_at_finance(finance, bill_id)}


@blueprint.get("/staff/bills/<uuid:bill_id>/slip")
@staff("bills.issue")
@blueprint.response(200, PaymentSlipSchema)
def slip(bill_id: UUID) -> dict[str, Any]:
    """The slip of a bill of my hall."""
    with transaction() as session:
        bill = bill_queries.in_hall(session, bill_id, current_staff().hall)
        return bill_queries.view(session, bill, request_language(), [])


def _beginning(bill_id: UUID, terms: Terms, route: str) -> paying.Beginning:
    return paying.Beginning(
        bill_id=bill_id,
        terms=terms,
        payer_id=None,
        owner_id=current_staff().id,
        route=route,
        key=request.headers.get("Idempotency-Key"),
        body={},
    )


def _address() -> str:
    return request.remote_addr or ""


def _own(attempt_id: UUID) -> None:
    with transaction() as session:
        window.of_hall(session, attempt_id, current_staff().hall)


def _shown(attempt_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        attempt = session.get_one(Attempt, attempt_id)
        phase = window.phase_of(attempt)
        again = {Phase.SHOWING: 5, Phase.ASKING: 5, Phase.TYPING: 5, Phase.CHECKING: 10}.get(phase)
        launch = launch_of(attempt)
        return {
            "attempt_id": attempt.id,
            "bill_id": attempt.bill_id,
            "phase": phase,
            "amount_fen": attempt.amount_fen,
            "paid_at": attempt.paid_at,
            "failure": attempt.failure,
            "qr": launch.qr if launch else None,
            "again_s": again,
        }
