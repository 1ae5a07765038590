"""Cases of a development run: made-up people at every stage, once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from backend.applications import drafts, filing, front, issuing, materials, own_case, review, threads
from backend.applications.case_models import Case
from backend.applications.desk import Desk
from backend.applications.models import Application
from backend.catalogue import queries as catalogue
from backend.identity import service as identity
from backend.identity.models import Staff

HALL: Final = "XM"
ABOUT: Final = {"phone": "13999990000", "address": "测试路 1 号"}
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "property-query": {**ABOUT, "matter": "查一下我名下的房子", "truthful": True},
    "number-plate-replacement": {**ABOUT, "matter": "车牌丢了一面", "truthful": True},
    "passport-renewal": {
        **ABOUT,
        "why": "expiring",
        "note": False,
        "emergency_name": "李测试",
        "emergency_phone": "13999990002",
    },
    "mortgage-registration": {
        "phone": ABOUT["phone"],
        "certificate_number": "闽（2026）厦门市不动产权第 0000001 号",
        "property_address": "测试路 1 号 302",
        "use": "home",
        "shared": False,
        "lender": "测试银行",
        "debt_yuan": 1_000_000,
        "debt_from": "2026-01-01",
        "debt_to": "2046-01-01",
        "truthful": True,
    },
}


@dataclass(frozen=True)
class DemoCitizen:
    """A made-up citizen as i厦门's simulator knows them."""

    open_id: str
    name: str
    id_number: str
    phone: str


@dataclass(frozen=True)
class Crew:
    """The city hall's demo staff: front desk, approver, issuing desk."""

    front: Desk
    approver: Desk
    issuer: Desk


Step = Callable[[Session, Case, Crew, str], object]


def _accept(session: Session, case: Case, crew: Crew, region: str) -> None:
    front.accept(session, case, crew.front, region_code=region)


def _take_up(session: Session, case: Case, crew: Crew, _: str) -> None:
    review.take_up(session, case, crew.approver)


def _grant(session: Session, case: Case, crew: Crew, _: str) -> None:
    review.decide(session, case, crew.approver, grant=True, document="厦政准〔2026〕1号", reason=None)


def _conclude(session: Session, case: Case, crew: Crew, _: str) -> None:
    issuing.conclude(session, case, crew.issuer, file_id=None, paper=True, seal=None)


def _offer(session: Session, case: Case, crew: Crew, _: str) -> None:
    issuing.offer(session, case, crew.issuer, hall_code=None)


def _collected(session: Session, case: Case, crew: Crew, _: str) -> None:
    """Without the signature that a window asks for: a made-up person has none."""
    issuing.delivered(session, case, actor=crew.issuer.actor, how="window")


def _send_back(session: Session, case: Case, crew: Crew, _: str) -> None:
    wrong = [{"name": "why", "words": "原因和旧护照不一样"}]
    front.send_back(session, case, crew.front, words="请改一下换护照的原因", fields=wrong, things=[])


def _pre_approve(session: Session, case: Case, crew: Crew, _: str) -> None:
    front.pre_approve(session, case, crew.front)


def _correct(session: Session, case: Case, crew: Crew, _: str) -> None:
    wrong = [{"name": "matter", "words": "写清楚查哪一套"}]
    front.correct(session, case, crew.front, words="请写清楚要查哪一套房子", fields=wrong, things=[])


def _refuse(session: Session, case: Case, crew: Crew, _: str) -> None:
    reason = "这件事不归我们管，请到写明的部门办"
    front.refuse(session, case, crew.front, reason=reason, document="厦政不受〔2026〕1号")


def _ask(session: Session, case: Case, crew: Crew, _: str) -> None:
    threads.say(session, case, side="citizen", author=f"person:{case.filer_id}", words="大概什么时候能办好？")


def _withdraw(session: Session, case: Case, crew: Crew, _: str) -> None:
    own_case.withdraw(session, case, actor=f"person:{case.filer_id}", reason="先不办了")


QUERY, PLATE, PASSPORT, MORTGAGE = ANSWERS
CASES: Final[tuple[tuple[str, tuple[Step, ...]], ...]] = (
    (PASSPORT, ()),
    (PASSPORT, (_send_back,)),
    (PASSPORT, (_pre_approve,)),
    (QUERY, (_ask,)),
    (QUERY, (_correct,)),
    (MORTGAGE, (_accept,)),
    (PLATE, (_accept,)),
    (QUERY, (_accept, _take_up)),
    (QUERY, (_accept, _take_up, _grant)),
    (QUERY, (_accept, _take_up, _grant, _conclude, _offer)),
    (QUERY, (_accept, _take_up, _grant, _conclude, _offer, _collected)),
    (QUERY, (_refuse,)),
    (PLATE, (_withdraw,)),
)
"""Item and what happens to its case; the people take turns."""


def file(session: Session, people: Sequence[DemoCitizen], *, region_code: str) -> None:
    """File them all, unless there are cases already; and leave one application half filled in."""
    if session.scalar(select(exists().where(Case.id.is_not(None)))):
        return
    crew = Crew(*(Desk(_staff(session, name), HALL) for name in ("window.xm", "approve.xm", "issue.xm")))
    mine = [_person(session, citizen) for citizen in people]
    for number, (item, steps) in enumerate(CASES):
        case = _filed(session, mine[number % len(mine)], item, crew)
        for step in steps:
            step(session, case, crew, region_code)
    begun = drafts.start(session, filer_id=mine[0], item_slug="fund-house-purchase")
    drafts.save(session, begun, revision=begun.revision, changes={"home_kind": "new", "home_address": "测试路 2 号"})


def _filed(session: Session, person_id: UUID, item: str, crew: Crew) -> Case:
    """Online; what needs papers, at the window, which has them in hand."""
    if item == MORTGAGE:
        begun = drafts.start_at_counter(
            session, item_slug=item, person_id=person_id, channel="window", hall_code=HALL, actor=crew.front.actor
        )
        front.note_papers(session, begun, _papers(session, item), actor=crew.front.actor)
    else:
        begun = drafts.start(session, filer_id=person_id, item_slug=item)
    drafts.save(session, begun, revision=begun.revision, changes=ANSWERS[item])
    actor = crew.front.actor if item == MORTGAGE else f"person:{person_id}"
    return filing.submit(session, session.get_one(Application, begun.id, populate_existing=True), actor=actor)


def _papers(session: Session, slug: str) -> list[str]:
    asked = catalogue.item(session, slug).materials
    return [one.id for one in asked if not one.exempt and one.source != materials.NOTHING]


def _person(session: Session, citizen: DemoCitizen) -> UUID:
    card = identity.RealName(citizen.id_number, citizen.name, citizen.phone)
    return identity.verify(session, open_id=citizen.open_id, real_name=card, current=None)


def _staff(session: Session, username: str) -> UUID:
    return session.scalars(select(Staff.id).where(Staff.username == username)).one()
