"""Slot lists are kept for less than a second, and never across a release."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from backend.appointments.models import SlotQuota
from backend.core import kept
from tests.conftest import Clock

ITEM = "passport-first"
LIST = f"/api/v1/slots?hall=XM&items={ITEM}&from=2026-11-25&days=1"
NEW_DAY = f"/api/v1/slots?hall=XM&items={ITEM}&from=2026-12-01&days=1"


@pytest.fixture(autouse=True)
def keeping(isolated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: lists live a second."""
    monkeypatch.setattr(kept, "LIFE", timedelta(seconds=1))
    monkeypatch.setattr(kept, "_kept", {})


@pytest.fixture
def fill(session, slots):
    def fill() -> None:
        session.execute(update(SlotQuota).where(SlotQuota.slot_id == slots[0]).values(capacity=0))
        session.commit()

    return fill


def test_a_list_lags_until_the_next_second_and_no_longer(client: FlaskClient, fill, clock: Clock) -> None:
    first = client.get(LIST)
    assert first.headers["Cache-Control"] == "public, max-age=1"
    fill()
    clock.advance(milliseconds=999)
    assert client.get(LIST).data == first.data
    clock.advance(milliseconds=1)
    assert client.get(LIST).json["days"][0]["slots"][0]["state"] == "full"


def test_a_list_made_late_in_a_second_does_not_live_into_the_next(client: FlaskClient, fill, clock: Clock) -> None:
    clock.advance(milliseconds=900)
    assert client.get(LIST).json["days"][0]["slots"][0]["state"] == "free"
    fill()
    clock.advance(milliseconds=100)
    assert client.get(LIST).json["days"][0]["slots"][0]["state"] == "full"


def test_a_release_is_exact_however_often_the_list_was_asked_for(client: FlaskClient, slots, clock: Clock) -> None:
    release = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)  # 08:00 in Xiamen
    for before_ms in (1500, 999, 500, 1):
        clock.set(release - timedelta(milliseconds=before_ms))
        for _ in range(2):
            assert client.get(NEW_DAY).json["days"][0]["slots"] == []
    clock.set(release)
    assert client.get(NEW_DAY).json["days"][0]["state"] == "open"


def test_a_list_from_after_the_release_is_not_shown_before_it(client: FlaskClient, slots, clock: Clock) -> None:
    assert client.get(NEW_DAY).json["days"][0]["state"] == "open"
    clock.advance(hours=-2)
    assert client.get(NEW_DAY).json["days"][0]["slots"] == []


def test_the_same_list_again_is_304_and_another_is_not(client: FlaskClient, fill, clock: Clock) -> None:
    etag = client.get(LIST).headers["ETag"]
    for given in (etag, f"W/{etag}"):
        again = client.get(LIST, headers={"If-None-Match": given})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    fill()
    clock.advance(seconds=1)
    changed = client.get(LIST, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_refusals_and_other_queries_are_not_mixed_up(client: FlaskClient, slots) -> None:
    assert client.get(f"{LIST}&lang=en").json["hall"] != client.get(LIST).json["hall"]
    for _ in range(2):
        assert client.get(LIST.replace("XM", "NOWHERE")).status_code == 404
    assert len(kept._kept) == 2


def test_memory_is_bounded(client: FlaskClient, slots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 3)
    for number in range(10):
        assert client.get(f"{LIST}&any={number}").status_code == 200
    assert len(kept._kept) <= 3
