"""好差评 of a visit: once, five grades, more words once, answered in time, never with the rater's name."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.core import db, states
from backend.core.errors import InvalidTransition
from backend.queueing import calling
from backend.ratings import service
from backend.ratings.models import FollowUp, Rating
from backend.ratings.states import FOLLOW_UP, Event, State
from notify.models import Notification
from tests.backend.appointments.test_races import arena
from tests.backend.queueing.test_calling import clerk, nine, serve, take

__all__ = ["arena", "clerk", "nine", "take"]


@pytest.mark.parametrize(("state", "event", "after"), states.matrix(FOLLOW_UP, State, Event))
def test_every_step_of_a_follow_up(state: State, event: Event, after: State | None) -> None:
    if after is None:
        with pytest.raises(InvalidTransition):
            FOLLOW_UP.next(state, event)
    else:
        assert FOLLOW_UP.next(state, event) is after


@pytest.fixture
def finished(session, take, clerk, citizen):  # noqa: F811
    """Make a finished visit of a citizen: the person and the ticket's address."""

    free = iter(range(1, 100))

    def make():
        person, _ = citizen()
        ticket = take(person_id=person, holder=person.bytes * 2)
        staff = clerk(next(free))
        calling.call_chosen(session, staff_id=staff, ticket_id=ticket.id, reason="试一试")
        serve(session, staff)
        session.commit()
        return person, f"/api/v1/tickets/{ticket.link}"

    return make


def test_a_visit_is_rated_once_and_supplemented_once(client, finished, session) -> None:
    _, path = finished()
    assert client.get(path).json["can_rate"] is True
    assert client.post(f"{path}/rating", json={"grade": 6}).status_code == 422
    assert client.post(f"{path}/rating", json={"grade": 0}).status_code == 422
    first = client.post(f"{path}/rating", json={"grade": 5})
    assert (first.status_code, first.json["rating"]["grade"]) == (201, 5)
    again = client.post(f"{path}/rating", json={"grade": 1})
    assert (again.status_code, again.json["code"]) == (409, "rated_already")
    more = client.post(f"{path}/rating/supplement", json={"words": "窗口很耐心"})
    assert more.json["rating"]["supplement"] == "窗口很耐心"
    assert client.post(f"{path}/rating/supplement", json={"words": "再说"}).json["code"] == "cannot_supplement"
    assert session.scalar(select(func.count()).select_from(FollowUp)) == 0


def test_a_ticket_that_waits_cannot_be_rated(client, session, take) -> None:  # noqa: F811
    ticket = take()
    session.commit()
    refused = client.post(f"/api/v1/tickets/{ticket.link}/rating", json={"grade": 1})
    assert (refused.status_code, refused.json["code"]) == (409, "not_finished")


def test_a_bad_rating_is_answered_without_a_name(client, post, gate, finished, session) -> None:
    person, path = finished()
    client.post(f"{path}/rating", json={"grade": 1, "words": "等了两个小时"})
    lead = gate(role="hall_lead")
    [task] = client.get("/api/v1/staff/ratings", headers=lead).json["follow_ups"]
    assert (task["grade"], task["due_on"], task["overdue"]) == (1, "2026-12-16", False)
    assert str(person) not in str(task)
    assert not {"person", "person_id", "name_masked"} & set(task)
    assert client.get("/api/v1/staff/ratings", headers=gate("SM", role="hall_lead")).json["follow_ups"] == []
    assert client.get("/api/v1/staff/ratings", headers=gate()).status_code == 403
    answer_path = f"/staff/ratings/{task['id']}/answer"
    assert post(answer_path, gate("SM", role="hall_lead"), {"answer": "加了窗口"}).status_code == 404
    answered = post(answer_path, lead, {"answer": "周三起多开一个窗口"})
    assert (answered.status_code, answered.json["state"]) == (200, "answered")
    told = session.scalars(select(Notification.template).where(Notification.person_id == person)).all()
    assert "rating_answered" in told


def test_setting_aside_needs_a_reviewer_and_a_reason(client, post, gate, finished, session) -> None:
    _, good = finished()
    _, bad = finished()
    client.post(f"{good}/rating", json={"grade": 4})
    client.post(f"{bad}/rating", json={"grade": 2})
    shares = client.get("/api/v1/halls/XM/ratings").json
    assert (shares["total"], shares["satisfied_percent"]) == (2, 50.0)
    rating = session.scalars(select(Rating.id).where(Rating.grade == 2)).one()
    path = f"/staff/ratings/{rating}/set-aside"
    assert post(path, gate(role="hall_lead"), {"reason": "骂的是停车场"}).status_code == 403
    operator = gate(role="platform_operator")
    assert post(path, operator, {"reason": "短"}).status_code == 422
    assert post(path, operator, {"reason": "说的是停车场，不是窗口"}).status_code == 200
    assert post(f"/staff/ratings/{uuid4()}/set-aside", operator, {"reason": "没有这一条"}).status_code == 404
    shares = client.get("/api/v1/halls/XM/ratings").json
    assert (shares["total"], shares["satisfied_percent"]) == (1, 100.0)
    session.expire_all()
    assert session.scalars(select(FollowUp.state)).one() is State.VOIDED


def test_the_deadline_counts_working_days(session, nine) -> None:  # noqa: F811
    assert service.due_on(session, date(2026, 9, 25)) == date(2026, 10, 22)  # over 国庆, with its make-up days
    assert service.due_on(session, date(2030, 1, 1)) == date(2030, 1, 22)


def test_two_ratings_at_once_are_one(arena) -> None:  # noqa: F811
    def rate(grade: int) -> bool:
        try:
            with db.transaction() as session:
                service.rate(
                    session,
                    subject_type="ticket",
                    subject_id="same",
                    hall_code="XM",
                    person_id=None,
                    grade=grade,
                    words=None,
                )
        except service.RatedAlready:
            return False
        return True

    with ThreadPoolExecutor(5) as threads:
        assert sum(threads.map(rate, [1, 2, 3, 4, 5] * 4)) == 1
