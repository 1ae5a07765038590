"""What must always hold of holds and closings, for `make doctor`."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications import personal as applications
from backend.core import clock, retention
from backend.core.hold_states import HoldState
from backend.core.holds import PERSON, LegalHold
from backend.identity.models import LoginSession, Person, PersonLogin
from backend.privacy.models import Erasure, PersonalExport
from backend.privacy.states import ErasureState, ExportState
from payments import personal as payments

LATE = timedelta(days=1)


def invariants(session: Session) -> list[str]:
    """Sentences with row ids; empty when all is well."""
    live = LegalHold.state != HoldState.LIFTED
    erased = (
        select(Person.id)
        .join(LegalHold, (LegalHold.subject_id == Person.id) & (LegalHold.subject_type == PERSON))
        .where(live, Person.erased_at > LegalHold.placed_at)
    )
    now = clock.now()
    stuck = select(Erasure.id).where(Erasure.state == ErasureState.CLOSING, Erasure.empty_at < now - LATE)
    old = select(PersonalExport.id).where(
        PersonalExport.state != ExportState.GONE, PersonalExport.expires_at < now - LATE
    )
    closed = select(Person.id).where(Person.erased_at.is_not(None))
    open_doors = [
        *session.scalars(select(PersonLogin.person_id).where(PersonLogin.person_id.in_(closed))),
        *session.scalars(select(LoginSession.person_id).where(LoginSession.person_id.in_(closed))),
    ]
    return [
        *(f"holds: person {one} was erased under a hold" for one in session.scalars(erased)),
        *(f"holds: case {one} was emptied under a hold" for one in applications.lost_under_hold(session)),
        *(f"holds: bill {one} lost its payer under a hold" for one in payments.lost_under_hold(session)),
        *(f"privacy: closing {one} has not been carried out" for one in session.scalars(stuck)),
        *(f"privacy: export {one} is older than {retention.days('exports')} days" for one in session.scalars(old)),
        *(f"privacy: closed account {one} can still be entered" for one in open_doors),
    ]
