"""Reading reconciled days and differences."""

from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import InstrumentedAttribute

from payments.recon_models import ReconDifference
from payments.recon_states import DifferenceState
from payments.reconciliation import Kind


def frozen(attempt_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether refunds of an attempt wait: the channel's bill does not have its payment (P49)."""
    return exists().where(
        ReconDifference.attempt_id == attempt_id,
        ReconDifference.kind == Kind.MISSING_AT_CHANNEL.value,
        ReconDifference.state != DifferenceState.CLOSED,
    )
