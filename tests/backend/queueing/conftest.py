"""Entrance tests run on the seeded city, with staff at its gates."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core.config import Settings
from tests.backend.staff import header
from tests.conftest import Clock


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


StaffMaker = Callable[..., "dict[str, str]"]


@pytest.fixture
def gate(session: Session, clock: Clock) -> StaffMaker:
    """Make a member of staff of one hall: the header of their session."""

    def make(hall: str = "XM", role: str = "gate") -> dict[str, str]:
        return header(session, hall, role)

    return make
