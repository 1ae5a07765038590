"""Paying a bill at a device. Code and name travel in bodies; the name is answered masked."""

from typing import Any
from uuid import UUID

from flask import current_app, request

from backend.core import limits
from backend.core.auth import current_device, device, request_language
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.devices import till
from backend.devices import till_schemas as schemas
from payments import pay_codes, paying, window
from payments.api import gateways
from payments.bill_models import Bill
from payments.registry import SCREEN_CODE

blueprint = ApiBlueprint("till", __name__, description="Terminals and kiosks: paying a bill")
blueprints = (blueprint,)


@blueprint.post("/device/bills/find")
@device("device.pay")
@blueprint.arguments(schemas.NoticeSchema)
@blueprint.response(200, schemas.DeviceBillSchema)
def find(body: dict[str, str]) -> dict[str, Any]:
    """The bill of a notice in hand, of any hall, by its code and its payer's name; ten wrong pairs and it rests."""
    return _shown(_bill_id(body))


@blueprint.post("/device/bills/pay")
@device("device.pay")
@blueprint.arguments(schemas.NoticeSchema)
@blueprint.response(201, schemas.DeviceBillSchema)
def pay(body: dict[str, str]) -> dict[str, Any]:
    """Put a code on the screen that WeChat scans. An order on a phone is closed first: one bill is paid once."""
    bill_id, principal = _bill_id(body), current_device()
    limits.spend(f"device-pay:{principal.id}", capacity=20, per_seconds=60)
    with transaction() as session:
        bill = session.get_one(Bill, bill_id)
        terms = window.terms(gateways(), bill, way_name=SCREEN_CODE, client_ip=request.remote_addr or "")
    begin = paying.Beginning(
        bill_id=bill_id,
        terms=terms,
        payer_id=None,
        owner_id=principal.id,
        route="device-pay",
        key=request.headers.get("Idempotency-Key"),
        body={},
    )
    paying.pay(gateways(), begin)
    return _shown(bill_id)


@blueprint.post("/device/bills/check")
@device("device.pay")
@blueprint.arguments(schemas.NoticeSchema)
@blueprint.response(200, schemas.DeviceBillSchema)
def check(body: dict[str, str]) -> dict[str, Any]:
    """How it stands, asked of the channel now: paid here, or meanwhile on a phone."""
    bill_id = _bill_id(body)
    limits.spend(f"device-check:{bill_id}", capacity=10, per_seconds=30)
    till.look(gateways(), bill_id)
    return _shown(bill_id)


def _bill_id(body: dict[str, str]) -> UUID:
    code = pay_codes.cleaned(body["pay_code"], _settings().pay_code_pattern)
    return till.find(device_id=current_device().id, pay_code=code, payer_name=body["payer_name"])


def _shown(bill_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        return till.view(
            session,
            bill_id,
            device_id=current_device().id,
            gateways=gateways(),
            address=_settings().public_url,
            language=request_language(),
        )


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
