"""One-time codes: good for five minutes, good for one use, remembered so that a replay can be told apart."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

LIFETIME_S = 300.0
MEMORY_S = 3600.0


@dataclass(slots=True)
class _Code:
    kind: str
    payload: dict[str, str]
    expires_at: float
    used: bool = False


class CodeError(Exception):
    """A code that gives nothing; ``reason`` is unknown, expired or used."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OneTimeCodes:
    """Login, phone-number and authorisation codes of all providers."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._lock = threading.Lock()

    def issue(self, kind: str, **payload: str) -> str:
        """A new code of ``kind`` that carries ``payload``."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            now = self._now()
            for old in [key for key, item in self._codes.items() if item.expires_at < now - MEMORY_S]:
                del self._codes[old]
            self._codes[code] = _Code(kind, payload, now + LIFETIME_S)
        return code

    def redeem(self, kind: str, code: str, **must_match: str) -> dict[str, str]:
        """Use the code up and give its payload; CodeError when it is unknown, expired, used or not for this caller."""
        with self._lock:
            item = self._codes.get(code)
            if item is None or item.kind != kind:
                raise CodeError("unknown")
            if any(item.payload.get(name) != value for name, value in must_match.items()):
                raise CodeError("unknown")
            if item.used:
                raise CodeError("used")
            if item.expires_at <= self._now():
                raise CodeError("expired")
            item.used = True
            return dict(item.payload)
