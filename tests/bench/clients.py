"""The load: closed-loop clients in processes of their own, over HTTP/1.1 kept alive."""

import contextlib
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

PROCESSES = 2

Scenario = Callable[[Callable[[], int]], Generator[bytes, bytes, None]]
"""One operation: draws numbers from the stock, yields requests and is sent the bodies of their answers."""


@dataclass
class Measured:
    """What one window saw. `seconds` are the latencies of the operations that ended inside the window."""

    window_s: float
    seconds: list[float] = field(default_factory=list)
    acknowledged: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    complaint: str = ""
    web_cpu_s: float = 0.0
    database_cpu_s: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.window_s


class Failed(Exception):
    """An answer was not the expected one, so the figures would mean nothing."""


def request(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """One request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class _Connection:
    """A client: one operation after another on one connection."""

    def __init__(self, port: int, operations: Callable[[], Generator[bytes, bytes, None]]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._operations = operations
        self._buffer = b""
        self.begin()

    def begin(self) -> None:
        self._operation = self._operations()
        self.began = time.perf_counter()
        self.socket.sendall(next(self._operation))

    def receive(self) -> int | None:
        """Read what has come; the status once the answer is whole."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise Failed("the server closed a connection")
        self._buffer += chunk
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = head.lower().find(b"content-length:")
        expected = int(head[length + 15 :].split(b"\r\n", 1)[0]) if length >= 0 else 0
        if len(body) < expected:
            return None
        self.body, self._buffer = body, b""
        return int(head[9:12])

    def proceed(self) -> bool:
        """Send the operation's next request; False when it is complete."""
        try:
            self.socket.sendall(self._operation.send(self.body))
        except StopIteration:
            return False
        return True


def _drive(
    draw: Callable[[], int], port: int, scenario: Scenario, clients: int, window_s: float, good: frozenset[int]
) -> Measured:
    """Run `clients` connections until the window ends, then wait for the answers that are still due."""
    seen = Measured(window_s)
    selector = selectors.DefaultSelector()
    for _ in range(clients):
        connection = _Connection(port, lambda: scenario(draw))
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    deadline = time.perf_counter() + window_s
    running = clients
    while running:
        for key, _ in selector.select(30) or _silent():
            connection = key.data
            status = connection.receive()
            if status is None:
                continue
            seen.statuses[status] += 1
            if status not in good:
                seen.complaint = f"{status}: {connection.body[:300]!r}"
            elif connection.proceed():
                continue
            now = time.perf_counter()
            seen.acknowledged += status in good
            if now <= deadline:
                seen.seconds.append(now - connection.began)
            if now < deadline and not seen.complaint:
                connection.begin()
            else:
                selector.unregister(connection.socket)
                connection.socket.close()
                running -= 1
    return seen


def _silent() -> list[Any]:
    raise Failed("no answer for thirty seconds")


def _serve(counter: Any, orders: Any) -> None:
    """A process of the load: windows come in, what they saw goes out."""

    def draw() -> int:
        with counter.get_lock():
            number = int(counter.value)
            counter.value = number + 1
        return number

    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            order = orders.recv()
            try:
                orders.send(_drive(draw, *order))
            except (Failed, OSError) as error:
                orders.send(Measured(0, complaint=f"{type(error).__name__}: {error}"))


class Load:
    """The load's processes, started once, and the counter that gives every operation a number of its own."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._counter = context.Value("q", 0)
        self._lines, self._processes = [], []
        for _ in range(PROCESSES):
            mine, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(self._counter, theirs), daemon=True)
            process.start()
            theirs.close()
            self._lines.append(mine)
            self._processes.append(process)

    def start_at(self, number: int) -> None:
        """Operations draw their numbers from here on."""
        self._counter.value = number

    @property
    def next_number(self) -> int:
        return int(self._counter.value)

    def measure(
        self, port: int, scenario: Scenario, clients: int, window_s: float, *, good: tuple[int, ...]
    ) -> Measured:
        """One window of `clients` closed-loop clients. Raises Failed when any answer is not in `good`."""
        for line in self._lines:
            line.send((port, scenario, clients // PROCESSES, window_s, frozenset(good)))
        whole = Measured(window_s)
        for line in self._lines:
            part = line.recv()
            if part.complaint:
                raise Failed(part.complaint)
            whole.seconds += part.seconds
            whole.acknowledged += part.acknowledged
            whole.statuses += part.statuses
        return whole

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.join(5)
