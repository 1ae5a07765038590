"""A short day in a hall: windows, phones, the reception desk and the board agree with the database at every step.

Numbers are given at the reception desk; those of other devices join at `give`.
"""

import re
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import running_product
from tests.e2e.journeys import log_in_through_wechat, until_next_workday
from tests.e2e.morning import Morning

QUEUE, NAME = "exit-entry", "出入境"
BEHIND_S = 2.0
FINAL = {"done", "passed", "cancelled"}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """A product whose clock says ten on a workday."""
    ahead = until_next_workday(time(10, 0))
    settings = {"CLOCK_OFFSET_S": str(int(ahead.total_seconds()))}
    with running_product(tmp_path_factory.mktemp("day"), **settings) as product:
        yield Morning(product, ahead)


class Hall:
    """The hall's pages, and what the database says through the API of the hall's live picture and of each ticket."""

    def __init__(self, browser: Browser, day: Morning) -> None:
        self.browser, self.day = browser, day
        self.api = f"{day.product.url}/api/v1"
        self.desk = day.staff(browser, "gate.xm")
        self.windows = [day.staff(browser, name) for name in ("window.xm", "lead.xm")]
        self.board = browser.new_context(base_url=day.product.url, viewport={"width": 1920, "height": 1080}).new_page()
        self.links: dict[str, str] = {}
        self.behind: list[float] = []

    def open(self) -> None:
        self.desk.goto("/staff/desk")
        self.desk.get_by_role("button", name=re.compile(NAME)).click()
        self.board.goto("/screen/XM")
        for place, window in enumerate(self.windows):
            window.goto("/staff/window")
            window.get_by_role("radio").nth(place).check(force=True)
            for box in window.get_by_role("checkbox").all():
                box.set_checked(NAME in box.locator("xpath=..").inner_text(), force=True)
            window.get_by_role("button", name=re.compile("^上 .* 号窗口")).click()
            expect(window.get_by_text("窗口空着")).to_be_visible()

    def give(self) -> str:
        """A number at the reception desk."""
        self.desk.get_by_text("不登记").click()
        with self.desk.expect_response("**/staff/tickets") as answered:
            self.desk.get_by_role("button", name="取号", exact=True).click()
        ticket = answered.value.json()
        number: str = ticket["number"]
        self.links[number] = ticket["link"]
        expect(self.desk.get_by_role("region", name="取号成功").locator(".number")).to_have_text(number)
        self.desk.get_by_role("button", name="下一位").click()
        return number

    def take(self, person: str) -> tuple[Page, str]:
        """A number by phone; the page shows the ticket."""
        page = self.browser.new_context(
            base_url=self.day.product.url, viewport={"width": 360, "height": 640}, locale="zh-CN"
        ).new_page()
        log_in_through_wechat(page, person, "/me")
        place = self.desk.evaluate("fetch('/api/v1/staff/place-code').then(got => got.json())")["code"]
        page.goto(f"/halls/XM/take?place={place}&queue={QUEUE}")
        page.get_by_role("button", name="取号").click()
        page.wait_for_url("**/tickets/*")
        number = page.locator(".slip .number")
        expect(number).to_have_text(re.compile(r"^[A-Z]\d{3}$"))
        self.links[number.inner_text()] = page.url.rsplit("/", 1)[1]
        return page, number.inner_text()

    def state(self, number: str) -> str:
        found: str = requests.get(f"{self.api}/tickets/{self.links[number]}", timeout=10).json()["state"]
        return found

    def picture(self) -> Any:
        return requests.get(f"{self.api}/halls/XM/queue", timeout=10).json()

    def call(self, window: Page) -> str:
        """Call the next; the board shows it at most two seconds after the server called."""
        with window.expect_response("**/staff/window/next") as answered:
            window.keyboard.press("n")
        number: str = answered.value.json()["current"]["number"]
        expect(self.board.locator("tr.newest td").first).to_contain_text(number, timeout=5000)
        shown = self.day.now()
        expect(window.locator(".now .number")).to_have_text(number)
        self.board.wait_for_timeout(1000)
        newest = self.picture()["calls"][0]
        assert newest["number"] == number
        self.behind.append((shown - datetime.fromisoformat(newest["at"])).total_seconds())
        assert self.state(number) == "called"
        return number

    def serve(self, window: Page, number: str) -> None:
        window.keyboard.press("a")
        expect(window.get_by_text("正在办")).to_be_visible()
        assert self.state(number) == "serving"
        window.keyboard.press("f")
        window.get_by_role("button", name="确认办结").click()
        expect(window.get_by_text("窗口空着")).to_be_visible()
        assert self.state(number) == "done"


def test_everybody_is_served_passed_or_told(browser: Browser, day: Morning) -> None:
    hall = Hall(browser, day)
    hall.open()
    first, number = hall.take("chen")
    leaving, gone = hall.take("lin")
    others = [hall.give() for _ in range(4)]
    line = next(queue["line"] for queue in hall.picture()["queues"] if queue["code"] == QUEUE)
    assert set(line) <= {number, gone, *others}
    expect(hall.board.locator(".side .line").first).to_contain_text(number)

    assert hall.call(hall.windows[0]) == number
    expect(first.locator(".slip.called")).to_be_visible(timeout=5000)
    hall.serve(hall.windows[0], number)
    expect(first.locator(".slip.done, .slip")).to_contain_text(number)

    leaving.get_by_role("button", name="不等了").click()
    leaving.get_by_role("button", name="退号").click()
    expect(leaving.locator(".slip.cancelled")).to_be_visible()
    assert hall.state(gone) == "cancelled"

    absent = hall.call(hall.windows[1])
    hall.windows[1].keyboard.press("m")
    expect(hall.windows[1].get_by_role("region", name="过号的")).to_contain_text(absent)
    assert hall.state(absent) == "passed"

    for place in range(len(others) - 1):
        window = hall.windows[place % 2]
        hall.serve(window, hall.call(window))
    assert {hall.state(one) for one in hall.links} <= FINAL
    assert max(hall.behind) <= BEHIND_S, hall.behind
