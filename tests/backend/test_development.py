"""Starting and stopping a development run: clear refusals, nothing left behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from backend import development, postgres
from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
PORTS = (8000, 8001)


def command(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def settings_of(tmp_path: Path, **changes: str) -> dict[str, str]:
    return {**development.environment(tmp_path, "postgresql://unused/unused", 8000, 8001), **changes}


def one_sentence(finished: "subprocess.CompletedProcess[str]") -> str:
    """What a refused command said; exactly one line on the error channel and exit code 1."""
    assert finished.returncode == 1, finished.stdout + finished.stderr
    lines = finished.stderr.strip().splitlines()
    assert len(lines) == 1, finished.stderr
    return lines[0]


@pytest.mark.parametrize(("taken", "name"), [(0, "PORT"), (1, "SANDBOX_PORT"), (2, "SANDBOX_PORT")])
def test_a_port_in_use_is_named(tmp_path: Path, taken: int, name: str) -> None:
    port = free_port(3)
    with socket.create_server(("127.0.0.1", port + taken)):
        said = one_sentence(command("run", PORT=str(port), SANDBOX_PORT=str(port + 1), VAR_DIR=str(tmp_path)))
    assert said == f"Port {port + taken} is in use; stop the other program or set {name} to another port."


def test_the_ports_of_one_run_are_different(tmp_path: Path) -> None:
    port = free_port(2)
    with pytest.raises(development.CannotRun, match=f"^Port {port + 1} is in use; .* set SANDBOX_PORT"):
        development.check_machine(tmp_path, port + 1, port)


@pytest.mark.parametrize("wrong", ["", "abc", "0", "65536", "-1", "8000.5"])
def test_a_port_is_a_number(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("PORT", wrong)
    with pytest.raises(development.CannotRun, match="^PORT must be a number from 1 to 65535"):
        development.port("PORT", 8000)
    with pytest.raises(development.CannotRun, match="^PORT must be a number from 1 to 9"):
        development.port("PORT", 8, highest=9)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=development.LEAST_FREE_BYTES - 1))
    with pytest.raises(development.CannotRun, match="^Less than 500 MB are free on the disk of .*make room"):
        development.check_machine(tmp_path, *PORTS)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(development.CannotRun, match="file.* cannot be made: Not a directory"):
        development.check_machine(tmp_path / "file" / "var", *PORTS)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "DATABASE_URL must look like postgresql://"),
        ("mysql://u:hidden@127.0.0.1/x", "DATABASE_URL must look like postgresql://"),
        ("postgresql://u:hidden@127.0.0.1:port/x", "DATABASE_URL must look like postgresql://"),
        ("postgresql://u:hidden@127.0.0.1:1/x", "The database of DATABASE_URL cannot be used: "),
    ],
)
@pytest.mark.parametrize("name", ["run", "migrate"])
def test_a_broken_database_address_is_one_sentence_without_its_password(
    tmp_path: Path, name: str, address: str, said: str
) -> None:
    port = free_port(3)
    ports = {"PORT": str(port), "SANDBOX_PORT": str(port + 1)}
    environ = settings_of(tmp_path, DATABASE_URL=address, VAR_DIR=str(tmp_path), **ports)
    sentence = one_sentence(command(name, **environ))
    assert sentence.startswith(said)
    assert "hidden" not in sentence


def test_an_old_python_is_named(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    setup = "import sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (old)'; exec(sys.argv[1])"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{setup}" "$2"\n')
    old.chmod(0o755)
    made = subprocess.run(
        ["make", f"VENV={tmp_path}/venv", f"PYTHON={old}", f"{tmp_path}/venv/.installed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert made.stderr.splitlines()[0] == "Python 3.11 or newer is needed; this is 3.9.2."
    assert not (tmp_path / "venv").exists()


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether the process ends within this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_the_children_of_a_killed_supervisor_end(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, time; from backend.development import Processes\n"
        f"children = Processes(pathlib.Path({str(tmp_path)!r})); children.environ = dict(os.environ)\n"
        "children.start('child', 'http.server', '0', '--bind', '127.0.0.1')\n"
        "print(children._children['child'].pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout
        child = int(supervisor.stdout.readline())
        assert psutil.pid_exists(child)
        supervisor.send_signal(signal.SIGKILL)
    assert gone(child)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A place for a server of this test's own."""
    yield tmp_path
    data = postgres.data_folder(tmp_path)
    if tmp_path not in data.parents:
        shutil.rmtree(data.parent)


HOLD = "import pathlib, sys, time; from backend import postgres; " + (
    "held = postgres.start(pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(120)"
)


def holder(folder: Path) -> "subprocess.Popen[str]":
    """Another process that holds the server."""
    started = subprocess.Popen([sys.executable, "-c", HOLD, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert started.stdout
    assert started.stdout.readline() == "held\n"
    return started


def kill(started: "subprocess.Popen[str]") -> None:
    with started:
        started.send_signal(signal.SIGKILL)


def test_the_server_ends_with_its_last_living_holder_and_a_leftover_is_adopted(folder: Path) -> None:
    pid_file = postgres.data_folder(folder) / "postmaster.pid"

    def postmaster() -> int:
        return int(pid_file.read_text().partition("\n")[0])

    first, second = holder(folder), holder(folder)
    server = postmaster()
    kill(first)
    kill(second)
    assert psutil.pid_exists(server)
    adopted = postgres.start(folder)
    assert postmaster() == server
    other = holder(folder)
    adopted.stop()
    assert psutil.pid_exists(server), "somebody still holds it"
    kill(other)
    last = postgres.start(folder)
    last.create("kept")
    last.stop()
    assert gone(server)
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n0\n5432\n{pid_file.parent}\n\n0 0\nready\n")
    again = postgres.start(folder)
    assert postmaster() != os.getpid()
    again.stop()
    assert gone(server)
