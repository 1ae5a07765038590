"""Citizens who file and staff who handle, each as a short way to the API."""

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from backend.catalogue import snapshot
from backend.catalogue.versions import service as versions
from backend.identity import service as identity
from backend.identity import sessions
from tests.backend import staff
from tests.backend.applications import papers

_serial = itertools.count(1)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

QUERY, PLATE, PASSPORT = "property-query", "number-plate-replacement", "passport-renewal"
"""All online and free; all online with a fee; at the window with a fee."""

GENERAL = {"phone": "13900001111", "address": "测试路 1 号", "matter": "换领，旧的坏了", "truthful": True}
RENEWAL = {
    "why": "expiring",
    "note": False,
    "phone": "13900001111",
    "address": "测试路 1 号",
    "emergency_name": "李测试",
    "emergency_phone": "13900002222",
}
ANSWERS = {QUERY: GENERAL, PLATE: GENERAL, PASSPORT: RENEWAL}


def id_number() -> str:
    """A fresh, valid number of an invented person in the unassigned division."""
    first = f"35029919700101{next(_serial):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True))
    return first + "10X98765432"[total % 11]


LOOK = {
    "id": "look",
    "name": {"zh": "现场勘验", "en": "Inspection"},
    "basis": "行政许可法第四十五条",
    "condition": {"zh": "要看的", "en": "Must be seen"},
    "days": 5,
    "standard": None,
}
"""A special step that a version may list."""


def publish(session: Session, slug: str, **changes: Any) -> None:
    """A version of one person's, published at once by another."""
    version = versions.begin(session, slug, actor="staff:one")
    saved, _ = versions.save(
        session, version.id, given={**version.content, **changes}, revision=version.revision, actor="staff:one"
    )
    sent = versions.submit(session, saved.id, note="改时限", revision=saved.revision, actor="staff:one")
    versions.publish(session, sent.id, effective_on=None, actor="staff:two")
    session.commit()
    snapshot.forget()


@dataclass
class Filer:
    """A citizen with a session."""

    client: FlaskClient
    id: UUID
    header: dict[str, str]
    number: str
    name: str = "张测试"

    def send(self, method: str, path: str, body: object = None, *, key: str | None = None, en: bool = False) -> Any:
        headers = {**self.header, "Idempotency-Key": key or uuid4().hex}
        if en:
            headers["Accept-Language"] = "en"
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers)

    def log_in_again(self, session: Session) -> None:
        """A session of today, after a month."""
        token = sessions.start(session, person_id=self.id).token
        session.commit()
        self.header = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **more: Any) -> Any:
        return self.send("GET", path, **more)

    def post(self, path: str, body: object = None, **more: Any) -> Any:
        return self.send("POST", path, body if body is not None else {}, **more)

    def start(self, item: str = QUERY, **body: Any) -> dict[str, Any]:
        answer = self.post("/applications", {"item": item, **body})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json
        return found

    def fill(self, application: dict[str, Any], **changes: Any) -> dict[str, Any]:
        answers = {**ANSWERS[application["item"]["slug"]], **changes}
        body = {"revision": application["revision"], "answers": answers}
        answer = self.send("PATCH", f"/applications/{application['id']}", body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def file(self, item: str = QUERY, **changes: Any) -> dict[str, Any]:
        """From the first field to the case."""
        application = self.fill(self.start(item), **changes)
        answer = self.post(f"/applications/{application['id']}/submit")
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json
        return found


def filer(session: Session, client: FlaskClient, *, level: int = 2, name: str = "张测试") -> Filer:
    """A new citizen of a level."""
    phone, number = f"139{uuid4().int % 10**8:08d}", id_number()
    person = identity.log_in(session, provider="phone", subject=phone, current=None, phone=phone)
    if level >= 2:
        card = identity.RealName(number, name, None)
        person = identity.verify(session, open_id=f"open-{number}", real_name=card, current=person)
    token = sessions.start(session, person_id=person).token
    session.commit()
    return Filer(client, person, {"Authorization": f"Bearer {token}"}, number, name)


@dataclass
class Office:
    """A hall's staff, one for each role, and their ways to the API."""

    client: FlaskClient
    session: Session
    hall: str = "XM"

    def __post_init__(self) -> None:
        self.headers: dict[str, dict[str, str]] = {}

    def header(self, role: str) -> dict[str, str]:
        """The session of the hall's one member of staff with this role."""
        if role not in self.headers:
            self.headers[role] = staff.header(self.session, self.hall, role)
        return self.headers[role]

    def send(self, role: str, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:
        headers = {**self.header(role), "Idempotency-Key": key or uuid4().hex}
        return self.client.open(f"/api/v1/staff{path}", method=method, json=body, headers=headers)

    def get(self, role: str, path: str) -> Any:
        return self.send(role, "GET", path)

    def do(self, role: str, case: dict[str, Any], what: str, **body: Any) -> Any:
        return self.send(role, "POST", f"/cases/{case['id']}/{what}", body)

    def done(self, role: str, case: dict[str, Any], what: str, **body: Any) -> dict[str, Any]:
        """The same, and it worked: the case afterwards."""
        answer = self.do(role, case, what, **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def case(self, case: dict[str, Any], role: str = "window_clerk") -> dict[str, Any]:
        answer = self.get(role, f"/cases/{case['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def accepted(self, case: dict[str, Any]) -> dict[str, Any]:
        return self.done("window_clerk", case, "accept")

    def granted(self, case: dict[str, Any]) -> dict[str, Any]:
        """Accepted, looked at, granted."""
        self.accepted(case)
        self.done("approver", case, "review")
        return self.done("approver", case, "decision", grant=True, document="厦政准〔2026〕1号")

    def concluded(self, case: dict[str, Any]) -> dict[str, Any]:
        self.granted(case)
        return self.done("issuing_desk", case, "result", paper=True)

    def taken(self, case: dict[str, Any]) -> dict[str, Any]:
        """What a hand-over asks for: the document was compared, and the receiver signed on the desk's pad."""
        drawn = papers.add(self.session, ("case", case["id"]), "hand-over.signature", "staff:any")
        return {"identity_checked": True, "signature_id": str(drawn.id)}
