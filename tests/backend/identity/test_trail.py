"""The hall's audit trail: limited to the hall, filtered, paged, with names and differences, and as a table."""

import csv
import io
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import audit
from backend.devices import service as devices
from backend.identity import trail
from backend.identity.models import Staff
from tests.backend.identity.test_halls import OTHER, OWN, app, enter, settings
from tests.conftest import Clock

__all__ = ["app", "enter", "settings"]


def write(session: Session, number: int, hall: str = OWN, **changes: Any) -> None:
    audit.record(
        session,
        **{
            "actor": "system",
            "action": "hall.policy_changed",
            "object_type": "booking_policy",
            "object_id": f"{hall}/exit-entry",
            "hall_code": hall,
            "reason": f"第{number}次",
            "data": {"before": {"open_total": number, "same": 1}, "after": {"open_total": number + 1, "same": 1}},
            **changes,
        },
    )


def read(client, who, query: str = ""):
    return client.get(f"/api/v1/staff/audit{query}", headers=who)


def test_a_lead_reads_the_own_hall_newest_first_page_by_page(client, session, enter, clock: Clock) -> None:  # noqa: F811
    for number in range(70):
        write(session, number, OTHER if number % 7 == 0 else OWN)
    session.commit()
    lead, seen, cursor = enter(("hall_lead", OWN)), [], ""
    while True:
        page = read(client, lead, f"?cursor={cursor}" if cursor else "").json
        seen += [event["reason"] for event in page["events"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"第{number}次" for number in reversed(range(70)) if number % 7]
    assert page["events"][0]["changes"][0]["name"] == "open_total"
    other = read(client, enter(("hall_lead", OTHER))).json["events"]
    assert {event["object_id"] for event in other} == {f"{OTHER}/exit-entry"}


def test_filters_narrow_by_day_group_person_and_thing(client, session, enter, clock: Clock) -> None:  # noqa: F811
    write(session, 1)
    clock.advance(days=1)
    lead = enter(("hall_lead", OWN))
    me = client.get("/api/v1/session", headers=lead).json["staff"]
    write(session, 2, actor=f"staff:{me['id']}")
    write(session, 3, action="window.opened", object_type="window", object_id=f"{OWN}/1", data={"categories": ["a"]})
    write(session, 4, action="staff.reset", object_type="staff", object_id=me["id"])
    session.commit()

    def reasons(query: str) -> list[str]:
        return [event["reason"] for event in read(client, lead, query).json["events"]]

    assert reasons("?from=2026-11-25") == ["第4次", "第3次", "第2次"]
    assert reasons("?to=2026-11-24") == ["第1次"]
    assert reasons("?group=hall") == ["第2次", "第1次"]
    assert reasons(f"?actor={me['id']}") == ["第2次"]
    assert reasons(f"?object_type=window&object_id={OWN}/1") == ["第3次"]
    by_id = {event["reason"]: event for event in read(client, lead).json["events"]}
    assert by_id["第2次"]["actor"] == {"kind": "staff", "id": me["id"], "name": f"某人 ({me['username']})"}
    assert by_id["第1次"]["actor"] == {"kind": "system", "id": None, "name": None}
    assert by_id["第4次"]["object_name"] == f"某人 ({me['username']})"
    assert by_id["第3次"]["changes"] == [{"name": "categories", "after": ["a"]}]


@pytest.mark.parametrize("query", ["?cursor=x", "?from=never", "?group=everything", "?actor=me", "?object_id="])
def test_a_wrong_filter_is_refused(client, enter, clock: Clock, query) -> None:  # noqa: F811
    assert read(client, enter(("hall_lead", OWN)), query).status_code == 422


@pytest.mark.parametrize("role", ["gate", "window_clerk", "finance"])
def test_others_read_nothing(client, enter, clock: Clock, role) -> None:  # noqa: F811
    who = enter((role, OWN))
    assert read(client, who).status_code == 403
    assert read(client, who, ".csv").status_code == 403


def test_the_table_holds_the_same_and_no_formula_runs(client, session, enter, clock: Clock) -> None:  # noqa: F811
    write(session, 1, reason="=cmd|' /C calc'!A0")
    write(session, 2, OTHER)
    session.commit()
    answer = read(client, enter(("hall_lead", OWN)), ".csv?group=hall")
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    [header, row] = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert header == ["时间", "操作人", "操作", "对象", "编号", "原因", "改动"]
    assert row == [
        "2026-11-24 09:00:00",
        "system",
        "hall.policy_changed",
        "booking_policy",
        f"{OWN}/exit-entry",
        "'=cmd|' /C calc'!A0",
        "open_total: 1 → 2",
    ]


def test_of_two_lists_what_is_gone_and_what_is_new() -> None:
    assert trail.changes({"before": [{"a": 1}, {"a": 2}], "after": [{"a": 2}, {"a": 3}]}) == [
        {"name": "items", "before": [{"a": 1}], "after": [{"a": 3}]}
    ]
    assert trail.changes({"before": [1], "after": [1]}) == []
    assert trail.changes({"before": {}, "after": {"b": 1, "a": None}}) == [{"name": "b", "before": None, "after": 1}]


def test_what_leads_do_is_in_their_halls_trail(client, session, enter, clock: Clock) -> None:  # noqa: F811
    lead = enter(("hall_lead", OWN))
    body = {"username": "clerk.seen", "display_name": "新人", "roles": ["gate"], "reason": "入职"}
    client.post("/api/v1/staff/accounts", json=body, headers=lead)
    [event] = read(client, lead, "?group=staff").json["events"]
    assert (event["action"], event["object_name"]) == ("staff.created", "新人 (clerk.seen)")
    assert session.scalars(select(Staff.username).where(Staff.username == "clerk.seen")).one()


def test_an_object_is_called_as_the_hall_calls_it(client, session, enter) -> None:  # noqa: F811
    devices.add(session, name="门口的自助机", actor="system", hall_code=OWN)
    write(session, 1, action="device.added", object_type="device", object_id=uuid4(), data=None)
    session.commit()
    lead = enter(("hall_lead", OWN))
    shown = read(client, lead, "?group=device").json["events"]
    assert [event["object_name"] for event in shown] == [None, "门口的自助机"]
    table = client.get("/api/v1/staff/audit.csv?group=device", headers=lead).get_data(as_text=True)
    assert "门口的自助机" in table
