"""Where contents lie: a small port, and a folder outside the web root that holds them encrypted.

An object is written once under its key and never changed. On disk: 4 bytes magic, 1 byte key id, 16 bytes salt, then
frames of 64 KiB sealed by AES-256-GCM (STREAM: the nonce holds the frame's number and whether it is the last), so
that a cut, swapped or moved frame does not open. The file's key is derived from the column key and the salt.
"""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.core.config import Settings, parse_keys
from backend.core.crypto import SealBroken

MAGIC = b"WZF1"
FRAME = 64 * 1024
TAG = 16
SALT = 16
HALF_WRITTEN = ".half-written"


class ObjectMissing(Exception):
    """No content is stored under this key."""


class Storage(Protocol):
    """What a store of contents can do. Keys are made by `object_key`."""

    def put(self, key: str, content: Iterable[bytes]) -> None:
        """Store a content under a new key; it is there whole or not at all."""
        ...

    def get(self, key: str) -> Iterator[bytes]:
        """The content, piece by piece. Raises ObjectMissing, and SealBroken when it was altered."""
        ...

    def delete(self, key: str) -> None:
        """Forget a content; a key that is not there is no error."""
        ...

    def holds(self, key: str) -> bool:
        """Whether there is a content under this key."""
        ...

    def keys(self, older_than_s: float) -> Iterator[str]:
        """Keys of contents that were written at least so many seconds ago."""
        ...


class DiskStorage:
    """A folder. Several web nodes share it, by a network file system or a volume."""

    def __init__(self, root: Path, keys: Mapping[int, bytes]) -> None:
        self._root = root
        self._keys = dict(keys)

    @classmethod
    def from_settings(cls, settings: Settings) -> "DiskStorage":
        return cls(settings.upload_dir, parse_keys("FIELD_KEYS", settings.field_keys))

    def put(self, key: str, content: Iterable[bytes]) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = path.parent / (secrets.token_hex(12) + HALF_WRITTEN)
        try:
            with open(half, "xb", opener=_private) as file:
                self._write(file, key, content)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)

    def get(self, key: str) -> Iterator[bytes]:
        try:
            with self._path(key).open("rb") as file:
                yield from self._read(file, key)
        except FileNotFoundError:
            raise ObjectMissing(key) from None

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def holds(self, key: str) -> bool:
        return self._path(key).is_file()

    def keys(self, older_than_s: float) -> Iterator[str]:
        """What was left half written by a killed process is dropped on the way."""
        newest = time.time() - older_than_s
        for path in self._root.glob("??/*"):
            if path.stat().st_mtime <= newest:
                if path.name.endswith(HALF_WRITTEN):
                    path.unlink(missing_ok=True)
                else:
                    yield path.name

    def _path(self, key: str) -> Path:
        if not (len(key) == 64 and key.isascii() and key.isalnum()):
            raise ValueError("not a key of the storage")
        return self._root / key[:2] / key

    def _write(self, file: BinaryIO, key: str, content: Iterable[bytes]) -> None:
        key_id, master = next(iter(self._keys.items()))
        salt = os.urandom(SALT)
        file.write(MAGIC + bytes((key_id,)) + salt)
        cipher, number = _cipher(master, salt), 0
        held = b""
        for piece in content:
            held += piece
            while len(held) > FRAME:
                file.write(cipher.encrypt(_nonce(number, last=False), held[:FRAME], key.encode()))
                held, number = held[FRAME:], number + 1
        file.write(cipher.encrypt(_nonce(number, last=True), held, key.encode()))

    def _read(self, file: BinaryIO, key: str) -> Iterator[bytes]:
        head = file.read(len(MAGIC) + 1 + SALT)
        master = self._keys.get(head[len(MAGIC)]) if head[: len(MAGIC)] == MAGIC and len(head) > len(MAGIC) else None
        if master is None:
            raise SealBroken("unknown format or key")
        cipher, number = _cipher(master, head[len(MAGIC) + 1 :]), 0
        frame = file.read(FRAME + TAG)
        while True:
            following = file.read(FRAME + TAG)
            try:
                yield cipher.decrypt(_nonce(number, last=not following), frame, key.encode())
            except (InvalidTag, ValueError):
                raise SealBroken("altered, cut or moved") from None
            if not following:
                return
            frame, number = following, number + 1


def object_key(*parts: object) -> str:
    """A name that says nothing of its content to whoever sees the folder, and is another one for each file."""
    return hashlib.sha256("/".join(str(part) for part in parts).encode()).hexdigest()


_storage: Storage | None = None


def configure(storage: Storage) -> None:
    """Use this storage in this process."""
    global _storage
    _storage = storage


def current() -> Storage:
    """The storage of this process."""
    if _storage is None:
        raise RuntimeError("storage.configure() has not been called")
    return _storage


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _cipher(master: bytes, salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(master, b"file content" + salt, hashlib.sha256))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))
