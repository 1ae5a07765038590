"""A world with one object for every route that names one."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.identity import sessions
from backend.identity.roles import PERMISSIONS
from backend.queueing import windows
from tests.backend import staff
from tests.backend.queueing import hall_day
from tests.backend.roles.people import OWN, Who, citizen, send
from tests.conftest import Clock

QUEUE = "exit-entry"
MONDAY, TUESDAY, WEDNESDAY = (datetime(2026, 11, day, 1, 0, tzinfo=UTC) for day in (23, 24, 25))
REASON = {"reason": "核对过身份证"}


@dataclass(frozen=True)
class Thing:
    """An address with an object of one hall or one citizen, the body that works for its owner, and who that is."""

    path: dict[str, Any]
    body: dict[str, Any]
    owner: Who
    query: str = ""


class World:
    """Those of staff belong to the city hall, the others to one citizen. It begins on Tuesday morning.

    `hall.py`, `money.py` and `papers.py` put the things into it, each function those of one part of the product.
    """

    def __init__(self, session: Session, client: FlaskClient, clock: Clock, slots: list[UUID]) -> None:
        self.session, self.client, self.clock, self.slots = session, client, clock, slots
        clock.set(TUESDAY)
        self.person, header = citizen(session, 2)
        self.owner = Who("owner", "citizen", OWN, header, 2)
        self.things: dict[tuple[str, str], Thing] = {}
        self.roles: dict[str, Who] = {}

    def next_day(self) -> None:
        """Wednesday: the hall's staff sign in, whose sessions of Tuesday would be over."""
        self.clock.set(WEDNESDAY)
        self.roles = {
            role: Who(role, "staff", OWN, staff.header(self.session, OWN, role), permissions=mine)
            for role, mine in PERMISSIONS.items()
        }

    def post(self, path: str, who: Who, body: dict[str, Any]) -> Any:
        answer = send(self.client, "POST", f"/api/v1{path}", who, body)
        assert answer.status_code < 300, answer.text
        return answer.json

    def held(self, who: Who, slot: UUID) -> str:
        body = {"slot_id": str(slot), "items": [hall_day.ITEM]}
        held: str = self.post("/holds", who, body)["id"]
        return held

    def staff_id(self, role: str) -> UUID:
        principal = sessions.load_principal(self.roles[role].header["Authorization"].split()[1])
        assert principal
        return principal.id

    def sit(self, role: str, window: int) -> None:
        windows.open_window(
            self.session, hall_code=OWN, staff_id=self.staff_id(role), window=window, categories=[QUEUE]
        )
        self.session.commit()

    def of_citizen(self, method: str, rule: str, body: dict[str, Any], **path: Any) -> None:
        self.things[method, f"/api/v1/{rule}"] = Thing(path, body, self.owner)

    def of_hall(self, role: str, rule: str, body: dict[str, Any], **path: Any) -> None:
        self.things["POST", f"/api/v1/staff/{rule}"] = Thing(path, body, self.roles[role])
