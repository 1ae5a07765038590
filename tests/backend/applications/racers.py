"""What one racing process does: hand in, save, withdraw, accept, decide, sign for papers, enter a code."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.applications import confirmation, desk, drafts, filing, front, own_case, queries, review, transfers
from backend.applications.desk import Desk
from backend.applications.models import Application
from backend.core import clock, db
from backend.core.config import Settings
from backend.core.errors import ServiceError
from backend.core.problems import BUSY_STATES
from tests.backend.appointments import racers


def submit(settings: Settings, filer: UUID, application: UUID, times: int, at: Any) -> Counter[str]:
    """The button is pressed again and again: the case's number, or the refusal."""

    def once(session: Session, _: int) -> str:
        found = drafts.own(session, application, filer, lock=True)
        return filing.submit(session, found, actor=f"person:{filer}").short_number

    return _race(settings, once, times, at)


def file_all(settings: Settings, pairs: list[tuple[UUID, UUID]], at: Any) -> Counter[str]:
    """Different applications at once: the two numbers of each."""

    def once(session: Session, number: int) -> str:
        filer, application = pairs[number]
        case = filing.submit(session, drafts.own(session, application, filer, lock=True), actor=f"person:{filer}")
        return f"{case.number} {case.short_number}"

    return _race(settings, once, len(pairs), at)


def save(settings: Settings, filer: UUID, application: UUID, revision: int, times: int, at: Any) -> Counter[str]:
    """Devices that all know the same revision."""

    def once(session: Session, number: int) -> str:
        found = drafts.own(session, application, filer)
        drafts.save(session, found, revision=revision, changes={"matter": f"{number} {uuid4().hex}"})
        return "saved"

    return _race(settings, once, times, at)


def end(settings: Settings, filer: UUID, case_id: UUID, clerk: UUID, times: int, at: Any) -> Counter[str]:
    """The applicant withdraws while the front desk accepts."""

    def once(session: Session, number: int) -> str:
        if number % 2:
            case = queries.own_case(session, case_id, filer, lock=True)
            own_case.withdraw(session, case, actor=f"person:{filer}", reason=None)
            return "withdrawn"
        by = Desk(clerk, "XM")
        front.accept(session, desk.in_charge(session, case_id, by), by, region_code="350299")
        return "accepted"

    return _race(settings, once, times, at)


def decide(settings: Settings, case_id: UUID, staff: list[UUID], times: int, at: Any) -> Counter[str]:
    """Approvers grant and refuse the same case."""

    def once(session: Session, number: int) -> str:
        by = Desk(staff[number % len(staff)], "XM")
        case = desk.in_charge(session, case_id, by)
        review.decide(session, case, by, grant=bool(number % 2), document="一号", reason="不符合")
        return "decided"

    return _race(settings, once, times, at)


def sign_for(settings: Settings, case_id: UUID, times: int, at: Any) -> Counter[str]:
    """The receiving hall signs while the sender calls back."""

    def once(session: Session, number: int) -> str:
        by = Desk(uuid4(), "SM" if number % 2 else "XM")
        case = desk.locked(session, case_id, by)
        if number % 2:
            transfers.receive(session, case, by)
            return "received"
        transfers.call_back(session, case, by, reason="发错了")
        return "called back"

    return _race(settings, once, times, at)


def confirm(settings: Settings, application: UUID, code: str, times: int, at: Any) -> Counter[str]:
    """One code, entered everywhere."""
    racers.connect(settings)
    clock.replace(lambda: at)

    def once(_: int) -> str:
        try:
            with db.transaction() as session:
                stored = confirmation.try_once(session, session.get_one(Application, application).person_id)
            with db.transaction() as session:
                found = session.get_one(Application, application)
                confirmation.redeem(session, found, code, stored, actor="staff:race")
        except ServiceError as refusal:
            return refusal.code
        return "confirmed"

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(once, range(times)))


def _race(settings: Settings, once: Callable[[Session, int], str], times: int, at: Any) -> Counter[str]:
    racers.connect(settings)
    clock.replace(lambda: at)

    def tried(number: int) -> str:
        for _ in range(50):
            try:
                with db.transaction() as session:
                    return once(session, number)
            except ServiceError as refusal:
                return refusal.code
            except OperationalError as error:
                if db.sqlstate(error) not in BUSY_STATES | db.RETRYABLE:
                    raise
        return "busy"

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(tried, range(times)))
