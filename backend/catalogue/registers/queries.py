"""What may not be asked for any more, and what applicants sign."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue.registers.models import CancelledProof, CommitmentText


def cancelled_proofs(session: Session) -> Sequence[CancelledProof]:
    """Cancelled proofs, the latest first; some may only begin on a later day."""
    return session.scalars(
        select(CancelledProof).order_by(CancelledProof.cancelled_on.desc(), CancelledProof.name_zh)
    ).all()


def commitments(session: Session) -> Sequence[CommitmentText]:
    """Every version of every letter of commitment, the newest first."""
    return session.scalars(select(CommitmentText).order_by(CommitmentText.code, CommitmentText.version.desc())).all()
