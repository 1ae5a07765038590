"""What `make run` needs: made-up keys, the embedded database, and the processes of one development run."""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from backend import database, demo_keys, postgres
from notify.kinds import Form
from notify.registry import TEMPLATES

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

DATABASE = "micro_government"
OFFICES = ("LICENCE", "EPROOF", "HOTLINE", "PROVINCE", "CREDIT")
LEAST_FREE_BYTES = 500 * 1024 * 1024


class CannotRun(Exception):
    """One clear sentence for the person who typed the command."""


def port(name: str, default: int, highest: int = 65_535) -> int:
    """The port that the environment names. Raises CannotRun."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) <= highest:
        raise CannotRun(f"{name} must be a number from 1 to {highest}.")
    return int(text)


def check_machine(var_dir: Path, port: int, sandbox_port: int) -> None:
    """Refuse early what would fail late. Raises CannotRun."""
    try:
        folders = [var_dir / "metrics", *([] if os.environ.get("DATABASE_URL") else [postgres.data_folder(var_dir)])]
        folders[0].mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(f"{error.filename} cannot be made: {error.strerror}.") from None
    for folder in folders:
        if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
            raise CannotRun(f"Less than 500 MB are free on the disk of {folder}; make room and try again.")
    with contextlib.ExitStack() as probes:
        for name, number in (
            ("PORT", port),
            ("SANDBOX_PORT", sandbox_port),
            ("SANDBOX_PORT", virus_scanner_port(sandbox_port)),
        ):
            probe = probes.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
                probe.listen()
            except OSError:
                raise CannotRun(
                    f"Port {number} is in use; stop the other program or set {name} to another port."
                ) from None


def virus_scanner_port(sandbox_port: int) -> int:
    """The sandbox's stand-in for clamd speaks another protocol than HTTP, so it has the port after the sandbox's."""
    return sandbox_port + 1


def environment(var_dir: Path, database_url: str, port: int, sandbox_port: int) -> dict[str, str]:
    """Settings of a development run. Keys are drawn once and kept under var/."""
    kept = demo_keys.kept(var_dir / "development-keys.json")
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    made = {
        "APP_ENV": "development",
        "DATABASE_URL": database_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "VAR_DIR": str(var_dir),
        "SANDBOX_URL": sandbox,
        "WECHAT_API_BASE": sandbox,
        "WECHAT_OPEN_BASE": sandbox,
        "WECHAT_MINI_APPID": "sandbox-mini",
        "WECHAT_OFFICIAL_APPID": "sandbox-official",
        "WECHAT_PAY_BASE": sandbox,
        "WECHAT_PAY_MCHID": "sandbox-merchant",
        "WECHAT_NONTAX_MCHID": "sandbox-nontax",
        "WECHAT_NONTAX_SERVICE_ID": "1",
        "WECHAT_TEMPLATES": _sandbox_ids(kind.wechat for kind in TEMPLATES.values()),
        "WECHAT_MINI_TEMPLATES": _sandbox_ids(kind.mini for kind in TEMPLATES.values()),
        "WECHAT_SUBSCRIBE_TEMPLATES": "sandbox-subscribe",
        "IXIAMEN_BASE": f"{sandbox}/ixiamen",
        "IXIAMEN_CLIENT_ID": "sandbox-ixiamen",
        "ALIPAY_GATEWAY": f"{sandbox}/alipay/gateway.do",
        "ALIPAY_LOGIN_BASE": f"{sandbox}/alipay",
        "ALIPAY_APP_ID": "sandbox-alipay",
        "ALIPAY_SELLER_ID": "2088000000000000",
        "ALIPAY_PUBLIC_KEY": demo_keys.public_half(kept["SANDBOX_ALIPAY_PRIVATE_KEY"]),
        "SMS_BASE": f"{sandbox}/sms",
        "SMS_KEY": "sandbox-sms",
        "UPLOAD_DIR": str(var_dir / "uploads"),
        "CLAMD_ADDRESS": f"127.0.0.1:{virus_scanner_port(sandbox_port)}",
        "FINANCE_BASE": f"{sandbox}/finance",
        "FINANCE_APP": "sandbox-finance",
        **{f"{name}_BASE": f"{sandbox}/{name.lower()}" for name in OFFICES},
        **{f"{name}_APP": f"sandbox-{name.lower()}" for name in OFFICES},
        "EMS_BASE": f"{sandbox}/amp-prod-api/f/amp/api/open",
        "EMS_SENDER_NO": "sandbox-ems",
        "PAY_REGION": "350299",
        "PROMETHEUS_MULTIPROC_DIR": str(var_dir / "metrics"),
        **kept,
    }
    return {
        **os.environ,
        **made,
        **{name: os.environ[name] for name in made if name in os.environ and name not in kept},
    }


def _sandbox_ids(forms: Iterable[Form | None]) -> str:
    return json.dumps({form.name: f"sandbox-{form.name}" for form in forms if form})


def start_database(var_dir: Path) -> postgres.Embedded:
    """Start or adopt the embedded server and make its database. Raises CannotRun."""
    try:
        server = postgres.start(var_dir)
    except postgres.CannotStart as error:
        raise CannotRun(str(error)) from None
    server.create(DATABASE)
    return server


class Processes:
    """The children of one run, each in a process group of its own so that none outlives it."""

    def __init__(self, folder: Path) -> None:
        self.environ: dict[str, str] = {}
        self._folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Start one child; its output goes to var/log/NAME.log."""
        logs = self._folder / "log"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{name}.log").open("ab") as output:
            self._children[name] = subprocess.Popen(  # noqa: S603 - our own fixed commands
                [sys.executable, "-m", *arguments],
                env=self.environ,
                cwd=database.ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def wait_until_answers(self, url: str, seconds: float = 30) -> None:
        """Wait for a page that answers 200. Raises CannotRun when a child dies or time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._complain_about_the_dead()
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise CannotRun(f"{url} did not answer within {seconds:.0f} seconds; see {self._folder / 'log'}.")

    def wait(self) -> None:
        """Wait until a child ends by itself, which is a failure."""
        while True:
            self._complain_about_the_dead()
            time.sleep(0.5)

    def _complain_about_the_dead(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                raise CannotRun(f"The {name} process ended by itself; see {self._folder / 'log' / name}.log.")

    def stop(self) -> None:
        """TERM, a grace of ten seconds, then KILL: to whole groups."""
        for child in self._children.values():
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + 10
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(child, signal.SIGKILL)
                child.wait()
        self._children.clear()


def _end_with_parent() -> None:
    """Runs in the new child: where the kernel can (Linux), it gets TERM when the supervisor is killed."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(child: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
