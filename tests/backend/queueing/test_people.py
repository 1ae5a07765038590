"""Whose sealed values a lead may read: people who visit their hall, and nobody else."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core.audit import AuditEvent
from backend.identity import service
from backend.queueing.models import Ticket
from backend.queueing.ordering import Kind
from backend.queueing.states import State
from tests.backend.queueing.hall_people import missed
from tests.backend.staff import header
from tests.conftest import Clock


@pytest.mark.parametrize(
    ("hall", "days", "status"), [("XM", -29, 200), ("XM", 29, 200), ("XM", -31, 403), ("XM", 31, 403), ("SM", 0, 403)]
)
def test_a_lead_reveals_only_who_visits_their_hall(
    client: FlaskClient, session: Session, clock: Clock, hall: str, days: int, status: int
) -> None:
    person = service.log_in(session, provider="phone", subject="13900000001", current=None, phone="13900000001")
    who = header(session, hall, "hall_lead")
    missed(session, person, clock.now + timedelta(days=days))
    session.commit()
    body = {"field": "phone", "reason": "核对来电的人"}
    answer = client.post(f"/api/v1/staff/persons/{person}/reveal", json=body, headers=who)
    assert answer.status_code == status
    if status == 403:
        assert answer.json["code"] == "person_not_of_this_hall"
        assert "30 天" in answer.json["title"]
    revealed = select(AuditEvent).where(AuditEvent.action == "person.revealed.phone")
    assert len(session.scalars(revealed).all()) == (status == 200)


def test_a_number_of_the_hall_is_a_visit_too(client: FlaskClient, session: Session, clock: Clock) -> None:
    person = service.log_in(session, provider="phone", subject="13900000001", current=None, phone="13900000001")
    who, body = header(session, "XM", "hall_lead"), {"field": "phone", "reason": "核对来电的人"}
    path = f"/api/v1/staff/persons/{person}/reveal"
    assert client.post(path, json=body, headers=who).status_code == 403
    session.add(
        Ticket(
            state=State.DONE,
            state_at=clock.now,
            person_id=person,
            hall_code="XM",
            day=clock.now.date(),
            category_code="exit-entry",
            prefix="A",
            seq=1,
            source="desk",
            kind=Kind.WALK_IN,
            due_at=clock.now,
            created_at=clock.now - timedelta(days=29),
            link="x",
        )
    )
    session.commit()
    assert client.post(path, json=body, headers=who).json == {"value": "13900000001"}
