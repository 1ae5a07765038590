"""Booking tests run on the seeded city."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core.config import Settings
from backend.identity import sessions
from backend.identity.models import Staff
from backend.identity.staff import create_staff
from tests.backend.conftest import Citizen as Citizen
from tests.conftest import Clock


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


StaffMaker = Callable[..., "dict[str, str]"]


@pytest.fixture
def staff(session: Session, clock: Clock) -> StaffMaker:
    """Make a member of staff of one hall (`*`: of the platform): the header of their session."""

    def make(role: str = "hall_lead", hall: str = "XM") -> dict[str, str]:
        username = f"{role}-{uuid4().hex[:12]}"
        create_staff(
            session, username=username, display_name="主管", password="a-long-test-password", roles=[(role, hall)]
        )
        staff_id = session.scalars(select(Staff.id).where(Staff.username == username)).one()
        token = sessions.start(session, staff_id=staff_id).token
        session.commit()
        return {"Authorization": f"Bearer {token}"}

    return make
