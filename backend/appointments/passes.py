"""The code a citizen shows at the gate: `WZW1.<static>.<rotating>`, or eight digits typed by staff.

The static part is signed with Ed25519 and holds no personal data (reliability §3.7). The rotating part is
computed on the phone without network, so that a screenshot is told from a phone in the hand.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from backend.core.config import Settings, parse_keys

PREFIX = "WZW1"
VERSION = 1
STEP_SECONDS = 30
SKEW_STEPS = 1
ROTATING_LENGTH = 8
CODE_LENGTH = 8
SIGNATURE_BYTES = 64
LONGEST = 400
HEAD = struct.Struct(">BB16sIIB")
"""Version, key id, appointment reference, not before, not after (unix seconds), length of the hall code."""


class Kind(StrEnum):
    """What was scanned or typed."""

    FRESH = "fresh"
    STALE = "stale"
    CODE = "code"
    FORGED = "forged"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class PassKeys:
    """Ed25519 seeds by id; the first signs new passes, all of them are accepted."""

    seeds: dict[int, bytes]

    @classmethod
    def from_settings(cls, settings: Settings) -> "PassKeys":
        return cls(parse_keys("PASS_KEYS", settings.pass_keys))


@dataclass(frozen=True)
class PassReading:
    """A scanned text, understood. `appointment_id` and `hall_code` are set for a genuine pass, `code` for digits."""

    kind: Kind
    appointment_id: UUID | None = None
    hall_code: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    code: str | None = None


@dataclass(frozen=True)
class Pass:
    """What the phone keeps: the signed part, and the secret of the rotating part."""

    static: str
    secret: str


def sign(seed: bytes, message: bytes) -> bytes:
    """Ed25519 signature (RFC 8032), 64 bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def public_key(seed: bytes) -> bytes:
    """The 32 bytes that verify what `seed` signs."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is genuine."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def issue(keys: PassKeys, *, appointment_id: UUID, hall_code: str, not_before: datetime, not_after: datetime) -> Pass:
    """The pass of one appointment, signed with the newest key."""
    key_id, seed = next(iter(keys.seeds.items()))
    hall = hall_code.encode("ascii")
    times = int(not_before.timestamp()), int(not_after.timestamp())
    payload = HEAD.pack(VERSION, key_id, appointment_id.bytes, *times, len(hall)) + hall
    return Pass(_encode(payload + sign(seed, payload)), _secret(seed, appointment_id))


def rotating(secret: str, at: datetime, *, offset: int = 0) -> str:
    """The eight hex characters of the 30-second step of `at`, `offset` steps later."""
    step = int(at.timestamp()) // STEP_SECONDS + offset
    return hmac.new(secret.encode(), str(step).encode(), hashlib.sha256).hexdigest()[:ROTATING_LENGTH]


def read(keys: PassKeys, text: str, now: datetime) -> PassReading:
    """Understand a scanned text. Never raises: rubbish is UNKNOWN, a broken signature FORGED."""
    compact = "".join(text[:LONGEST].split())
    if compact.isascii() and compact.isdigit() and len(compact) == CODE_LENGTH:
        return PassReading(Kind.CODE, code=compact)
    prefix, _, rest = text.strip().partition(".")
    if prefix != PREFIX:
        return PassReading(Kind.UNKNOWN)
    static, _, shown = rest.partition(".")
    return _read_static(keys, static, shown, now)


def _read_static(keys: PassKeys, static: str, shown: str, now: datetime) -> PassReading:
    raw = _decode(static)
    if raw is None or len(raw) < HEAD.size + SIGNATURE_BYTES:
        return PassReading(Kind.FORGED)
    payload, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    version, key_id, reference, not_before, not_after, length = HEAD.unpack_from(payload)
    seed = keys.seeds.get(key_id)
    if version != VERSION or seed is None or len(payload) != HEAD.size + length:
        return PassReading(Kind.FORGED)
    if not verify(public_key(seed), signature, payload):
        return PassReading(Kind.FORGED)
    appointment_id = UUID(bytes=reference)
    secret = _secret(seed, appointment_id)
    return PassReading(
        Kind.FRESH if _is_fresh(secret, shown, now) else Kind.STALE,
        appointment_id=appointment_id,
        hall_code=payload[HEAD.size :].decode("ascii"),
        not_before=datetime.fromtimestamp(not_before, UTC),
        not_after=datetime.fromtimestamp(not_after, UTC),
    )


def _is_fresh(secret: str, shown: str, now: datetime) -> bool:
    steps = range(-SKEW_STEPS, SKEW_STEPS + 1)
    given = shown.encode()
    return any(hmac.compare_digest(rotating(secret, now, offset=step).encode(), given) for step in steps)


def _secret(seed: bytes, appointment_id: UUID) -> str:
    """Derived, not stored: it lives as long as the key that signed the pass."""
    purpose = hmac.digest(seed, b"pass-rotation", hashlib.sha256)
    return _encode(hmac.digest(purpose, appointment_id.bytes, hashlib.sha256))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    """Only the one canonical spelling of each value is accepted."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None
    return raw if _encode(raw) == text else None
