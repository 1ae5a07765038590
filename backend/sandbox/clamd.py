"""A virus scanner's daemon that knows one virus: the EICAR test file. Speaks clamd's INSTREAM over TCP."""

from __future__ import annotations

import socketserver
import struct
import threading
import time
from collections.abc import Callable
from typing import cast

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""In two halves, so that no scanner takes this source for the virus."""
MOST_BYTES = 100 * 1024 * 1024
MODES = ("normal", "silent", "garbage", "error", "hang_up")


class Clamd(socketserver.ThreadingTCPServer):
    """``mode`` gives ``normal``; ``silent`` never answers; ``garbage``; ``error`` says ERROR; ``hang_up`` closes."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], mode: Callable[[], str] = lambda: "normal") -> None:
        super().__init__(address, _Session)
        self.mode = mode
        self.scanned = 0

    def start(self) -> None:
        """Serve in a thread of its own until ``shutdown``."""
        threading.Thread(target=self.serve_forever, name="clamd", daemon=True).start()


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast("Clamd", self.server)
        command = b""
        while not command.endswith(b"\0"):
            letter = self.rfile.read(1)
            if not letter or len(command) > 100:
                return
            command += letter
        if command == b"zPING\0":
            self.wfile.write(b"PONG\0")
        elif command == b"zINSTREAM\0":
            self._scan(server)
        else:
            self.wfile.write(b"UNKNOWN COMMAND\0")

    def _scan(self, server: Clamd) -> None:
        tail, found, size = b"", False, 0
        while True:
            (length,) = struct.unpack("!L", self.rfile.read(4))
            if length == 0:
                break
            size += length
            if size > MOST_BYTES:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
            tail = tail[-len(EICAR) :] + self.rfile.read(length)
            found = found or EICAR in tail
        server.scanned += 1
        self._answer(server.mode(), b"stream: Eicar-Test-Signature FOUND\0" if found else b"stream: OK\0")

    def _answer(self, mode: str, verdict: bytes) -> None:
        if mode == "silent":
            time.sleep(60)
        elif mode == "garbage":
            self.wfile.write(b"\x00\xff\xfe OK?")
        elif mode == "error":
            self.wfile.write(b"stream: Can't allocate memory ERROR\0")
        elif mode == "normal":
            self.wfile.write(verdict)
