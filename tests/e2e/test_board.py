"""Numbers as citizens see them: taken by phone, followed on the ticket page and the hall's screen, rated once."""

import re
import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from backend.core.clock import SHANGHAI
from backend.identity.staff import STEP_S, totp
from backend.seed import data
from tests.e2e.conftest import NewPlace, Product, running_product, violations
from tests.e2e.journeys import log_in_through_wechat, show

START = time(10, 0)
QUEUE = "exit-entry"
WINDOW = 3
SPOKEN = """
window.said = []
window.speechSynthesis.speak = (words) => said.push(words.text)
"""


def _next_workday() -> date:
    year_of = data.read("calendar.toml")
    day = datetime.now(SHANGHAI).date()
    while True:
        day += timedelta(days=1)
        holidays = [one for days in year_of[str(day.year)]["holidays"].values() for one in days]
        if day.isoweekday() <= 5 and day not in holidays:
            return day


@pytest.fixture(scope="module")
def offset() -> timedelta:
    start = datetime.combine(_next_workday(), START, SHANGHAI)
    return timedelta(seconds=int((start - datetime.now(UTC)).total_seconds()))


@pytest.fixture(scope="module")
def morning(new_place: NewPlace, offset: timedelta) -> Iterator[Product]:
    """A product whose clock says ten on a workday."""
    settings = {"CLOCK_OFFSET_S": str(int(offset.total_seconds()))}
    with running_product(new_place(), **settings) as product:
        yield product


