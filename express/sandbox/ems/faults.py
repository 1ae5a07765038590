"""Bad days on demand: which call misbehaves, how, how often and with what luck."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response, request

BEFORE = frozenset({"busy", "error", "page", "platform", "drop_before"})
AFTER = frozenset({"slow", "garbled", "error_after", "drop_after"})


@dataclass
class Fault:
    """`endpoint` is an apiCode or `*`, `times` how often it still happens, `ratio` with what chance each time.

    busy HTTP 429 · error HTTP 500 · page a proxy's HTML · platform retCode `code` · drop_before the connection ends:
    nothing done. slow answers after `seconds` · garbled half an answer · error_after HTTP 500 · drop_after the
    connection ends: all of these although it worked.
    """

    endpoint: str
    kind: str
    times: int = 1
    ratio: float = 1.0
    seconds: float = 0.0
    code: str = "B00009"


class Faults:
    """The faults that wait, and how often each apiCode was called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._luck = random.Random(1)  # noqa: S311 - a draw that can be repeated
        self.calls: Counter[str] = Counter()

    def plant(self, faults: list[Mapping[str, Any]], seed: int = 1) -> None:
        """Replace what waits; ValueError for a kind that is not known."""
        planted = [Fault(**dict(one)) for one in faults]
        unknown = {one.kind for one in planted} - BEFORE - AFTER
        if unknown:
            raise ValueError(f"unknown fault {sorted(unknown)[0]}")
        with self._lock:
            self._waiting, self._luck = planted, random.Random(seed)  # noqa: S311

    def take(self, endpoint: str) -> Fault | None:
        """The fault of this call, if one waits for it."""
        with self._lock:
            self.calls[endpoint] += 1
            for fault in self._waiting:
                if fault.endpoint in {endpoint, "*"} and fault.times > 0 and self._luck.random() < fault.ratio:
                    fault.times -= 1
                    return fault
        return None

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting if fault.times > 0]


def before(fault: Fault | None) -> Response | None:
    """The HTTP answer of a call that does nothing."""
    kind = fault.kind if fault else ""
    if kind == "busy":
        return Response("Too Many Requests", 429, content_type="text/plain")
    if kind == "error":
        return Response("Internal Server Error", 500, content_type="text/plain")
    if kind == "page":
        return Response("<html><body>502 Bad Gateway</body></html>", 502, content_type="text/html")
    if kind == "drop_before":
        return _dropped()
    return None


def after(fault: Fault | None, response: Response) -> Response:
    """The answer of a call whose effect has happened."""
    kind = fault.kind if fault else ""
    if kind == "drop_after":
        return _dropped()
    if kind == "error_after":
        return Response("Internal Server Error", 500, content_type="text/plain")
    if fault and kind == "slow":
        time.sleep(fault.seconds)
    if kind == "garbled":
        response.set_data(response.get_data()[: len(response.get_data()) // 2])
    return response


def _dropped() -> Response:
    """End the connection without an answer; only the development server gives us its socket."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
