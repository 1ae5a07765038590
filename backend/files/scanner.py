"""The virus scanner: a port, and ClamAV's daemon over TCP (clamd, command INSTREAM).

No verdict is not a verdict: whatever is not clearly "clean" or "found" raises, and the file stays in quarantine.
"""

import re
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from backend.core import http
from backend.core.config import Settings
from backend.core.errors import ProviderProtocolError, ProviderUnavailable

PROVIDER = "clamd"
CONNECT_S = 3.0
SILENT_S = 30.0
MOST_ANSWER = 4096
_FOUND = re.compile(r"stream: (?P<name>[^\x00-\x1f]{1,200}) FOUND")


@dataclass(frozen=True)
class Scanned:
    """A scanner's verdict; `found` is the name of what was found, None for a clean content."""

    found: str | None


class Scanner(Protocol):
    """Looks for malware."""

    def scan(self, content: Iterable[bytes]) -> Scanned:
        """The verdict. Raises ProviderUnavailable and ProviderProtocolError when there is none."""
        ...


class Clamd:
    """One clamd. `StreamMaxLength` there must not be less than the largest upload."""

    def __init__(self, host: str, port: int, *, silent_s: float = SILENT_S) -> None:
        self._address = (host, port)
        self._silent_s = silent_s

    def scan(self, content: Iterable[bytes]) -> Scanned:
        http.refuse_inside_transaction()
        try:
            with socket.create_connection(self._address, timeout=CONNECT_S) as line:
                line.settimeout(self._silent_s)
                self._send(line, content)
                answer = self._receive(line)
        except OSError:
            raise ProviderUnavailable(PROVIDER, "no_answer") from None
        return _read(answer)

    def _send(self, line: socket.socket, content: Iterable[bytes]) -> None:
        line.sendall(b"zINSTREAM\0")
        for piece in content:
            if piece:
                line.sendall(struct.pack("!L", len(piece)) + piece)
        line.sendall(struct.pack("!L", 0))

    def _receive(self, line: socket.socket) -> bytes:
        answer = b""
        while not answer.endswith(b"\0"):
            piece = line.recv(MOST_ANSWER)
            answer += piece
            if not piece or len(answer) > MOST_ANSWER:
                raise ProviderProtocolError(PROVIDER, "answer_cut")
        return answer[:-1]


def _read(answer: bytes) -> Scanned:
    text = answer.decode("utf-8", "replace")
    if text == "stream: OK":
        return Scanned(None)
    found = _FOUND.fullmatch(text)
    if found is None:
        raise ProviderProtocolError(PROVIDER, "answer_unknown")
    return Scanned(found["name"])


def from_settings(settings: Settings) -> Scanner | None:
    """The scanner, or None while CLAMD_ADDRESS is empty: then every file stays in quarantine."""
    if not settings.clamd_address:
        return None
    host, _, port = settings.clamd_address.rpartition(":")
    return Clamd(host.strip("[]"), int(port))