class Clerk:
    """A member of staff behind the API, at one window."""

    def __init__(self, product: Product, offset: timedelta) -> None:
        self.url, self.http = f"{product.url}/api/v1", requests.Session()
        self.keys = 0
        password, secret = product.login("lead.xm")
        code = totp(secret, int((datetime.now(UTC) + offset).timestamp()) // STEP_S)
        self.http.headers["X-CSRF-Token"] = self.http.get(f"{self.url}/session", timeout=10).json()["csrf_token"] or ""
        signed_in = self.do("POST", "/staff/session", {"username": "lead.xm", "password": password, "totp": code})
        self.http.headers["X-CSRF-Token"] = signed_in["csrf_token"]
        # The cookie is marked Secure, which only browsers send to this machine without TLS.
        self.http.headers["Cookie"] = "; ".join(f"{one.name}={one.value}" for one in self.http.cookies)
        self.do("PUT", "/staff/window", {"window": WINDOW, "categories": [QUEUE]})

    def do(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self.keys += 1
        key = {"Idempotency-Key": f"clerk-{self.keys:08d}-0000-0000"}
        answer = self.http.request(method, self.url + path, json=body, headers=key, timeout=20)
        assert answer.ok, (path, answer.text)
        return answer.json() if answer.content else None

    def step(self, what: str) -> Any:
        return self.do("POST", f"/staff/window/{what}", {})["current"]

    def call(self, number: str) -> None:
        """Call until this number is the one, finishing those before it."""
        while self.step("next")["number"] != number:
            self.step("answer")
            self.step("finish")

    def place(self) -> str:
        code: str = self.do("GET", "/staff/place-code")["code"]
        return code


@pytest.fixture(scope="module")
def clerk(morning: Product, offset: timedelta) -> Clerk:
    return Clerk(morning, offset)


@pytest.fixture
def open_page(browser: Browser, morning: Product) -> Iterator[Any]:
    contexts: list[BrowserContext] = []
    crashes: list[str] = []

    def make(width: int, height: int) -> Page:
        context = browser.new_context(base_url=morning.url, viewport={"width": width, "height": height}, locale="zh-CN")
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: crashes.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert crashes == []


def look(page: Page, shots: Path, name: str) -> None:
    """Accessible and no wider than the screen."""
    page.screenshot(path=shots / f"{name}.png")
    assert violations(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


def take_number(page: Page, clerk: Clerk, person: str) -> str:
    """Take a number as this person and return it; the page shows the ticket."""
    log_in_through_wechat(page, person, "/me")
    page.goto(f"/halls/XM/take?place={clerk.place()}&queue={QUEUE}")
    page.get_by_role("button", name="取号").click()
    page.wait_for_url("**/tickets/*")
    number = page.locator(".slip .number")
    expect(number).to_have_text(re.compile(r"^[A-Z]\d{3}$"))
    return number.inner_text()


def test_a_number_by_phone_followed_to_the_rating(open_page: Any, clerk: Clerk, shots: Path) -> None:
    page = open_page(360, 640)
    page.goto(f"/halls/XM/take?place={clerk.place()}")
    page.locator(f"#queue-{QUEUE}").check()
    page.locator("fieldset.list input").first.check()
    look(page, shots, "take")
    login = page.get_by_role("link", name="登录后取号")
    expect(login).to_have_attribute("href", re.compile(r"return_to=.*place.*queue.*items"))
    number = take_number(page, clerk, "chen")
    expect(page.locator(".slip .ahead")).to_have_text("下一个就是你")
    expect(page.locator(".slip")).to_contain_text("分钟")
    look(page, shots, "ticket-waiting")
    clerk.call(number)
    called = page.locator(".slip.called")
    expect(called).to_contain_text(f"现在去 {WINDOW} 号窗口")
    page.wait_for_function("() => document.title.startsWith('叫到你了')")
    look(page, shots, "ticket-called")
    clerk.step("pass")
    page.get_by_role("button", name="我回来了").wait_for()
    look(page, shots, "ticket-passed")
    page.get_by_role("button", name="我回来了").click()
    expect(page.locator(".slip.waiting")).to_contain_text("已重新排上")
    clerk.call(number)
    clerk.step("answer")
    expect(page.locator(".slip.serving")).to_contain_text("正在办理")
    look(page, shots, "ticket-serving")
    clerk.step("park")
    expect(page.locator(".slip.parked")).to_be_visible()
    look(page, shots, "ticket-parked")
    page.context.set_offline(True)
    expect(page.get_by_text("连接断了，正在重连")).to_be_visible()
    look(page, shots, "ticket-lost")
    page.context.set_offline(False)


def test_waiting_no_longer_asks_first(open_page: Any, clerk: Clerk, shots: Path) -> None:
    page = open_page(360, 640)
    take_number(page, clerk, "lin")
    show(page, language="zh", elder=True)
    page.get_by_role("button", name="不等了").click()
    look(page, shots, "ticket-sure")
    page.get_by_role("button", name="退号").click()
    expect(page.locator(".slip.cancelled")).to_contain_text("已退号")
    look(page, shots, "ticket-cancelled-elder")


def test_a_visit_is_rated_once_and_supplemented_once(open_page: Any, clerk: Clerk, shots: Path) -> None:
    page = open_page(360, 640)
    number = take_number(page, clerk, "huang")
    clerk.call(number)
    clerk.step("answer")
    clerk.step("finish")
    send = page.get_by_role("button", name="提交评价")
    send.click()
    expect(page.get_by_role("alert")).to_contain_text("先选一个评价")
    look(page, shots, "rate-wrong")
    other = page.context.new_page()
    other.goto(page.url)
    for one in (page, other):
        one.get_by_label("非常满意", exact=True).check()
    send.click()
    expect(page.get_by_text("谢谢你的评价")).to_be_visible()
    other.get_by_role("button", name="提交评价").click()
    expect(other.get_by_text("你已经评过了")).to_be_visible()
    page.get_by_label(re.compile("再补充几句")).fill("窗口的人很耐心")
    page.get_by_role("button", name="提交补充").click()
    expect(page.get_by_text("补充：窗口的人很耐心")).to_be_visible()
    expect(page.get_by_role("button", name="提交补充")).to_have_count(0)
    look(page, shots, "rate-thanks")


def test_a_number_is_refused_outside_the_hall_in_plain_words(open_page: Any, clerk: Clerk, shots: Path) -> None:
    page = open_page(360, 640)
    log_in_through_wechat(page, "wu", "/me")
    page.goto(f"/halls/XM/take?place=wrong&queue={QUEUE}")
    page.get_by_role("button", name="取号").click()
    expect(page.get_by_role("alert")).to_contain_text("请到大厅扫屏幕上的二维码取号")
    look(page, shots, "take-refused")


def test_the_board_shows_and_says_a_call_and_tells_when_it_is_cut_off(
    open_page: Any, clerk: Clerk, shots: Path
) -> None:
    board = open_page(1920, 1080)
    board.add_init_script(SPOKEN)
    board.goto("/screen/XM")
    board.get_by_role("button", name="开始播报").click()
    window = board.context.new_page()
    window.goto(f"/screen/XM/window/{WINDOW}")
    number = take_number(open_page(360, 640), clerk, "wang")
    expect(board.locator(".side .line")).to_contain_text(number)
    clerk.call(number)
    called = clock.monotonic()
    expect(board.locator("tr.newest td").first).to_contain_text(number)
    assert clock.monotonic() - called <= 2 + 1.5, "two seconds between questions, one of the kept picture"
    expect(window.locator(".window.called .number")).to_have_text(number)
    board.wait_for_timeout(5000)
    said = board.evaluate("said")
    assert said.count(f"Number {' '.join(number)}, please go to window {WINDOW}") == 1, said
    assert said[0].startswith(f"请 {number[0]} "), said
    assert len(said) == 2, said
    digits = board.locator("td.digits").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert digits >= 0.08 * 1080
    look(board, shots, "board")
    look(window, shots, "window")
    clerk.step("answer")
    expect(window.locator(".window.serving")).to_be_visible()
    clerk.step("finish")
    expect(window.locator(".window.free")).to_be_visible()
    clerk.do("PUT", "/staff/window/pause", {"paused": True})
    expect(window.locator(".window.paused")).to_be_visible()
    clerk.do("PUT", "/staff/window/pause", {"paused": False})
    board.context.set_offline(True)
    expect(board.get_by_text("连接断了，正在重连")).to_be_visible()
    look(board, shots, "board-lost")
    board.context.set_offline(False)
    expect(board.get_by_text("连接断了，正在重连")).to_have_count(0)


def test_the_hall_page_shows_its_queues(open_page: Any, clerk: Clerk, shots: Path) -> None:
    page = open_page(430, 932)
    page.goto("/halls/XM")
    expect(page.get_by_text(re.compile("1 个窗口在办"))).to_be_visible()
    expect(page.get_by_text("今天平均等多久")).to_be_visible()
    page.locator("summary").first.click()
    expect(page.get_by_text("接下来几小时")).to_be_visible()
    look(page, shots, "hall-queues")
