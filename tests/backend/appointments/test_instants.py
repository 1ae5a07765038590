"""Every instant of the API is UTC and ends in Z."""

import re
from datetime import datetime, timedelta, timezone

from backend.core import clock
from tests.backend.appointments.test_booking import ITEM, book

INSTANT = re.compile(r'"(\d{4}-\d\d-\d\dT[^"]*)"')


def test_an_instant_is_written_in_utc() -> None:
    at = datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=8)))
    assert clock.rfc3339(at) == "2026-11-24T01:30:00Z"


def test_answers_end_in_z(client, post, citizen, slots) -> None:
    _, who = citizen()
    made = book(post, who, slots[3])
    paths = (
        f"/slots?hall=XM&items={ITEM}",
        f"/slots/earliest?items={ITEM}",
        f"/items/{ITEM}/halls",
        f"/items/{ITEM}",
        "/appointments",
        f"/appointments/{made['id']}",
        f"/appointments/{made['id']}/pass",
        "/inbox",
        "/me",
    )
    for path in paths:
        answer = client.get(f"/api/v1{path}", headers=who)
        assert answer.status_code == 200, (path, answer.json)
        found = INSTANT.findall(answer.text)
        assert found, path
        assert [text for text in found if not text.endswith("Z")] == [], path
