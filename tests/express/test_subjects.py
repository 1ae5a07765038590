"""What is mailed, as upper features tell it: one's own appointments, other systems' case numbers, merged people."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.appointments import mailing
from backend.catalogue import mailing as catalogue
from backend.core import db
from backend.core.config import Settings
from backend.identity import merging
from backend.identity import service as identity
from express import address_book
from express.errors import SubjectNotFound
from express.models import Direction, Shipment
from express.subjects import Asking
from tests.backend.appointments.test_booking import book
from tests.backend.conftest import citizen, post, seeded_settings, seeded_template, slots
from tests.conftest import Clock
from tests.express.conftest import ADDRESS, Desk

__all__ = ["citizen", "post", "seeded_settings", "seeded_template", "slots"]
OUT, IN, BACK = Direction.RESULT_OUT, Direction.MATERIAL_IN, Direction.ORIGINAL_BACK


@pytest.fixture(scope="module")
def settings(seeded_settings: Settings) -> Settings:  # noqa: F811
    return seeded_settings


@pytest.fixture(scope="module")
def app(settings: Settings) -> Flask:
    return create_app(settings, connect=False)


def test_ones_own_appointment(
    session: Session,
    client: FlaskClient,
    post: Any,  # noqa: F811
    citizen: Any,  # noqa: F811
    slots: list[UUID],  # noqa: F811
) -> None:
    person, header = citizen()
    booked = book(post, header, slots[4])["id"]
    found = mailing.appointment(session, Asking(booked, person))
    assert (found.item_slug, found.hall_code, found.person_id) == ("passport-first", "XM", person)
    assert found.directions == {OUT, BACK}, "nobody mails a first passport's papers in"
    assert found.certificate
    assert not found.ready
    assert mailing.appointment(session, Asking(booked, None, hall="XM")) == found
    for stranger in (
        Asking(booked, uuid4()),
        Asking(booked, None, hall="SM"),
        Asking(booked, person, item="passport-renewal"),
        Asking("not-an-id", person),
        Asking(str(uuid4()), person),
    ):
        with pytest.raises(SubjectNotFound):
            mailing.appointment(session, stranger)


def test_another_systems_case_number(session: Session, clock: Clock) -> None:
    person = uuid4()
    found = catalogue.case_number(session, Asking("XM1", person, "company-registration", "XM"))
    assert found.directions == {IN, OUT, BACK}
    assert (found.category_code, found.ready, found.person_id) == ("business", False, person)
    permit = catalogue.case_number(session, Asking("XM1", person, "construction-permit", "XM"))
    assert permit.applicant_type == "organisation"
    for vague in (Asking("XM1", person), Asking("XM1", person, "company-registration", None)):
        with pytest.raises(SubjectNotFound):
            catalogue.case_number(session, vague)


def test_two_records_of_one_person(session: Session, clock: Clock) -> None:
    desk = Desk(clock)
    people = [identity.log_in(session, provider="wechat_mini", subject=uuid4().hex, current=None) for _ in range(2)]
    session.commit()
    for person in people:
        desk.person = person
        with db.transaction() as opened:
            address_book.add(opened, person_id=person, given=ADDRESS, default=True)
        for subject_id in ("both", person.hex):
            desk.order(category_code="business", subject_id=subject_id)
    with db.transaction() as opened:
        merging.merge(opened, kept=people[0], gone=people[1])
    with db.transaction() as opened:
        kept = address_book.listed(opened, people[0])
        assert [one.is_default for one in kept] == [True, False]
        mine = {row.subject_id for row in opened.query(Shipment).where(Shipment.person_id == people[0])}
        assert mine == {"both", people[0].hex, people[1].hex}
