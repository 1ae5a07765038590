"""Take pictures of a running product: those of the README, and with --all DIR every citizen page.

Run as `python -m scripts.screenshots --url http://127.0.0.1:8000 [--all DIR]`.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import program
from tests.e2e.conftest import FLAGS
from tests.e2e.journeys import ITEM, choose_time, log_in_through_wechat, show

IMAGES = Path(__file__).parent.parent / "docs" / "images"
LARGEST_BYTES = 60 * 1024
PERSON = "wu"
SMALL, LARGE = (360, 640), (430, 932)
MODES = {
    "small": (SMALL, "zh", False),
    "large": (LARGE, "zh", False),
    "elder": (SMALL, "zh", True),
    "english": (SMALL, "en", False),
}
PAGES = [
    "/",
    "/search?q=hz",
    "/search?q=zzzzzz",
    f"/items/{ITEM}",
    f"/book/{ITEM}/hall",
    f"/book/{ITEM}/items",
    f"/book/{ITEM}/people",
    "/appointments",
    "/appointments?scope=past",
    "/inbox",
    "/me",
    "/me/conduct",
    "/me/family",
    "/me/notices",
    "/lists",
    "/lists/on-the-spot",
    "/halls",
    "/halls/XM",
    "/halls/XM/take",
    "/sites",
    "/help",
    "/no-such-page",
]


@contextmanager
def phone(
    browser: Browser, url: str, size: tuple[int, int], language: str, *, elder: bool, scale: float
) -> Iterator[Page]:
    """A logged-in phone of this size; whatever it booked is cancelled at the end."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        is_mobile=True,
        has_touch=True,
        locale="zh-CN",
        service_workers="block",
    )
    page = context.new_page()
    log_in_through_wechat(page, PERSON, "/me")
    show(page, language=language, elder=elder)
    yield page
    page.goto("/appointments")
    page.wait_for_load_state("networkidle")
    for address in [link.get_attribute("href") for link in page.locator("main a.visit").all()]:
        page.goto(f"{address}/cancel")
        page.locator("main .button.danger").click()
        page.get_by_role("alertdialog").get_by_role("button").first.click()
        page.locator(".notice.success").wait_for()
    context.close()


def settle(page: Page) -> None:
    """Wait until everything is there."""
    page.wait_for_load_state("networkidle")
    page.locator("main .bone").first.wait_for(state="detached")


def picture(page: Page, name: str) -> None:
    """A JPEG of what is on screen, as good as the size allows."""
    settle(page)
    for quality in (80, 65, 50, 35):
        image = page.screenshot(type="jpeg", quality=quality)
        if len(image) <= LARGEST_BYTES:
            break
    else:
        sys.exit(f"{name} is larger than {LARGEST_BYTES} bytes")
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / f"{name}.jpg").write_bytes(image)


def for_the_readme(browser: Browser, url: str) -> None:
    """Home, an item, the times, the check, the pass; then elder mode and English."""
    with phone(browser, url, (390, 780), "zh", elder=False, scale=1.5) as page:
        page.goto(f"/items/{ITEM}")
        picture(page, "item")
        page.goto(f"/book/{ITEM}/hall")
        choose_time(page, day=1)
        page.goto(f"/book/{ITEM}/time")
        picture(page, "times")
        page.goto(f"/book/{ITEM}/who")
        page.locator("form button[type=submit]").click()
        page.get_by_role("timer").wait_for()
        picture(page, "check")
        page.locator("main > .button.primary").click()
        page.wait_for_url("**/done")
        page.goto(page.url.removesuffix("/done"))
        page.locator("svg.qr").wait_for()
        picture(page, "pass")
        page.goto("/")
        picture(page, "home")
    for name, path, language, elder in (("elder", "/", "zh", True), ("english", f"/items/{ITEM}", "en", False)):
        with phone(browser, url, (390, 780), language, elder=elder, scale=1.5) as page:
            page.goto(path)
            picture(page, name)


def every_page(browser: Browser, url: str, folder: Path) -> None:
    """Full-length PNGs of every page and booking step in every mode."""
    folder.mkdir(parents=True, exist_ok=True)
    for mode, (size, language, elder) in MODES.items():
        with phone(browser, url, size, language, elder=elder, scale=2) as page:

            def shoot(name: str, page: Page = page, mode: str = mode) -> None:
                settle(page)
                page.screenshot(path=folder / f"{mode}-{name}.png", full_page=True)

            page.goto(f"/book/{ITEM}/hall")
            choose_time(page, day=1)
            for step in ("date", "time", "who"):
                page.goto(f"/book/{ITEM}/{step}")
                shoot(step)
            page.locator("form button[type=submit]").click()
            page.get_by_role("timer").wait_for()
            shoot("check")
            page.locator("main > .button.primary").click()
            page.wait_for_url("**/done")
            visit = page.url.removesuffix("/done")
            for name in ("done", "", "reschedule", "cancel"):
                page.goto(f"{visit}/{name}".rstrip("/"))
                shoot(name or "pass")
            for path in PAGES:
                page.goto(path)
                shoot(re.sub("[^a-z0-9]+", "-", path.lower()).strip("-") or "home")


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--all", type=Path, metavar="DIR", dest="folder")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        if options.folder:
            every_page(browser, options.url, options.folder)
        else:
            for_the_readme(browser, options.url)
        browser.close()


if __name__ == "__main__":
    main()
