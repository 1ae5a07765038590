"""Reactions to what other features tell."""

from uuid import UUID

from sqlalchemy import select, update

from backend.applications import fees, issuing
from backend.applications.case_models import Case
from backend.applications.models import Application
from backend.applications.states import ApplicationState, CaseState
from backend.core.db import transaction


def on_bill_settled(subject_id: str, **_: object) -> None:
    """A case's bill is paid: what waited for it goes on at once (clause 17.5). Twice is the same as once."""
    with transaction() as session:
        case = session.scalars(select(Case).where(Case.id == UUID(subject_id)).with_for_update()).one_or_none()
        if case is not None:
            fees.settled(session, case)


def on_shipment_delivered(subject_id: str, proof: str | None = None, **_: object) -> None:
    """A mailed result reached its applicant: by the courier, or at the window after it came back."""
    with transaction() as session:
        case = session.scalars(select(Case).where(Case.id == UUID(subject_id)).with_for_update()).one_or_none()
        if case is not None and case.state in (CaseState.CONCLUDED, CaseState.READY, CaseState.MAILED):
            issuing.delivered(session, case, actor="system", how="window" if proof == "window" else "mail")


def on_shipment_held(subject_id: str, **_: object) -> None:
    """A mailed result came back and lies in the hall's cabinet, of which its applicant has been told."""
    with transaction() as session:
        case = session.scalars(select(Case).where(Case.id == UUID(subject_id)).with_for_update()).one_or_none()
        if case is not None and case.state in (CaseState.CONCLUDED, CaseState.MAILED):
            issuing.lies_ready(session, case)


def on_person_merged(kept: str, former: str) -> None:
    """Two records were one person: applications and cases follow the one that remains."""
    new, old = UUID(kept), UUID(former)
    with transaction() as session:
        for column in (Case.person_id, Case.filer_id):
            session.execute(update(Case).where(column == old).values({column.key: new}))
        open_items = select(Application.item_slug).where(
            Application.filer_id == new, Application.state == ApplicationState.OPEN
        )
        mine = (Application.filer_id == old) | (Application.person_id == old)
        for row in session.scalars(select(Application).where(mine).with_for_update()):
            if row.state == ApplicationState.OPEN and row.item_slug in session.scalars(open_items).all():
                continue  # The other record has begun the same; this one stays behind and expires.
            row.person_id = new if row.person_id == old else row.person_id
            row.filer_id = new if row.filer_id == old else row.filer_id
