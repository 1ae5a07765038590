"""What applicants are told about their shipments: written with its cause, sent by notify. No name, no address."""

from typing import Any

from sqlalchemy.orm import Session

from express.models import Shipment
from express.tracking import Progress
from express.words import REASONS
from notify.service import notify, withdraw

TOLD: dict[str, str] = {
    Progress.COLLECTED: "shipment_collected",
    Progress.OUT: "shipment_out",
    Progress.FAILED: "shipment_failed",
    Progress.WAITING: "shipment_waiting",
    Progress.DELIVERED: "shipment_delivered",
    Progress.LOST: "shipment_lost",
}
"""Steps of which the applicant hears."""


def unpaid(session: Session, shipment: Shipment) -> None:
    """The papers are ready and wait for the postage."""
    _tell(session, "shipment_unpaid", shipment, key=shipment.attempt, amount=shipment.estimate_fen)


def ordered(session: Session, shipment: Shipment) -> None:
    """A courier is ordered."""
    _tell(session, "shipment_ordered", shipment, key=shipment.attempt)


def refused(session: Session, shipment: Shipment) -> None:
    """The courier does not take the address: somebody must correct it."""
    _tell(session, "shipment_refused", shipment, key=shipment.attempt)


def cancelled(session: Session, shipment: Shipment) -> None:
    """Nothing will be sent; paid postage goes back."""
    _tell(session, "shipment_cancelled", shipment, key=shipment.attempt)


def not_cancelled(session: Session, shipment: Shipment) -> None:
    """The courier has it already, so it goes on as it was."""
    _tell(session, "shipment_kept", shipment, key=shipment.attempt)


def held(session: Session, shipment: Shipment) -> None:
    """It came back and lies in the hall."""
    _tell(session, "shipment_returned", shipment, key=shipment.attempt)


def progress(session: Session, shipment: Shipment, before: str | None) -> None:
    """What the newest step means for the applicant; a delivery that was taken back is said so."""
    since = shipment.progress_at.isoformat() if shipment.progress_at else ""
    if before == Progress.DELIVERED and shipment.progress != Progress.DELIVERED:
        _tell(session, "shipment_undone", shipment, key=since)
    template = TOLD.get(shipment.progress or "")
    if template is None:
        return
    once = template == "shipment_collected"
    more = {"reason": REASONS.get(shipment.detail_code, REASONS[""]).zh} if template == "shipment_failed" else {}
    more |= {"reason_en": REASONS.get(shipment.detail_code, REASONS[""]).en} if more else {}
    _tell(session, template, shipment, key=shipment.waybill if once else since, **more)


def forget_waiting(session: Session, shipment: Shipment, template: str, key: object) -> None:
    """A notice that no longer holds and has not been sent yet is not sent."""
    withdraw(session, _key(template, shipment, key))


def _key(template: str, shipment: Shipment, key: object) -> str:
    return f"{template}:{shipment.id}:{key}"


def _tell(session: Session, template: str, shipment: Shipment, *, key: object, **more: Any) -> None:
    if shipment.person_id is None:
        return
    notify(
        session,
        person_id=shipment.person_id,
        template=template,
        params={
            "item": shipment.title_zh,
            "item_en": shipment.title_en,
            "number": shipment.waybill or shipment.number,
            **more,
        },
        subject_type="shipment",
        subject_id=str(shipment.id),
        link=f"/shipments/{shipment.id}",
        dedupe_key=_key(template, shipment, key),
    )
