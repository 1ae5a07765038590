"""Races with real processes: one case an application, one number a case, nothing typed is lost, one end."""

import os
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import doctor
from backend.applications import confirmation, desk, drafts, filing, front, review, transfers
from backend.applications.case_models import Case
from backend.applications.desk import Desk
from backend.applications.models import Application
from backend.core import db
from backend.core.config import Settings
from backend.identity import service as identity
from notify.models import Notification
from payments.bill_models import Bill
from tests.backend.applications import racers as filing_racers
from tests.backend.applications.people import GENERAL, PASSPORT, PLATE, QUERY, RENEWAL, id_number
from tests.backend.appointments import racers
from tests.backend.appointments.test_races import arena

__all__ = ["arena"]

Arena = tuple[Settings, list[UUID]]
SCALE = int(os.environ.get("RACE_SCALE", "1"))
TIMES, PROCESSES = 5 * SCALE, 4 if SCALE > 1 else 2
"""`make soak` runs ten times as many, in four processes; a quick run keeps two."""
NOW = racers.NOW


def person(session: Session) -> UUID:
    """A citizen of level 2."""
    number, phone = id_number(), f"139{uuid4().int % 10**8:08d}"
    mine = identity.log_in(session, provider="phone", subject=phone, current=None, phone=phone)
    card = identity.RealName(number, "张测试", None)
    return identity.verify(session, open_id=f"open-{number}", real_name=card, current=mine)


def filled(item: str = QUERY) -> tuple[UUID, UUID]:
    """A citizen and their application, ready to be handed in."""
    with db.transaction() as session:
        filer = person(session)
        application = drafts.start(session, filer_id=filer, item_slug=item)
        answers = RENEWAL if item == PASSPORT else GENERAL
        drafts.save(session, application, revision=1, changes=answers)
        return filer, application.id


def handed_in(item: str = QUERY) -> tuple[UUID, UUID]:
    """A citizen and their case."""
    filer, application = filled(item)
    with db.transaction() as session:
        found = drafts.own(session, application, filer, lock=True)
        return filer, filing.submit(session, found, actor=f"person:{filer}").id


def test_one_application_is_one_case_however_often_it_is_handed_in(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    filer, application = filled()
    calls = [(settings, filer, application, TIMES, NOW)] * PROCESSES
    outcome = racers.race(filing_racers.submit, calls)
    assert list(outcome.values()) == [PROCESSES * TIMES], outcome
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1
        assert session.scalar(select(func.count()).select_from(Notification)) == 1
    assert doctor.examine() == []


def test_every_case_has_numbers_of_its_own(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    pairs = [filled(QUERY if number % 2 else PLATE) for number in range(PROCESSES * TIMES)]
    calls = [(settings, pairs[start::PROCESSES], NOW) for start in range(PROCESSES)]
    outcome = racers.race(filing_racers.file_all, calls)
    numbers = [answer.split() for answer in outcome]
    assert set(outcome.values()) == {1}, outcome
    assert sorted(short[6:11] for _, short in numbers) == [f"{n:05d}" for n in range(1, len(pairs) + 1)]
    for length in {long[:31] for long, _ in numbers}:
        serials = sorted(long[39:] for long, _ in numbers if long.startswith(length))
        assert serials == [f"{n:04d}" for n in range(1, len(serials) + 1)]
    assert doctor.examine() == []


def test_of_devices_with_the_same_revision_one_saves(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    filer, application = filled()
    calls = [(settings, filer, application, 2, TIMES, NOW)] * PROCESSES
    outcome = racers.race(filing_racers.save, calls)
    assert outcome == {"saved": 1, "saved_elsewhere": PROCESSES * TIMES - 1}
    with db.reading() as session:
        assert session.get_one(Application, application).revision == 3


def test_a_case_is_withdrawn_or_goes_on_but_never_both(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    for _ in range(SCALE):
        filer, case_id = handed_in(PLATE)
        calls = [(settings, filer, case_id, uuid4(), TIMES, NOW)] * PROCESSES
        outcome = racers.race(filing_racers.end, calls)
        assert outcome["withdrawn"] == 1, "an accepted case may still be withdrawn"
        assert outcome["accepted"] <= 1, outcome
        with db.reading() as session:
            bills = select(func.count()).where(Bill.subject_id == str(case_id))
            assert session.scalar(bills) == outcome["accepted"]
            assert session.get_one(Case, case_id).state == "withdrawn"
    assert doctor.examine() == []


def test_one_decision(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    _, case_id = handed_in()
    with db.transaction() as session:
        clerk, approver = Desk(uuid4(), "XM"), Desk(uuid4(), "XM")
        front.accept(session, desk.in_charge(session, case_id, clerk), clerk, region_code="350299")
        review.take_up(session, desk.in_charge(session, case_id, approver), approver)
    staff = [uuid4(), uuid4(), clerk.staff_id]
    outcome = racers.race(filing_racers.decide, [(settings, case_id, staff, TIMES, NOW)] * PROCESSES)
    assert outcome["decided"] == 1
    assert set(outcome) <= {"decided", "invalid_transition", "other_hand_needed"}, outcome
    with db.reading() as session:
        case = session.get_one(Case, case_id)
        assert case.decided_by in staff[:2]
        assert (case.state == "granted") == (case.reason is None)
    assert doctor.examine() == []


def test_papers_are_received_or_called_back(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    for _ in range(SCALE):
        _, case_id = handed_in()
        with db.transaction() as session:
            by = Desk(uuid4(), "XM")
            transfers.send(session, desk.in_charge(session, case_id, by), by, to_hall="SM", reason="归那边管")
        outcome = racers.race(filing_racers.sign_for, [(settings, case_id, TIMES, NOW)] * PROCESSES)
        assert (outcome["called back"] == 1) != (outcome["received"] > 0), outcome
        with db.reading() as session:
            assert session.get_one(Case, case_id).hall_code == ("SM" if outcome["received"] else "XM")


def test_a_filing_code_is_used_once(arena: Arena) -> None:  # noqa: F811
    settings, _ = arena
    with db.transaction() as session:
        mine = person(session)
        application = drafts.start_at_counter(
            session, item_slug=PASSPORT, person_id=mine, channel="partner", hall_code="XM", actor="staff:race"
        ).id
        code, _ = confirmation.draw(session, mine)
    outcome = racers.race(filing_racers.confirm, [(settings, application, code, 1, NOW)] * PROCESSES)
    assert outcome == {"confirmed": 1, "filing_code_wrong": PROCESSES - 1}
