"""Where there is room for a visit that is longer than one slot, and for whom one may book."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from backend.appointments import visits
from backend.appointments.doctor import invariants
from backend.appointments.models import BookingPolicy, SlotQuota
from backend.appointments.policy import defaults
from backend.core import db
from backend.identity.family import add
from tests.backend.appointments.test_booking import ITEM, book

NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)


def half_hours(*free: bool) -> list[dict[str, Any]]:
    return [
        {
            "start": NINE + timedelta(minutes=30 * number),
            "end": NINE + timedelta(minutes=30 * (number + 1)),
            "left": 2 if one else 0,
            "state": "free" if one else "full",
        }
        for number, one in enumerate(free)
    ]


def test_a_start_is_free_only_with_enough_slots_behind_it() -> None:
    days: list[dict[str, Any]] = [{"slots": half_hours(True, True, False, True), "state": "open", "left": 6}]
    visits.fit(days, 45)
    assert [slot["state"] for slot in days[0]["slots"]] == ["free", "full", "full", "full"]
    assert (days[0]["left"], days[0]["state"]) == (2, "open")
    visits.fit(days, 61)
    assert days[0]["state"] == "full"


@given(st.lists(st.booleans(), min_size=1, max_size=14), st.integers(1, 200))
def test_the_picker_and_the_booking_agree(free: list[bool], minutes: int) -> None:
    slots = half_hours(*free)
    wanted = -(-minutes // 30)
    expected = ["free" if len(free) >= n + wanted and all(free[n : n + wanted]) else "full" for n in range(len(free))]
    visits.fit([{"slots": slots, "state": "open", "left": 0}], minutes)
    assert [slot["state"] for slot in slots] == expected


def test_a_gap_such_as_lunch_ends_the_row() -> None:
    morning, afternoon = half_hours(True)[0], {**half_hours(True)[0], "start": NINE + timedelta(hours=4)}
    afternoon["end"] = NINE + timedelta(hours=4, minutes=30)
    assert visits.run([morning, afternoon], 0, 31, visits.hours_of) == ()


def test_what_the_picker_calls_free_can_be_held(client, post, citizen, slots, session) -> None:
    change = update(SlotQuota).where(SlotQuota.slot_id == slots[2], SlotQuota.channel == "online")
    session.execute(change.values(capacity=0))
    session.commit()
    path = f"/api/v1/slots?hall=XM&items={ITEM}&from=2026-11-25&days=1"
    alone = client.get(path).json["days"][0]["slots"]
    four = client.get(f"{path}&people=4").json["days"][0]["slots"]  # 15 + 3 × 10 minutes: two slots
    assert [slot["state"] for slot in alone[:4]] == ["free", "free", "full", "free"]
    assert [slot["state"] for slot in four[:4]] == ["free", "full", "full", "free"]
    assert four[5]["state"] == "full"  # 11:30: noon is near
    for slot, shown in zip(slots, four, strict=True):
        _, who = citizen()
        held = post("/holds", who, {"slot_id": str(slot), "items": [ITEM], "people": 4})
        assert (held.status_code == 201) == (shown["state"] == "free"), (shown, held.json)
        if held.status_code == 201:
            client.delete(f"/api/v1/holds/{held.json['id']}", headers=who)
    assert invariants(session) == []


def test_the_earliest_times_have_room_for_everybody(client, slots, session) -> None:
    halls = client.get(f"/api/v1/items/{ITEM}/halls?people=4").json["halls"]
    early = client.get(f"/api/v1/slots/earliest?items={ITEM}&people=4").json["slots"]
    for row in early:
        day = row["slot"]["start"][:10]
        path = f"/api/v1/slots?hall={row['hall']['code']}&items={ITEM}&people=4&from={day}&days=1"
        states = {slot["id"]: slot["state"] for slot in client.get(path).json["days"][0]["slots"]}
        assert states[row["slot"]["id"]] == "free"
    assert halls[0]["next_free"] is not None


def test_the_next_free_time_of_every_hall_takes_two_statements(client, slots, session) -> None:
    client.get(f"/api/v1/items/{ITEM}/halls")  # fills catalogue and calendar
    said: list[str] = []

    def hear(_connection, _cursor, statement, *_):
        said.append(statement)

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", hear)
    client.get(f"/api/v1/items/{ITEM}/halls")
    event.remove(connection, "before_cursor_execute", hear)
    assert len([one for one in said if " slot" in one or "booking_policy" in one]) == 2


CHILDREN = ("350299201501010017", "35029920160202002X", "350299201703030032")


@pytest.fixture
def children(session):
    """A guardian's three children."""

    def of(guardian):
        with db.transaction() as inner:
            return [
                add(inner, agent_id=guardian, name=f"小{n}", id_number=number, relation="子女").person_id
                for n, number in enumerate(CHILDREN)
            ]

    return of


def test_one_acts_for_two_others_a_day_and_for_more_on_another(post, citizen, slots, session, children) -> None:
    guardian, who = citizen()
    first, second, third = children(guardian)
    for child, slot in ((first, slots[0]), (second, slots[1])):
        book(post, who, slot, for_person_id=str(child))
    refused = post("/holds", who, {"slot_id": str(slots[2]), "items": [ITEM], "for_person_id": str(third)})
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_principals")
    book(post, who, slots[3])  # for themselves


def test_the_number_of_others_is_the_halls_setting(post, citizen, slots, session, children) -> None:
    policy = defaults("XM", "exit-entry")
    policy.agent_principals = 1
    session.add(policy)
    session.commit()
    guardian, who = citizen()
    first, second, _ = children(guardian)
    book(post, who, slots[0], for_person_id=str(first))
    refused = post("/holds", who, {"slot_id": str(slots[2]), "items": [ITEM], "for_person_id": str(second)})
    assert refused.json["code"] == "too_many_principals"
    assert session.scalar(select(BookingPolicy.agent_principals)) == 1


def test_moving_onto_a_full_day_is_refused_too(client, post, citizen, slots, session, children) -> None:
    guardian, who = citizen()
    first, second, third = children(guardian)
    book(post, who, slots[0], for_person_id=str(first))
    book(post, who, slots[1], for_person_id=str(second))
    thursday = client.get(f"/api/v1/slots?hall=XM&items={ITEM}&from=2026-11-26&days=1").json["days"][0]["slots"]
    other = book(post, who, thursday[0]["id"], for_person_id=str(third))
    refused = post(f"/appointments/{other['id']}/reschedule", who, {"slot_id": str(slots[2])})
    assert refused.json["code"] == "too_many_principals"
    assert date.fromisoformat(other["slot"]["start"][:10]) == date(2026, 11, 26)
