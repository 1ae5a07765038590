"""Leads who act at once, with real processes: one user name is one account, and the last word on roles is whole."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import func, select

from backend import doctor
from backend.core import db
from backend.core.audit import AuditEvent
from backend.core.config import Settings
from backend.core.errors import ServiceError
from backend.identity import accounts
from backend.identity.models import Staff, StaffRole
from backend.identity.staff import Credentials, create_staff
from tests.backend.appointments import racers
from tests.backend.appointments.test_races import PROCESSES, arena

__all__ = ["arena"]


def manager() -> accounts.Manager:
    with db.reading() as session:
        return accounts.Manager(session.scalars(select(Staff.id).where(Staff.username == "lead")).one(), "XM", False)


def create_all(settings: Settings, names: list[str]) -> Counter[str]:
    """Give each of these names to somebody; the outcome in one word."""
    racers.connect(settings)
    lead = manager()

    def one(name: str) -> str:
        credentials = Credentials.fresh()
        try:
            with db.transaction() as session:
                accounts.create(
                    session,
                    lead,
                    username=name,
                    display_name="新人",
                    roles=["gate"],
                    reason="入职",
                    credentials=credentials,
                )
        except ServiceError as refusal:
            return refusal.code
        return "made"

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(one, names))


def change_all(settings: Settings, account: UUID, times: int, role: str) -> Counter[str]:
    """Give the account this one role again and again."""
    racers.connect(settings)
    lead = manager()
    for _ in range(times):
        with db.transaction() as session:
            accounts.change_roles(session, lead, account, roles=[role], reason="轮岗")
    return Counter({"changed": times})


def test_one_user_name_is_one_account(arena) -> None:  # noqa: F811
    settings, _ = arena
    with db.transaction() as session:
        create_staff(
            session,
            username="lead",
            display_name="主管",
            password="a-long-enough-password",  # noqa: S106 - made up here
            roles=[("hall_lead", "XM")],
        )
    names = [f"clerk.{number}" for number in range(6)]
    outcome = racers.race(create_all, [(settings, names)] * PROCESSES)
    assert outcome == {"made": len(names), "username_taken": len(names) * (PROCESSES - 1)}
    with db.reading() as session:
        assert session.scalar(select(func.count()).where(AuditEvent.action == "staff.created")) == len(names) + 1
        one = session.scalars(select(Staff.id).where(Staff.username == names[0])).one()
    shares = [(settings, one, 10, role) for role in ("gate", "window_clerk") for _ in range(2)]
    assert racers.race(change_all, shares) == {"changed": 40}
    with db.reading() as session:
        left = session.scalars(select(StaffRole.role).where(StaffRole.staff_id == one)).all()
        trail = session.scalars(
            select(AuditEvent.data).where(AuditEvent.action == "staff.roles_changed").order_by(AuditEvent.id)
        ).all()
    assert len(left) == 1
    assert len(trail) == 40
    assert all(event is not None and len(event["before"]["roles"]) == 1 for event in trail)
    assert doctor.examine() == []
