"""Having an electronic bill checked at finance, as its payer."""

from typing import Any
from uuid import UUID

from flask import current_app
from marshmallow import Schema, fields, validate

from backend.core import limits
from backend.core.auth import citizen, current_citizen
from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.errors import NotFound, ProviderError
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from payments import bill_queries, receipts
from payments.gateways import finance_http
from payments.gateways.finance import EbillState

blueprint = ApiBlueprint("receipts", __name__, description="Electronic bills of finance")
blueprints = (blueprint,)

UNAVAILABLE = "unavailable"


class CheckedSchema(Schema):
    """What finance says of the electronic bill, and when it said so; `unavailable` when it does not answer."""

    state = fields.String(required=True, validate=validate.OneOf([*EbillState, UNAVAILABLE]))
    checked_at = fields.AwareDateTime(required=True, allow_none=True)


@blueprint.post("/bills/<uuid:bill_id>/receipt/check")
@citizen()
@blueprint.arguments(EmptySchema)
@blueprint.response(200, CheckedSchema)
def check_receipt(body: dict[str, Any], bill_id: UUID) -> dict[str, Any]:
    """查验. Finance allows five checks a day, so an answer of today is given again."""
    with transaction() as session:
        bill_queries.readable(session, bill_id, current_citizen().id)
        question = receipts.to_check(session, bill_id)
        if question is None:
            raise NotFound()
        known = receipts.checked_today(session, bill_id)
    if known is not None:
        return known
    limits.spend(f"receipt-check:{bill_id}", capacity=4, per_seconds=86_400)
    settings: Settings = current_app.extensions["settings"]
    finance = current_app.extensions.get("finance") or finance_http.from_settings(settings)
    if finance is None:
        return {"state": UNAVAILABLE, "checked_at": None}
    try:
        state = finance.check_ebill(*question)
    except ProviderError:
        return {"state": UNAVAILABLE, "checked_at": None}
    with transaction() as session:
        return receipts.keep_check(session, bill_id, state)
