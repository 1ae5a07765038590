"""Pictures of a hall at work for the README, from a product of their own that plays an early afternoon.

Run as `python -m scripts.hall_pictures`.
"""

import re
import shutil
import tempfile
from datetime import time
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from backend.core.clock import SHANGHAI
from scripts.browser import program
from scripts.screenshots import picture
from tests.e2e.camera import Matrix, film, shown_code
from tests.e2e.conftest import FLAGS, Place, running_product
from tests.e2e.journeys import book_afternoon, until_next_workday
from tests.e2e.machines import open_until_the_start
from tests.e2e.morning import Morning, ask

START = time(13, 35)
WIDE, PHONE = (1366, 768), (390, 780)
QUEUES = {"exit-entry": 7, "business": 5, "social-security": 4}
"""Numbers given at the desk."""
CALLS = 3
CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


def main() -> None:
    """Let a short afternoon pass and take the pictures."""
    ahead = until_next_workday(START)
    settings = {"CLOCK_OFFSET_S": str(int(ahead.total_seconds()))}
    folder = Path(tempfile.mkdtemp(prefix="pictures-"))
    try:
        with running_product(Place(folder), **settings) as product, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
            _afternoon(playwright, browser, Morning(product, ahead), folder)
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _afternoon(playwright: Playwright, browser: Browser, day: Morning, folder: Path) -> None:
    lead = day.staff(browser, "lead.xm", *WIDE, device_scale_factor=0.75)
    open_until_the_start(lead)
    desk = day.staff(browser, "gate.xm")
    desk.goto("/staff/desk")
    for category, count in QUEUES.items():
        for _ in range(count):
            ask(desk, "POST", "/staff/tickets", {"category": category, "id_number": None, "phone": None})
    for username, place, queue in (("lead.xm", 1, "商事登记"), ("window.xm", 0, "出入境")):
        window = day.staff(browser, username, *PHONE, device_scale_factor=1.5)
        _call(window, place, queue)
    picture(window, "window")
    _scan(playwright, day, _booked_code(browser, day), folder)
    board = browser.new_context(
        base_url=day.product.url, viewport={"width": WIDE[0], "height": WIDE[1]}, device_scale_factor=0.75
    ).new_page()
    for page, path, name in ((board, "/screen/XM", "board"), (lead, "/staff/live", "live")):
        page.goto(path)
        page.locator("table").first.wait_for()
        picture(page, name)


def _call(window: Page, place: int, queue: str) -> None:
    """Sit down for one queue, serve a few people, and call one more."""
    window.goto("/staff/window")
    window.get_by_role("radio").nth(place).check(force=True)
    for box in window.get_by_role("checkbox").all():
        name = box.locator("xpath=..").inner_text()
        box.evaluate("(box, wanted) => { if (box.checked !== wanted) box.click() }", queue in name)
    window.get_by_role("button", name=re.compile("^上 .* 号窗口")).click()
    for served in range(CALLS):
        window.get_by_text("窗口空着").wait_for()
        window.keyboard.press("n")
        window.locator(".now .number").wait_for()
        if served < CALLS - 1:
            window.keyboard.press("a")
            window.get_by_text("正在办").wait_for()
            window.keyboard.press("f")
            window.get_by_role("button", name="确认办结").click()


def _booked_code(browser: Browser, day: Morning) -> Matrix:
    """The entrance code of somebody who is booked for this afternoon."""
    page = browser.new_context(
        base_url=day.product.url, viewport={"width": 390, "height": 844}, locale="zh-CN"
    ).new_page()
    book_afternoon(page, "wu", day.now().astimezone(SHANGHAI).date())
    page.goto(page.url.removesuffix("/done"))
    code = page.locator("svg.qr")
    code.wait_for()
    return shown_code(code)


def _scan(playwright: Playwright, day: Morning, code: Matrix, folder: Path) -> None:
    seen = film(folder / "camera.y4m", code)
    flags = [*FLAGS, *CAMERA, f"--use-file-for-fake-video-capture={seen}"]
    browser = playwright.chromium.launch(executable_path=program(), args=flags)
    page = day.staff(browser, "gate.xm", *PHONE, device_scale_factor=1.5)
    page.goto("/staff/scan")
    expect(page.get_by_label("核对结果")).to_be_visible(timeout=30_000)
    picture(page, "scan")
    browser.close()


if __name__ == "__main__":
    main()
