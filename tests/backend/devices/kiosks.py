"""A kiosk of tests: it has a key pair, enrols, and signs what it sends through a test client."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from backend.core import clock
from backend.core.signed import message
from backend.devices.service import enrolment_proof, rotation_proof

ADULT = {"id_number": "350299199001010010", "name": "张测试"}
OTHER = {"id_number": "350299199001010029", "name": "李测试"}
ELDER = {"id_number": "350299195506150037", "name": "王长者"}


@dataclass
class Kiosk:
    """Signs with `key`; `id` is known after the enrolment."""

    client: FlaskClient
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id: UUID = field(default_factory=uuid4)

    def enrol(self, code: str):
        public = self.key.public_key().public_bytes_raw()
        body = {"code": code, "public_key": public.hex(), "proof": self.key.sign(enrolment_proof(code, public)).hex()}
        answer = self.client.post("/api/v1/device/enrolment", json=body)
        if answer.status_code == 201:
            self.id = UUID(answer.json["id"])
        return answer

    def change_key(self, new: Ed25519PrivateKey, **how: Any):
        public = new.public_key().public_bytes_raw()
        body = {"public_key": public.hex(), "proof": new.sign(rotation_proof(self.id, public)).hex()}
        return self.post("/device/keys", body, **how)

    def get(self, path: str, **how: Any):
        return self.send("GET", path, b"", **how)

    def post(self, path: str, body: object, **how: Any):
        return self.send("POST", path, self.client.application.json.dumps(body).encode(), **how)

    def send(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        key: str | None = None,
        at: int | None = None,
        nonce: str | None = None,
        headers: dict[str, str] | None = None,
    ):
        """One request, signed unless `headers` says what to send instead."""
        sent = {"Idempotency-Key": key or uuid4().hex, **(headers or self.sign(method, path, body, at=at, nonce=nonce))}
        return self.client.open(
            f"/api/v1{path}", method=method, data=body, headers=sent, content_type="application/json"
        )

    def sign(
        self, method: str, path: str, body: bytes, *, at: int | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """The Authorization header of a request."""
        time = int(clock.now().timestamp()) if at is None else at
        nonce = nonce or uuid4().hex
        signed = message(device_id=self.id, method=method, target=f"/api/v1{path}", body=body, at=time, nonce=nonce)
        signature = self.key.sign(signed).hex()
        return {"Authorization": f"Device id={self.id}, time={time}, nonce={nonce}, signature={signature}"}
