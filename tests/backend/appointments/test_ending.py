"""An item whose ending is published is not booked beyond it (circular clause 16); running visits before it stay."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.appointments import jobs
from backend.appointments.doctor import invariants
from backend.appointments.models import Appointment
from backend.catalogue import queries, snapshot
from backend.catalogue.versions import projection
from backend.catalogue.versions import service as versions
from backend.core import clock as business
from notify.models import Notification
from tests.backend.appointments.test_booking import ITEM, book
from tests.backend.conftest import WEDNESDAY
from tests.conftest import Clock

SUCCESSOR = "passport-renewal"


@pytest.fixture(autouse=True)
def _own_catalogue() -> Iterator[None]:
    yield
    snapshot.forget()


def publish_ending(session: Session, on: date) -> Any:
    """The item goes into another one from that day on."""
    version = versions.begin(session, ITEM, actor="staff:one")
    ending = {"kind": "merged", "successor": SUCCESSOR, "note": {"zh": "两项合一", "en": "Two became one"}}
    given = {**version.content, "ended": ending}
    saved, _ = versions.save(session, version.id, given=given, revision=version.revision, actor="staff:one")
    sent = versions.submit(session, saved.id, note="合并", revision=saved.revision, actor="staff:one")
    made = versions.publish(session, sent.id, effective_on=on, actor="staff:two")
    session.commit()
    snapshot.forget()
    return made


def test_16_1_no_slot_beyond_a_published_ending(client, post, citizen, slots, session: Session) -> None:
    publish_ending(session, WEDNESDAY)
    _, who = citizen()
    refused = post("/holds", who, {"slot_id": str(slots[3]), "items": [ITEM]})
    assert (refused.status_code, refused.json["code"], refused.json["successor"]) == (409, "item_ends", SUCCESSOR)
    assert "11月25日起不再办理" in refused.json["detail"]
    shown = client.get(f"/api/v1/slots?hall=XM&items={ITEM}&days=7").json
    late = [day for day in shown["days"] if day["date"] >= str(WEDNESDAY)]
    assert len(late) == 6
    assert all((day["state"], day["slots"]) == ("closed", []) and "不再办理" in day["note"] for day in late)
    free = [one["next_free"] for one in client.get(f"/api/v1/items/{ITEM}/halls").json["halls"]]
    assert {one["start"][:10] for one in free if one} == {"2026-11-24"}
    guide = client.get(f"/api/v1/items/{ITEM}").json
    assert (guide["ended"], guide["ending"]["on"]) == (None, str(WEDNESDAY))
    assert (guide["ending"]["successor"]["slug"], guide["bookable"]) == (SUCCESSOR, True)


def test_16_1_visits_before_the_ending_stay(post, citizen, slots, session: Session) -> None:
    _, who = citizen()
    made = book(post, who, slots[3])
    publish_ending(session, WEDNESDAY + timedelta(days=1))
    jobs.cancel_ended()
    session.expire_all()
    assert session.get_one(Appointment, made["id"]).state == "booked"


def test_16_1_visits_from_the_ending_on_are_called_off_with_the_successor(
    client, post, citizen, slots, session: Session
) -> None:
    person, who = citizen()
    made = book(post, who, slots[3])
    assert client.get(f"/api/v1/appointments/{made['id']}", headers=who).json["closed_why"] is None
    publish_ending(session, WEDNESDAY)
    jobs.cancel_ended()
    jobs.cancel_ended()
    session.expire_all()
    assert session.get_one(Appointment, made["id"]).state == "hall_cancelled"
    told = session.scalars(
        select(Notification).where(
            Notification.person_id == person, Notification.template == "appointment_hall_cancelled"
        )
    ).one()
    assert "请改办" in told.params["reason"]
    assert "请改办" in client.get(f"/api/v1/appointments/{made['id']}", headers=who).json["closed_why"]
    assert invariants(session) == []


def test_16_1_what_is_called_off_goes_on(session: Session, clock: Clock) -> None:
    version = publish_ending(session, WEDNESDAY)
    versions.discard(session, version.id, reason="先不合并", actor="staff:two")
    session.commit()
    snapshot.forget()
    assert queries.item(session, ITEM).ending is None
    assert queries.open_item(session, ITEM).slug == ITEM


def test_16_1_from_the_first_minute_of_its_day(session: Session, clock: Clock) -> None:
    publish_ending(session, business.today() + timedelta(days=1))
    assert queries.open_item(session, ITEM).slug == ITEM
    clock.advance(days=1)
    with pytest.raises(queries.ItemEnded):
        queries.open_item(session, ITEM)
    assert projection.take_effect_due(session) == [ITEM]
    assert queries.item(session, ITEM).ended
