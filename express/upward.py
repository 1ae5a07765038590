"""What upper features hear of shipments of their subjects: a job deferred by name with its cause (ARCHITECTURE §3)."""

from sqlalchemy.orm import Session

from backend.core import jobs
from express.models import Direction, Shipment

HANDED_OVER = {"case": "shipment.handed_over.case"}
"""Kind of subject → the job that hears of a result proved to be handed over; other kinds hear nothing."""


def handed_over(session: Session, shipment: Shipment) -> None:
    """The result is proved to have reached the applicant."""
    task = HANDED_OVER.get(shipment.subject_type)
    if task is not None and shipment.direction == Direction.RESULT_OUT:
        jobs.defer(session, task, subject_id=shipment.subject_id)
