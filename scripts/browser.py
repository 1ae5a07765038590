"""Make sure a Chromium without windows and a Chinese font are there for the browser tests."""

import os
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"
"""The same engine as `chromium` without what draws windows and address bars, a third of the cost."""
MISSING = f"Browser tests need {SHELL} or chromium, and fonts-noto-cjk; install them with your package manager."


def program() -> str:
    """What CHROMIUM names, else the shell, else the whole Chromium. Exits when there is none."""
    found = _found()
    if not found:
        sys.exit(MISSING)
    return found


def _found() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which(SHELL) or shutil.which("chromium")


def _has_fonts() -> bool:
    if not shutil.which("fc-list"):
        return False
    listed = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False)
    return bool(listed.stdout)


def _apt(*words: str) -> bool:
    """Whether it succeeded: without a network, what is installed already has to do."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return (
        subprocess.run(["apt-get", "-qq", *words], env=environ, stdout=subprocess.DEVNULL, check=False).returncode == 0
    )


def main() -> None:
    """Install from the system's packages when root; otherwise say what is missing."""
    if os.geteuid() == 0 and shutil.which("apt-get") and not (shutil.which(SHELL) and _has_fonts()):
        install = ("install", "-y", "--no-install-recommends")
        _apt("update")
        _apt(*install, "fonts-noto-cjk", "fontconfig")
        if not _apt(*install, SHELL) and not _found():
            _apt(*install, "chromium")
    if not (_found() and _has_fonts()):
        sys.exit(MISSING)


if __name__ == "__main__":
    main()
