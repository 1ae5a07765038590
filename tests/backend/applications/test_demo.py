"""The demo's cases: at every stage, once, and every invariant holds."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.applications import demo, doctor
from backend.applications.case_models import Case
from backend.applications.models import Application
from backend.identity import staff
from backend.sandbox.people import PEOPLE
from tests.conftest import Clock


def test_the_demo_stands_at_every_stage_once(session: Session, clock: Clock) -> None:
    staff.seed_demo(session, password="a-long-demo-password", secret="JBSWY3DPEHPK3PXP")
    people = [demo.DemoCitizen(one.ixiamen_id(), one.name, one.id_number, one.phone) for one in PEOPLE[:3]]
    for _ in range(2):
        demo.file(session, people, region_code="350200")
        session.commit()
    states = set(session.scalars(select(Case.state)))
    assert session.scalar(select(func.count()).select_from(Case)) == len(demo.CASES)
    assert {str(state) for state in states} == {
        *("submitted", "pre_returned", "pre_approved", "received", "correcting", "accepted", "awaiting_fee"),
        *("reviewing", "granted", "ready", "delivered", "not_accepted", "withdrawn"),
    }
    assert session.scalar(select(func.count()).where(Application.state == "open")) == 1
    assert doctor.invariants(session) == []
