"""Everybody who may ask: each role in two halls, citizens of each level, machines, and nobody."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.core.auth import Access
from backend.devices import service as devices
from backend.devices.access import ANYWHERE, IN_HALL
from backend.identity import service as identity
from backend.identity import sessions
from backend.identity.roles import PERMISSIONS
from tests.backend import staff
from tests.backend.devices.kiosks import Kiosk

OWN, OTHER, SITE = "XM", "SM", "T-XM"


@dataclass(frozen=True)
class Who:
    """Somebody who asks: `permissions` and `level` are what the role table and the session say."""

    name: str
    kind: str
    hall: str
    header: dict[str, str]
    level: int = 0
    permissions: frozenset[str] = frozenset()
    kiosk: Kiosk | None = None

    def may(self, access: Access) -> bool:
        """What the route's declaration alone says."""
        if access.kind == "public":
            return True
        if access.kind != self.kind:
            return False
        return self.level >= access.level if self.kind == "citizen" else access.permission in self.permissions | {""}


def everybody(session: Session, client: FlaskClient) -> list[Who]:
    found = [Who("anonymous", "anonymous", OWN, {})]
    found += [machine(session, client, hall_code=OWN), machine(session, client, site_code=SITE)]
    for level in (0, 1, 2):
        found.append(Who(f"citizen of level {level}", "citizen", OWN, citizen(session, level)[1], level))
    for role, permissions in PERMISSIONS.items():
        for hall in (OWN, OTHER):
            found.append(
                Who(f"{role} of {hall}", "staff", hall, staff.header(session, hall, role), permissions=permissions)
            )
    return found


def machine(session: Session, client: FlaskClient, **place: str) -> Who:
    """An enrolled kiosk of a hall, or a terminal at a site outside the halls."""
    code, _ = devices.new_code(session, devices.add(session, name="一号机", actor="x", **place), actor="x")
    session.commit()
    kiosk = Kiosk(client)
    assert kiosk.enrol(code).status_code == 201
    permissions = IN_HALL if "hall_code" in place else ANYWHERE
    return Who(f"device of {place}", "device", OWN, {}, permissions=permissions, kiosk=kiosk)


NUMBERS = ("350299199001010010", "350299199001010029")


def citizen(session: Session, level: int, number: str = NUMBERS[0]) -> tuple[UUID, dict[str, str]]:
    """A new citizen of that level: their id and the header of their session."""
    mine = f"139{uuid4().int % 10**8:08d}"
    if level == 0:
        person = identity.log_in(session, provider="wechat_mini", subject=mine, current=None)
    else:
        person = identity.log_in(session, provider="phone", subject=mine, current=None, phone=mine)
    if level == 2:
        card = identity.RealName(number, "张测试", None)
        person = identity.verify(session, open_id=f"open-{number}", real_name=card, current=person)
    token = sessions.start(session, person_id=person).token
    session.commit()
    return person, {"Authorization": f"Bearer {token}"}


def send(client: FlaskClient, method: str, path: str, who: Who, body: dict[str, Any] | None) -> Any:
    if who.kiosk:
        content = b"" if method == "GET" else json.dumps(body or {}).encode()
        return who.kiosk.send(method, path.removeprefix("/api/v1"), content)
    key = {"Idempotency-Key": uuid4().hex, "Upload-Offset": "0"}
    return client.open(path, method=method, headers={**who.header, **key}, json=None if method == "GET" else body or {})
