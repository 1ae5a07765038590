"""Figures of a hall over some days, against counts by hand."""

import csv
import io
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.appointments.models import Appointment
from backend.appointments.states import State as Visit
from backend.core.db import new_id
from backend.identity.models import Staff
from backend.queueing import calling, closing, windows
from backend.queueing.models import Call, Ticket, WindowSession
from backend.queueing.states import State
from tests.backend.appointments.test_booking import book
from tests.backend.queueing.test_calling import NINE, QUEUE, booked, clerk, nine, serve, take
from tests.backend.staff import header
from tests.conftest import Clock

__all__ = ["clerk", "nine", "take"]

PERIOD = "from=2026-11-24&to=2026-11-26"


@pytest.fixture
def worked(client, session, take, clerk, nine):  # noqa: F811
    """Ten walk-ins and a booked one who are served, one who gives up, and a window that is open for an hour."""
    staff = clerk(1)
    booked(session, take, due=-timedelta(minutes=30))
    for _ in range(10):
        take()
    gone = take()
    session.execute(update(Ticket).where(Ticket.id == gone.id).values(state=State.CANCELLED))
    session.commit()
    for minute in range(1, 11):
        nine.set(NINE + timedelta(minutes=minute))
        if minute == 4:
            calling.call_next(session, staff_id=staff)
            serve(session, staff)
        calling.call_next(session, staff_id=staff)
        serve(session, staff)
    nine.set(NINE + timedelta(hours=1))
    session.commit()


def figures(client, gate, period: str = PERIOD, **headers: str):
    return client.get(f"/api/v1/staff/figures?{period}", headers={**gate(role="hall_lead"), **headers})


def test_figures_equal_a_count_by_hand(client, gate, session, worked) -> None:
    shown = figures(client, gate).json
    total = shown["total"]
    everybody = total["walk_in"]["taken"] + total["booked"]["taken"]
    assert (everybody, total["walk_in"]["left"]) == (12, 1)
    assert total["walk_in"]["served"] + total["booked"]["served"] == 11
    assert total["window_hours"] == 1.0
    [day] = [one for one in shown["days"] if one["walk_in"]["taken"]]
    assert (day["date"], day["walk_in"], day["booked"]) == ("2026-11-25", total["walk_in"], total["booked"])
    assert [one["date"] for one in shown["days"]] == ["2026-11-24", "2026-11-25", "2026-11-26"]
    assert [(one["hour"], one["walk_in"]) for one in shown["hours"]] == [(9, total["walk_in"])]
    assert [(one["code"], one["name"]) for one in shown["queues"]] == [(QUEUE, "出入境业务")]


@pytest.mark.parametrize("end", ["resumed", "paused still", "left while paused", "closed for the night"])
def test_pauses_do_not_count_as_open(client, gate, session, clerk, nine, end: str) -> None:  # noqa: F811
    """A pause of eighteen minutes, and one that begins after ninety, however that one ends."""
    staff = clerk(1)

    def at(minutes: int, act=None) -> None:
        nine.set(NINE + timedelta(minutes=minutes))
        if act:
            act(session, staff)
            session.commit()

    at(30, windows.pause)
    at(40, windows.pause)
    at(48, windows.resume)
    at(50, windows.resume)
    at(90, windows.pause)
    if end == "left while paused":
        at(100, windows.leave)
    if end == "resumed":
        at(120, windows.resume)
    at(150)
    if end == "closed for the night":
        closing.close(session, hall_code="XM", until=nine.now.date())
        session.commit()
    assert figures(client, gate).json["total"]["window_hours"] == (1.7 if end == "resumed" else 1.2)


def test_medians_and_ninetieths_are_exact(client, gate, session, take, nine) -> None:  # noqa: F811
    window = closed_window(session)
    for minutes in range(1, 11):
        ticket = take()
        session.add(
            Call(
                ticket_id=ticket.id,
                session_id=window,
                hall_code="XM",
                day=NINE.date(),
                window=1,
                kind="next",
                at=NINE + timedelta(minutes=minutes),
            )
        )
    session.commit()
    walk_in = figures(client, gate).json["total"]["walk_in"]
    assert (walk_in["taken"], walk_in["called"]) == (10, 10)
    assert (walk_in["average_minutes"], walk_in["median_minutes"]) == (5.5, 5.5)
    assert (walk_in["p90_minutes"], walk_in["longest_minutes"]) == (9.1, 10.0)


def closed_window(session: Session) -> UUID:
    header(session)
    staff = session.scalars(select(Staff.id).limit(1)).one()
    made = WindowSession(
        id=new_id(), hall_code="XM", window=1, staff_id=staff, categories=[QUEUE], opened_at=NINE, closed_at=NINE
    )
    session.add(made)
    session.flush()
    return made.id


def test_missed_appointments_stand_beside_those_that_came(
    client, post, gate, citizen, session, slots, clock: Clock
) -> None:  # noqa: E501
    made = [book(post, citizen()[1], slots[number])["id"] for number in (3, 4, 5)]
    for appointment, state in zip(made, (Visit.NO_SHOW, Visit.FULFILLED, Visit.BOOKED), strict=True):
        session.execute(update(Appointment).where(Appointment.id == appointment).values(state=state))
    session.commit()
    total = figures(client, gate).json["total"]
    assert (total["expected"], total["no_shows"]) == (2, 1)
    assert figures(client, gate, "from=2026-11-26&to=2026-11-26").json["total"]["expected"] == 0


def test_a_hall_without_figures_says_nothing_it_does_not_know(client, gate, clock: Clock) -> None:
    shown = figures(client, gate).json
    assert shown["total"]["walk_in"]["average_minutes"] is None
    assert (shown["hours"], shown["queues"], len(shown["days"])) == ([], [], 3)


@pytest.mark.parametrize(
    ("period", "pointer"),
    [
        ("from=2026-11-25&to=2026-11-24", "/to"),
        ("from=2026-01-01&to=2026-11-24", "/to"),
        ("from=yesterday&to=2026-11-24", "/from"),
        ("to=2026-11-24", "/from"),
    ],
)
def test_an_impossible_period_is_refused(client, gate, clock: Clock, period, pointer) -> None:
    for path in ("figures", "figures.csv"):
        refused = client.get(f"/api/v1/staff/{path}?{period}", headers=gate(role="hall_lead"))
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_figures_are_a_table_too(client, gate, worked) -> None:
    headers = {**gate(role="hall_lead"), "Accept-Language": "en"}
    answer = client.get(f"/api/v1/staff/figures.csv?{PERIOD}", headers=headers)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    header, *rows = csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")))
    assert header[:5] == ["Day", "Hour", "Queue", "Kind", "Taken"]
    assert {(row[0], row[1], row[2]) for row in rows} == {(date(2026, 11, 25).isoformat(), "9", QUEUE)}
    assert sum(int(row[4]) for row in rows) == 12
    other = client.get(f"/api/v1/staff/figures.csv?{PERIOD}", headers=gate("SM", role="hall_lead"))
    assert len(other.get_data(as_text=True).splitlines()) == 1
