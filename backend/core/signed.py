"""Requests that a device signs with its Ed25519 key: what is signed, and the header that carries it.

`Authorization: Device id=<device>, time=<unix seconds>, nonce=<16 to 64 of A-Z a-z 0-9 _ ->, signature=<128 hex>`
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Request

SCHEME = "Device"
VERSION = "WZW-DEVICE-1"
KEY_BYTES = 32
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TIME = re.compile(r"[0-9]{1,11}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True)
class Signed:
    """A signed request as it came: nothing of it is proved yet."""

    device_id: UUID
    at: datetime
    nonce: str
    signature: bytes
    message: bytes


def message(*, device_id: UUID, method: str, target: str, body: bytes, at: int, nonce: str) -> bytes:
    """The bytes a device signs, seven lines. `target` is path and query as they stand in the request line."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join((VERSION, str(device_id), method, target, digest, str(at), nonce)).encode()


def read(request: Request) -> Signed | None:
    """The signed request, or None when it carries no well-formed signature."""
    given = request.authorization
    if given is None or given.type != SCHEME.lower():
        return None
    shown = {name: given.get(name) or "" for name in ("id", "time", "nonce", "signature")}
    patterns = {"time": _TIME, "nonce": _NONCE, "signature": _SIGNATURE}
    if not all(pattern.fullmatch(shown[name]) for name, pattern in patterns.items()):
        return None
    try:
        device_id = UUID(shown["id"])
    except ValueError:
        return None
    target = request.environ.get("RAW_URI") or request.full_path
    return Signed(
        device_id=device_id,
        at=datetime.fromtimestamp(int(shown["time"]), UTC),
        nonce=shown["nonce"],
        signature=bytes.fromhex(shown["signature"]),
        message=message(
            device_id=device_id,
            method=request.method,
            target=target,
            body=request.get_data(),
            at=int(shown["time"]),
            nonce=shown["nonce"],
        ),
    )


def is_genuine(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether the owner of this Ed25519 key (32 bytes) signed these bytes (RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
