"""Waits of both kinds, the frozen ledger, and the forecast made of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from backend.queueing import calling, jobs, live, waits
from backend.queueing.models import QueueHour, Ticket
from backend.queueing.ordering import Kind
from tests.backend.queueing.test_calling import HALL, NINE, QUEUE, booked, clerk, nine, serve, take

__all__ = ["clerk", "nine", "take"]


def test_both_kinds_stand_side_by_side(client, session, take, clerk, nine) -> None:  # noqa: F811
    walk_in = take()
    appointment = booked(session, take, due=timedelta())
    staff = clerk(1)
    nine.advance(minutes=4)
    assert calling.call_next(session, staff_id=staff).id == appointment.id
    serve(session, staff)
    nine.advance(minutes=6)
    assert calling.call_next(session, staff_id=staff).id == walk_in.id
    serve(session, staff)
    session.commit()
    shown = client.get("/api/v1/halls/XM/waits").json
    assert (shown["booked"]["average_minutes"], shown["walk_in"]["average_minutes"]) == (4.0, 10.0)
    assert (shown["booked"]["served"], shown["walk_in"]["served"], shown["hours"][0]["hour"]) == (1, 1, 9)
    assert client.get("/api/v1/halls/SM/waits").json["walk_in"]["average_minutes"] is None
    assert client.get("/api/v1/halls/XM/waits?day=yesterday").status_code == 422


def test_a_closed_day_is_frozen_once(session, take, clerk, nine) -> None:  # noqa: F811
    first = take()
    staff = clerk(1)
    nine.advance(minutes=5)
    calling.call_next(session, staff_id=staff)
    serve(session, staff)
    take()
    session.commit()
    assert waits.freeze(session, HALL, NINE.date()) == 0, "somebody still waits"
    nine.set(NINE + timedelta(hours=13, minutes=1))
    jobs.close_days()
    jobs.close_days()
    rows = session.scalars(select(QueueHour)).all()
    assert [(row.kind, row.taken, row.called, row.served, row.left, row.wait_s) for row in rows] == [
        (Kind.WALK_IN, 2, 1, 1, 1, 300)
    ]
    session.execute(update(Ticket).where(Ticket.id == first.id).values(created_at=NINE - timedelta(hours=1)))
    assert waits.summary(session, HALL, NINE.date())["walk_in"]["average_minutes"] == 5.0


@pytest.mark.parametrize("weeks", [0, 3])
def test_the_forecast_says_what_it_knows(client, session, nine, weeks) -> None:  # noqa: F811
    for week in range(1, weeks + 1):
        for hour, taken in ((9, 30), (10, 12), (14, 3)):
            session.add(
                QueueHour(
                    hall_code=HALL,
                    day=NINE.date() - timedelta(weeks=week),
                    category_code=QUEUE,
                    kind=Kind.WALK_IN,
                    hour=hour,
                    taken=taken,
                    called=taken,
                    served=taken,
                    left=0,
                    wait_s=taken * 600,
                    longest_s=900,
                )
            )
    session.commit()
    nine.advance(hours=1)
    shown = client.get(f"/api/v1/halls/XM/load?category={QUEUE}").json
    assert (shown["weeks"], [hour["hour"] for hour in shown["hours"]]) == (weeks, list(range(10, 17)))
    ten = shown["hours"][0]
    expected = {"hour": 10, "level": "normal", "expected": 12, "wait_minutes": 10.0} if weeks else None
    assert ten == (expected or {"hour": 10, "level": None, "expected": None, "wait_minutes": None})
    assert client.get("/api/v1/halls/XM/load?category=marriage").json["code"] == "no_such_queue"


def test_another_hall_with_a_free_time_is_offered(client, nine) -> None:  # noqa: F811
    shown = client.get("/api/v1/halls/SM/load?category=business").json["elsewhere"]
    assert len(shown) == 3
    assert all(choice["hall"]["code"] != "SM" and choice["distance_km"] > 0 for choice in shown)
    starts = [choice["next_free"]["start"] for choice in shown]
    assert starts == sorted(starts)


def test_the_pace_comes_from_real_visits(session, take, clerk, nine) -> None:  # noqa: F811
    live.forget()
    assert live.pace(session, HALL, QUEUE) == live.USUAL_MINUTES
    staff = clerk(1)
    for minutes in (2, 3, 4, 5, 6, 7, 8, 30):
        take()
        calling.call_next(session, staff_id=staff)
        calling.answer(session, staff_id=staff)
        nine.advance(minutes=minutes)
        calling.finish(session, staff_id=staff, outcome="done", count=1, note=None)
    live.forget()
    quick, slow = live.pace(session, HALL, QUEUE)
    assert 2 < quick < 5 < slow < 10
