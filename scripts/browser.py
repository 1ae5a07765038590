"""Make sure Chromium and a Chinese font are there for the browser tests."""

import os
import shutil
import subprocess
import sys


def main() -> None:
    """Install from the system's packages when root; otherwise say what is missing."""
    fonts = (
        subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout
        if shutil.which("fc-list")
        else ""
    )
    if shutil.which("chromium") and fonts:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("Browser tests need the programs chromium and fonts-noto-cjk; install them with your package manager.")
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk", "fontconfig"],
        **quiet,
    )


if __name__ == "__main__":
    main()
