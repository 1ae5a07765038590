"""Encrypted columns and blind indexes (ARCHITECTURE §8).

Sealed value: 1 byte algorithm, 1 byte key id, 12 bytes nonce, ciphertext with tag. The algorithm byte
leaves room for SM4 when the city asks for a national-crypto profile.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.core.config import Settings, decode_key, parse_keys

AES_256_GCM = 1
SEALED_OVERHEAD = 30
"""Bytes that sealing adds to a text: header, nonce and tag."""


class SealBroken(Exception):
    """The stored value does not belong to this column and row, or its key is gone."""


@dataclass(frozen=True)
class Keyring:
    """Column keys by id; the first is the one that seals new values."""

    fields: dict[int, bytes]
    index: bytes

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keyring":
        return cls(parse_keys("FIELD_KEYS", settings.field_keys), decode_key("INDEX_KEY", settings.index_key))


_keyring: Keyring | None = None


def configure(keyring: Keyring) -> None:
    """Use these keys in this process."""
    global _keyring
    _keyring = keyring


def _keys() -> Keyring:
    if _keyring is None:
        raise RuntimeError("crypto.configure() has not been called")
    return _keyring


def _associated(table: str, column: str, row: UUID | str) -> bytes:
    return f"{table}/{column}/{row}".encode()


def seal(text: str, *, table: str, column: str, row: UUID | str) -> bytes:
    """Encrypt one value so that it opens only in this table, column and row."""
    key_id, key = next(iter(_keys().fields.items()))
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), _associated(table, column, row))
    return bytes((AES_256_GCM, key_id)) + nonce + sealed


def unseal(sealed: bytes, *, table: str, column: str, row: UUID | str) -> str:
    """Decrypt. Raises SealBroken when the value was moved, altered or its key is unknown."""
    if len(sealed) < 30 or sealed[0] != AES_256_GCM:
        raise SealBroken("unknown format")
    key = _keys().fields.get(sealed[1])
    if key is None:
        raise SealBroken("unknown key")
    try:
        return AESGCM(key).decrypt(sealed[2:14], sealed[14:], _associated(table, column, row)).decode()
    except InvalidTag:
        raise SealBroken("altered or moved") from None


def blind_index(text: str, *, field: str) -> bytes:
    """Keyed hash for exact search, with its own key for each field (reliability S16)."""
    field_key = hmac.digest(_keys().index, field.encode(), hashlib.sha256)
    return hmac.digest(field_key, text.encode(), hashlib.sha256)


def token_hash(token: str) -> bytes:
    """How a 256-bit random token is stored: its entropy makes a plain hash enough."""
    return hashlib.sha256(token.encode()).digest()
