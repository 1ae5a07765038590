"""A folder and a scanner of one's own, and a phone that uploads in parts."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from backend.core.config import Settings, parse_keys
from backend.files import jobs, scanner, storage
from backend.sandbox.clamd import Clamd
from tests.backend.conftest import Citizen
from tests.backend.files.corpus import JPEG, picture

PART = 512 * 1024


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Contents of one test lie here."""
    before = storage._storage
    storage.configure(storage.DiskStorage(tmp_path, parse_keys("FIELD_KEYS", settings.field_keys)))
    yield tmp_path
    storage._storage = before


class Virus:
    """A running clamd, and how it behaves."""

    def __init__(self) -> None:
        self.mode = "normal"
        self.server = Clamd(("127.0.0.1", 0), lambda: self.mode)
        self.server.start()
        self.scanner = scanner.Clamd("127.0.0.1", self.server.server_address[1], silent_s=0.2)

    def check(self) -> int:
        return jobs.check(self.scanner, side_by_side=1)


@pytest.fixture
def clamd() -> Iterator[Virus]:
    made = Virus()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Phone:
    """Somebody who uploads: a citizen with papers of their own, or a clerk with scans of the hall."""

    def __init__(self, client: FlaskClient, header: dict[str, str], subject: tuple[str, str], prefix: str = "") -> None:
        self.client, self.header, self.subject, self.base = client, header, subject, f"/api/v1{prefix}/files"

    def begin(self, content: bytes, name: str = "a.jpg", media_type: str = JPEG, **changes: Any) -> Any:
        body = {
            "subject_type": self.subject[0],
            "subject_id": self.subject[1],
            "name": name,
            "media_type": media_type,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        headers = {**self.header, "Idempotency-Key": uuid4().hex}
        return self.client.post(self.base, json={**body, **changes}, headers=headers)

    def part(self, file_id: str, offset: int, content: bytes) -> Any:
        headers = {**self.header, "Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
        return self.client.patch(f"{self.base}/{file_id}", data=content, headers=headers)

    def send(self, file_id: str, content: bytes, *, part: int = PART, begin: int = 0) -> None:
        for offset in range(begin, len(content), part):
            answer = self.part(file_id, offset, content[offset : offset + part])
            assert answer.status_code == 200, answer.json

    def finish(self, file_id: str) -> Any:
        return self.post(f"/{file_id}/finish", {})

    def upload(self, content: bytes, *, part: int = PART, **named: Any) -> str:
        """All of it, up to the quarantine."""
        answer = self.begin(content, **named)
        assert answer.status_code == 201, answer.json
        file_id: str = answer.json["id"]
        self.send(file_id, content, part=part)
        assert self.finish(file_id).json["state"] == "checking"
        return file_id

    def get(self, path: str) -> Any:
        return self.client.get(self.base + path, headers=self.header)

    def post(self, path: str, body: Any) -> Any:
        headers = {**self.header, "Idempotency-Key": uuid4().hex}
        return self.client.post(self.base + path, json=body, headers=headers)

    def state(self, file_id: str) -> str:
        return str(self.get(f"/{file_id}").json["state"])

    def download(self, file_id: str) -> Any:
        link = self.post(f"/{file_id}/link", {}).json
        return self.client.get(link["url"], headers=self.header)


@pytest.fixture
def phone(client: FlaskClient, citizen: Citizen, folder: Path) -> Phone:
    person, header = citizen()
    return Phone(client, header, ("person", str(person)))


@pytest.fixture
def other_phone(client: FlaskClient, citizen: Citizen, folder: Path) -> Phone:
    person, header = citizen()
    return Phone(client, header, ("person", str(person)))


@pytest.fixture
def photo() -> bytes:
    return picture()


def owner(phone: Phone) -> UUID:
    return UUID(phone.subject[1])
