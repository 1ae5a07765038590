"""An elder's confirmed agent gets copies of notices, from the sixtieth birthday until the link ends."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.identity import family, queries, service
from backend.identity.models import FamilyLink
from backend.identity.service import RealName
from notify.models import NoticeCopy
from tests.conftest import Clock


def verified(session: Session, open_id: str, number: str, name: str) -> UUID:
    return service.verify(session, open_id=open_id, real_name=RealName(number, name, None), current=None)


def copies(session: Session) -> list[tuple[UUID, UUID, date]]:
    found = session.execute(select(NoticeCopy.person_id, NoticeCopy.agent_id, NoticeCopy.since))
    return [tuple(row) for row in found]  # type: ignore[misc]


def test_copies_begin_with_consent_and_end_with_the_link(session: Session, clock: Clock) -> None:
    elder = verified(session, "ix-wang", "350299195506150037", "王长者")
    agent = verified(session, "ix-zhang", "350299199001010010", "张测试")
    family.add(session, agent_id=agent, name="王长者", id_number="350299195506150037", relation="parent")
    link = session.scalars(select(FamilyLink.id)).one()
    assert copies(session) == [], "not before the elder agrees"
    family.answer(session, person_id=elder, link_id=link, accept=True)
    assert copies(session) == [(elder, agent, date(2015, 6, 15))]
    family.remove(session, person_id=elder, link_id=link)
    assert copies(session) == []


@pytest.mark.parametrize(("born", "from_"), [((1955, 6, 15), (2015, 6, 15)), ((1960, 2, 29), (2020, 2, 29))])
def test_the_sixtieth_birthday(born: tuple[int, int, int], from_: tuple[int, int, int]) -> None:
    assert queries.elder_from(date(*born)) == date(*from_)
