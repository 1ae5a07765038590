"""One shipment in the city hall for every route that names one: who owns it, and what works for them."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from backend.core import db
from express import address_book, policies, sheets
from tests.express.conftest import ADDRESS, HALL, Desk

TRAVEL = ("203", "702")
REASON = {"reason": "申请人不要了"}
PICKED_UP = {
    "name": "张测试",
    "id_tail": "0010",
    "document_checked": True,
    "signature": "data:image/png;base64,iVBORw0KGgo=",
}


@dataclass(frozen=True)
class Owned:
    """`role` is who may, None the citizen."""

    role: str | None
    method: str
    rule: str
    path: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)


def things(desk: Desk, person: UUID) -> list[Owned]:
    """Every route of the courier part with an object in its path. The city pays for everything here."""
    desk.person = person
    with db.transaction() as session:
        address = address_book.add(session, person_id=person, given=ADDRESS, default=True).id
        sheet = sheets.begin(session, hall_code=HALL, actor="staff:1").id
        policy = policies.listed(session)[0]["id"]
    sent = {"shipment_id": _order(desk).id}
    asked = {"shipment_id": _order(desk, ready=False).id}
    left = desk.travel(_order(desk), *TRAVEL, "704+60")
    back = {"shipment_id": desk.travel(_order(desk), *TRAVEL, "711").id}
    scanned, free = _order(desk), _order(desk)
    with db.transaction() as session:
        sheets.scan(session, sheet_id=sheet, hall_code=HALL, waybill=scanned.waybill or "")
    on_sheet = {"sheet_id": sheet}
    one, desk_of = "shipments/<uuid:shipment_id>", "staff/shipments/<uuid:shipment_id>"
    entry = {"address_id": address}
    return [
        Owned(None, "PUT", "addresses/<uuid:address_id>", entry, ADDRESS),
        Owned(None, "DELETE", "addresses/<uuid:address_id>", entry),
        Owned(None, "POST", "addresses/<uuid:address_id>/default", entry),
        Owned(None, "GET", one, sent),
        Owned(None, "POST", f"{one}/cancel", sent),
        Owned(None, "POST", f"{one}/address", sent, {"address_id": str(address)}),
        Owned(None, "POST", f"{one}/received", {"shipment_id": left.id}),
        Owned("window_clerk", "GET", desk_of, sent),
        Owned("window_clerk", "POST", f"{desk_of}/release", asked),
        Owned("window_clerk", "POST", f"{desk_of}/cancel", sent, REASON),
        Owned("window_clerk", "POST", f"{desk_of}/address", sent, {"applicant": ADDRESS}),
        Owned("window_clerk", "POST", f"{desk_of}/pick-up", back, PICKED_UP),
        Owned(
            "window_clerk",
            "POST",
            "staff/shipment-tasks/<uuid:task_id>/finish",
            {"task_id": desk.task(left, "confirm_receipt").id},
            {"outcome": "received"},
        ),
        Owned("window_clerk", "GET", "staff/handover-sheets/<uuid:sheet_id>", on_sheet),
        Owned("window_clerk", "GET", "staff/handover-sheets/<uuid:sheet_id>/sheet.pdf", on_sheet),
        Owned(
            "window_clerk",
            "POST",
            "staff/handover-sheets/<uuid:sheet_id>/scan",
            on_sheet,
            {"waybill": free.waybill},
        ),
        Owned(
            "window_clerk",
            "POST",
            "staff/handover-sheets/<uuid:sheet_id>/drop",
            on_sheet,
            {"waybill": scanned.waybill},
        ),
        Owned(
            "window_clerk",
            "POST",
            "staff/handover-sheets/<uuid:sheet_id>/sign",
            on_sheet,
            {"courier": "快递员 88"},
        ),
        Owned(
            "platform_operator",
            "POST",
            "staff/postage-policies/<uuid:policy_id>/end",
            {"policy_id": policy},
            {"last_day": "2027-12-31"},
        ),
    ]


def _order(desk: Desk, **changes: Any) -> Any:
    return desk.order(category_code="business", **changes)
