"""Bad days on demand: which endpoint misbehaves next, how, and how often."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response, request

BEFORE = frozenset({"busy", "error", "page", "answer", "drop_before"})
AFTER = frozenset({"slow", "unsigned", "tampered", "stale", "error_after", "drop_after"})


@dataclass
class Fault:
    """`endpoint` is a name of the API's, or `*`. `times` is how often it still happens.

    busy 429 · error 500 · page an HTML page of some proxy · answer `status` and `body` · drop_before the connection
    ends: nothing done. slow answers after `seconds` · unsigned, tampered, stale spoil the signature · error_after 500
    · drop_after the connection ends: all of these although it worked.
    """

    endpoint: str
    kind: str
    times: int = 1
    seconds: float = 0.0
    status: int = 500
    body: str = ""


class Faults:
    """The faults that wait, and how often each endpoint was called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self.calls: Counter[str] = Counter()

    def plant(self, faults: list[Mapping[str, Any]]) -> None:
        """Replace what waits; ValueError for a kind that is not known."""
        planted = [Fault(**dict(one)) for one in faults]
        unknown = {one.kind for one in planted} - BEFORE - AFTER
        if unknown:
            raise ValueError(f"unknown fault {sorted(unknown)[0]}")
        with self._lock:
            self._waiting = planted

    def take(self, endpoint: str) -> Fault | None:
        """The fault of this call, if one waits for it."""
        with self._lock:
            self.calls[endpoint] += 1
            for fault in self._waiting:
                if fault.endpoint in {endpoint, "*"} and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting if fault.times > 0]


def before(fault: Fault | None) -> Response | None:
    """The answer of a call that does nothing."""
    kind = fault.kind if fault else ""
    if kind == "busy":
        return Response('{"code":"FREQUENCY_LIMITED","message":"频率超限"}', 429, content_type="application/json")
    if kind == "error":
        return _system_error()
    if kind == "page":
        return Response("<html><body>502 Bad Gateway</body></html>", 502, content_type="text/html")
    if fault and kind == "answer":
        return Response(fault.body, fault.status, content_type="application/json")
    if kind == "drop_before":
        return _dropped()
    return None


def after(fault: Fault | None, response: Response) -> Response:
    """The answer of a call whose effect has happened."""
    kind = fault.kind if fault else ""
    if kind == "drop_after":
        return _dropped()
    if kind == "error_after":
        return _system_error()
    if fault and kind == "slow":
        time.sleep(fault.seconds)
    if kind == "unsigned":
        for name in [name for name, _ in response.headers if name.startswith("Wechatpay-")]:
            response.headers.remove(name)
    if kind == "tampered":
        response.set_data(response.get_data().replace(b'"', b' "', 1) or b" ")
    return response


def _system_error() -> Response:
    return Response('{"code":"SYSTEM_ERROR","message":"系统错误"}', 500, content_type="application/json")


def _dropped() -> Response:
    """End the connection without an answer; only the development server gives us its socket."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
