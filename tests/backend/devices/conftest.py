"""Device tests run on the seeded city, on Wednesday at nine."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.devices import service
from tests.backend.devices.kiosks import Kiosk
from tests.backend.queueing.conftest import app, gate, settings
from tests.conftest import Clock

__all__ = ["app", "gate", "settings"]

NINE = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nine(clock: Clock) -> None:
    clock.set(NINE)


MakeKiosk = Callable[..., Kiosk]


@pytest.fixture
def kiosk(client: FlaskClient, session: Session) -> MakeKiosk:
    """Make a device of a hall or site that is enrolled."""

    def make(hall: str | None = "XM", site: str | None = None) -> Kiosk:
        found = service.add(session, name="一号机", hall_code=None if site else hall, site_code=site, actor="system")
        code, _ = service.new_code(session, found, actor="system")
        session.commit()
        made = Kiosk(client)
        answer = made.enrol(code)
        assert answer.status_code == 201, answer.json
        return made

    return make
