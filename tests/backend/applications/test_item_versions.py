"""A case keeps the version of its item; an item that has ended takes no new ones."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from backend.catalogue import snapshot
from backend.catalogue.versions import service
from tests.backend.applications.people import PLATE, QUERY, Filer


@pytest.fixture(autouse=True)
def _own_catalogue() -> Iterator[None]:
    """What this process remembers of these items ends with the test."""
    yield
    snapshot.forget()


def publish(session: Session, slug: str, **changes: Any) -> None:
    """A version of one person's, published at once by another."""
    version = service.begin(session, slug, actor="staff:one")
    saved, _ = service.save(
        session, version.id, given={**version.content, **changes}, revision=version.revision, actor="staff:one"
    )
    sent = service.submit(session, saved.id, note="改时限", revision=saved.revision, actor="staff:one")
    service.publish(session, sent.id, effective_on=None, actor="staff:two")
    session.commit()
    snapshot.forget()


def test_a_case_keeps_the_version_it_was_handed_in_under(citizen_: Filer, session: Session) -> None:
    first = citizen_.file(PLATE)
    publish(session, PLATE, promise_days=2)
    second = citizen_.file(PLATE)
    session.expire_all()
    kept = dict(session.execute(select(Case.number, Case.item_version)).all())
    assert (kept[first["full_number"]], kept[second["full_number"]]) == (1, 2)
    promised = dict(session.execute(select(Case.item_version, Case.promise_days)).all())
    assert promised[2] == 2 != promised[1]


def test_an_item_that_has_ended_is_neither_begun_nor_handed_in(citizen_: Filer, session: Session) -> None:
    draft = citizen_.fill(citizen_.start(QUERY))
    ending = {"kind": "merged", "successor": PLATE, "note": {"zh": "两项合一", "en": "Two became one"}}
    publish(session, QUERY, ended=ending)
    begun = citizen_.post("/applications", {"item": QUERY})
    handed_in = citizen_.post(f"/applications/{draft['id']}/submit")
    for refused in (begun, handed_in):
        assert (refused.status_code, refused.json["code"], refused.json["successor"]) == (409, "item_ended", PLATE)
    session.expire_all()
    assert session.scalars(select(Case)).all() == []
