"""Every citizen page on a mid-range phone, by Lighthouse, on a product as `make run` starts it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from backend import postgres
from scripts.browser import program
from tests.bench import report
from tests.bench.clients import Failed
from tests.bench.site import ROOT, Site
from tests.e2e import story
from tests.e2e.conftest import FLAGS, Place, Product, running_product
from tests.e2e.journeys import ITEM, find_bill, log_in_through_wechat

RUNS = 3
TARGETS = {"performance": 85, "accessibility": 100, "best_practices": 100}
FILED = "social-card-apply"
FILER, MAILER = "wu", "zhang"
"""Demo people: one has cases and drafts, the other has letters on their way."""
STEPS = ("items", "people", "hall", "date", "time")
ANYBODY = (
    *("/", "/search?q=hz", f"/items/{ITEM}", *(f"/book/{ITEM}/{step}" for step in STEPS), "/lists", "/standards"),
    *("/halls", "/halls/XM", "/sites", "/privacy", "/help", "/login"),
)
OF_FILER = (
    *("/halls/XM/take", "/appointments", "/bills", "/bills/find", "/cases", f"/items/{FILED}/file", "/inbox", "/me"),
    *("/me/conduct", "/me/family", "/me/notices", "/me/data", "/me/close", "/me/filing-code"),
)
OF_MAILER = ("/shipments", "/shipments/new", "/me/addresses", "/me/addresses/new")
FIGURES = ("performance", "accessibility", "best_practices", "fcp_ms", "lcp_ms", "tbt_ms", "cls")


def run(_: Site) -> bool:
    """Measure, print and write; False when a page misses a target. A page that leads elsewhere is a failure."""
    with _product() as product, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program(), args=FLAGS)
        own = {FILER: [*OF_FILER, *_made_by_filer(product, browser.new_page(base_url=product.url, has_touch=True))]}
        own[MAILER] = [*OF_MAILER, *_of_mailer(browser.new_page(base_url=product.url, has_touch=True))]
        browser.close()
        measured = _measure(product, None, ANYBODY)
        for person, paths in own.items():
            measured += _measure(product, person, paths)
    missed = [_short(one["path"]) for one in measured if any(one[name] < least for name, least in TARGETS.items())]
    report.write("pages", {"targets": TARGETS, "runs": RUNS, "pages": measured, "missed": missed})
    print(f"Citizen pages: {len(measured)}, medians of {RUNS}; missed: {', '.join(missed) or 'none'}")
    print(f"  {'':32}" + "".join(f"{name.removesuffix('_ms'):>15}" for name in FIGURES))
    for one in measured:
        print(f"  {_short(one['path']):32}" + "".join(f"{one[name]:>15}" for name in FIGURES))
    return not missed


@contextmanager
def _product() -> Iterator[Product]:
    """A product of its own, with nobody's visits in it yet."""
    with TemporaryDirectory() as folder:
        try:
            with running_product(Place(Path(folder))) as product:
                yield product
        finally:
            shutil.rmtree(postgres.data_folder(Path(folder)).parent, ignore_errors=True)


def _made_by_filer(product: Product, page: Page) -> Iterator[str]:
    """Their visit, a bill in their hands, an application and a case."""
    log_in_through_wechat(page, FILER, "/me")
    visit, _ = story.book(page, ITEM)
    code, payer = product.bill(0)
    find_bill(page, code, payer)
    yield urlsplit(page.url).path
    yield from (f"{visit}{step}" for step in ("", "/reschedule", "/cancel"))
    draft, case = _first(page, "applications"), _first(page, "cases")
    yield from (f"/applications/{draft}{step}" for step in ("", "/materials"))
    yield from (f"/cases/{case}{step}" for step in ("", "/messages"))


def _of_mailer(page: Page) -> Iterator[str]:
    log_in_through_wechat(page, MAILER, "/me")
    yield f"/shipments/{_first(page, 'shipments')}"


def _short(path: str) -> str:
    return re.sub("[0-9a-f-]{36}", ":id", path)


def _first(page: Page, what: str) -> str:
    found = page.request.get(f"/api/v1/{what}").json()[what]
    if not found:
        raise Failed(f"the demo has no {what}")
    return str(found[0]["id"])


def _measure(product: Product, person: str | None, paths: tuple[str, ...] | list[str]) -> list[dict[str, Any]]:
    node = subprocess.check_output([sys.executable, "scripts/node.py"], cwd=ROOT, text=True)
    out = product.place.folder / "pages.json"
    command = [f"{node}/node", "scripts/lighthouse.mjs", "--url", product.url, "--out", str(out), "--runs", str(RUNS)]
    command += [word for path in paths for word in ("--page", path)] + (["--person", person] if person else [])
    environ = {**os.environ, "CHROMIUM": program()}
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
    measured: list[dict[str, Any]] = json.loads(out.read_text())["pages"]
    elsewhere = [one["path"] for one in measured if one["final_path"] != urlsplit(one["path"]).path]
    if elsewhere:
        raise Failed(f"these lead elsewhere: {elsewhere}")
    return measured
