"""Another office's server: JSON over HTTP, signed both ways by a shared key (docs/decisions/0009-finance-http.md).

A request signs version, method, path, application, key id, unix time, nonce and the body's SHA-256; an answer signs the
word ANSWER, status, the request's nonce, time and the body's SHA-256. An answer that is not signed is no answer.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

import requests

from backend.core import http
from backend.core.errors import ProviderProtocolError, ProviderRejected, ProviderUnavailable

SKEW_S = 300
BUSY = frozenset({"BUSY"})
TIMEOUT_S = (3.0, 10.0)


@dataclass(frozen=True)
class Dialect:
    """The word that a signature begins with, the first part of the headers' names, and what means: come again."""

    version: str = "OFFICE-1"
    header: str = "X-Office"
    busy: frozenset[str] = BUSY

    def request_text(self, method: str, path: str, app: str, key_id: str, at: str, nonce: str, body: bytes) -> bytes:
        """What a request signs: eight lines, the last the body's SHA-256."""
        return _lines(self.version, method, path, app, key_id, at, nonce, body=body)

    def answer_text(self, status: int, nonce: str, at: str, body: bytes) -> bytes:
        """What an answer signs. It names the request's nonce, so that no other answer fits."""
        return _lines(self.version, "ANSWER", str(status), nonce, at, body=body)


OFFICE = Dialect()


class Office:
    """One application at one office. The first key signs requests; answers may be signed by any of them."""

    def __init__(
        self,
        provider: str,
        base: str,
        app: str,
        keys: Mapping[int, bytes],
        *,
        dialect: Dialect = OFFICE,
        offset_s: int = 0,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:
        self.provider = provider
        self._base = base.rstrip("/")
        self._app = app
        self._keys = dict(keys)
        self._dialect = dialect
        self._offset_s = offset_s
        self._timeout_s = timeout_s

    @cached_property
    def _session(self) -> requests.Session:
        return http.provider_session(self._base)

    def ask(self, operation: str, **fields: Any) -> dict[str, Any]:
        """One signed call; the answer is verified before a byte of it is believed. Personal data stand in bodies only.

        Raises ProviderUnavailable (outcome unknown, may be repeated), ProviderRejected, ProviderProtocolError.
        """
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        at, nonce = str(int(self._now())), secrets.token_hex(16)
        key_id, key = next(iter(self._keys.items()))
        signed = self._dialect.request_text("POST", f"/v1/{operation}", self._app, str(key_id), at, nonce, body)
        header = self._dialect.header
        headers = {
            "Content-Type": "application/json",
            f"{header}-App": self._app,
            f"{header}-Key": str(key_id),
            f"{header}-Time": at,
            f"{header}-Nonce": nonce,
            f"{header}-Signature": hmac.new(key, signed, hashlib.sha256).hexdigest(),
        }
        http.refuse_inside_transaction()
        try:
            response = self._session.post(
                f"{self._base}/v1/{operation}",
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=self._timeout_s,
            )
        except requests.RequestException:
            raise ProviderUnavailable(self.provider, "no_answer") from None
        return self._read(response, nonce)

    def _read(self, response: requests.Response, nonce: str) -> dict[str, Any]:
        if not self._is_genuine(response, nonce):
            raise ProviderUnavailable(self.provider, f"unsigned_{response.status_code}")
        try:
            answer = json.loads(response.content)
        except ValueError:
            raise ProviderProtocolError(self.provider, "body") from None
        if not isinstance(answer, dict):
            raise ProviderProtocolError(self.provider, "body")
        if response.status_code == requests.codes.ok:
            return answer
        code = self.text(answer, "code")
        if response.status_code >= requests.codes.server_error or code in self._dialect.busy:
            raise ProviderUnavailable(self.provider, code)
        raise ProviderRejected(self.provider, code)

    def _is_genuine(self, response: requests.Response, nonce: str) -> bool:
        header = self._dialect.header
        key_id, at, given = (response.headers.get(f"{header}-{name}", "") for name in ("Key", "Time", "Signature"))
        key = self._keys.get(int(key_id)) if key_id.isascii() and key_id.isdecimal() else None
        if key is None or not (at.isascii() and at.isdecimal()) or abs(int(at) - self._now()) > SKEW_S:
            return False
        signed = self._dialect.answer_text(response.status_code, nonce, at, response.content)
        expected = hmac.new(key, signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), given.encode())

    def _now(self) -> float:
        """Wall-clock seconds: signatures are about the wire, not about the business day."""
        return time.time() + self._offset_s

    def text(self, answer: Mapping[str, Any], name: str) -> str:
        """A text that must be there. Raises ProviderProtocolError."""
        value = answer.get(name)
        if not isinstance(value, str) or not value:
            raise ProviderProtocolError(self.provider, name)
        return value

    def day_or_none(self, answer: Mapping[str, Any], name: str) -> date | None:
        """A date, or None for null. Raises ProviderProtocolError."""
        value = answer.get(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise ProviderProtocolError(self.provider, name) from None

    def instant(self, answer: Mapping[str, Any], name: str) -> datetime:
        """An instant with its zone. Raises ProviderProtocolError."""
        try:
            value = datetime.fromisoformat(self.text(answer, name))
        except ValueError:
            raise ProviderProtocolError(self.provider, name) from None
        if value.tzinfo is None:
            raise ProviderProtocolError(self.provider, name)
        return value

    def pairs(self, answer: Mapping[str, Any], name: str) -> tuple[tuple[str, str], ...]:
        """Lines of label and value. Raises ProviderProtocolError."""
        lines = answer.get(name)
        if not isinstance(lines, list):
            raise ProviderProtocolError(self.provider, name)
        return tuple((self.text(line, "label"), self.text(line, "value")) for line in lines if isinstance(line, dict))


def _lines(*lines: str, body: bytes) -> bytes:
    return "\n".join((*lines, hashlib.sha256(body).hexdigest())).encode()
