"""The whole product as `make run` starts it, and phones that open it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect, sync_playwright

from backend import development, postgres
from scripts.browser import program
from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
UNUSED_FEATURES = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "LensOverlay"),
    *("HttpsFirstBalancedModeAutoEnable", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "PreconnectToSearch"),
    *("AimEnabled", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
)
"""What Playwright switches off, which this replaces, and pages that Chromium loads for address bars nobody sees."""
FLAGS = [
    f"--disable-features={','.join(UNUSED_FEATURES)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 240
MESSAGE_SECONDS = 40
KEPT_SECONDS = 90  # a public answer may be kept for a minute
LOOK_MS = 3_000
expect.set_options(timeout=20_000)  # a busy machine answers late; what is never there is missed all the same
AXE = ROOT / "pwa" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass(frozen=True)
class Place:
    """Where a product keeps its files and rows, over its restarts."""

    folder: Path
    database: str | None = None
    """Address of its database; None: a server of its own, as `make run` has by default."""


@dataclass(frozen=True)
class Product:
    """Addresses of a running product."""

    url: str
    sandbox: str
    place: Place

    def login(self, username: str) -> tuple[str, str]:
        """Password and one-time code secret of a demo member of staff, as printed at the start."""
        printed = (self.place.folder / "run.log").read_text()
        line = next(line for line in printed.splitlines() if line.strip().startswith(username))
        _, password, secret, *_ = line.split()
        return password, secret

    def bill(self, number: int) -> tuple[str, str]:
        """Payment code and payer's name of one of the demo bills printed at the start."""
        found = re.findall(r"^ +(3502\d{16}) +(\S+)", (self.place.folder / "run.log").read_text(), re.MULTILINE)
        code, payer = found[number % len(found)]
        return code, payer

    def messages(self, person: str) -> list[dict[str, Any]]:
        """What arrived at this demo person's phone, newest first."""
        answer = requests.get(f"{self.sandbox}/phone/api/messages", params={"person": person}, timeout=5)
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def told(self, person: str, words: str) -> dict[str, Any]:
        """The newest message at this person's phone with these words, however digits are grouped; waited for."""
        for _ in range(MESSAGE_SECONDS * 4):
            for one in self.messages(person):
                if words in str(one).replace(" ", ""):
                    return one
            time.sleep(0.25)
        raise AssertionError(f"no message to {person} says {words}")


@contextmanager
def running_product(place: Place, **settings: str) -> Iterator[Product]:
    """Start it as `make run` does; stop it as Ctrl-C does, and insist that every process is gone."""
    # The simulated virus scanner has the port after the sandbox's.
    port = free_port(3)
    sandbox = port + 1
    own = {"PORT": str(port), "SANDBOX_PORT": str(sandbox), "VAR_DIR": str(place.folder)}
    environ = {**os.environ, **own, **settings}
    environ.pop("DATABASE_URL", None)
    if place.database:
        environ["DATABASE_URL"] = place.database
    output = place.folder / "run.log"
    with output.open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "run"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    try:
        _wait(running, place.folder)
        yield Product(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox}", place)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(40)
    for address in (port, sandbox):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", address)) != 0, "a process outlived the run"


NewPlace = Callable[..., Place]


@pytest.fixture(scope="session")
def seeded(server: postgres.Embedded, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with halls, items and the slots from today on, from which products copy."""
    name = f"seeded_{os.getpid()}"
    server.create(name, template=template)
    made = development.environment(tmp_path_factory.mktemp("seeded"), server.url(name), 8000, 8001)
    subprocess.run([sys.executable, "-m", "backend.cli", "seed"], cwd=ROOT, env=made, check=True, capture_output=True)
    yield name
    server.drop(name)


@pytest.fixture(scope="session")
def new_place(server: postgres.Embedded, seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewPlace]:
    """Make a place on the tests' server, its database copied from this one: such a product starts in half the time."""
    made: list[str] = []

    def make(template: str = seeded) -> Place:
        made.append(f"product_{uuid4().hex[:12]}")
        server.create(made[-1], template=template)
        return Place(tmp_path_factory.mktemp("run"), server.url(made[-1]))

    yield make
    for name in made:
        server.drop(name)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product on today's clock, started once."""
    with running_product(Place(tmp_path_factory.mktemp("run"))) as started:
        yield started


def _wait(running: "subprocess.Popen[bytes]", folder: Path) -> None:
    output = folder / "run.log"
    for _ in range(START_SECONDS * 5):
        if "\nready" in output.read_text():
            return
        try:
            running.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        break
    ends = [f"{log.name}: {log.read_text()[-2000:]}" for log in (folder / "log").glob("*.log")]
    raise AssertionError("\n".join([output.read_text(), *ends]))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One driver for every browser of the run."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all phones."""
    opened = playwright.chromium.launch(executable_path=program(), args=FLAGS)
    yield opened
    opened.close()


Phone = Callable[..., Page]


@pytest.fixture
def phone(browser: Browser, product: Product) -> Iterator[Phone]:
    """Make a phone: a page of its own with nothing remembered. Script errors fail the test."""
    contexts: list[BrowserContext] = []
    crashes: list[str] = []

    def make(width: int = 390, height: int = 844, locale: str = "zh-CN") -> Page:
        context = browser.new_context(
            base_url=product.url,
            viewport={"width": width, "height": height},
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
            locale=locale,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: crashes.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert crashes == []


def look_until(page: Page, path: str, shown: Locator) -> None:
    """Open a page anew until it shows what was just published: a phone may keep a public answer for a minute."""
    until = time.monotonic() + KEPT_SECONDS
    while time.monotonic() < until:
        page.goto(path)
        with suppress(AssertionError):
            expect(shown).to_be_visible(timeout=LOOK_MS)
            return
    expect(shown).to_be_visible()


def violations(page: Page) -> list[str]:
    """What axe finds on this page, as rule ids."""
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate("() => axe.run(document).then(found => found.violations.map(one => one.id))")
    return found


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots go, to be looked at."""
    folder = ROOT / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
